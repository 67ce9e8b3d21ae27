"""Numbers as people read them."""

import math

import pytest

from bench.report.numbers import MISSING, number, scale_for, times, times_at_least


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1234.56, "1,235"),
        (12.34, "12"),
        (9.97, "10"),
        (1.26, "1.3"),
        (0.996, "1"),
        (0.1234, "0.12"),
        (0.00996, "0.01"),
        (-3.84, "\N{MINUS SIGN}3.8"),
        (None, MISSING),
        (math.nan, MISSING),
        (math.inf, MISSING),
    ],
)
def test_at_most_two_significant_decimals_and_never_nan(value, expected):
    assert expected == number(value)


@pytest.mark.parametrize(
    ("factor", "expected"), [(12_345, "12,000"), (312.4, "310"), (4.68, "4.7"), (1.04, "1.04")]
)
def test_a_factor_claims_two_digits(factor, expected):
    assert expected == times(factor)


@pytest.mark.parametrize(("factor", "expected"), [(319.9, "310"), (26.9, "26"), (4.69, "4.6")])
def test_a_lower_bound_is_rounded_down(factor, expected):
    assert expected == times_at_least(factor)


def test_a_row_of_bytes_has_one_unit():
    scale = scale_for([19e6, 94_000, None], "B/s")
    assert ("MB/s", "19", "0.094") == (scale.unit, scale.show(19e6), scale.show(94_000))
