"""One sentence for each outcome, rendered for every combination."""

from dataclasses import replace

import pytest

from bench.analysis.cost_fit import fit_rows
from bench.analysis.cost_model import BreakEven, CostRow
from bench.analysis.result import Arm, Comparison, Figure
from bench.metrics import BY_KEY
from bench.model import Cpus, Objects, Scenario
from bench.report.numbers import MINUS
from bench.report.sentences import (
    asked,
    bill,
    both,
    bounded,
    break_even,
    carried,
    churn_loses,
    factor,
    headline,
    in_go,
    pays_off,
    processors,
    read_costs,
    times_of,
    uncompared,
    verdict,
)
from bench.stats import Estimate
from tests.unit.analysis.sweeps import Truth, sweep
from tests.unit.store.builders import ENVIRONMENT

OPEN = Scenario(name="steady", route="list", users=8, pods=100, rate_rps=10.0)
CLOSED = Scenario(name="capacity", route="list", users=8, pods=100)
NB = "\N{NO-BREAK SPACE}"


def compared(metric, times, *, ratio=True, at_least=None):
    estimate = Estimate(*times)
    return Comparison(
        metric=metric,
        per_1000=metric == "api_requests",
        subject="informer",
        baseline="direct",
        ratio=estimate if ratio else None,
        difference=estimate,
        at_least=at_least,
        times=estimate,
    )


CPU, READS = "control_plane_cpu", "throughput"
SUBJECT = "a server with an informer"
BASELINE = "a Python client that asks for uncompressed JSON each time"
ON = "2 shared processors"
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
        f"2 rounds are too few to compare {SUBJECT} with {BASELINE}.",
    ),
    (
        (60.0, 0.072, 49_000.0, 6),
        f"6 rounds show no difference in control-plane CPU between {SUBJECT} and {BASELINE}.",
    ),
    ((0.2, None, None, 1), f"One round is too few to compare {SUBJECT} with"),
]


@pytest.mark.parametrize(("times", "sentence"), OPEN_SENTENCES)
def test_a_fixed_rate_has_one_sentence_an_outcome(times, sentence):
    made = headline(OPEN, compared(CPU, times), times[3], processors=ON)
    assert sentence in made.text
    assert made.text.endswith(".")
    assert "[" not in made.text


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        (
            (27.0, 25.0, 30.0, 6),
            f"At full speed on {ON}, {SUBJECT} answers 27 times as many reads as {BASELINE}.",
        ),
        ((1.4, 1.3, 1.5, 6), f"{SUBJECT} answers 40% more reads than {BASELINE}."),
        ((0.25, 0.2, 0.3, 6), f"{SUBJECT} answers 4 times fewer reads than {BASELINE}."),
        ((1.0, 0.96, 1.04, 6), f"{SUBJECT} answers practically as many reads as {BASELINE}."),
        ((1.2, 0.5, 2.9, 6), "6 rounds show no difference in the reads answered between"),
        ((27.0, None, None, 1), "One round is too few to compare"),
    ],
)
def test_full_speed_has_one_sentence_an_outcome(times, sentence):
    assert sentence in headline(CLOSED, compared(READS, times), times[3], processors=ON).text


def test_servers_without_words_of_their_own_are_called_by_name():
    comparison = replace(compared(CPU, (0.7, 0.6, 0.8, 6)), subject="paged", baseline="typed")
    text = headline(OPEN, comparison, 6, processors=ON).text
    assert "the server paged needs 30% less control-plane CPU than the server typed." in text


def test_without_cpu_the_sentence_speaks_of_requests_by_a_bound_that_holds():
    comparison = compared("api_requests", (0.0, 0.0, 1 / 210, 6), ratio=False, at_least=210.0)
    made = headline(OPEN, comparison, 6, processors=ON)
    assert "needs at least 210 times fewer requests to the API server than" in made.text
    assert "95% confidence, paired over 6 rounds" == made.detail


