"""Weighted least squares whose intervals allow for correlated rows.

Rows of one block (the arms of one round of one scenario) share a floor and a state of the
machine, so their errors are correlated, and how errors grow with the cost is unknown. The
covariance is therefore taken from the residuals, block by block: CR2 of R. M. Bell and
D. F. McCaffrey, "Bias Reduction in Standard Errors for Linear Regression with Multi-Stage
Samples", Survey Methodology 28 (2002), with their Satterthwaite degrees of freedom, as
G. W. Imbens and M. Kolesar recommend for few blocks ("Robust Standard Errors in Small Samples:
Some Practical Advice", Review of Economics and Statistics 98, 2016). Poor weights cost precision,
never coverage.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from bench.stats import CONFIDENCE, Estimate, t_quantile

Floats = npt.NDArray[np.float64]
Matrix = tuple[tuple[float, ...], ...]

FULL_LEVERAGE = 1 - 1e-9
"""Leverage from which a row is fitted exactly, so that its residual does not show its error."""


class NotIdentifiedError(Exception):
    """Raised when the rows do not identify a coefficient for each column."""


@dataclass(frozen=True)
class Fit:
    """Coefficients (k) with their covariance (k x k); ``None`` if the error is unknown.

    Plain numbers, so that a fit can be stored as JSON. With G(f) the covariance of the blocks'
    scores of the linear form f (k), tr G(f) = f' ``trace`` f, and the sum of its squares is
    the form of fourth degree that ``squares`` (k x k x k x k) holds. ``condition`` is that of
    the weighted design, columns scaled to length 1.
    """

    coefficients: tuple[float, ...]
    fitted: tuple[float, ...]
    """Of each row, in their order."""
    condition: float
    covariance: Matrix | None = None
    trace: Matrix | None = None
    squares: tuple[tuple[Matrix, ...], ...] | None = None

    def freedom(self, form: Floats) -> float | None:
        """Return the Satterthwaite degrees of freedom of the linear ``form`` (k)."""
        if self.trace is None or self.squares is None or not np.any(form):
            return None
        squares = float(np.einsum("ijkl,i,j,k,l->", self._arrays[3], *[form] * 4))
        return float(form @ self._arrays[2] @ form) ** 2 / squares if squares > 0 else None

    def value(self, form: Floats) -> float:
        """Return the estimate of ``form`` times the coefficients."""
        return float(form @ self._arrays[0])

    def product(self, form: Floats, other: Floats) -> float | None:
        """Return the covariance of two forms; that of a form with itself is its variance."""
        return None if self.covariance is None else float(form @ self._arrays[1] @ other)

    def quantile(self, forms: Sequence[Floats], confidence: float = CONFIDENCE) -> float | None:
        """Return Student's t for several ``forms`` together: by the fewest degrees of freedom."""
        known = [df for df in (self.freedom(form) for form in forms) if df is not None]
        return t_quantile(confidence, min(known)) if known else None

    def estimate(self, form: Floats, confidence: float = CONFIDENCE) -> Estimate:
        """Return ``form`` times the coefficients with two-sided bounds."""
        middle, quantile = self.value(form), self.quantile([form], confidence)
        variance = self.product(form, form)
        n = len(self.fitted)
        if quantile is None or variance is None:
            return Estimate(middle, n=n)
        half = quantile * math.sqrt(max(0.0, variance))
        return Estimate(middle, middle - half, middle + half, n)

    @cached_property
    def _arrays(self) -> tuple[Floats, ...]:
        """Coefficients, covariance, trace and squares: a chart asks for hundreds of estimates."""
        known = (self.coefficients, self.covariance, self.trace, self.squares)
        return tuple(np.array(values, dtype=np.float64) for values in known)


def fit(design: Floats, response: Floats, weights: Floats, blocks: Sequence[object]) -> Fit:
    """Fit ``response`` (n) on the columns of ``design`` (n x k).

    ``weights`` (n) are positive, as inverse variances are; ``blocks`` (n) is the block of each
    row. Raises ``NotIdentifiedError`` if the columns are (nearly) linearly dependent.
    """
    root = np.sqrt(weights)
    x, y = design * root[:, None], response * root
    condition = _condition(x)
    if not np.isfinite(condition) or condition > 1e8:
        raise NotIdentifiedError(f"the design's condition number is {condition:.3g}")
    bread = np.linalg.inv(x.T @ x)
    coefficients = bread @ x.T @ y
    hat = x @ bread @ x.T
    result = Fit(_plain(coefficients), _plain(design @ coefficients), condition)
    if float(np.diag(hat).max()) > FULL_LEVERAGE:
        return result
    residuals = y - x @ coefficients
    maker = np.eye(len(y)) - hat
    keys = list(dict.fromkeys(blocks))
    rows = [np.array([index for index, block in enumerate(blocks) if block == key]) for key in keys]
    if len(rows) < 2:
        return result
    scores, spreads = [], []
    for members in rows:
        shaped = _inverse_root(maker[np.ix_(members, members)]) @ x[members] @ bread
        scores.append(residuals[members] @ shaped)
        spreads.append(maker[:, members] @ shaped)
    score, spread = np.array(scores), np.array(spreads)
    gram = np.einsum("gni,hnj->ghij", spread, spread)
    return replace(
        result,
        covariance=_plain(score.T @ score),
        trace=_plain(np.einsum("ggij->ij", gram)),
        squares=_plain(np.einsum("ghij,ghkl->ijkl", gram, gram)),
    )


def _plain(array: Floats) -> Any:  # noqa: ANN401 - as deep a tuple as the array has dimensions
    return tuple(_plain(part) for part in array) if array.ndim > 1 else tuple(array.tolist())


def lack_of_fit(
    design: Floats, response: Floats, weights: Floats, cells: Sequence[object]
) -> float | None:
    """Return the p-value of the model against free means of the ``cells``; ``None`` if untestable.

    R. A. Fisher's F test on repeated observations, as in N. R. Draper and H. Smith,
    "Applied Regression Analysis" (3rd ed., 1998), section 2.1. Small: the scatter over
    rounds does not explain the cells' distance from the model.
    """
    root = np.sqrt(weights)
    x, y = design * root[:, None], response * root
    keys = list(dict.fromkeys(cells))
    members = np.array([[cell == key for key in keys] for cell in cells], dtype=np.float64)
    free = members * root[:, None]
    spare = len(keys) - int(np.linalg.matrix_rank(x))
    repeats = len(y) - len(keys)
    if spare < 1 or repeats < 1:
        return None
    pure, total = _unexplained(free, y), _unexplained(x, y)
    if pure <= 0:
        return None
    ratio = max(0.0, total - pure) / spare / (pure / repeats)
    return float(special.fdtrc(spare, repeats, ratio))


def _unexplained(x: Floats, y: Floats) -> float:
    solution = np.linalg.lstsq(x, y, rcond=None)[0]
    return float(np.sum((y - x @ solution) ** 2))


def _condition(x: Floats) -> float:
    lengths = np.sqrt(np.sum(x**2, axis=0))
    if x.shape[0] < x.shape[1] or np.any(lengths == 0):
        return float("inf")
    return float(np.linalg.cond(x / lengths))


def _inverse_root(matrix: Floats) -> Floats:
    """Return the symmetric inverse square root, its null space left out."""
    values, vectors = np.linalg.eigh(matrix)
    nonzero = values > 1e-10
    root: Floats = (vectors[:, nonzero] / np.sqrt(values[nonzero])) @ vectors[:, nonzero].T
    return root
