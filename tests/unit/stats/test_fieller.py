"""The interval of a ratio, bounded and not."""

import numpy as np
import pytest

from bench.stats import fieller

Ends = tuple[float | None, float | None]


def ends(n: float, d: float, vn: float, vd: float, both: float = 0.0) -> Ends:
    return fieller(n, d, variances=(vn, vd), covariance=both, quantile=2.0)


def test_a_certain_ratio_has_no_width() -> None:
    assert (2.0, 2.0) == ends(6.0, 3.0, 0.0, 0.0)


def test_with_a_sure_denominator_it_is_the_numerators_interval_divided() -> None:
    assert (pytest.approx(5 / 3), pytest.approx(7 / 3)) == ends(6.0, 3.0, 0.25, 0.0)


def test_both_ends_are_where_the_difference_can_just_be_told_from_zero() -> None:
    for end in ends(10.0, 5.0, 1.0, 0.5, 0.2):
        assert end is not None
        spread = 1.0 - 2 * end * 0.2 + end**2 * 0.5
        assert pytest.approx(2.0) == abs(10.0 - end * 5.0) / np.sqrt(spread)


def test_a_numerator_that_may_be_zero_reaches_below_zero() -> None:
    low, high = ends(1.0, 5.0, 4.0, 0.01)
    assert low is not None
    assert high is not None
    assert low < 0.0 < 0.2 < high


def test_a_denominator_that_may_be_zero_leaves_only_a_lower_end() -> None:
    low, high = ends(10.0, 1.0, 0.01, 1.0)
    assert high is None
    assert low is not None
    assert 0.0 < low < 10.0


def test_when_both_may_be_zero_nothing_is_excluded() -> None:
    assert (None, None) == ends(0.1, 0.1, 1.0, 1.0)


def test_a_denominator_that_is_not_positive_has_no_ratio() -> None:
    assert (None, None) == ends(5.0, -1.0, 0.1, 0.1)
