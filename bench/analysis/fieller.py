"""The interval of a ratio of two uncertain quantities, unbounded where it must be.

E. C. Fieller, "Some Problems in Interval Estimation", Journal of the Royal
Statistical Society B 16 (1954): r belongs to the set when numerator - r x
denominator cannot be told from 0. No delta method: that gives a finite interval
also where the denominator may well be 0.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio known not to be negative.

    ``high`` is ``None`` when the set has no upper end, ``value`` when the estimate
    of the denominator is not positive, ``low`` when no error is known of either.
    """

    value: float | None
    low: float | None
    high: float | None


def ratio(
    numerator: float,
    denominator: float,
    *,
    variances: tuple[float, float],
    covariance: float,
    quantile: float,
) -> Ratio:
    """Return numerator / denominator, cut off at 0, with Fieller's set.

    ``variances`` are the numerator's and the denominator's; ``quantile`` is
    Student's t of the confidence wanted.
    """
    of_numerator, of_denominator = variances
    value = max(0.0, numerator / denominator) if denominator > 0 else None
    # a r^2 - 2 b r + c <= 0
    a = denominator**2 - quantile**2 * of_denominator
    b = numerator * denominator - quantile**2 * covariance
    c = numerator**2 - quantile**2 * of_numerator
    if a > 0 and denominator > 0:
        reach = float(np.sqrt(max(0.0, b**2 - a * c)))
        return Ratio(value, max(0.0, (b - reach) / a), max(0.0, (b + reach) / a))
    if a < 0 < c and numerator > 0:
        # Outside the two roots, of which one is negative: from the positive one on.
        return Ratio(value, (b - float(np.sqrt(b**2 - a * c))) / a, None)
    return Ratio(value, 0.0, None)
