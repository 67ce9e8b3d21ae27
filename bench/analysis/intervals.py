"""Intervals over rounds. The replicate is a round, a freshly started process, never a request."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
INDICATIVE_BELOW = 6
"""With fewer rounds than this the interval is shown as indicative."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate over ``rounds``; ``low`` and ``high`` are ``None`` for a single round."""

    value: float
    low: float | None
    high: float | None
    rounds: int

    @property
    def indicative(self) -> bool:
        """Whether the rounds are too few to lean on the interval."""
        return self.rounds < INDICATIVE_BELOW


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Mean with Student's t interval, 95%; ``None`` without values."""
    if not values:
        return None
    data = np.asarray(values, dtype=np.float64)
    mean = float(data.mean())
    if len(data) < 2:
        return Interval(mean, None, None, len(data))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(data) - 1)) * float(
        data.std(ddof=1) / np.sqrt(len(data))
    )
    return Interval(mean, mean - half, mean + half, len(data))


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float]) -> Interval | None:
    """Geometric mean of paired ratios, with Student's t on their logarithms.

    ``numerators[i]`` and ``denominators[i]`` are of one round. ``None`` without
    pairs or when a value is not positive: then there is no ratio to speak of.
    """
    if not numerators or min(*numerators, *denominators) <= 0:
        return None
    logs = np.log(np.asarray(numerators)) - np.log(np.asarray(denominators))
    interval = mean_interval([float(value) for value in logs])
    if interval is None:
        return None
    low, high = (
        None if bound is None else float(np.exp(bound)) for bound in (interval.low, interval.high)
    )
    return Interval(float(np.exp(interval.value)), low, high, interval.rounds)


def poisson_bounds(count: int) -> tuple[float, float]:
    """Exact two-sided 95% bounds of a Poisson mean, of which ``count`` events were seen.

    F. Garwood, "Fiducial Limits for the Poisson Distribution", Biometrika 28 (1936).
    """
    tail = (1 - CONFIDENCE) / 2
    low = float(stats.chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    high = float(stats.chi2.ppf(1 - tail, 2 * (count + 1))) / 2
    return low, high


def at_least_times(many: int, many_exposure: float, few: int, few_exposure: float) -> float | None:
    """Return k such that the first rate is at least k times the second, with 95% confidence.

    The first rate's lower exact Poisson bound over the second's upper one; each is
    a 97.5% bound, so both hold together in at least 95%. Defined also for ``few``
    = 0, where no ratio is. ``None`` without exposure.
    """
    if many_exposure <= 0 or few_exposure <= 0:
        return None
    low = poisson_bounds(many)[0] / many_exposure
    return low / (poisson_bounds(few)[1] / few_exposure)
