"""Estimates over rounds, compared with scipy and with simulated rounds of known truth."""

import math

import msgspec
import numpy as np
import pytest
from scipy import stats

from bench.stats import (
    LOOK_CONFIDENCE,
    Estimate,
    Events,
    Verdict,
    at_least_times,
    bootstrap_ratio,
    equivalence,
    mean,
    paired_ratio,
    poisson_bounds,
    unpaired_ratio,
)


def test_the_interval_of_paired_ratios_is_students_t_on_their_logarithms():
    ours, theirs = [2.0, 2.4, 1.9, 2.2], [1.0, 1.1, 1.2, 0.9]
    logs = np.log(ours) - np.log(theirs)
    peer = stats.ttest_rel(np.log(ours), np.log(theirs)).confidence_interval(0.95)
    ratio = paired_ratio(ours, theirs)
    assert pytest.approx(math.exp(logs.mean())) == ratio.value
    assert pytest.approx((math.exp(peer.low), math.exp(peer.high))) == (ratio.low, ratio.high)


@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_the_interval_of_a_mean_agrees_with_scipy(confidence):
    values = [3.0, 1.0, 4.0, 1.5, 9.0]
    peer = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    estimate = mean(values, confidence)
    assert pytest.approx((peer.low, peer.high)) == (estimate.low, estimate.high)


def drawn(rounds, tries, truth=3.0, noise=0.1):
    """Rounds of two arms that share the machine's speed, with log-normal noise."""
    random = np.random.default_rng(rounds)
    base = random.lognormal(0.0, 0.2, (tries, rounds))
    values = truth * base * random.lognormal(0.0, noise, (tries, rounds))
    return values.tolist(), base.tolist()


def coverage(interval, rounds, tries, truth=3.0, **given):
    ours, theirs = drawn(rounds, tries, truth)
    bounds = [interval(first, second, **given) for first, second in zip(ours, theirs, strict=True)]
    return sum(estimate.holds(truth) for estimate in bounds) / tries


@pytest.mark.parametrize("rounds", [6, 10])
def test_a_nominal_95_percent_interval_covers_the_truth_as_often_as_it_says(rounds):
    assert 0.93 <= coverage(paired_ratio, rounds, 2_000) <= 0.97


@pytest.mark.parametrize("rounds", [6, 10])
def test_the_bootstrap_t_covers_too_without_assuming_a_law(rounds):
    # 300 tries: two standard errors are 2.5%.
    ours, theirs = drawn(rounds, 300)
    bounds = [bootstrap_ratio(first, second) for first, second in zip(ours, theirs, strict=True)]
    assert 0.92 <= sum(low <= 3.0 <= high for low, high in bounds) / 300 <= 0.985


def test_99_percent_cover_more_than_95():
    assert 0.98 <= coverage(paired_ratio, 6, 2_000, confidence=0.99) <= 1.0


def test_three_looks_together_err_less_than_one_at_95_percent():
    """A decision that may be taken after 6, 8 or 10 rounds, each look at its own confidence."""
    ours, theirs = drawn(10, 1_000, truth=1.0)
    wrong = 0
    for first, second in zip(ours, theirs, strict=True):
        looks = (paired_ratio(first[:n], second[:n], LOOK_CONFIDENCE) for n in (6, 8, 10))
        wrong += any(not look.holds(1.0) for look in looks)
    assert wrong / 1_000 <= 0.05


def test_the_bootstrap_t_is_near_students_where_its_law_holds():
    ours, theirs = drawn(10, 1)
    ratio = paired_ratio(ours[0], theirs[0])
    assert ratio.bounds == pytest.approx(bootstrap_ratio(ours[0], theirs[0]), rel=0.05)


def test_the_bootstrap_t_agrees_with_one_made_by_hand():
    logs = np.log([1.2, 1.1, 1.4, 1.3, 0.9, 1.25])
    random, size = np.random.default_rng(99), len(logs)
    again = random.choice(logs, (4_000, size))
    again = again[np.ptp(again, axis=1) > 0]
    studentised = (again.mean(axis=1) - logs.mean()) / stats.sem(again, axis=1)
    low, high = np.quantile(studentised, [0.025, 0.975])
    expected = np.exp(logs.mean() - np.array([high, low]) * stats.sem(logs))
    bounds = bootstrap_ratio(list(np.exp(logs)), [1.0] * size)
    assert pytest.approx(tuple(expected), rel=0.03) == bounds


def test_the_same_rounds_give_the_same_bootstrap():
    ours, theirs = drawn(6, 1)
    assert bootstrap_ratio(ours[0], theirs[0]) == bootstrap_ratio(ours[0], theirs[0])
    assert bootstrap_ratio(ours[0], theirs[0]) != bootstrap_ratio(ours[0], theirs[0], seed=1)


