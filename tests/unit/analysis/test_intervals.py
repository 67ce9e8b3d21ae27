"""Intervals over rounds, set against scipy and against simulated rounds of known truth."""

import math

import numpy as np
import pytest
from scipy import stats

from bench.analysis.intervals import (
    at_least_times,
    mean_interval,
    poisson_bounds,
    ratio_interval,
)


def test_the_interval_of_paired_ratios_is_students_t_on_their_logarithms():
    ours, theirs = [2.0, 2.4, 1.9, 2.2], [1.0, 1.1, 1.2, 0.9]
    logs = np.log(ours) - np.log(theirs)
    peer = stats.ttest_rel(np.log(ours), np.log(theirs)).confidence_interval(0.95)
    found = ratio_interval(ours, theirs)
    assert pytest.approx(math.exp(logs.mean())) == found.value
    assert pytest.approx((math.exp(peer.low), math.exp(peer.high))) == (found.low, found.high)


def test_the_interval_of_a_mean_agrees_with_scipy():
    values = [3.0, 1.0, 4.0, 1.5, 9.0]
    peer = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean_interval(values)
    assert pytest.approx((peer.low, peer.high)) == (found.low, found.high)


@pytest.mark.parametrize("rounds", [6, 10])
def test_a_nominal_95_percent_interval_covers_the_truth_as_often_as_it_says(rounds):
    random = np.random.default_rng(rounds)
    truth, tries, covered = 3.0, 4_000, 0
    for _ in range(tries):
        base = random.lognormal(0.0, 0.2, rounds)
        found = ratio_interval(list(truth * base * random.lognormal(0, 0.1, rounds)), list(base))
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / tries <= 0.97


def test_a_single_round_has_a_value_and_no_interval():
    found = ratio_interval([2.0], [1.0])
    assert (2.0, None, None, 1) == (found.value, found.low, found.high, found.rounds)


@pytest.mark.parametrize(
    ("ours", "theirs"), [([], []), ([0.0], [1.0]), ([1.0], [0.0]), ([-1], [1])]
)
def test_there_is_no_ratio_of_what_is_not_positive(ours, theirs):
    assert ratio_interval(ours, theirs) is None


def test_no_values_have_no_mean():
    assert mean_interval([]) is None


@pytest.mark.parametrize("rounds", [1, 5])
def test_fewer_than_six_rounds_are_indicative(rounds):
    assert mean_interval([1.0] * rounds).indicative


def test_six_rounds_are_not_indicative():
    assert not mean_interval([1.0] * 6).indicative


@pytest.mark.parametrize(
    # Garwood's exact limits, as tables of the Poisson distribution print them
    ("count", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.391), (100, 81.36, 121.63)],
)
def test_poisson_bounds_are_the_tabulated_ones(count, low, high):
    assert pytest.approx((low, high), rel=1e-3) == poisson_bounds(count)


def test_at_least_k_times_is_stated_for_a_count_of_zero():
    found = at_least_times(1_000, 1.0, 0, 1.0)
    assert pytest.approx(poisson_bounds(1_000)[0] / poisson_bounds(0)[1]) == found


def test_at_least_k_times_is_seldom_more_than_the_truth():
    random = np.random.default_rng(3)
    truth, tries = 50.0, 4_000
    wrong = sum(
        at_least_times(int(random.poisson(truth * 4)), 4.0, int(random.poisson(2)), 2.0) > truth
        for _ in range(tries)
    )
    assert wrong / tries <= 0.05


def test_without_exposure_nothing_is_stated():
    assert at_least_times(5, 0.0, 0, 1.0) is None