def test_few_rounds_are_called_indicative_in_small_type():
    made = headline(OPEN, compared(CPU, (0.2, 0.1, 0.3, 3)), 3, processors=ON)
    assert made.detail.endswith("paired over 3 rounds, indicative: fewer than 6")


COSTS = {"own": "at most 2.3 s", "own_server": "5.7 s", "other": "56 s", "other_server": "42 s"}
VALUES = "takes at most 2.3 s of control-plane CPU and 5.7 s of its own; {} takes 56 s and 42 s."


@pytest.mark.parametrize(
    ("times", "text", "detail"),
    [
        (
            (0.01, -0.07, 0.09, 6),
            f"For 1,000 reads, {SUBJECT} {VALUES.format(BASELINE)}",
            (
                "at least 91% less control-plane CPU, with 10 reads/s offered; 95% confidence, "
                "paired over 6 rounds"
            ),
        ),
        (
            (1.5, 1.4, 1.6, 6),
            f"For 1,000 reads, {SUBJECT} {VALUES.format(BASELINE)}",
            (
                "50% more control-plane CPU, with 10 reads/s offered; 95% interval 40 to 60%, "
                "paired over 6 rounds"
            ),
        ),
        (
            (1.0, 0.95, 1.05, 6),
            (
                f"For 1,000 reads, {SUBJECT} and {BASELINE} take practically the same "
                "control-plane CPU, at most 2.3 s and 56 s; their own CPU is 5.7 s and 42 s."
            ),
            f"95% interval {MINUS}5% to +5%, paired over 6 rounds",
        ),
        (
            (60.0, 0.072, 49_000.0, 6),
            (
                "For 1,000 reads, 6 rounds show no difference in control-plane CPU between "
                f"{SUBJECT} and {BASELINE}, at most 2.3 s and 56 s; their own CPU is 5.7 s "
                "and 42 s."
            ),
            "95% interval 0.072 to 49,000 times, paired over 6 rounds",
        ),
        (
            (0.2, 0.1, 0.3, 1),
            f"One round is too few to compare {SUBJECT} with {BASELINE}.",
            "",
        ),
    ],
)
def test_cpu_for_1000_reads_leads_with_both_sides_values(times, text, detail):
    made = headline(OPEN, compared(CPU, times), times[3], processors=ON, costs=COSTS)
    assert (text, detail) == (made.text, made.detail)


def an_arm(server, **costs):
    """Return an arm with figures per 1,000 reads, in ms: value, low, high."""
    figures = tuple(
        Figure(key, "", "ms", "", True, False, True, {1: value}, value, low, high)
        for key, (value, low, high) in costs.items()
    )
    return Arm(server, (1,), 100, 100, {}, figures, ())


INFORMER = an_arm(
    "informer", control_plane_cpu=(570.0, -1200.0, 2300.0), server_cpu=(5700.0, 5200.0, 6300.0)
)
DIRECT = an_arm("direct-go", control_plane_cpu=(41e3, 40e3, 42e3), server_cpu=(12e3, 11e3, 13e3))


def test_costs_of_reads_are_bounded_where_they_may_be_nothing():
    assert {
        "own": "at most 2.3 s",
        "own_server": "5.7 s",
        "other": "41 s",
        "other_server": "12 s",
    } == read_costs(INFORMER, DIRECT, BY_KEY[CPU])


def test_an_upper_bound_that_is_stated_holds():
    costs = an_arm("informer", control_plane_cpu=(9.0, -3.0, 1049.0))
    assert "at most 1.1 s" == bounded(costs.figures[0])
    assert "at most 7/s" == break_even(a_rate(1.6, 0.0, 6.91), 20.0).spread
    assert "at most 7/s" == break_even(a_rate(0.0, 0.0, 6.91), 20.0).text
    assert "at least 0.29/s, no upper bound" == break_even(a_rate(1.6, 0.298, None), 20.0).spread
    assert times_of(Estimate(0.01, -0.01, 0.0861, 6)).endswith("[at most 0.087]")


