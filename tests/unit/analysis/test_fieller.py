"""The interval of a ratio, bounded and not."""

import numpy as np
import pytest

from bench.analysis.fieller import Ratio, ratio


def _ratio(n: float, d: float, vn: float, vd: float, both: float = 0.0) -> Ratio:
    return ratio(n, d, variances=(vn, vd), covariance=both, quantile=2.0)


def test_a_certain_ratio_has_no_width() -> None:
    assert _ratio(6.0, 3.0, 0.0, 0.0) == Ratio(2.0, 2.0, 2.0)


def test_with_a_sure_denominator_it_is_the_numerators_interval_divided() -> None:
    found = _ratio(6.0, 3.0, 0.25, 0.0)
    assert (pytest.approx(5 / 3), pytest.approx(7 / 3)) == (found.low, found.high)


def test_both_ends_are_where_the_difference_can_just_be_told_from_zero() -> None:
    found = _ratio(10.0, 5.0, 1.0, 0.5, 0.2)
    assert found.high is not None
    for end in (found.low, found.high):
        assert end is not None
        spread = 1.0 - 2 * end * 0.2 + end**2 * 0.5
        assert pytest.approx(2.0) == abs(10.0 - end * 5.0) / np.sqrt(spread)


def test_a_numerator_that_may_be_zero_reaches_down_to_zero() -> None:
    found = _ratio(1.0, 5.0, 4.0, 0.01)
    assert found.low == 0.0
    assert found.high is not None
    assert found.high > 0.2


def test_a_negative_numerator_is_a_ratio_of_zero() -> None:
    assert _ratio(-6.0, 3.0, 0.01, 0.01) == Ratio(0.0, 0.0, 0.0)


def test_a_denominator_that_may_be_zero_leaves_only_a_lower_end() -> None:
    found = _ratio(10.0, 1.0, 0.01, 1.0)
    assert found.value == 10.0
    assert found.high is None
    assert found.low is not None
    assert 0.0 < found.low < 10.0


def test_when_both_may_be_zero_nothing_is_excluded() -> None:
    assert _ratio(0.1, 0.1, 1.0, 1.0) == Ratio(1.0, 0.0, None)


def test_a_denominator_that_is_not_positive_has_no_ratio() -> None:
    assert _ratio(5.0, -1.0, 0.1, 0.1).value is None
    assert _ratio(5.0, -1.0, 0.1, 0.1).high is None
