"""How much rounds differ among themselves: their spread, the odd ones, what could be told.

An outlying round is marked and stays in every figure: to drop one is to choose the answer.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from bench.analysis.intervals import CONFIDENCE

OUTLYING_Z = 3.5
"""Modified z-score beyond which a round is marked. B. Iglewicz and D. Hoaglin,
"How to Detect and Handle Outliers", ASQC (1993)."""
OUTLYING_FROM = 5
"""Rounds below which the median of deviations says too little of what is usual."""
POWER = 0.8
"""How surely the smallest detectable change is found when it is there."""


def variation(values: Sequence[float]) -> float | None:
    """Return the coefficient of variation: standard deviation over mean, 0.05 is 5%.

    ``None`` with fewer than two values or a mean that is not positive.
    """
    data = np.asarray(values, dtype=np.float64)
    if len(data) < 2 or data.mean() <= 0:
        return None
    return float(data.std(ddof=1) / data.mean())


def outlying(values: Mapping[int, float]) -> tuple[int, ...]:
    """Return the rounds whose modified z-score, 0.6745 (x - median) / MAD, is beyond the bound.

    Where more than half of the rounds are alike (MAD 0) the mean of the absolute
    deviations takes its place, with its own factor, 0.7979.
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


def detectable(values: Sequence[float], confidence: float = CONFIDENCE) -> float | None:
    """Return the smallest true mean that rounds like these would show to differ from 0.

    In the values' own unit, with probability ``POWER``: (t of the confidence + t of
    the power) x the standard error. ``None`` with fewer than two values.
    """
    data = np.asarray(values, dtype=np.float64)
    if len(data) < 2:
        return None
    free = len(data) - 1
    factor = stats.t.ppf((1 + confidence) / 2, free) + stats.t.ppf(POWER, free)
    return float(factor * data.std(ddof=1) / np.sqrt(len(data)))