def test_without_the_servers_cpu_there_are_no_costs_of_reads():
    lacking = an_arm("direct", control_plane_cpu=(41e3, 40e3, 42e3))
    assert read_costs(INFORMER, lacking, BY_KEY[CPU]) is None


@pytest.mark.parametrize(
    ("arms", "text"),
    [
        ((None, None), ""),
        (
            (None, DIRECT),
            " In Go, with protobuf and gzip, direct reads take 41 s and 12 s.",
        ),
        ((INFORMER, None), " In Go, an informer takes at most 2.3 s and 5.7 s."),
        (
            (INFORMER, DIRECT),
            (
                " In Go, with protobuf and gzip, an informer takes at most 2.3 s and 5.7 s, "
                "direct reads 41 s and 12 s."
            ),
        ),
    ],
)
def test_what_go_takes_stands_beside_it_where_it_was_measured(arms, text):
    assert text == in_go(*arms, BY_KEY[CPU])


@pytest.mark.parametrize(
    ("metric", "times", "text", "detail"),
    [
        (
            CPU,
            (0.01, -0.07, 0.09, 6),
            "Reads per control-plane core: at least 430/s instead of 24/s",
            "CPU per read: at least 91% less",
        ),
        (
            "server_cpu",
            (0.475, 0.45, 0.5, 6),
            "Reads per server core: 180/s instead of 83/s",
            "CPU per read: 2.1 times less, 2 to 2.2",
        ),
        (
            "server_cpu",
            (1.0, 0.95, 1.05, 6),
            "Reads per server core: practically the same, 180/s and 83/s",
            f"CPU per read: {MINUS}5% to +5%",
        ),
        (
            "server_cpu",
            (1.1, 0.5, 2.0, 6),
            "Reads per server core: no difference shown, 180/s and 83/s",
            "CPU per read: 0.5 to 2 times",
        ),
    ],
)
def test_a_core_carries_one_over_the_cpu_of_a_read(metric, times, text, detail):
    figures = (arm.figure(metric, per_1000=True) for arm in (INFORMER, DIRECT))
    made = carried(compared(metric, times), *figures)
    assert (text, detail) == (made.text, made.detail)


@pytest.mark.parametrize(
    ("cpus", "text"),
    [(Cpus(), "2 shared processors"), (Cpus(False, (0,), (1,), (2,)), "1 processor of its own")],
)
def test_full_speed_names_the_processors_of_the_server(cpus, text):
    assert text == processors(ENVIRONMENT, cpus)


@pytest.mark.parametrize(
    ("times", "text", "detail"),
    [
        (
            (1.23, 1.19, 1.27, 12),
            "Application memory: 93 MB instead of 76 MB",
            "23% more, 19 to 27%",
        ),
        (
            (1.02, 0.97, 1.06, 12),
            "Application memory: practically the same, 93 MB and 76 MB",
            f"{MINUS}3% to +6%",
        ),
        (
            (1.02, 0.5, 2.1, 12),
            "Application memory: no difference shown, 93 MB and 76 MB",
            "0.5 to 2.1 times",
        ),
        ((1.2, None, None, 1), "Application memory: 93 MB instead of 76 MB", "20% more"),
    ],
)
def test_a_gain_or_cost_gives_both_values_and_how_they_compare(times, text, detail):
    values = "93 MB", "76 MB"
    made = both(BY_KEY["memory_end"], compared("memory_end", times), values)
    assert (text, detail) == (made.text, made.detail)


def test_one_round_in_which_both_show_the_same_is_no_difference():
    made = both(BY_KEY["memory_end"], compared("memory_end", (1.002, None, None, 1)), ("9 MB",) * 2)
    assert ("Application memory: no difference shown, 9 MB and 9 MB", "") == (
        made.text,
        made.detail,
    )


