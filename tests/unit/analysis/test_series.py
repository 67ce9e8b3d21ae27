"""A metric over a plan's steps: rates that are shares of a capacity, processors of the server."""

from dataclasses import replace

import matplotlib as mpl
import pytest

from bench.analysis import analyse
from bench.analysis.result import Axis
from bench.model import CaveatKind, MachineUse, RunState
from bench.report.charts.palette import LIGHT
from bench.report.content import run_document
from bench.report.drawing import figure_of, style
from bench.store import Store
from tests.unit.analysis.synthetic import SCENARIO, Arm, Made, write_trial
from tests.unit.report.said import section, tables, text_of
from tests.unit.store.builders import a_plan, a_run

CLOSED = replace(SCENARIO, name="capacity", rate_rps=None)
WAITS = {0.1: 1.0, 0.5: 1.2, 0.9: 5.0}
"""Share of the capacity -> how many times as long ``direct`` takes; ``informer`` never does."""
SHARES = tuple(replace(CLOSED, name=f"at-{share:g}", capacity_share=share) for share in WAITS)
RATES = (CLOSED, *SHARES)
ALONE = replace(CLOSED, name="one", server_cpus=1)


def a_run_of(
    folder,
    scenarios,
    servers=("direct", "informer"),
    rounds=3,
    slowness=(1.0,),
    waits=WAITS,
    **of_trial,
):
    """A run whose ``direct`` waits longer the nearer it is to its capacity, of 40 reads/s.

    ``slowness`` multiplies all times, round by round.
    """
    plan = a_plan(servers=servers, rounds=rounds, scenarios=scenarios)
    record = a_run(plan=plan, state=RunState.COMPLETE, trials_planned=rounds * len(scenarios))
    made = Made(Store(folder).create(record), record)
    for number in range(rounds):
        for scenario in scenarios:
            for server in plan.arms(scenario):
                share = scenario.capacity_share
                asked = scenario if share is None else replace(scenario, rate_rps=40.0 * share)
                slower = waits.get(share, 1.0) if server == "direct" else 1.0
                slower *= slowness[number % len(slowness)]
                arms = {server: Arm(1.0, 40 * slower, 9.0)}
                write_trial(made, server, number, asked, arms=arms, **of_trial)
    return analyse(Store(folder).open(record.run))


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    return a_run_of(tmp_path_factory.mktemp("rated"), RATES)


def test_each_server_has_its_latency_over_its_own_rates(rated):
    median, p90 = rated.series
    assert (Axis.CAPACITY, "p50", "p90") == (median.axis, median.metric, p90.metric)
    direct, informer = median.arms
    assert [0.1, 0.5, 0.9] == [step.place for step in direct.steps]
    assert [4.0, 20.0, 36.0] == [pytest.approx(step.reads_per_s) for step in direct.steps]
    assert [40, 48, 200] == [pytest.approx(step.value.value, rel=0.2) for step in direct.steps]
    assert [40, 40, 40] == [pytest.approx(step.value.value, rel=0.2) for step in informer.steps]


def test_the_knee_is_where_the_interval_leaves_twice_the_lowest(rated):
    direct, informer = rated.series[0].arms
    assert [(0.9, False), (None, True)] == [
        (line.knee, line.has_no_knee) for line in (direct, informer)
    ]


def test_a_machine_whose_speed_changes_between_rounds_hides_no_knee(tmp_path):
    direct, informer = a_run_of(tmp_path, RATES, slowness=(1.0, 2.0, 1.1)).series[0].arms
    assert [(0.9, False), (None, True)] == [
        (line.knee, line.has_no_knee) for line in (direct, informer)
    ]


def test_one_round_leaves_a_knee_open(tmp_path):
    analysis = a_run_of(tmp_path, RATES, rounds=1)
    assert [(None, False)] * 2 == [(arm.knee, arm.has_no_knee) for arm in analysis.series[0].arms]
    text = text_of(run_document(analysis))
    assert "direct: too few rounds to tell whether its median latency has a knee up to 90%" in text


def test_a_percentile_that_a_round_has_too_few_reads_for_is_withheld(rated):
    assert [0.5, 0.9] == [step.place for step in rated.series[1].arms[0].steps]


def test_servers_that_are_not_asked_alike_are_not_compared(rated):
    assert ["capacity"] == [scenario.scenario.name for scenario in rated.scenarios]


def test_the_page_names_the_knee_and_has_every_step(rated):
    document = run_document(rated)
    text = text_of(document)
    assert "direct: from 90% of its capacity on (36/s), its median latency is more than" in text
    assert "informer: its median latency has no knee up to 90% of its capacity (36/s)." in text
    (table,) = tables(section(document, "series0"))
    assert ["10%", "50%", "90%"] == [column.title for column in table.columns]
    assert ["direct", "informer"] == [row.title for row in table.rows]


def test_what_is_quickest_in_the_middle_is_on_the_chart(tmp_path):
    waits = {0.1: 6, 0.5: 1, 0.9: 6}
    document = run_document(a_run_of(tmp_path, RATES, ("direct",), rounds=2, waits=waits))
    chart = next(chart for chart in document.charts() if chart.name == "series0-chart")
    with mpl.rc_context(style(LIGHT)):
        figure, marks = figure_of(chart, LIGHT)
    low, high = figure.axes[0].get_ylim()
    assert marks
    assert [] == [mark.text for mark in marks if not low < mark.y < high]


def test_throughput_stands_over_the_processors_of_the_server(tmp_path):
    analysis = a_run_of(tmp_path, (CLOSED, ALONE))
    (series,) = analysis.series
    assert (Axis.PROCESSORS, "throughput") == (series.axis, series.metric)
    assert [0, 1] == [step.place for step in series.arms[0].steps]
    (table,) = tables(section(run_document(analysis), "series0"))
    assert ["shared", "1 processor"] == [column.title for column in table.columns]


def test_one_step_is_no_series(made):
    assert () == made(scenarios=(CLOSED,))[1].series


def test_near_a_capacity_the_queue_for_processors_voids_nothing(tmp_path):
    busy = MachineUse(busy=1.0, steal=0.0)
    analysis = a_run_of(tmp_path, (CLOSED, SHARES[2]), machine=busy, late_ms=500.0)
    kinds = {caveat.kind for caveat in analysis.caveats if caveat.scenario == "at-0.9"}
    assert {CaveatKind.NOISY_MACHINE, CaveatKind.GENERATOR_SATURATED} <= kinds
    assert {"at-0.9"}.isdisjoint(caveat.scenario for caveat in analysis.void)
