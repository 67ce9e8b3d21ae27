"""The cost of each further replica, against made-up runs whose truth is known."""

from dataclasses import replace

import pytest

from bench.analysis import RunAnalysis, analyse
from bench.analysis.result import ReplicaGroup
from bench.analysis.side_by_side import replica_groups
from bench.store import Store
from tests.unit.analysis.sweeps import EVENT_BYTES, POD_BYTES, Truth, write_sweep

CELLS = [("steady", 200, 20.0, 12.0)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunAnalysis:
    folder = tmp_path_factory.mktemp("results")
    return analyse(write_sweep(Store(folder), Truth(noise=0.0), cells=CELLS, replicas=(1, 3, 6)))


@pytest.fixture
def group(run: RunAnalysis) -> ReplicaGroup:
    (replicas,) = run.replicas
    return replicas


def slope(group: ReplicaGroup, key: str, arm: str) -> float:
    (cost,) = [cost for cost in group.of(key) if cost.arm == arm]
    assert cost.each is not None
    return cost.each.value


def test_scenarios_that_differ_in_replicas_alone_are_one_group(group: ReplicaGroup) -> None:
    assert (1, 3, 6) == group.replicas
    assert ("direct", "direct-rv0", "informer") == group.arms


def test_each_further_informer_costs_its_events_and_a_watch(group: ReplicaGroup) -> None:
    assert pytest.approx(20 * 0.4) == slope(group, "apiserver_cpu", "informer")
    assert pytest.approx(20 * EVENT_BYTES) == slope(group, "api_bytes", "informer")
    assert pytest.approx(1.0) == slope(group, "open_watches", "informer")
    assert pytest.approx(200 * POD_BYTES) == slope(group, "ready_bytes", "informer")


def test_a_further_replica_that_asks_on_every_read_costs_the_control_plane_nothing(
    group: ReplicaGroup,
) -> None:
    for key in ("apiserver_cpu", "api_bytes", "open_watches"):
        assert pytest.approx(0.0, abs=1e-6) == slope(group, key, "direct")


def test_the_slope_of_a_round_needs_two_numbers_of_replicas(run: RunAnalysis) -> None:
    single = [scenario for scenario in run.scenarios if scenario.scenario.name == "steady-x3"]
    assert () == replica_groups(run.plan, single)


def test_scenarios_that_differ_in_more_are_no_group(run: RunAnalysis) -> None:
    unlike = [
        replace(scenario, scenario=replace(scenario.scenario, pods=scenario.scenario.pods + index))
        for index, scenario in enumerate(run.scenarios)
    ]
    assert () == replica_groups(run.plan, unlike)