@pytest.mark.parametrize("ours", [[2.0], [2.0, 2.1, 2.2], [2.0] * 6])
def test_too_few_or_equal_rounds_have_no_bootstrap_bounds(ours):
    assert bootstrap_ratio(ours, [1.0] * len(ours)) is None


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.01, -0.01, 0.0, 0.01, -0.01, 0.0], Verdict.EQUIVALENT),
        ([0.03, 0.031, 0.029, 0.03, 0.03, 0.03], Verdict.EQUIVALENT),  # real, and too small
        ([0.3, 0.31, 0.29, 0.3, 0.3, 0.3], Verdict.DIFFERENT),
        ([-0.3, -0.31, -0.29, -0.3, -0.3, -0.3], Verdict.DIFFERENT),
        ([0.3, -0.3, 0.2, -0.2, 0.1, -0.1], Verdict.UNDECIDED),
        ([0.0], Verdict.UNDECIDED),
    ],
)
def test_equivalence_is_shown_and_never_assumed(values, verdict):
    assert verdict is equivalence(mean(values, LOOK_CONFIDENCE), 0.1)


def test_equivalence_is_two_one_sided_tests():
    values, margin = [0.02, -0.03, 0.01, 0.04, 0.0, -0.01], 0.1
    above = stats.ttest_1samp(values, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(values, margin, alternative="less").pvalue
    for confidence in (0.9, 0.99, 0.9999):
        shown = equivalence(mean(values, confidence), margin) is Verdict.EQUIVALENT
        assert (max(above, below) <= (1 - confidence) / 2) == shown


def test_equal_arms_are_seldom_called_different():
    random = np.random.default_rng(11)
    rounds = random.normal(0.0, 0.05, (1_000, 6)).tolist()
    verdicts = [equivalence(mean(values, LOOK_CONFIDENCE), 0.1) for values in rounds]
    assert verdicts.count(Verdict.DIFFERENT) / 1_000 <= 0.01


def test_arms_that_differ_by_more_than_the_margin_are_seldom_called_equal():
    random = np.random.default_rng(12)
    rounds = random.normal(0.1, 0.05, (1_000, 6)).tolist()
    verdicts = [equivalence(mean(values, LOOK_CONFIDENCE), 0.1) for values in rounds]
    assert verdicts.count(Verdict.EQUIVALENT) / 1_000 <= 0.01


def test_a_single_round_has_no_bounds_to_hold_a_truth():
    assert Estimate(1.0).holds(1.0) is None


@pytest.mark.parametrize("count", [0, 3, 40])
def test_poisson_bounds_are_where_the_tails_have_what_is_left(count):
    low, high = poisson_bounds(count, 0.99)
    assert pytest.approx(0.005) == stats.poisson.cdf(count, high)
    if count:
        assert pytest.approx(0.005) == stats.poisson.sf(count - 1, low)


@pytest.mark.parametrize("way", [paired_ratio, unpaired_ratio, bootstrap_ratio])
@pytest.mark.parametrize(
    ("ours", "theirs"), [([], []), ([0.0], [1.0]), ([1.0], [0.0]), ([-1], [1]), ([0, 1.0], [1, 1])]
)
def test_there_is_no_ratio_of_what_is_not_positive(way, ours, theirs):
    assert way(ours, theirs, 0.95) is None


def test_no_values_have_neither_mean_nor_equivalence():
    assert mean([]) is None
    assert equivalence(mean([]), 0.1) is Verdict.UNDECIDED


@pytest.mark.parametrize(
    # Garwood's exact limits, as tables of the Poisson distribution print them
    ("count", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.391), (100, 81.36, 121.63)],
)
def test_poisson_bounds_are_the_tabulated_ones(count, low, high):
    assert pytest.approx((low, high), rel=1e-3) == poisson_bounds(count)


def test_at_least_k_times_is_stated_for_a_count_of_zero():
    factor = at_least_times(Events(1_000, 1.0), Events(0, 1.0))
    assert pytest.approx(poisson_bounds(1_000)[0] / poisson_bounds(0)[1]) == factor


def test_at_least_k_times_is_seldom_more_than_the_truth():
    random = np.random.default_rng(3)
    truth, tries = 50.0, 600
    counts = zip(random.poisson(truth * 4, tries), random.poisson(2, tries), strict=True)
    stated = [at_least_times(Events(int(n), 4.0), Events(int(m), 2.0)) for n, m in counts]
    assert sum(k > truth for k in stated) / tries <= 0.05


def test_without_exposure_nothing_is_stated():
    assert at_least_times(Events(5, 0.0), Events(0, 1.0)) is None


def test_an_estimate_is_an_array_in_json_and_an_older_one_of_three_is_read():
    estimate = Estimate(0.5, 0.4, 0.6, 6, 0.1)
    assert b"[0.5,0.4,0.6,6,0.1]" == msgspec.json.encode(estimate)
    assert Estimate(0.5, 0.4, 0.6) == msgspec.json.decode(b"[0.5,0.4,0.6]", type=Estimate)
