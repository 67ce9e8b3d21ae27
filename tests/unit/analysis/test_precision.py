"""The precision of a run's deciding ratios, and the rounds to buy if it is too low."""

from dataclasses import replace

import numpy as np
import pytest

from bench.analysis.comparisons import (
    ROUNDS_A_PURCHASE,
    half_width,
    precisions,
    rounds_to_buy,
    shortfall,
)
from bench.stats import Estimate, paired_ratio
from tests.unit.analysis.synthetic import SCENARIO

CLOSED = replace(SCENARIO, name="capacity", rate_rps=None, users=1)


@pytest.fixture
def analysed(made):
    """A run of six rounds whose plan requests no precision yet."""
    return made(rounds=6, scenarios=(SCENARIO, CLOSED))[1]


def wanting(analysis, precision, most):
    plan = replace(analysis.plan, precision=precision, most_rounds=most)
    return replace(analysis, plan=plan)


def test_the_half_width_is_what_the_upper_bound_exceeds_the_middle_by():
    assert pytest.approx(0.25) == half_width(Estimate(4.0, 3.2, 5.0, 6))
    assert None is half_width(Estimate(4.0))


def test_what_decides_is_throughput_at_full_speed_and_the_median_at_a_rate(analysed):
    ratios = precisions(analysed.scenarios)
    assert {
        ("list", "service_p50", "direct"),
        ("list", "service_p50", "direct-rv0"),
        ("capacity", "throughput", "direct"),
        ("capacity", "throughput", "direct-rv0"),
    } == {(ratio.scenario, ratio.comparison.metric, ratio.comparison.baseline) for ratio in ratios}
    assert sorted((ratio.half_width for ratio in ratios), reverse=True) == [
        ratio.half_width for ratio in ratios
    ]


def test_a_plan_that_names_no_precision_buys_nothing(analysed):
    assert (None, None) == (rounds_to_buy(analysed), shortfall(analysed))


def test_a_run_that_is_sure_enough_buys_nothing(analysed):
    widest = precisions(analysed.scenarios)[0].half_width
    sure = wanting(analysed, widest * 1.01, 12)
    assert (None, None) == (rounds_to_buy(sure), shortfall(sure))


def test_one_that_is_not_is_extended_and_says_by_what_ratio(analysed):
    widest = precisions(analysed.scenarios)[0]
    unsure = wanting(analysed, widest.half_width * 0.99, 12)
    assert 6 + ROUNDS_A_PURCHASE == rounds_to_buy(unsure)
    text = shortfall(unsure)
    assert text is not None
    assert text.startswith(f"{widest.scenario}: {widest.comparison.definition.title}")
    assert f"within {widest.half_width:.1%} after 6 rounds" in text


def test_it_is_never_extended_beyond_the_most_rounds(analysed):
    assert 7 == rounds_to_buy(wanting(analysed, 1e-6, 7))
    at_the_most = wanting(analysed, 1e-6, 6)
    assert None is rounds_to_buy(at_the_most)
    assert "after 6 rounds" in (shortfall(at_the_most) or ""), "it is said all the same"


@pytest.mark.parametrize("noise", [0.05, 0.10, 0.15])
def test_stopping_at_a_narrow_interval_costs_little_coverage(noise):
    """The procedure of the page: looks after 6, 9 and 12 rounds, until it is within 7%."""
    random = np.random.default_rng(5)
    tries, truth, covered = 1_000, 3.0, 0
    for _ in range(tries):
        base = random.lognormal(0.0, 0.2, 12)
        values = truth * base * random.lognormal(0.0, noise, 12)
        for rounds in (6, 9, 12):
            ratio = paired_ratio(values[:rounds].tolist(), base[:rounds].tolist())
            if (half_width(ratio) or 1.0) <= 0.07:
                break
        covered += ratio.holds(truth)
    assert 0.91 <= covered / tries <= 0.975
