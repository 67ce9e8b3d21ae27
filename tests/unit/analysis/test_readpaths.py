"""The read paths side by side: which figures, from which scenario, against which server."""

from dataclasses import replace

import pytest

from bench.analysis import analyse
from bench.analysis.readpaths import matrices
from bench.store import Store
from tests.unit.analysis.synthetic import SCENARIO, Arm, write_run

STEADY = replace(SCENARIO, name="steady", rate_rps=20.0)
FULL = replace(SCENARIO, name="capacity", rate_rps=None)
SERVERS = ("direct", "ttl", "informer", "none")
ARMS = {"ttl": Arm(0.2, 5.0, 60.0, bytes_per_read=80_000, stale_ms=900.0)}


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("runs"))
    return analyse(write_run(store, servers=SERVERS, scenarios=(FULL, STEADY), arms=ARMS))


@pytest.fixture
def matrix(analysis):
    (found,) = analysis.matrices
    return found


def entry(matrix, server, key):
    return next(path for path in matrix.paths if path.server == server).entries[key]


def test_every_server_is_a_row_and_the_floor_is_none(matrix):
    assert ["direct", "informer", "ttl"] == [path.server for path in matrix.paths]


def test_requests_are_of_the_fixed_rate_throughput_and_cpu_are_of_full_speed(matrix):
    assert ("steady", "capacity") == (matrix.open_scenario.name, matrix.closed_scenario.name)
    assert 1000 / 5.0 * 8 == pytest.approx(
        entry(matrix, "ttl", "throughput").figure.interval.value, rel=0.01
    )
    assert 200 == pytest.approx(
        entry(matrix, "ttl", "api_requests").figure.interval.value, rel=0.01
    )
    places = {one.key: matrix.scenario_of(one).name for one in matrix.quantities}
    assert ("steady", "capacity", "capacity") == (
        places["api_requests"],
        places["throughput"],
        places["control_plane_cpu"],
    )


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


def test_the_usual_three_alone_make_no_matrix(tmp_path):
    found = analyse(write_run(Store(tmp_path), scenarios=(STEADY,), rounds=2))
    assert () == found.matrices


def test_scenarios_of_another_cluster_make_a_matrix_of_their_own(analysis):
    larger = [replace(one, scenario=replace(one.scenario, pods=500)) for one in analysis.scenarios]
    found = matrices([*analysis.scenarios, *larger], {})
    assert [100, 500] == [one.open_scenario.pods for one in found]


def test_without_full_speed_there_is_no_throughput_and_the_rest_stays(analysis):
    (found,) = matrices([one for one in analysis.scenarios if one.scenario.is_open], {})
    assert found.closed_scenario is None
    keys = [one.key for one in found.quantities]
    assert "throughput" not in keys
    (cpu,) = [one for one in found.quantities if one.key == "control_plane_cpu"]
    assert found.open_scenario == found.scenario_of(cpu)


def test_the_contract_is_what_the_record_says_and_unknown_where_it_does_not(analysis):
    (found,) = matrices(analysis.scenarios, {"ttl": "bytes"})
    assert {"direct": None, "informer": None, "ttl": "bytes"} == {
        path.server: path.contract for path in found.paths
    }