def test_what_was_not_compared_was_not_measured_in_this_plan():
    reads, sent = BY_KEY["throughput"], BY_KEY["api_bytes"]
    assert "Reads answered: not measured in this plan" == uncompared(reads, fixed_rate=True).text
    assert uncompared(sent, fixed_rate=True).text.endswith(": not measured in this plan")
    assert uncompared(sent, fixed_rate=False).text.endswith("compared only at a fixed rate")


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
        ("watches_held", (0.0, 0.0, 0.0, 6), "100% fewer", ""),  # never "at least 100%"
    ],
)
def test_a_comparison_has_one_form_wherever_it_stands(metric, times, text, spread):
    wording = factor(compared(metric, times))
    assert (text, spread) == (wording.text, wording.spread)


def test_what_has_no_factor_is_a_difference_or_a_dash():
    nothing = Comparison("p50", per_1000=False, subject="a", baseline="b")
    assert "\N{EN DASH}" == factor(nothing).text
    assert "\N{EN DASH}" == factor(None).text
    spent = Comparison(
        CPU, per_1000=False, subject="a", baseline="b", difference=Estimate(5.0, 3.0, 7.0, 6)
    )
    assert ("+5 ms/s", "3 to 7") == factor(spent)[:2]


def test_a_ratio_that_may_be_below_zero_is_shown_as_a_difference_in_the_unit():
    difference = Estimate(-18, -41.2, 11, 6)
    comparison = replace(compared(CPU, (0.1, -1.2, 1.54, 6)), difference=difference)
    assert ("no difference shown", f"{MINUS}41 to 11 ms/s") == factor(comparison)[:2]
    text = times_of(Estimate(0.024, -0.048, 0.086, 6))
    assert f"0.024{NB}\N{MULTIPLICATION SIGN} [at most 0.086]" == text


AT_REST = Scenario(name="churn", pods=20, churn_per_s=10.0)


@pytest.mark.parametrize(
    ("cpu", "text"),
    [
        ((8.0, 3.0, 13.0), "kopf uses 8 ms/s of control-plane CPU, sends requests at"),
        ((-7.9, -22.0, 6.0), "the control-plane CPU of kopf is too small to measure; it sends"),
        ((-7.9, None, None), "the control-plane CPU of kopf is too small to measure; it sends"),
    ],
)
def test_a_client_takes_no_negative_cpu_and_its_cluster_is_named_with_all_it_holds(cpu, text):
    figure = Figure(CPU, "", "ms/s", "", False, False, True, {1: cpu[0]}, *cpu)
    made = bill(Arm("kopf", (1,), 0, 0, {}, (figure,), ()), AT_REST, (Objects("secrets", 5),))
    assert made.text.startswith(f"With 20 pods, 5 secrets and 10 writes/s, {text}")
    assert "20 pods, 5 secrets, no load, 10 writes/s" == asked(AT_REST, (Objects("secrets", 5),))
    assert "20 pods, no load, 10 writes/s to pods" == asked(AT_REST)


def a_rate(rate, low, high):
    return BreakEven("direct", 100.0, 20.0, 1.0, rate, low, high)


@pytest.mark.parametrize(
    ("point", "words"),
    [
        (a_rate(1.6, 1.2, 2.1), ("1.6/s", "1.2 to 2.1")),
        (a_rate(1.6, 0.0, 6.9), ("1.6/s", "at most 6.9/s")),
        (a_rate(1.6, 0.3, None), ("1.6/s", "at least 0.3/s, no upper bound")),
        (a_rate(1.6, None, None), ("1.6/s", "no interval")),
        (a_rate(45.0, 30.0, 70.0), ("45/s, extrapolated beyond 20/s", "30 to 70")),
        (a_rate(0.0, 0.0, 0.0), ("from the first read", "the informer has no measurable cost")),
        (a_rate(0.0, 0.0, 6.9), ("at most 6.9/s", "the informer's cost is too small to measure")),
        (
            a_rate(1 / 3600, 1 / 7200, 1 / 1800),
            ("one in 60 min", "one in 120 min to one in 30 min"),
        ),
        (a_rate(0.5, 0.4999, 0.5001), ("0.5/s", "0.5")),
        (a_rate(1.0, 0.0, None), ("\N{EN DASH}", "too noisy to tell")),
        (a_rate(None, 0.0, None), ("\N{EN DASH}", "too noisy to tell")),
        (a_rate(None, None, None), ("\N{EN DASH}", "too noisy to tell")),
        (a_rate(None, 0.3, None), ("at least 0.3/s", "a read's cost is too small to measure")),
        (
            replace(a_rate(None, 0.0, None), never=True),
            ("none", "a read costs nothing measurable"),
        ),
    ],
)
def test_a_break_even_rate_in_words(point, words):
    assert words == break_even(point, 20.0)[:2]


