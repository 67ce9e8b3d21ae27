"""Pacing: intended starts and choices are functions of the seed alone."""

import itertools
import math
from collections import Counter

import pytest
from scipy import stats

from bench.load.pacing import BODIES_A_WINDOW, body_moments, choices, offsets
from bench.load.routes import Ask
from bench.model import Arrivals


def asks(*weights):
    return [Ask(f"/{number}", weight, "/") for number, weight in enumerate(weights)]


def test_constant_arrivals_are_evenly_spaced_from_the_windows_begin_and_end_before_its_end():
    assert [0.0, 0.25, 0.5, 0.75] == list(offsets(Arrivals.CONSTANT, 4.0, 1.0))


def test_constant_arrivals_do_not_add_up_rounding_errors():
    late = next(itertools.islice(offsets(Arrivals.CONSTANT, 10.0, math.inf), 1_000_000, None))
    assert 100_000.0 == late


def test_poisson_arrivals_are_the_same_for_the_same_seed_and_differ_for_another():
    first = list(offsets(Arrivals.POISSON, 50.0, 10.0, seed=7))
    assert first == list(offsets(Arrivals.POISSON, 50.0, 10.0, seed=7))
    assert first != list(offsets(Arrivals.POISSON, 50.0, 10.0, seed=8))


def test_poisson_gaps_are_exponential_at_the_rate():
    times = list(offsets(Arrivals.POISSON, 100.0, 100.0, seed=1))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert stats.kstest(gaps, "expon", args=(0, 1 / 100)).pvalue > 0.01
    assert all(0 < time < 100 for time in times)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_no_positive_number_is_refused(rate):
    with pytest.raises(ValueError, match="a rate is a positive number"):
        offsets(Arrivals.CONSTANT, rate, 1.0)


def test_choices_follow_the_weights():
    drawn = Counter(itertools.islice(choices(asks(1, 2, 7), seed=3), 100_000))
    expected = [10_000, 20_000, 70_000]
    assert stats.chisquare([drawn[0], drawn[1], drawn[2]], expected).pvalue > 0.01


def test_choices_are_the_same_for_the_same_seed_and_differ_for_another():
    def first(seed):
        return list(itertools.islice(choices(asks(1, 1, 1), seed), 5_000))

    assert first("5/measure/0") == first("5/measure/0")
    assert first("5/measure/0") != first("5/measure/1")


def test_a_single_ask_is_always_chosen():
    assert [0, 0, 0] == list(itertools.islice(choices(asks(3), seed=0), 3))


@pytest.mark.parametrize("seconds", [2.0, 7.0])
def test_bodies_are_read_once_in_each_part_of_a_window(seconds):
    part_s = seconds / BODIES_A_WINDOW
    moments = list(itertools.islice(body_moments(seconds), BODIES_A_WINDOW))
    assert list(range(BODIES_A_WINDOW)) == [int(moment / part_s) for moment in moments]


def test_no_two_windows_read_bodies_at_the_same_moments():
    assert next(body_moments(7.0)) != next(body_moments(7.0))


def test_a_window_that_a_person_ends_has_a_body_read_every_second():
    moments = list(itertools.islice(body_moments(math.inf), 3))
    assert [0, 1, 2] == [int(moment) for moment in moments]
