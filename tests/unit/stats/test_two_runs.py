"""Estimates compared with scipy, or with a search by hand."""

import numpy as np
import pytest
from scipy import stats

from bench.stats import (
    Estimate,
    Events,
    mean,
    paired_ratio,
    ratio_of_means,
    unpaired_difference,
    unpaired_ratio,
)

TOP = [2.1, 1.9, 2.4, 2.0, 1.7, 2.2]
BOTTOM = [10.2, 9.1, 11.0, 10.4, 9.0, 10.1]


def test_an_unpaired_difference_is_welchs():
    expected = stats.ttest_ind(BOTTOM, TOP[:4], equal_var=False).confidence_interval(0.95)
    welch = unpaired_difference(BOTTOM, TOP[:4], 0.95)
    assert (pytest.approx(expected.low), pytest.approx(expected.high)) == (welch.low, welch.high)


def test_fiellers_interval_holds_the_factors_that_cannot_be_told_apart():
    ratio = ratio_of_means(TOP, BOTTOM, 0.95)
    factors = np.linspace(0.1, 0.3, 4001)
    differences = np.array(TOP)[:, None] - factors * np.array(BOTTOM)[:, None]
    possible = factors[stats.ttest_1samp(differences, 0).pvalue >= 0.05]
    assert possible[0] == pytest.approx(ratio.low, abs=1e-4)
    assert possible[-1] == pytest.approx(ratio.high, abs=1e-4)


def test_there_is_no_factor_of_what_cannot_be_told_from_zero():
    assert ratio_of_means(TOP, [-1.0, 1.2, -0.9, 1.1, 0.2, -0.4], 0.95) is None


def test_a_single_round_has_a_value_and_no_interval():
    for value, estimate in (
        (2.0, mean([2.0], 0.95)),
        (0.5, paired_ratio([2.0], [4.0], 0.95)),
        (0.5, unpaired_ratio([2.0], [4.0, 4.0], 0.95)),
        (0.5, ratio_of_means([2.0], [4.0], 0.95)),
    ):
        assert Estimate(pytest.approx(value), None, None, 1, None) == estimate


def test_few_events_are_given_the_exact_bounds_of_poisson():
    estimate = mean([0.0] * 6, 0.95, Events(0, 12.0))
    assert (0.0, pytest.approx(3.689 / 12, rel=1e-3)) == (estimate.low, estimate.high)


def test_many_events_are_left_to_their_rounds():
    assert mean(TOP, 0.95, Events(5000, 2500.0)) == mean(TOP, 0.95)
