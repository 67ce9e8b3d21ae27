"""The read rate at which an informer pays off: of a sweep, of a single cell, and without one."""

import re
from dataclasses import replace

import pytest

from bench.analysis import analyse
from bench.analysis.cost_model import START
from bench.model import NO_SERVER, Scenario
from bench.report.content import run_document
from bench.report.content.cost_model import cost_section
from bench.report.content.top import choose
from bench.report.document import Document, Sentence
from bench.report.numbers import MISSING
from bench.report.sentences import verdict
from bench.store import Store
from tests.unit.analysis.sweeps import CELLS, Truth, write_sweep
from tests.unit.analysis.synthetic import write_run
from tests.unit.report.said import on_terminal, section, tables, text_of

ONE_CELL = [("steady", 1000, 20.0, 10.0)]
CORNERS = {"cells": [CELLS[0], CELLS[-1]], "arms": ("direct", "informer", NO_SERVER)}
"""The fewest trials from which the unit costs can be separated."""


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Return a function for the content of a sweep with known costs."""

    def make(truth=None, **options):
        store = Store(tmp_path_factory.mktemp("sweep"))
        analysis = analyse(write_sweep(store, *([truth] if truth else []), **options))
        return analysis, cost_section(analysis)

    return make


@pytest.fixture(scope="module")
def sweep(content):
    return content()


def rates(costs):
    table = next(t for t in tables(costs.section) if t.corner == "pods")
    return table, [[row.title, *(cell.value for cell in row.cells)] for row in table.rows]


def document_of(costs):
    more = [costs.diagnostics] if costs.diagnostics else []
    return Document("t", Sentence("h"), sections=(costs.section, *more))


def text_in(costs):
    return text_of(document_of(costs))


def test_a_sweep_gives_a_rate_for_every_number_of_pods_and_churn(sweep):
    table, rows = rates(sweep[1])
    places = [(pods, churn) for pods in ("100", "400", "1,000") for churn in ("0", "20", "40")]
    assert places == [tuple(row[:2]) for row in rows]
    assert ["writes/s"] == [column.title for column in table.columns][:1]
    assert {6} == {len(row) for row in rows}


def test_starts_at_full_speed_add_no_row_to_the_rates(tmp_path):
    steady = Scenario("steady", 100, "list-all", users=8, rate_rps=50.0, churn_per_s=20.0)
    scenarios = (replace(steady, name="capacity", rate_rps=None, churn_per_s=0.0), steady)
    servers = ("direct", "informer", NO_SERVER)
    costs = cost_section(analyse(write_run(Store(tmp_path), servers=servers, scenarios=scenarios)))
    table, rows = rates(costs)
    assert [["100", "20"]] == [row[:2] for row in rows]
    assert {1 + len(table.columns)} == {len(row) for row in rows}


def test_a_rate_that_one_quantity_lacks_is_a_dash_in_its_column(sweep):
    analysis, costs = sweep
    *others, cpu, sent = analysis.cost_models
    lacking = replace(cpu, break_evens=cpu.break_evens[2:])
    changed = cost_section(replace(analysis, cost_models=(*others, lacking, sent)))
    expected = [row.copy() for row in rates(costs)[1]]
    expected[0][2:4] = [MISSING, MISSING]
    assert expected == rates(changed)[1]
    assert MISSING in on_terminal(document_of(changed))


def test_the_answer_states_the_true_rate(content):
    _, costs = content(Truth(noise=0.0001), **CORNERS)
    # 40 writes x 0.4 ms by a read of 2 + 0.05 x 1,000 ms; 40 x 6 kB by 5 MB and the start's share.
    first, second = costs.answers
    assert first.text == (
        "By API-server CPU, one informer pays off against direct from 0.31/s, with 1,000 pods "
        "and 40 writes/s."
    )
    assert "from 0.048/s, " in second.text


def test_the_verdict_is_on_the_rates_side_of_the_line(content):
    _, costs = content(Truth(noise=0.0001), cells=CORNERS["cells"])
    assert costs.verdict.text.startswith("At ")
    assert costs.verdict.text.endswith("an informer pays off.")
    assert costs.verdict.detail.startswith("break-even rate by API-server CPU against direct: 0.31")
    _, dear = content(Truth(event=400.0, noise=0.0001), **CORNERS)
    assert dear.verdict.text.endswith("an informer does not pay off.")


def test_an_informer_does_not_pay_off_without_reads(sweep):
    model = sweep[0].cost_models[0]
    idle = replace(model.reference, reads_per_s=0.0)
    sentence = verdict(model, model.break_even("direct", idle), idle)
    assert sentence.text.endswith("an informer does not pay off.")


def test_a_line_beyond_the_measured_range_is_one_sentence(sweep):
    model = sweep[0].cost_models[0]
    busy = replace(model.reference, churn_per_s=5000.0)
    sentence = verdict(model, model.break_even("direct", busy), busy)
    assert re.match(
        r"break-even rate by control-plane CPU against direct: \d+/s, extra", sentence.detail
    )


def test_a_sweep_is_answered_by_its_rates_first(sweep):
    analysis, costs = sweep
    assert costs.answers[0] == run_document(replace(analysis, void=())).headline
    assert () == cost_section(replace(analysis, cost_models=())).answers


def test_the_picture_and_the_verdict_of_a_sweep_are_of_one_situation(sweep):
    analysis, costs = sweep
    assert "reads/s with 1,000 pods and 40 writes/s" in costs.verdict.text
    lanes = run_document(replace(analysis, void=())).picture
    assert ["1,000 pods" in lane.description for lane in lanes] == [True, True]
    (chosen,) = choose(analysis, costs.at)
    assert (1000, 40.0) == (chosen.scenario.pods, chosen.scenario.churn_per_s)


def test_replicas_that_were_measured_extend_the_table_and_the_charts(content):
    options = {"cells": [("p400", 400, 20.0, 10.0)], "replicas": (1, 3, 6)}
    _, costs = content(Truth(noise=0.0001), **options)
    # 20 writes x 0.4 ms for each of them, by a read of 2 + 0.05 x 400 ms
    _, rows = rates(costs)
    assert [["1", "0.36/s"], ["3", "1.1/s"], ["6", "2.2/s"]] == [row[2:4] for row in rows]
    charts = document_of(costs).charts()
    assert 2 == len([chart for chart in charts if "against replicas" in chart.head.title])
    assert "1 to 6 were measured" in text_in(costs)
    (field,) = [field for field in costs.calculator.inputs if field.name == "replicas"]
    assert ("1", "measured: 1 to 6") == (field.value, field.range)
    assert (1.0, 6.0) == costs.calculator.constants["ranges"]["replicas"]


def test_a_run_of_one_replica_says_that_more_are_extrapolated(sweep):
    assert "Costs are assumed to add up (1 replica measured)" in text_in(sweep[1])


def test_a_poor_fit_is_reported_beside_the_rates(content):
    assert "Poor fit" in text_in(content(Truth(noise=0.6), **CORNERS)[1])
    quiet = text_in(content(Truth(noise=0.005), **CORNERS)[1])
    assert "Poor fit" not in quiet
    assert "Too small to measure" not in quiet


def test_one_cell_says_that_pods_take_a_sweep(content):
    _, costs = content(cells=ONE_CELL, rounds=4)
    assert () == costs.answers
    assert "One number of pods: Measured at 1,000 pods only" in text_in(costs)
    assert ["pods"] == [field.name for field in costs.calculator.inputs if field.fixed]
    assert "Residuals" not in text_in(costs)


def test_one_round_of_one_cell_has_rates_without_intervals(content):
    _, costs = content(cells=ONE_CELL, rounds=1)
    assert "No interval" in text_in(costs)
    table, _ = rates(costs)
    assert {"no interval"} == {cell.spread for row in table.rows for cell in row.cells[1:]}


def test_informers_that_cost_nothing_pay_from_the_first_read(content):
    _, costs = content(Truth(event=-2.0, noise=0.001), **CORNERS)
    assert "an informer pays off from the first read" in costs.answers[0].text


def test_reads_that_cost_nothing_never_pay(content):
    _, costs = content(Truth(read=-0.2, read_pod=-0.002, noise=0.001), **CORNERS)
    assert "no measured read rate lets an informer pay off" in costs.answers[0].text
    assert "a read costs nothing measurable" in costs.answers[0].detail


def test_a_run_at_full_speed_says_that_it_takes_a_sweep(tmp_path):
    scenario = Scenario(name="fast", route="list", users=8, pods=100, churn_per_s=2.0)
    report = run_document(analyse(write_run(Store(tmp_path), scenarios=(scenario,))))
    assert "every scenario runs at full speed" in text_of(report)
    assert "make bench PLAN=sweep" in text_of(report)
    assert [] == tables(section(report, "breakeven"))


def test_only_scenarios_of_one_route_and_api_server_are_fitted(tmp_path):
    pod = Scenario("one-pod", 1000, "one-pod", users=8, rate_rps=5.0, churn_per_s=20.0)
    scenarios = (
        pod,
        replace(pod, name="list-all", route="list-all"),
        replace(pod, name="gated", apiserver_args=("--feature-gates=WatchList=false",)),
        replace(pod, name="busy", rate_rps=10.0),
    )
    servers = ("direct", "informer", NO_SERVER)
    analysis = analyse(write_run(Store(tmp_path), servers=servers, scenarios=scenarios))
    for model in analysis.cost_models:
        assert {"one-pod", "busy"} == {row.scenario for row in model.rows if row.arm != START}
        assert "gated" not in {row.scenario for row in model.rows}
    costs = cost_section(analysis)
    assert "At 10 reads/s with 1,000 pods and 20 writes/s" in costs.verdict.text
    text = text_in(costs)
    assert "of 1,000 pods" not in text
    assert "Route: Reads have the route one-pod" in text
    assert "Left out: list-all and gated: another route" in text


def test_lists_of_all_pods_need_no_word_about_the_route(sweep):
    text = text_in(sweep[1])
    assert "Route:" not in text
    assert "Left out:" not in text