def a_model(read_ms, event_ms=0.4):
    """Return a model of three rounds in which a read's cost, and an event's, scatter about 0."""
    loads = {"direct": (10.0, read_ms), "informer": (20.0, event_ms)}
    rows = [
        CostRow("steady", number, arm, 100, 10.0, 20.0, rate * (ms + away), 50.0, 10.0)
        for arm, (rate, ms) in loads.items()
        for number, away in enumerate((-1.7, 0.8, 0.9))
    ]
    return fit_rows(BY_KEY["apiserver_cpu"], rows)


@pytest.mark.parametrize("read_ms", [-0.3, 0.3])
def test_a_read_that_may_cost_something_leaves_the_verdict_open_whatever_its_sign(read_ms):
    model = a_model(read_ms)
    point, at = model.break_even("direct", model.reference), model.reference
    assert (point.rate is None) == (read_ms < 0)
    assert verdict(model, point, at).text.startswith("This run cannot tell whether an informer")
    assert "this run does not show the break-even rate" in pays_off(model, point, at).text


@pytest.mark.parametrize(
    ("point", "text", "detail"),
    [
        (
            a_rate(12.0, 3.0, 40.0),
            "one informer pays off against direct from 12/s",
            "12/s, extrapolated beyond 10/s; 3 to 40",
        ),
        (
            a_rate(12.0, 11.0, 40.0),
            "no measured read rate lets an informer pay off",
            "12/s, extrapolated beyond 10/s; 11 to 40",
        ),
        (
            a_rate(None, 3.0, None),
            "this run does not show the break-even rate",
            "at least 3/s; a read's cost is too small to measure",
        ),
        (
            a_rate(None, 11.0, None),
            "no measured read rate lets an informer pay off",
            "at least 11/s; a read's cost is too small to measure",
        ),
    ],
)
def test_no_measured_rate_pays_off_only_if_all_of_the_interval_is_beyond_them(point, text, detail):
    model = a_model(2.0)
    sentence = pays_off(model, point, model.reference)
    assert text in sentence.text
    assert detail == sentence.detail


def test_below_the_least_break_even_rate_an_informer_does_not_pay_off():
    model = a_model(-0.3)
    at = replace(model.reference, reads_per_s=2.9)
    text = verdict(model, a_rate(None, 3.0, None), at).text
    assert text.endswith("an informer does not pay off.")


@pytest.mark.parametrize(
    ("truth", "text"),
    [
        # A read takes 2 + 0.05 x 400 ms, an event 0.4 ms, whatever starts and replicas cost.
        (Truth(noise=0.02), "at 400 pods, the events of about 55 (52 to 60) writes, sent to one"),
        (Truth(event=0.01, noise=0.02), "the events of at least 620 writes, sent"),
    ],
)
def test_writes_cost_as_much_as_a_read_by_the_events_alone(truth, text):
    model = fit_rows(BY_KEY["apiserver_cpu"], sweep(truth, replicas=(3,)))
    assert text in churn_loses(model, "direct", 400.0)


def test_writes_have_no_number_where_a_read_may_cost_nothing():
    assert "" == churn_loses(a_model(-0.3), "direct", 100.0)
