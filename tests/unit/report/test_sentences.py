"""One sentence an outcome: every combination is rendered and read."""

from dataclasses import replace

import pytest

from bench.analysis.cost_model import BreakEven
from bench.analysis.result import Comparison
from bench.metrics import BY_KEY
from bench.model import Scenario
from bench.report.numbers import MINUS
from bench.report.sentences import both, break_even, factor, headline, uncompared
from bench.stats import Estimate

OPEN = Scenario(name="steady", route="list", users=8, pods=100, rate_rps=10.0)
CLOSED = Scenario(name="capacity", route="list", users=8, pods=100)
NB = "\N{NO-BREAK SPACE}"


def compared(metric, times, *, ratio=True, at_least=None):
    one = Estimate(*times)
    return Comparison(
        metric=metric,
        per_1000=metric == "api_requests",
        subject="informer",
        baseline="direct",
        ratio=one if ratio else None,
        difference=one,
        at_least=at_least,
        times=one,
    )


CPU, READS = "control_plane_cpu", "throughput"
SUBJECT = "a server with an informer"
BASELINE = "one that asks the API server on every read"
OPEN_SENTENCES = [
    ((0.01, -0.07, 0.09, 6), f"At 10 reads/s, {SUBJECT} needs at least 91% less control-plane CPU"),
    ((0.7, 0.6, 0.8, 6), f"{SUBJECT} needs 30% less control-plane CPU than {BASELINE}."),
    ((0.2, 0.1, 0.3, 6), f"{SUBJECT} needs 5 times less control-plane CPU than {BASELINE}."),
    ((1.5, 1.4, 1.6, 6), f"{SUBJECT} needs 50% more control-plane CPU than {BASELINE}."),
    ((3.0, 2.5, 3.5, 6), f"{SUBJECT} needs 3 times as much control-plane CPU as {BASELINE}."),
    (
        (1.0, 0.95, 1.05, 6),
        f"At 10 reads/s, {SUBJECT} needs practically the same control-plane CPU as {BASELINE}.",
    ),
    (
        (60.0, 0.072, 49_000.0, 2),
        f"2 rounds cannot tell {SUBJECT} from {BASELINE}: more rounds are needed.",
    ),
    (
        (60.0, 0.072, 49_000.0, 6),
        f"6 rounds show no difference in control-plane CPU between {SUBJECT} and {BASELINE}.",
    ),
    ((0.2, None, None, 1), f"One round cannot tell {SUBJECT} from {BASELINE}"),
]


@pytest.mark.parametrize(("times", "said"), OPEN_SENTENCES)
def test_a_fixed_rate_has_one_sentence_an_outcome(times, said):
    made = headline(OPEN, compared(CPU, times), BY_KEY[CPU], times[3])
    assert said in made.text
    assert made.text.endswith(".")
    assert "[" not in made.text


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ((27.0, 25.0, 30.0, 6), f"{SUBJECT} answers 27 times as many reads as {BASELINE}."),
        ((1.4, 1.3, 1.5, 6), f"{SUBJECT} answers 40% more reads than {BASELINE}."),
        ((0.25, 0.2, 0.3, 6), f"{SUBJECT} answers 4 times fewer reads than {BASELINE}."),
        ((1.0, 0.96, 1.04, 6), f"{SUBJECT} answers practically as many reads as {BASELINE}."),
        ((1.2, 0.5, 2.9, 6), "6 rounds show no difference in the reads answered between"),
        ((27.0, None, None, 1), "One round cannot tell"),
    ],
)
def test_full_speed_has_one_sentence_an_outcome(times, said):
    assert said in headline(CLOSED, compared(READS, times), BY_KEY[READS], times[3]).text


def test_servers_without_words_of_their_own_are_called_by_name():
    one = replace(compared(CPU, (0.7, 0.6, 0.8, 6)), subject="paged", baseline="typed")
    said = headline(OPEN, one, BY_KEY[CPU], 6).text
    assert "the server paged needs 30% less control-plane CPU than the server typed." in said


def test_without_cpu_the_sentence_speaks_of_requests_by_a_bound_that_holds():
    one = compared("api_requests", (0.0, 0.0, 1 / 210, 6), ratio=False, at_least=210.0)
    made = headline(OPEN, one, BY_KEY["api_requests"], 6)
    assert "needs at least 210 times fewer requests to the API server than" in made.text
    assert "95% confidence, 6 rounds compared pair by pair" == made.detail


