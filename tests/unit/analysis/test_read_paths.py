"""Read paths side by side: the choice of figures, scenarios and baseline."""

from dataclasses import replace

import pytest

from bench.analysis.frame import frame_of
from bench.analysis.side_by_side import matrices
from tests.unit.analysis.synthetic import SCENARIO, Arm

STEADY = replace(SCENARIO, name="steady", rate_rps=20.0)
FULL = replace(SCENARIO, name="capacity", rate_rps=None)
SERVERS = ("direct", "ttl", "informer", "none")
ARMS = {"ttl": Arm(0.2, 5.0, 60.0, bytes_per_read=80_000, stale_ms=900.0)}


@pytest.fixture
def run(made):
    return made(servers=SERVERS, scenarios=(FULL, STEADY), arms=ARMS)


@pytest.fixture
def matrix(run):
    (table,) = run[1].read_paths
    return table


def entry(matrix, server, metric):
    path = next(path for path in matrix.paths if path.server == server)
    return next((figure for figure in path.figures if figure.metric == metric), None)


def test_every_server_is_a_row_and_the_floor_is_none(matrix):
    assert ["direct", "informer", "ttl"] == [path.server for path in matrix.paths]


def test_requests_are_of_the_fixed_rate_throughput_and_cpu_are_of_full_speed(matrix):
    assert ("steady", "capacity") == matrix.scenarios
    assert 1000 / 5.0 * 8 == pytest.approx(entry(matrix, "ttl", "throughput").value, rel=0.01)
    assert 200 == pytest.approx(entry(matrix, "ttl", "api_requests").value, rel=0.01)
    keys = ("api_requests", "throughput", "control_plane_cpu")
    assert ["steady", "capacity", "capacity"] == [
        entry(matrix, "ttl", key).scenario for key in keys
    ]


def test_a_figure_is_held_against_direct_with_an_interval(matrix):
    cost = entry(matrix, "ttl", "control_plane_cpu").times
    assert cost.low < cost.value < cost.high
    at_full_speed = (60.0 / (8 / 0.005)) / (300.0 / (8 / 0.040))
    assert at_full_speed == pytest.approx(cost.value, rel=0.2)
    assert 0.2 == pytest.approx(entry(matrix, "ttl", "api_requests").times.value, rel=0.01)


def test_the_baseline_is_not_held_against_itself(matrix):
    assert "direct" == matrix.baseline
    assert entry(matrix, "direct", "p50").times is None


def test_no_request_at_all_is_at_most_what_the_exact_bound_says(matrix):
    none = entry(matrix, "informer", "api_requests").times
    assert (0.0, 0.0) == (none.value, none.low)
    assert 0 < none.high < 0.05


def test_the_usual_three_alone_make_no_matrix(made):
    assert () == made()[1].read_paths


def test_scenarios_of_another_cluster_make_a_matrix_of_their_own(run):
    data, analysis = run
    larger = [
        replace(scenario, scenario=replace(scenario.scenario, pods=500))
        for scenario in analysis.scenarios
    ]
    assert 2 == len(matrices(frame_of(data.data), [*analysis.scenarios, *larger], {}))


def test_without_full_speed_there_is_no_throughput_and_the_rest_stays(run):
    data, analysis = run
    steady = [scenario for scenario in analysis.scenarios if scenario.scenario.is_open]
    (matrix,) = matrices(frame_of(data.data), steady, {})
    assert ("steady",) == matrix.scenarios
    assert entry(matrix, "ttl", "throughput") is None
    assert "steady" == entry(matrix, "ttl", "control_plane_cpu").scenario


def test_the_contract_is_what_the_record_says_and_unknown_where_it_does_not(run):
    data, analysis = run
    (matrix,) = matrices(frame_of(data.data), analysis.scenarios, {"ttl": "bytes"})
    assert {"direct": None, "informer": None, "ttl": "bytes"} == {
        path.server: path.contract for path in matrix.paths
    }
