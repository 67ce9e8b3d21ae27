"""Numbers formatted for people."""

import math

import pytest

from bench.report.numbers import (
    AT_LEAST,
    EXACT,
    MINUS,
    MISSING,
    Scale,
    change,
    lower_bound,
    number,
    per_cent,
    rate,
    scale_for,
    share,
    share_at_least,
    times,
    times_at_least,
    times_at_most,
)
from bench.stats import Estimate


@pytest.mark.parametrize(
    ("value", "expected", "exact"),
    [
        (0, "0", "0"),
        (-0.0, "0", "0"),
        (1234.56, "1,235", "1,235"),
        (12.34, "12", "12.3"),
        (9.97, "10", "9.97"),
        (1.26, "1.3", "1.26"),
        (0.996, "1", "0.996"),
        (0.1234, "0.12", "0.123"),
        (0.00996, "0.01", "0.00996"),
        (-3.84, f"{MINUS}3.8", f"{MINUS}3.84"),
        (None, MISSING, MISSING),
        (math.nan, MISSING, MISSING),
        (math.inf, MISSING, MISSING),
    ],
)
def test_as_many_digits_as_asked_for_and_never_nan(value, expected, exact):
    assert (expected, exact) == (number(value), number(value, EXACT))


@pytest.mark.parametrize(
    ("factor", "expected"), [(12_345, "12,000"), (312.4, "310"), (4.68, "4.7"), (1.04, "1.04")]
)
def test_a_factor_claims_two_digits(factor, expected):
    assert expected == times(factor)


@pytest.mark.parametrize(("factor", "expected"), [(319.9, "310"), (26.9, "26"), (4.69, "4.6")])
def test_a_lower_bound_of_a_factor_is_rounded_down(factor, expected):
    assert expected == times_at_least(factor)


@pytest.mark.parametrize(("factor", "expected"), [(310.1, "320"), (9.91, "10"), (0.0861, "0.087")])
def test_an_upper_bound_of_a_factor_is_rounded_up(factor, expected):
    assert expected == times_at_most(factor)


@pytest.mark.parametrize(
    ("value", "down", "up"),
    [
        (1.049, "1", "1.1"),
        (9.97, "9.9", "10"),
        (0.0996, "0.099", "0.1"),
        (1234.2, "1,234", "1,235"),
        (2.3, "2.3", "2.3"),
        (0.3, "0.3", "0.3"),
        (0, "0", "0"),
    ],
)
def test_a_bound_is_rounded_so_that_it_still_holds(value, down, up):
    assert (down, up) == (number(value, up=False), number(value, up=True))
    assert f"{AT_LEAST}{down}" == lower_bound(value)


def test_the_upper_bound_of_a_slow_rate_is_the_shorter_time():
    bounds = [(rate(value, up=False), rate(value, up=True)) for value in (2.41, 1 / 1799, 1 / 433)]
    assert [
        ("2.4/s", "2.5/s"),
        ("one in 30 min", "one in 29 min"),
        ("one in 433 s", "one in 433 s"),
    ] == bounds


@pytest.mark.parametrize(
    ("part", "expected", "at_least"),
    [(0.919, "92", "91"), (0.0555, "5.5", "5.5"), (0.9978, "99.8", "99.7"), (1.0, "100", "100")],
)
def test_a_share_near_all_says_what_is_left_and_a_bound_is_rounded_down(part, expected, at_least):
    assert (expected, at_least) == (share(part), share_at_least(part))


def test_a_row_of_bytes_has_one_unit():
    scale = scale_for([19e6, 94_000, None], "B/s")
    assert ("MB/s", "19", "0.094") == (scale.unit, scale.show(19e6), scale.show(94_000))
    assert ("19 MB/s", "+19 MB/s", MISSING) == (
        scale.quantity(19e6),
        scale.quantity(19e6, signed=True),
        scale.quantity(None),
    )


def test_an_interval_whose_ends_read_alike_is_said_once():
    scale = scale_for([5.8], "MB")
    assert ("5.8", "", "5.7 to 5.8", "") == (
        scale.interval(5.78, 5.81),
        scale.interval(5.78, 5.81, 5.8),
        scale.interval(5.7, 5.8),
        scale.interval(None, 5.8),
    )


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (7433, 5978, 8889, "7,400 [6,000 to 8,900]"),
        (34_113, 29_907, 38_319, "34,100 [29,900 to 38,300]"),
        (144, 79, 723, "140 [80 to 720]"),
        (2.3, -21.4, 26, f"2 [{MINUS}21 to 26]"),
        (282, 259, 306, "282 [259 to 306]"),
        (150, 4, 400, "150 [4 to 400]"),
        (1000, 1000, 1000, "1,000"),
        (12_345, None, None, "12,345"),
    ],
)
def test_an_estimate_has_no_more_digits_than_its_interval_carries(value, low, high, shown):
    assert shown == Scale(1.0, "").estimate(Estimate(value, low, high))


def test_changes_are_signed_and_large_ones_are_factors():
    assert ["+3.1%", f"{MINUS}3.1%", "0%", "12\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}"] == [
        change(factor) for factor in (1.031, 0.969, 1.0001, 12.0)
    ]
    assert "99.5%" == per_cent(0.995)


def test_a_slow_rate_is_shown_as_a_time():
    assert ["2.4/s", "0.05/s", "one in 200 s", "one in 60 min", "one in 28 h", "0"] == [
        rate(value) for value in (2.4, 0.05, 0.005, 1 / 3600, 1e-5, 0.0)
    ]
