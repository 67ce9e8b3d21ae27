"""Every readable run has a document, which shows its figures and names what is missing."""

import html
import re
from dataclasses import replace

import pytest

from bench.analysis import analyse
from bench.metrics import BY_KEY
from bench.model import NO_SERVER, AnswerCheck, Caveat, CaveatKind, Outcome, RunState
from bench.report.content import run_document
from bench.report.content.evidence import trust
from bench.report.content.rows import figure_cell
from bench.report.document import Texts
from bench.report.html import to_html
from bench.report.numbers import MINUS, Scale
from bench.report.text import to_markdown
from bench.store import Store
from tests.unit.analysis.synthetic import ARMS, SCENARIO, write_run
from tests.unit.report.said import english_in, on_terminal, row_of, section, tables, text_of

EVERYONE = [(server, round_) for server in ARMS for round_ in range(3)]
SERVERS = [server for server in ARMS if server != NO_SERVER]
CLOSED = replace(SCENARIO, name="capacity", rate_rps=None)
PAIR = ("informer-bench-server/1", "informer-bench-server/2")
SEVERAL = {"servers": ("direct", "informer"), "replicas": 2, "rounds": 2}
WATCHES = dict.fromkeys(PAIR, 1)

RUNS = {
    "no trial at all": (
        {"skip": EVERYONE, "state": RunState.INCOMPLETE},
        "No trial of this scenario succeeded",
    ),
    "one trial only": ({"skip": EVERYONE[1:]}, "Only direct was measured"),
    "a single round": ({"rounds": 1}, "it gives no interval"),
    "two rounds": ({"rounds": 2}, "indicative, since they are fewer than 6"),
    "a missing arm": (
        {"skip": [("informer", 0), ("informer", 1), ("informer", 2)]},
        "No trial of informer succeeded",
    ),
    "only the floor": ({"servers": (NO_SERVER,)}, "Only the idle baseline was measured"),
    "every trial failed": (
        {"outcome": Outcome.FAILED, "failure": "the server died"},
        "failed: the server died",
    ),
    "no read answered": (
        {"unanswered": {server: {"timeout": 400} for server in SERVERS}},
        "answered no read",
    ),
    "most reads timed out": (
        {"unanswered": {"direct": {"timeout": 300}}},
        "\N{GREATER-THAN OR EQUAL TO}\N{NO-BREAK SPACE}10",
    ),
    "answers that differ": ({"equality": False}, "The servers gave different answers"),
    "answers not compared": ({"equality": None}, "were not compared with each other"),
    "ledgers that disagree": (
        {"upstream": {"direct": 3.0}},
        "The ledgers of API requests disagree",
    ),
    "no counts": ({"tables": ("requests", "samples")}, "the audit log was not recorded"),
    "no tables": ({"tables": ()}, "answered no read"),
    "lost tables": ({"tables": ("requests",)}, "figures that rest on them are left out: "),
    "malformed messages": (
        {"caveats": (Caveat(CaveatKind.MALFORMED_MESSAGES, "2 malformed messages came"),)},
        "2 malformed messages came",
    ),
    "an interrupted run": ({"state": RunState.INCOMPLETE, "skip": EVERYONE[9:]}, "9 of 12 trials"),
    "an unknown arm": ({"servers": ("direct", "informer", "paged")}, "against paged"),
    "full speed alone": ({"scenarios": (CLOSED,)}, "with 8 clients at full speed; "),
    "no read of one server": (
        {"unanswered": {"direct": {"timeout": 400}}, "servers": ("direct", "informer")},
        "direct answered no read",
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_flawed_run_has_every_form_and_names_its_flaw(document, name):
    options, expected = RUNS[name]
    report = document(**options)
    text = text_of(report)
    assert expected in text
    assert [] == re.findall(r"\b(?:nan|NaN|None|inf)\b|Estimate\(|\{\w*\}", text)
    headline = report.headline.text
    assert re.fullmatch(r"[A-Z][^\[\]]*\.", headline), headline
    assert len(headline.split()) < 40
    if not report.quotable:
        assert report.alarms
        assert "Do not quote figures of this run." == headline
    page, markdown, terminal = to_html(report), to_markdown(report), on_terminal(report, 4000)
    for form in (html.unescape(page), markdown.replace("\\", ""), terminal):
        assert headline in form
    assert bool(report.alarms) == ("> **" in markdown) == ('class="void"' in page)


@pytest.mark.parametrize("name", RUNS)
def test_a_flawed_run_is_completely_translated(document, name):
    assert set() == english_in(document(**RUNS[name][0]))


def test_on_an_existing_cluster_requests_rest_on_the_servers_own_count(analysed):
    data, analysis = analysed(tables=("requests", "samples"))
    where = replace(analysis.environment, existing="staging")
    report = run_document(replace(analysis, environment=where), data)
    assert "a Python client that asks for uncompressed JSON each time" in report.headline.text
    assert "a server with an informer" in report.headline.text
    assert "requests come from each server's own count" in text_of(report)


def test_a_fault_without_two_comparable_ledgers_is_no_disagreement(analysed):
    _, run = analysed()
    failing = replace(run.plan.scenarios[0], name="failing", fault="restart", fault_at_s=1.0)
    line = next(trial for trial in run.trials if trial.ledgers is not None)
    lost = replace(line, scenario="failing", ledgers=replace(line.ledgers, agree=None))
    plan = replace(run.plan, scenarios=(*run.plan.scenarios, failing))
    lines = trust(replace(run, plan=plan, trials=(*run.trials, lost)))
    assert "Counts agree" in [text.term for text in lines]


def test_a_headline_at_full_speed_without_a_floor_names_its_processors(document):
    text = document(scenarios=(CLOSED,), servers=("direct", "informer"), rounds=3).headline.text
    assert text.startswith("At full speed on 2 shared processors, a server with an informer")


def test_a_fixed_rate_without_a_floor_has_a_comparison_and_no_amounts(document):
    report = document(servers=("direct", "informer"))
    assert report.headline.text.startswith("At 50 reads/s, a server with an informer needs ")
    assert not [gain.text for gain in report.gains if "control-plane core" in gain.text]


def test_a_clear_run_has_its_answer_first_then_gains_costs_and_trust(document):
    report = document()
    assert report.headline.text.startswith("For 1,000 reads, a server with an informer takes ")
    assert (
        " of its own; a Python client that asks for uncompressed JSON each " in report.headline.text
    )
    assert "paired over 3 rounds" in report.headline.detail
    gains, costs = ([line.text for line in side] for side in (report.gains, report.costs))
    assert [
        "Reads per control-plane core: 14,000/s instead of 160/s",
        "Reads per server core: 2,000/s instead of 100/s",
        "Requests to the API server for 1,000 reads: 0 instead of 1,000",
    ] == gains
    assert "Application memory: 60 MB instead of 40 MB" == costs[0]
    assert costs[1].startswith("Start to ready: ")
    assert costs[2].startswith("Stale first reads after a write: ")
    assert ["Same answers", "Counts agree"] == [line.term for line in report.trust][:2]


def test_a_line_of_another_load_than_the_headline_names_its_load(document):
    report = document(scenarios=(CLOSED, SCENARIO))
    assert "with 50 reads/s offered" in report.headline.detail
    placed = [line.detail.startswith("at full speed; ") for line in (*report.gains, *report.costs)]
    assert [True, True, False, False, False, False] == placed


def first_trust(document, **options):
    return document(**options).trust[0]


def test_right_answers_under_load_are_counted_beside_the_same_answers(document):
    line = first_trust(document, answers=AnswerCheck(100, 0, 5, 0))
    assert ("Same answers", "good") == (line.term, line.role)
    assert line.text.endswith(
        "Under load, 1,200 answers were checked, 60 of them in full: none was wrong."
    )
    assert first_trust(document).text.endswith("Under load, no answer was checked.")


def test_a_wrong_answer_under_load_replaces_the_same_answers(document):
    line = first_trust(document, answers=AnswerCheck(100, 1, 5, 0))
    assert ("Wrong answers", "bad") == (line.term, line.role)
    assert "12 of 1,200 checked answers were wrong" in line.text


def test_a_single_server_has_no_same_answers(document):
    line = first_trust(document, servers=("informer",))
    assert ("One server", "unsure") == (line.term, line.role)


def test_trust_calls_few_rounds_indicative(document):
    few = "Too few rounds: 3 rounds: intervals are indicative, 6 are needed"
    assert few in [line.line for line in document().trust]
    assert not [line for line in document(rounds=6).trust if line.term == "Too few rounds"]


def test_a_figure_without_comparison_is_not_measured_rather_than_equal(document):
    report = document(tables=("requests", "samples", "audit"))
    assert "Staleness: not measured in this plan" in [cost.text for cost in report.costs]


def test_a_void_run_has_a_warning_instead_of_an_answer(document):
    report = document(upstream={"direct": 3.0})
    assert "Do not quote figures of this run." == report.headline.text
    assert not report.quotable
    assert ((), (), (), None, None) == (
        report.gains,
        report.costs,
        report.picture,
        report.verdict,
        report.calculator,
    )
    assert ["The ledgers of API requests disagree"] == [alarm.title for alarm in report.alarms]


def test_an_incomplete_run_has_an_alarm_and_is_quotable(document):
    report = document(state=RunState.INCOMPLETE, skip=EVERYONE[9:])
    assert ["This run is incomplete"] == [alarm.title for alarm in report.alarms]
    assert report.quotable


def test_a_figure_points_at_the_caveats_that_concern_it(document):
    report = document(unanswered={"direct": {"failed": 1}})
    here = section(report, "s0")
    (notes,) = section(report, "s0-caveats").parts
    assert isinstance(notes, Texts)
    number = next(
        index
        for index, note in enumerate(notes.items, 1)
        if note.term.startswith("Failed requests (direct")
    )
    pointing = [("s0", number) in cell.notes for cell in row_of(here, "p50")[1].cells]
    assert [True, False, False, False] == pointing
    assert not any(("s0", number) in cell.notes for cell in row_of(here, "memory_end")[1].cells)


def test_a_withheld_percentile_says_so_and_a_bound_is_marked(document):
    _, row = row_of(section(document(rounds=1), "s0"), "p99")
    assert ["withheld"] * 3 == [cell.remark for cell in row.cells[:3]]
    _, row = row_of(section(document(unanswered={"direct": {"timeout": 300}}), "s0"), "p50")
    assert "\N{GREATER-THAN OR EQUAL TO}\N{NO-BREAK SPACE}10" == row.cells[0].value


def test_a_count_of_zero_has_its_exact_upper_bound(document):
    informer = row_of(section(document(), "s0"), "api_requests/1000")[1].cells[2]
    assert "0" == informer.value
    assert informer.spread.startswith("0 to ")


def test_an_interval_of_reads_does_not_go_below_zero(analysed):
    _, analysis = analysed()
    reads = analysis.scenarios[0].arm("direct").figure("throughput")
    few = replace(reads, low=-3.0, high=30.0)
    assert "0 to 30" == figure_cell(few, BY_KEY["throughput"], Scale(1.0, "/s")).spread


def test_a_figure_lies_within_its_interval_as_shown(analysed):
    _, analysis = analysed()
    event = analysis.scenarios[0].arm("informer").figure("throughput")
    early = replace(event, value=-0.067, low=-0.172, high=0.039)
    cell = figure_cell(early, BY_KEY["throughput"], Scale(1.0, "ms"))
    assert (f"{MINUS}0.07", f"{MINUS}0.17 to 0.04") == (cell.value, cell.spread)


def test_costs_at_full_speed_are_marked_as_not_like_for_like(document):
    assert "Not comparable" in text_of(document(scenarios=(CLOSED,), rounds=1))


def test_every_metric_of_a_view_that_was_measured_has_its_row(document):
    from bench.metrics import View, of_view
    from bench.report.content.rows import row_key

    (table, *_) = tables(section(document(), "s0"))
    shown = {row.key for row in table.rows}
    expected = {row_key(metric, per) for metric, per in of_view(View.BRIEF)}
    of_clients = {"watches_held", "ready_cpu", "recovery_requests", "quiet_again"}
    assert set() == expected - shown - {"staleness_p99"} - of_clients


# Replicas that share an account.


def _replica_rows(report):
    return [
        [row.title, *(cell.value for cell in row.cells)]
        for table in tables(section(report, "ledgers"))
        if "seen in the audit log" in [column.title for column in table.columns]
        for row in table.rows
    ]


def test_a_row_of_replicas_has_the_fewest_the_most_and_the_sum_of_reads(document):
    report = document(**SEVERAL, agents=PAIR, watches_before=WATCHES)
    seen = "each replica, and no other client"
    assert [
        ["list", "direct", "2", "200", "200", "800", "800", "1", "agree", seen],
        ["list", "informer", "2", "0", "0", "0", "0", "1", "agree", seen],
    ] == [[*row[:7], row[7], "agree", row[9]] for row in _replica_rows(report)]


def test_a_replica_that_is_not_seen_is_named(document):
    report = document(**SEVERAL, agents=PAIR[:1], watches_before={PAIR[0]: 1})
    direct, _ = _replica_rows(report)
    assert "round 0: not seen: replica 2; round 1: not seen: replica 2" == direct[-1]
    assert ["0", "0 to 1"] == [direct[3], direct[7]]


def test_another_user_of_the_account_is_named(document):
    report = document(**SEVERAL, agents=(*PAIR, "<b>curl</b>"), watches_before=WATCHES)
    direct, _ = _replica_rows(report)
    assert "'<b>curl</b>'" in direct[-1]


def test_user_agents_that_name_no_replica_are_named_and_nothing_is_counted(document):
    direct, _ = _replica_rows(document(**SEVERAL, agents=("theirs/1.0",), watches_before={}))
    assert "unknown: no User-Agent names a replica ('theirs/1.0')" == direct[-1]
    assert "\N{EN DASH}" == direct[3]


def test_a_run_of_single_replicas_has_no_such_table(document):
    assert [] == _replica_rows(document())


def test_an_upper_bound_in_the_picture_is_rounded_up(tmp_path):
    analysis = analyse(write_run(Store(tmp_path)))
    (result,) = analysis.scenarios
    bounds = {"value": 1.0, "low": -3.0, "high": 5.01}
    arms = tuple(
        replace(arm, figures=tuple(replace(figure, **bounds) for figure in arm.figures))
        for arm in result.arms
    )
    lanes = run_document(replace(analysis, scenarios=(replace(result, arms=arms),))).picture
    assert ["\N{LESS-THAN OR EQUAL TO} 5.1 ms/s"] * 2 == [lane.notes[-1][0] for lane in lanes]
