"""Estimates of a value or of a change, each with an interval at a stated confidence.

Four ways, chosen by what is measured and never by how the figures came out:

- ``of_mean``: one arm's own value, Student's t over its rounds;
- ``of_paired_ratio``: two arms of one run, paired by round: Student's t on the
  logarithms of the ratios; ``of_ratio_of_means`` where values may be zero;
- ``of_unpaired_ratio``: the same arm in two runs, whose rounds have nothing in
  common: Welch's two-sample t on the logarithms; ``of_unpaired_difference`` where
  values may be zero.

A count that is rare is given no narrower an interval than the exact Poisson
bounds: six rounds of zero requests do not show that there will never be one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from bench.analysis.intervals import poisson_bounds

RARE_BELOW = 30
"""Events in all below which a t interval over rounds is not trusted alone."""
POWER = 0.8
"""How often a change of the size called detectable would be seen."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval; ``low`` and ``high`` are ``None`` with too few rounds.

    ``logarithmic``: a factor whose interval is symmetric in its logarithm; else it is
    so in the value itself. ``degrees``: degrees of freedom of the t.
    """

    value: float
    low: float | None
    high: float | None
    rounds: int
    degrees: float
    logarithmic: bool

    def half_width(self) -> float | None:
        """Return half the interval, of the logarithm where it is symmetric in that."""
        if self.low is None or self.high is None:
            return None
        if not self.logarithmic:
            return (self.high - self.low) / 2
        return float(np.log(self.high / self.low)) / 2

    def detectable(self, confidence: float) -> float | None:
        """Return by how much a true change must pass a boundary to be seen with ``POWER``.

        A change is seen when its whole interval lies beyond the boundary, so its
        mean must lie a half width and one more quantile of the t away from it.
        In the logarithm where the interval is symmetric in that.
        """
        half = self.half_width()
        if half is None or self.degrees <= 0:
            return None
        beyond = float(stats.t.ppf(POWER, self.degrees))
        return half * (1 + beyond / _quantile(confidence, self.degrees))


@dataclass(frozen=True, slots=True)
class Events:
    """How many events were counted over which exposure; their quotient is a rate in the unit."""

    count: int
    exposure: float

    def bounds(self, confidence: float) -> tuple[float, float] | None:
        """Return exact Poisson bounds of the rate; ``None`` unless the events are rare."""
        if self.count >= RARE_BELOW or self.exposure <= 0:
            return None
        low, high = poisson_bounds(self.count, confidence)
        return low / self.exposure, high / self.exposure


def of_mean(
    values: Sequence[float], confidence: float, events: Events | None = None
) -> Estimate | None:
    """Estimate the mean of ``values``, one a round; ``None`` without values."""
    if not values:
        return None
    mean, variance, degrees = _moments(values)
    half = _half(variance, degrees, confidence)
    estimate = _around(mean, half, len(values), degrees, logarithmic=False)
    return _no_narrower(estimate, events.bounds(confidence) if events else None)


def of_paired_ratio(
    numerators: Sequence[float], denominators: Sequence[float], confidence: float
) -> Estimate | None:
    """Estimate the factor between two arms of the same rounds; ``None`` unless all are positive."""
    if not numerators or min(*numerators, *denominators) <= 0:
        return None
    logs = np.log(np.asarray(numerators)) - np.log(np.asarray(denominators))
    mean, variance, degrees = _moments([float(value) for value in logs])
    half = _half(variance, degrees, confidence)
    return _exponential(_around(mean, half, len(numerators), degrees, logarithmic=True))


def of_unpaired_ratio(
    numerators: Sequence[float], denominators: Sequence[float], confidence: float
) -> Estimate | None:
    """Estimate the factor between two runs' rounds; ``None`` unless all are positive.

    B. L. Welch, "The generalization of 'Student's' problem when several different
    population variances are involved", Biometrika 34 (1947), on the logarithms.
    """
    if not numerators or not denominators or min(*numerators, *denominators) <= 0:
        return None
    logs = [[float(np.log(value)) for value in values] for values in (numerators, denominators)]
    return _exponential(replace(_welch(*logs, confidence=confidence), logarithmic=True))


def of_unpaired_difference(
    values: Sequence[float],
    others: Sequence[float],
    confidence: float,
    events: tuple[Events, Events] | None = None,
) -> Estimate | None:
    """Estimate the mean of ``values`` less that of ``others`` (two runs); ``None`` without both."""
    if not values or not others:
        return None
    estimate = _welch(values, others, confidence=confidence)
    if events is None:
        return estimate
    own, other = (one.bounds(confidence) for one in events)
    if own is None or other is None:
        return estimate
    return _no_narrower(estimate, (own[0] - other[1], own[1] - other[0]))


def of_ratio_of_means(
    numerators: Sequence[float],
    denominators: Sequence[float],
    confidence: float,
    events: tuple[Events, Events] | None = None,
) -> Estimate | None:
    """Estimate mean over mean of paired rounds, where a numerator may be zero.

    E. C. Fieller, "Some problems in interval estimation", J. R. Stat. Soc. B 16
    (1954): the factors k for which the mean of ``numerator - k * denominator`` cannot
    be told from 0. ``None`` when the denominators cannot be told from 0.
    """
    if not numerators or len(numerators) != len(denominators):
        return None
    top, bottom = np.asarray(numerators, float), np.asarray(denominators, float)
    mean = float(bottom.mean())
    if mean <= 0:
        return None
    value, count = float(top.mean()) / mean, len(numerators)
    if count < 2:
        return Estimate(value, None, None, count, 0, logarithmic=False)
    scale = _quantile(confidence, count - 1) ** 2 / count
    covariance = np.cov(top, bottom)
    square = mean**2 - scale * float(covariance[1, 1])
    if square <= 0:
        return None
    middle = float(top.mean()) * mean - scale * float(covariance[0, 1])
    rest = float(top.mean()) ** 2 - scale * float(covariance[0, 0])
    root = float(np.sqrt(max(middle**2 - square * rest, 0.0)))
    estimate = Estimate(
        value,
        (middle - root) / square,
        (middle + root) / square,
        count,
        count - 1,
        logarithmic=False,
    )
    return _no_narrower(estimate, _ratio_bounds(events, mean, confidence))


def _ratio_bounds(
    events: tuple[Events, Events] | None, denominator: float, confidence: float
) -> tuple[float, float] | None:
    own = events[0].bounds(confidence) if events else None
    return None if own is None else (own[0] / denominator, own[1] / denominator)


def _welch(values: Sequence[float], others: Sequence[float], *, confidence: float) -> Estimate:
    (mean, variance, degrees), (other_mean, other_variance, other_degrees) = (
        _moments(values),
        _moments(others),
    )
    total = variance + other_variance
    if min(degrees, other_degrees) < 1:
        free = 0.0
    elif total == 0:
        free = float(degrees + other_degrees)
    else:
        free = total**2 / (variance**2 / degrees + other_variance**2 / other_degrees)
    rounds = min(len(values), len(others))
    half = _half(total, free, confidence)
    return _around(mean - other_mean, half, rounds, free, logarithmic=False)


def _moments(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean, the variance of the mean, and the degrees of freedom."""
    data = np.asarray(values, dtype=np.float64)
    if len(data) < 2:
        return float(data.mean()), 0.0, 0.0
    return float(data.mean()), float(data.var(ddof=1)) / len(data), float(len(data) - 1)


def _quantile(confidence: float, degrees: float) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, degrees))


def _half(variance: float, degrees: float, confidence: float) -> float | None:
    return _quantile(confidence, degrees) * float(np.sqrt(variance)) if degrees > 0 else None


def _around(
    mean: float, half: float | None, rounds: int, degrees: float, *, logarithmic: bool
) -> Estimate:
    if half is None:
        return Estimate(mean, None, None, rounds, degrees, logarithmic)
    return Estimate(mean, mean - half, mean + half, rounds, degrees, logarithmic)


def _exponential(estimate: Estimate) -> Estimate:
    low, high = (
        None if bound is None else float(np.exp(bound)) for bound in (estimate.low, estimate.high)
    )
    return replace(estimate, value=float(np.exp(estimate.value)), low=low, high=high)


def _no_narrower(estimate: Estimate, bounds: tuple[float, float] | None) -> Estimate:
    if bounds is None or estimate.low is None or estimate.high is None:
        return estimate
    return replace(estimate, low=min(estimate.low, bounds[0]), high=max(estimate.high, bounds[1]))
