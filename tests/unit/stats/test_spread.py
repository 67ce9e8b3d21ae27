"""Spread over rounds: outlying rounds, and the smallest detectable change."""

import numpy as np
import pytest
from scipy import stats

from bench.stats import POWER, mean, outlying, variation


def test_the_coefficient_of_variation_is_scipys():
    values = [9.0, 10.0, 11.5, 10.5]
    assert pytest.approx(stats.variation(values, ddof=1)) == variation(values)


@pytest.mark.parametrize("values", [[], [3.0], [-1.0, 1.0], [-2.0, -3.0]])
def test_there_is_no_variation_of_one_value_or_about_a_mean_not_above_zero(values):
    assert variation(values) is None


def test_a_round_far_from_the_others_is_marked_by_its_number():
    logs = dict(zip(range(1, 8), [0.01, -0.02, 0.0, 0.015, 0.9, -0.01, 0.02], strict=True))
    assert (5,) == outlying(logs)


def test_the_mark_is_the_modified_z_score_against_its_published_bound():
    # Median 0, MAD 1: 0.6745 x is above 3.5 from x = 5.19 on.
    usual = [-2.0, -1.0, 0.0, 1.0]
    assert () == outlying(dict(enumerate([*usual, 5.18])))
    assert (4,) == outlying(dict(enumerate([*usual, 5.20])))


def test_where_most_rounds_are_alike_an_odd_one_is_still_found():
    assert (4,) == outlying(dict(enumerate([1.0] * 4 + [9.0])))


@pytest.mark.parametrize("values", [[], [1.0, 1.0, 9.0, 1.0], [2.0] * 6])
def test_few_rounds_and_equal_rounds_have_no_odd_one(values):
    assert () == outlying(dict(enumerate(values)))


def test_outliers_are_seldom_seen_in_rounds_of_one_kind():
    random = np.random.default_rng(5)
    marked = sum(
        bool(outlying(dict(enumerate(random.normal(0, 1, 6).tolist())))) for _ in range(500)
    )
    assert marked / 500 < 0.25


@pytest.mark.parametrize("rounds", [6, 10])
def test_a_change_of_the_detectable_size_is_found_as_often_as_promised(rounds):
    """With the true standard deviation the formula's power is that of Student's t test."""
    deviation = 0.05
    unit = np.resize([1.0, -1.0], rounds)
    noise = (unit * deviation / unit.std(ddof=1)).tolist()
    size = mean(noise).detectable
    random = np.random.default_rng(rounds)
    drawn = random.normal(size, deviation, (4_000, rounds))
    power = np.mean(stats.ttest_1samp(drawn, 0.0, axis=1).pvalue < 0.05)
    assert power == pytest.approx(POWER, abs=0.04)


def test_more_confidence_asks_for_a_larger_change():
    values = [0.01, -0.02, 0.005, 0.01, -0.01, 0.0]
    assert mean(values, 0.99).detectable > mean(values, 0.95).detectable


def test_a_single_round_detects_nothing():
    assert mean([0.1]).detectable is None
    assert 0.0 == mean([0.1, 0.1]).detectable
