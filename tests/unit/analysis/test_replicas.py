"""What each further replica costs, against made-up runs whose truth is known."""

from dataclasses import replace

import pytest

from bench.analysis.replicas import ReplicaGroup, replica_groups
from bench.analysis.run import analyse
from bench.report.document import to_html
from bench.report.replicas import replica_sections
from bench.store import RunReader, Store
from tests.unit.analysis.sweeps import EVENT_BYTES, POD_BYTES, Truth, write_sweep

CELLS = [("steady", 200, 20.0, 12.0)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunReader:
    folder = tmp_path_factory.mktemp("results")
    return write_sweep(Store(folder), Truth(noise=0.0), cells=CELLS, replicas=(1, 3, 6))


@pytest.fixture(scope="module")
def group(run: RunReader) -> ReplicaGroup:
    analysis = analyse(run)
    (found,) = replica_groups(analysis.record.plan, analysis.facts)
    return found


def each(group: ReplicaGroup, key: str, arm: str) -> float:
    (cost,) = [one for one in group.of(key) if one.arm == arm]
    assert cost.each is not None
    return cost.each.value


def test_scenarios_that_differ_in_replicas_alone_are_one_group(group: ReplicaGroup) -> None:
    assert (1, 3, 6) == group.replicas
    assert ("direct", "direct-rv0", "informer") == group.arms


def test_each_further_informer_costs_its_events_and_a_watch(group: ReplicaGroup) -> None:
    assert pytest.approx(20 * 0.4) == each(group, "apiserver_cpu", "informer")
    assert pytest.approx(20 * EVENT_BYTES) == each(group, "api_bytes", "informer")
    assert pytest.approx(1.0) == each(group, "open_watches", "informer")
    assert pytest.approx(200 * POD_BYTES) == each(group, "ready_bytes", "informer")


def test_a_further_replica_that_asks_on_every_read_costs_the_control_plane_nothing(
    group: ReplicaGroup,
) -> None:
    for key in ("apiserver_cpu", "api_bytes", "open_watches"):
        assert pytest.approx(0.0, abs=1e-6) == each(group, key, "direct")


def test_the_slope_of_a_round_needs_two_numbers_of_replicas(run: RunReader) -> None:
    analysis = analyse(run)
    kept = [one for one in analysis.facts if one.record.trial.scenario == "steady-x3"]
    assert [] == replica_groups(analysis.record.plan, kept)


def test_scenarios_that_differ_in_more_are_no_group(run: RunReader) -> None:
    analysis = analyse(run)
    plan = analysis.record.plan
    unlike = tuple(
        replace(scenario, pods=scenario.pods + place)
        for place, scenario in enumerate(plan.scenarios)
    )
    assert [] == replica_groups(replace(plan, scenarios=unlike), analysis.facts)


def test_the_page_has_a_row_for_each_and_charts_with_their_rows(
    run: RunReader, group: ReplicaGroup
) -> None:
    (section,) = replica_sections([group])
    page = to_html(analyse(run))
    assert ("1 replica", "3 replicas", "6 replicas") == section.headings
    (row,) = [
        row
        for payer in section.payers
        for row in payer.rows
        if row.title == "API-server CPU, ms/s" and row.arm == "informer"
    ]
    assert ["8", "24", "48"] == [cell.value for cell in row.cells]
    assert "+8" == row.each.value
    assert "What does each further replica cost?" in page
    assert section.charts
    for chart in section.charts:
        assert chart.data is not None
        assert 27 == len(chart.data.rows), "three arms, three rounds, three numbers of replicas"
        assert "nan" not in (chart.svg or "nan").lower()
