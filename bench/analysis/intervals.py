"""Intervals over rounds. The replicate is a round, a freshly started process, never a request.

Every function takes its ``confidence``. Ratios are paired by round and put on
their logarithms; differences are for what can be 0 or negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
INDICATIVE_BELOW = 6
"""With fewer rounds than this the interval is shown as indicative."""

LOOKS = 3
"""How often a staged decision may look at its data: after each look more rounds may be bought."""
LOOK_CONFIDENCE = 0.99
"""Of each look. By Bonferroni three looks are then wrong together in at most 3%, under the
5% of a single look: an error budget that is fixed before the first round."""

RESAMPLES = 9_999
"""Of the bootstrap: the 2.5% point then has a relative error of about 6%."""
BOOTSTRAP_FROM = 4
"""Pairs below which a resample is so often one pair repeated that it has no spread."""
ROUNDING = 1e-12
"""Spread of log ratios that is the arithmetic's and not the rounds'."""


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

    def holds(self, truth: float) -> bool | None:
        """Tell whether ``truth`` is inside; ``None`` for a single round, which has no bounds."""
        if self.low is None or self.high is None:
            return None
        return self.low <= truth <= self.high


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval | None:
    """Mean with Student's t interval; ``None`` without values."""
    if not values:
        return None
    data = np.asarray(values, dtype=np.float64)
    mean = float(data.mean())
    if len(data) < 2:
        return Interval(mean, None, None, len(data))
    half = float(stats.t.ppf((1 + confidence) / 2, len(data) - 1)) * float(
        data.std(ddof=1) / np.sqrt(len(data))
    )
    return Interval(mean, mean - half, mean + half, len(data))


def log_ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float] | None:
    """Return the logarithm of each pair's ratio; ``None`` without pairs or where one is not > 0."""
    if not numerators or min(*numerators, *denominators) <= 0:
        return None
    logs = np.log(np.asarray(numerators)) - np.log(np.asarray(denominators))
    return [float(value) for value in logs]


def ratio_interval(
    numerators: Sequence[float], denominators: Sequence[float], confidence: float = CONFIDENCE
) -> Interval | None:
    """Geometric mean of paired ratios, with Student's t on their logarithms.

    ``numerators[i]`` and ``denominators[i]`` are of one round. ``None`` without
    pairs or when a value is not positive: then there is no ratio to speak of.
    """
    logs = log_ratios(numerators, denominators)
    return None if logs is None else _exponential(mean_interval(logs, confidence))


def bootstrap_t_ratio(
    numerators: Sequence[float],
    denominators: Sequence[float],
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval | None:
    """Geometric mean of paired ratios, with a bootstrap-t interval: no normal law is assumed.

    Rounds are resampled, and the studentised mean's own distribution takes the
    place of Student's (B. Efron, "Nonparametric standard errors and confidence
    intervals", Canadian Journal of Statistics 9 (1981); a percentile bootstrap of
    5 rounds covers 84%, not 95). The same ``seed`` gives the same interval.
    ``None`` where ``ratio_interval`` is; no bounds with fewer than ``BOOTSTRAP_FROM``
    pairs, or when all are alike.
    """
    logs = log_ratios(numerators, denominators)
    if logs is None:
        return None
    data = np.asarray(logs)
    rounds, mean = len(data), float(data.mean())
    error = float(data.std(ddof=1)) / np.sqrt(rounds) if rounds > 1 else 0.0
    if rounds < BOOTSTRAP_FROM or error < ROUNDING:
        return Interval(float(np.exp(mean)), None, None, rounds)
    drawn = data[np.random.default_rng(seed).integers(rounds, size=(RESAMPLES, rounds))]
    errors = drawn.std(axis=1, ddof=1) / np.sqrt(rounds)
    # A resample of one round over and over has no spread, and no studentised mean.
    spread = errors > ROUNDING
    studentised = (drawn[spread].mean(axis=1) - mean) / errors[spread]
    low, high = np.quantile(studentised, [(1 - confidence) / 2, (1 + confidence) / 2])
    return _exponential(Interval(mean, mean - high * error, mean - low * error, rounds))


def _exponential(interval: Interval | None) -> Interval | None:
    if interval is None:
        return None
    low, high = (
        None if bound is None else float(np.exp(bound)) for bound in (interval.low, interval.high)
    )
    return Interval(float(np.exp(interval.value)), low, high, interval.rounds)


class Verdict(StrEnum):
    """What a test of equivalence found."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Whether values are 0 but for ``margin``. ``interval`` is theirs, in their own unit."""

    interval: Interval
    margin: float
    confidence: float
    verdict: Verdict


def equivalence(
    values: Sequence[float], margin: float, confidence: float = LOOK_CONFIDENCE
) -> Equivalence | None:
    """Decide whether paired ``values`` (differences, or log ratios) are 0 within ``margin``.

    ``EQUIVALENT``: their two-sided interval lies within -margin to margin, which
    is two one-sided tests (D. Schuirmann, J. Pharmacokinetics and Biopharmaceutics
    15 (1987)), each at half the error that ``confidence`` leaves. ``DIFFERENT``: it
    lies neither within the margin nor over 0. ``UNDECIDED``: the rounds do not tell.
    ``None`` without values.
    """
    interval = mean_interval(values, confidence)
    if interval is None:
        return None
    if interval.low is None or interval.high is None:
        verdict = Verdict.UNDECIDED
    elif -margin <= interval.low and interval.high <= margin:
        verdict = Verdict.EQUIVALENT
    else:
        verdict = Verdict.UNDECIDED if interval.holds(0.0) else Verdict.DIFFERENT
    return Equivalence(interval, margin, confidence, verdict)


def poisson_bounds(count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact two-sided bounds of a Poisson mean, of which ``count`` events were seen.

    F. Garwood, "Fiducial Limits for the Poisson Distribution", Biometrika 28 (1936).
    """
    tail = (1 - confidence) / 2
    low = float(stats.chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    high = float(stats.chi2.ppf(1 - tail, 2 * (count + 1))) / 2
    return low, high


def at_least_times(
    many: int,
    many_exposure: float,
    few: int,
    few_exposure: float,
    confidence: float = CONFIDENCE,
) -> float | None:
    """Return k such that the first rate is at least k times the second, with ``confidence``.

    The first rate's lower exact Poisson bound over the second's upper one; at 95%
    each is a 97.5% bound, so both hold together in at least 95%. Defined also for
    ``few`` = 0, where no ratio is. ``None`` without exposure.
    """
    if many_exposure <= 0 or few_exposure <= 0:
        return None
    low = poisson_bounds(many, confidence)[0] / many_exposure
    return low / (poisson_bounds(few, confidence)[1] / few_exposure)
