"""Statistics over rounds, knowing nothing of Kubernetes. Pure: numbers in, estimates out.

The replicate is a round, a freshly started process, never a request. The choice of estimate
depends on the metric, never on its values. Arms of the same rounds are paired; the same arm in two
runs, whose rounds have nothing in common, is not (Welch's two-sample t). The interval of a rare
count is never narrower than the exact Poisson bounds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import msgspec
import numpy as np
import numpy.typing as npt
from scipy import special

CONFIDENCE = 0.95
INDICATIVE_BELOW = 6
"""With fewer rounds than this an interval is shown as indicative."""
LOOK_CONFIDENCE = 0.99
"""Confidence of each look of a staged decision. By Bonferroni three looks are together wrong in at
most 3%, under the 5% of a single look: an error budget that is fixed before the first round."""
POWER = 0.8
"""Probability that a change of the detectable size is seen."""
RARE_BELOW = 30
"""Total number of events below which a t interval over rounds is not trusted alone."""
RESAMPLES = 9_999
"""Of the bootstrap: the 2.5% point then has a relative error of about 6%."""
BOOTSTRAP_FROM = 4
"""Pairs below which too many resamples repeat a single pair and have no spread."""
ROUNDING = 1e-12
"""Spread of log ratios below which it is rounding error."""
SPREAD = 1e-6
"""Part of the rounds' own error below which a resample's error is rounding error."""
OUTLYING_Z = 3.5
"""Modified z-score beyond which a round is marked. B. Iglewicz and D. Hoaglin,
"How to Detect and Handle Outliers", ASQC (1993)."""
OUTLYING_FROM = 5
"""Rounds below which the median of deviations is too uncertain."""


class Estimate(msgspec.Struct, frozen=True, array_like=True):
    """A value over ``n`` rounds; ``low`` and ``high`` are ``None`` where no error is known.

    ``detectable`` is the smallest true change that rounds like these would show in four of
    five cases: in the value's own unit, relative (0.05 is 5%) for a ratio of logarithms. In
    JSON an estimate is the array ``[value, low, high, n, detectable]``.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 1
    detectable: float | None = None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The interval, if there is one."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    def holds(self, truth: float) -> bool | None:
        """Tell whether ``truth`` is inside the interval; ``None`` without one."""
        bounds = self.bounds
        return None if bounds is None else bounds[0] <= truth <= bounds[1]


Rounds = dict[int, tuple[float, float]]
"""By round: the values of two sides."""


def pair_rounds(values: Mapping[int, float], others: Mapping[int, float]) -> Rounds:
    """Return the values of the rounds that both sides have, in their order."""
    shared = sorted(values.keys() & others.keys())
    return {number: (values[number], others[number]) for number in shared}


def sides_of(rounds: Rounds) -> tuple[list[float], list[float]]:
    """Return the values of each side."""
    return [first for first, _ in rounds.values()], [second for _, second in rounds.values()]


@dataclass(frozen=True, slots=True)
class Events:
    """A number of events and its exposure; their quotient is a rate in the metric's unit."""

    count: int
    exposure: float

    def bounds(self, confidence: float) -> tuple[float, float] | None:
        """Return exact Poisson bounds of the rate; ``None`` unless the events are rare."""
        if self.count >= RARE_BELOW or self.exposure <= 0:
            return None
        low, high = poisson_bounds(self.count, confidence)
        return low / self.exposure, high / self.exposure


CountPair = tuple[Events | None, Events | None]
NO_COUNT: CountPair = (None, None)


def mean(
    values: Sequence[float], confidence: float = CONFIDENCE, events: Events | None = None
) -> Estimate | None:
    """Estimate the mean of ``values``, one a round, by Student's t; ``None`` without values."""
    if not values:
        return None
    moments = _moments(values)
    return _interval(
        moments, len(values), confidence, events.bounds(confidence) if events else None
    )


def log_ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float] | None:
    """Return the logarithm of each pair's ratio; ``None`` without pairs or if a value is <= 0."""
    if not numerators or min(*numerators, *denominators) <= 0:
        return None
    logs = np.log(np.asarray(numerators)) - np.log(np.asarray(denominators))
    return [float(value) for value in logs]


