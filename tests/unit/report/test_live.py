"""The output of a run while it lasts, and the reason why it ended."""

from dataclasses import replace

import pytest

from bench.model import RunState
from bench.report import sentences
from bench.report.content import run_document
from bench.report.live import live_document
from bench.report.text import to_lines
from tests.unit.analysis.synthetic import SCENARIO
from tests.unit.report.said import text_of

PAGE = "reports/x/index.html"


def lines(analysis, made=2):
    return to_lines(live_document(analysis, made, PAGE))


def test_each_arm_has_a_line_with_its_figures_and_the_last_line_is_the_answer(analysed):
    _, analysis = analysed(rounds=6)
    shown = lines(replace(analysis, state=RunState.RUNNING), made=6)
    assert f"Provisional, after 6 of 6 rounds: {PAGE}" == shown[0]
    assert ["direct", "direct-rv0", "informer"] == [
        line.partition(":")[0].strip() for line in shown[1:-1]
    ]
    for line in shown[1:-1]:
        assert "requests to the API server, per 1,000 reads" in line
        assert "control-plane CPU, ms/s" in line
        assert "median latency, ms" in line
    assert shown[-1].startswith(run_document(analysis).headline.text)


def test_the_intervals_narrow_as_rounds_come(analysed):
    shown = [lines(analysed(rounds=rounds)[1])[1] for rounds in (1, 2, 6)]
    medians = [line.partition("median latency")[2] for line in shown]
    assert ["[" in median for median in medians] == [False, True, True]
    assert medians[1] != medians[2]


def test_at_full_speed_the_reads_answered_take_the_place_of_cpu(analysed):
    _, analysis = analysed(rounds=2, scenarios=(replace(SCENARIO, rate_rps=None, users=4),))
    shown = lines(analysis)
    assert "reads answered" in shown[1]
    assert "CPU" not in "".join(shown[1:-1])


def test_a_run_of_which_nothing_is_good_has_its_sentence_and_no_line(analysed):
    _, analysis = analysed(rounds=1)
    shown = lines(replace(analysis, scenarios=()))
    assert [
        f"Provisional, after 2 of 1 round: {PAGE}",
        sentences.NO_SCENARIO,
    ] == (shown)


@pytest.mark.parametrize(
    ("precision", "out_of_time", "reason"),
    [
        (10.0, True, "After 6 rounds, the deciding ratios are as precise as planned"),
        (1e-6, True, "The plan's limit of 10 min of measuring was reached after 6 rounds"),
        (1e-6, False, "The plan's limit of 6 rounds was reached."),
    ],
)
def test_page_and_short_forms_say_why_it_ended_and_what_was_reached(
    analysed, precision, out_of_time, reason
):
    _, analysis = analysed(rounds=6)
    plan = replace(analysis.plan, precision=precision, most_rounds=12, most_minutes=10)
    ended = replace(analysis, plan=plan, out_of_time=out_of_time)
    document = run_document(ended)
    assert 1 == sum(item.text.startswith(reason) for item in document.trust)
    text = text_of(document)
    assert "median service time of informer against direct" in text
    unended = run_document(replace(ended, state=RunState.INCOMPLETE))
    assert reason not in text_of(unended)


def test_a_plan_that_wants_no_precision_says_that_its_time_was_over(analysed):
    _, analysis = analysed(rounds=2)
    assert "was reached" not in text_of(run_document(analysis))
    plan = replace(analysis.plan, most_minutes=5)
    text = text_of(run_document(replace(analysis, plan=plan, out_of_time=True)))
    assert "The plan's limit of 5 min of measuring was reached after 2 rounds." in text


def test_a_run_that_goes_on_is_provisional_and_one_that_was_cut_is_incomplete(analysed):
    _, analysis = analysed(rounds=7, skip=[("direct", 6)])
    running = run_document(replace(analysis, state=RunState.RUNNING))
    assert [sentences.PROVISIONAL] == [alarm.title for alarm in running.alarms]
    assert "provisional" in running.kicker
    assert ["This run is incomplete"] == [alarm.title for alarm in run_document(analysis).alarms]