def test_few_rounds_are_called_indicative_in_small_type():
    made = headline(OPEN, compared(CPU, (0.2, 0.1, 0.3, 3)), BY_KEY[CPU], 3)
    assert made.detail.endswith("3 rounds compared pair by pair, indicative: fewer than 6")


@pytest.mark.parametrize(
    ("times", "text", "detail"),
    [
        ((1.23, 1.19, 1.27, 12), "Server memory: 93 MB instead of 76 MB", "23% more, 19 to 27%"),
        (
            (1.02, 0.97, 1.06, 12),
            "Server memory: practically the same, 93 MB and 76 MB",
            f"{MINUS}3% to +6%",
        ),
        (
            (1.02, 0.5, 2.1, 12),
            "Server memory: no difference shown, 93 MB and 76 MB",
            "0.5 to 2.1 times",
        ),
        ((1.2, None, None, 1), "Server memory: 93 MB instead of 76 MB", "20% more"),
    ],
)
def test_a_gain_or_cost_gives_both_values_and_how_they_compare(times, text, detail):
    values = "93 MB", "76 MB"
    made = both(BY_KEY["memory_end"], compared("memory_end", times), values)
    assert (text, detail) == (made.text, made.detail)


def test_what_was_not_compared_was_not_measured_in_this_plan():
    reads, sent = BY_KEY["throughput"], BY_KEY["api_bytes"]
    assert "Reads answered: not measured in this plan" == uncompared(reads, fixed_rate=True).text
    assert uncompared(sent, fixed_rate=True).text.endswith(": not measured in this plan")
    assert uncompared(sent, fixed_rate=False).text.endswith("for that takes a fixed rate")


@pytest.mark.parametrize(
    ("metric", "times", "text", "spread"),
    [
        ("p50", (0.072, 0.063, 0.085, 12), "14 times shorter", "12 to 16"),
        ("p50", (0.8, 0.7, 0.9, 12), "20% shorter", "10 to 30%"),
        ("memory_end", (1.23, 1.19, 1.27, 12), "23% more", "19 to 27%"),
        ("ready_bytes", (850.0, 849.8, 850.3, 12), "850 times as many", ""),
        ("p50", (1.02, 0.97, 1.06, 12), "practically the same", f"{MINUS}3% to +6%"),
        ("p50", (1.02, 0.5, 2.1, 12), "no difference shown", "0.5 to 2.1 times"),
        ("p50", (2.0, None, None, 1), "2 times longer", ""),
    ],
)
def test_a_comparison_has_one_form_wherever_it_stands(metric, times, text, spread):
    found = factor(compared(metric, times), BY_KEY[metric])
    assert (text, spread) == (found.text, found.spread)


def test_what_has_no_factor_is_a_difference_or_a_dash():
    nothing = Comparison("p50", per_1000=False, subject="a", baseline="b")
    assert "\N{EN DASH}" == factor(nothing, BY_KEY["p50"]).text
    assert "\N{EN DASH}" == factor(None, BY_KEY["p50"]).text
    spent = Comparison(
        CPU, per_1000=False, subject="a", baseline="b", difference=Estimate(5.0, 3.0, 7.0, 6)
    )
    assert ("+5 ms/s", "3 to 7") == factor(spent, BY_KEY[CPU])[:2]


def a_rate(rate, low, high):
    return BreakEven("direct", 100.0, 20.0, 1.0, rate, low, high)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (a_rate(1.6, 1.2, 2.1), ("1.6/s", "1.2 to 2.1")),
        (a_rate(1.6, 0.0, 6.9), ("1.6/s", "at most 6.9/s")),
        (a_rate(1.6, 0.3, None), ("1.6/s", "not below 0.3/s, no upper end")),
        (a_rate(1.6, None, None), ("1.6/s", "no interval")),
        (a_rate(45.0, 30.0, 70.0), ("none up to 20/s, by the line 45/s", "30 to 70")),
        (a_rate(0.0, 0.0, 0.0), ("from the first read", "the informer costs nothing measurable")),
        (a_rate(0.0, 0.0, 6.9), ("at most 6.9/s", "the informer's cost is too small to measure")),
        (
            a_rate(1 / 3600, 1 / 7200, 1 / 1800),
            ("one in 60 min", "one in 120 min to one in 30 min"),
        ),
        (a_rate(0.5, 0.4999, 0.5001), ("0.5/s", "0.5")),
        (a_rate(1.0, 0.0, None), ("\N{EN DASH}", "too noisy to tell")),
        (a_rate(None, 0.0, None), ("none", "a read costs nothing measurable")),
    ],
)
def test_a_break_even_rate_in_words(found, words):
    assert words == break_even(found, 20.0)[:2]