def paired_ratio(
    numerators: Sequence[float], denominators: Sequence[float], confidence: float = CONFIDENCE
) -> Estimate | None:
    """Estimate the geometric mean of paired ratios, by Student's t on their logarithms.

    ``numerators[i]`` and ``denominators[i]`` are of one round. ``None`` without pairs or
    if a value is not positive: then there is no ratio.
    """
    logs = log_ratios(numerators, denominators)
    if logs is None:
        return None
    return _exponential(_interval(_moments(logs), len(logs), confidence))


def unpaired_ratio(
    numerators: Sequence[float], denominators: Sequence[float], confidence: float
) -> Estimate | None:
    """Estimate the factor between two runs' rounds; ``None`` unless all are positive.

    B. L. Welch, "The generalization of 'Student's' problem when several different
    population variances are involved", Biometrika 34 (1947), on the logarithms.
    """
    if not numerators or not denominators or min(*numerators, *denominators) <= 0:
        return None
    logs = [[math.log(value) for value in values] for values in (numerators, denominators)]
    rounds = min(len(numerators), len(denominators))
    return _exponential(_interval(_welch(*logs), rounds, confidence))


def paired_difference(
    values: Sequence[float],
    others: Sequence[float],
    confidence: float,
    events: CountPair = NO_COUNT,
) -> Estimate | None:
    """Estimate the mean of paired differences, by Student's t; ``None`` without pairs.

    ``events`` are those of ``values`` and of ``others``.
    """
    differences = [value - other for value, other in zip(values, others, strict=True)]
    if not differences:
        return None
    bounds = _rare_difference(events, confidence)
    return _interval(_moments(differences), len(differences), confidence, bounds)


def unpaired_difference(
    values: Sequence[float],
    others: Sequence[float],
    confidence: float,
    events: CountPair = NO_COUNT,
) -> Estimate | None:
    """Estimate the mean of ``values`` less that of ``others`` (two runs); ``None`` without both."""
    if not values or not others:
        return None
    rounds = min(len(values), len(others))
    bounds = _rare_difference(events, confidence)
    return _interval(_welch(values, others), rounds, confidence, bounds)


def _rare_difference(events: CountPair, confidence: float) -> tuple[float, float] | None:
    """Return bounds of the difference of two rates from those of each; ``None`` unless rare."""
    first, second = (counted.bounds(confidence) if counted else None for counted in events)
    return None if first is None or second is None else (first[0] - second[1], first[1] - second[0])


def ratio_of_means(
    numerators: Sequence[float],
    denominators: Sequence[float],
    confidence: float,
    events: Events | None = None,
) -> Estimate | None:
    """Estimate mean over mean of paired rounds, where a numerator may be zero (Fieller).

    ``events`` are the numerators'. ``None`` if the denominators' mean may be 0.
    """
    if not numerators or len(numerators) != len(denominators):
        return None
    top, bottom = np.asarray(numerators, float), np.asarray(denominators, float)
    below, count = float(bottom.mean()), len(numerators)
    if below <= 0:
        return None
    value = float(top.mean()) / below
    if count < 2:
        return Estimate(value, n=count)
    spread = np.cov(top, bottom) / count
    low, high = fieller(
        float(top.mean()),
        below,
        variances=(float(spread[0, 0]), float(spread[1, 1])),
        covariance=float(spread[0, 1]),
        quantile=t_quantile(confidence, count - 1),
    )
    if low is None or high is None:
        return None
    rare = events.bounds(confidence) if events else None
    bounds = None if rare is None else (rare[0] / below, rare[1] / below)
    return _finished(value, low, high, count, count - 1, confidence, bounds)


