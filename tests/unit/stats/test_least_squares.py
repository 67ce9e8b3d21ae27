"""Weighted least squares by blocks, against known results of simpler cases."""

import numpy as np
import pytest
from scipy import stats

from bench.stats.least_squares import NotIdentifiedError, fit, lack_of_fit


def test_a_mean_of_single_rows_has_students_interval() -> None:
    values = np.array([3.0, 5.0, 4.0, 8.0, 5.5])
    fitted = fit(np.ones((5, 1)), values, np.ones(5), range(5))
    half = stats.t.ppf(0.975, 4) * values.std(ddof=1) / np.sqrt(5)
    form = np.array([1.0])
    assert pytest.approx(4.0) == fitted.freedom(form)
    assert (
        pytest.approx((values.mean() - half, values.mean() + half)) == fitted.estimate(form).bounds
    )


def test_blocks_of_one_row_give_the_covariance_called_hc2() -> None:
    random = np.random.default_rng(3)
    x = np.column_stack([np.ones(12), random.uniform(0, 10, 12)])
    y = x @ [1.0, 2.0] + random.normal(0, 1, 12)
    fitted = fit(x, y, np.ones(12), range(12))
    bread = np.linalg.inv(x.T @ x)
    leverage = np.diag(x @ bread @ x.T)
    residuals = y - x @ np.array(fitted.coefficients)
    expected = bread @ (x.T * (residuals**2 / (1 - leverage))) @ x @ bread
    assert fitted.covariance is not None
    np.testing.assert_allclose(fitted.covariance, expected)


def test_a_weight_of_two_is_a_row_that_was_seen_twice() -> None:
    x, y = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 5.0, 2.0])
    weighted = fit(x, y, np.array([1.0, 2.0, 1.0]), range(3))
    doubled = fit(x[[0, 1, 1, 2]], y[[0, 1, 1, 2]], np.ones(4), range(4))
    np.testing.assert_allclose(weighted.coefficients, doubled.coefficients)


def test_errors_that_go_together_in_a_block_widen_the_interval() -> None:
    shared = np.repeat(np.random.default_rng(5).normal(0, 1, 10), 4)
    apart = fit(np.ones((40, 1)), shared, np.ones(40), range(40))
    together = fit(np.ones((40, 1)), shared, np.ones(40), np.repeat(range(10), 4).tolist())
    assert apart.covariance is not None
    assert together.covariance is not None
    assert together.covariance[0][0] > 3 * apart.covariance[0][0]


def test_a_row_that_decides_a_coefficient_alone_gives_no_interval() -> None:
    x = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    fitted = fit(x, np.array([1.0, 2.0, 7.0]), np.ones(3), range(3))
    assert pytest.approx(7.0) == fitted.coefficients[1]
    assert fitted.covariance is None
    assert fitted.estimate(np.array([1.0, 0.0])).bounds is None


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], id="one the double of the other"),
        pytest.param([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]], id="one empty"),
        pytest.param([[1.0, 2.0]], id="fewer rows than columns"),
    ],
)
def test_columns_that_cannot_be_told_apart_are_refused(columns: list[list[float]]) -> None:
    with pytest.raises(NotIdentifiedError, match="condition number"):
        fit(np.array(columns), np.ones(len(columns)), np.ones(len(columns)), range(len(columns)))


def test_a_bend_is_found_and_a_straight_line_is_not_accused() -> None:
    at = np.repeat([1.0, 2.0, 5.0, 10.0], 4)
    error = np.random.default_rng(1).normal(0, 0.1, 16)
    straight = lack_of_fit(at[:, None], 3 * at + error, np.ones(16), at.tolist())
    bent = lack_of_fit(at[:, None], 3 * at + 0.3 * at**2 + error, np.ones(16), at.tolist())
    assert straight is not None
    assert straight > 0.05
    assert bent is not None
    assert bent < 0.001


def test_without_repetition_nothing_is_said_of_the_models_shape() -> None:
    at = np.array([1.0, 2.0, 5.0])
    assert lack_of_fit(at[:, None], at, np.ones(3), at.tolist()) is None