def fieller(
    numerator: float,
    denominator: float,
    *,
    variances: tuple[float, float],
    covariance: float,
    quantile: float,
) -> tuple[float | None, float | None]:
    """Return the ends of the set of ratios r for which numerator - r x denominator may be 0.

    E. C. Fieller, "Some Problems in Interval Estimation", Journal of the Royal Statistical
    Society B 16 (1954). The delta method would give a finite interval even where the denominator
    may be 0. ``variances`` are the numerator's and the denominator's. A missing end is ``None``:
    the upper one where the denominator may be 0, both where any ratio is possible.
    """
    of_numerator, of_denominator = variances
    # a r^2 - 2 b r + c <= 0
    a = denominator**2 - quantile**2 * of_denominator
    b = numerator * denominator - quantile**2 * covariance
    c = numerator**2 - quantile**2 * of_numerator
    root = math.sqrt(max(0.0, b**2 - a * c))
    if a > 0 and denominator > 0:
        return (b - root) / a, (b + root) / a
    if a < 0 < c and numerator > 0:
        # The set lies outside the two roots, one of them negative: from the positive root on.
        return (b - root) / a, None
    return None, None


def bootstrap_ratio(
    numerators: Sequence[float],
    denominators: Sequence[float],
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Return the bootstrap-t interval of the paired ratio: it assumes no normal distribution.

    Rounds are resampled, and the studentised mean's own distribution takes the place of
    Student's (B. Efron, "Nonparametric standard errors and confidence intervals", Canadian
    Journal of Statistics 9 (1981); a percentile bootstrap of 5 rounds covers 84%, not 95).
    The same ``seed`` gives the same interval. ``None`` if there is no ratio, with fewer
    than ``BOOTSTRAP_FROM`` pairs, or if all pairs are alike.
    """
    logs = log_ratios(numerators, denominators)
    if logs is None or len(logs) < BOOTSTRAP_FROM:
        return None
    data, rounds = np.asarray(logs), len(logs)
    middle, error = float(data.mean()), float(data.std(ddof=1)) / math.sqrt(rounds)
    if error < ROUNDING:
        return None
    # A resample is a row of counts of each round: its mean and spread are products with them.
    counts, away = _resamples(rounds, seed), data - middle
    moments = counts @ np.column_stack([away, away**2]) / rounds
    variances = np.maximum(moments[:, 1] - moments[:, 0] ** 2, 0.0) / (rounds - 1)
    # A resample that repeats a single round has no spread, and no studentised mean.
    spread = variances > (SPREAD * error) ** 2
    studentised = moments[spread, 0] / np.sqrt(variances[spread])
    low, high = np.quantile(studentised, [(1 - confidence) / 2, (1 + confidence) / 2])
    return math.exp(middle - high * error), math.exp(middle - low * error)


@cache
def _resamples(rounds: int, seed: int) -> npt.NDArray[np.float64]:
    """Return the count of each round (column) in each resample (row)."""
    drawn = np.random.default_rng(seed).integers(rounds, size=(RESAMPLES, rounds))
    return np.stack([(drawn == number).sum(axis=1) for number in range(rounds)], axis=1) * 1.0


class Verdict(StrEnum):
    """The result of a test of equivalence."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


def equivalence(estimate: Estimate | None, margin: float, same: float = 0.0) -> Verdict:
    """Decide whether an estimate is ``same`` (0 of differences, 1 of ratios) within ``margin``.

    ``EQUIVALENT``: its two-sided interval lies within the margin, which is two one-sided tests
    (D. Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15 (1987)), each at half the error
    that its confidence leaves. ``DIFFERENT``: the interval is not within the margin and does not
    hold ``same``. ``UNDECIDED``: neither.
    """
    bounds = estimate.bounds if estimate is not None else None
    if bounds is None:
        return Verdict.UNDECIDED
    low, high = bounds[0] - same, bounds[1] - same
    if -margin <= low and high <= margin:
        return Verdict.EQUIVALENT
    return Verdict.UNDECIDED if low <= 0.0 <= high else Verdict.DIFFERENT


def poisson_bounds(count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return exact two-sided bounds of a Poisson mean after ``count`` events.

    F. Garwood, "Fiducial Limits for the Poisson Distribution", Biometrika 28 (1936).
    """
    tail = (1 - confidence) / 2
    # Quantiles of the gamma distribution: half those of chi-square with twice the freedom.
    low = float(special.gammaincinv(count, tail)) if count else 0.0
    return low, float(special.gammaincinv(count + 1, 1 - tail))


def at_least_times(many: Events, few: Events, confidence: float = CONFIDENCE) -> float | None:
    """Return k such that the first rate is at least k times the second, with ``confidence``.

    The first rate's lower exact Poisson bound over the second's upper one; at 95% each is a
    97.5% bound, so both hold together in at least 95%. Defined also if the second has no event,
    and so no ratio. ``None`` without exposure.
    """
    if many.exposure <= 0 or few.exposure <= 0:
        return None
    low = poisson_bounds(many.count, confidence)[0] / many.exposure
    return low / (poisson_bounds(few.count, confidence)[1] / few.exposure)


def variation(values: Sequence[float]) -> float | None:
    """Return the coefficient of variation (0.05: 5%); ``None``: below two values, or mean <= 0."""
    data = np.asarray(values, dtype=np.float64)
    if len(data) < 2 or data.mean() <= 0:
        return None
    return float(data.std(ddof=1) / data.mean())


def outlying(values: Mapping[int, float]) -> tuple[int, ...]:
    """Return the rounds whose modified z-score, 0.6745 (x - median) / MAD, is beyond the bound.

    They are marked but stay in every figure: dropping one would bias it. If more than half of the
    rounds are alike (MAD 0), the mean absolute deviation replaces it, with its factor 0.7979.
    """
    if len(values) < OUTLYING_FROM:
        return ()
    data = np.asarray(list(values.values()), dtype=np.float64)
    deviation = np.abs(data - np.median(data))
    scale = float(np.median(deviation)) / 0.6745
    if scale <= 0:
        scale = float(deviation.mean()) / 0.7979
    if scale <= 0:
        return ()
    beyond = deviation / scale > OUTLYING_Z
    return tuple(number for number, odd in zip(values, beyond, strict=True) if odd)


def t_quantile(confidence: float, degrees: float) -> float:
    """Return the quantile of Student's t for two-sided bounds of ``confidence``."""
    return float(special.stdtrit(degrees, (1 + confidence) / 2))


@dataclass(frozen=True, slots=True)
class _Moments:
    mean: float
    variance: float
    """Of the mean."""
    degrees: float


def _moments(values: Sequence[float]) -> _Moments:
    data = np.asarray(values, dtype=np.float64)
    if len(data) < 2:
        return _Moments(float(data.mean()), 0.0, 0.0)
    return _Moments(float(data.mean()), float(data.var(ddof=1)) / len(data), len(data) - 1.0)


def _welch(values: Sequence[float], others: Sequence[float]) -> _Moments:
    first, second = _moments(values), _moments(others)
    total = first.variance + second.variance
    if min(first.degrees, second.degrees) < 1:
        degrees = 0.0
    elif total == 0:
        degrees = first.degrees + second.degrees
    else:
        parts = (side.variance**2 / side.degrees for side in (first, second))
        degrees = total**2 / sum(parts)
    return _Moments(first.mean - second.mean, total, degrees)


def _interval(
    moments: _Moments,
    n: int,
    confidence: float,
    bounds: tuple[float, float] | None = None,
) -> Estimate:
    if moments.degrees <= 0:
        return Estimate(moments.mean, n=n)
    half = t_quantile(confidence, moments.degrees) * math.sqrt(moments.variance)
    low, high = moments.mean - half, moments.mean + half
    return _finished(moments.mean, low, high, n, moments.degrees, confidence, bounds)


def _finished(
    value: float,
    low: float,
    high: float,
    n: int,
    degrees: float,
    confidence: float,
    bounds: tuple[float, float] | None,
) -> Estimate:
    """Return the estimate, no narrower than ``bounds``, with its smallest detectable change.

    A change is seen when its whole interval lies beyond a boundary, so its mean must lie a
    half width and one more quantile of the t away from it.
    """
    if bounds is not None:
        low, high = min(low, bounds[0]), max(high, bounds[1])
    beyond = float(special.stdtrit(degrees, POWER)) / t_quantile(confidence, degrees)
    return Estimate(value, low, high, n, (high - low) / 2 * (1 + beyond))


def _exponential(log: Estimate) -> Estimate:
    low, high = (None if bound is None else math.exp(bound) for bound in (log.low, log.high))
    detectable = None if log.detectable is None else math.expm1(min(log.detectable, 700.0))
    return Estimate(math.exp(log.value), low, high, log.n, detectable)
