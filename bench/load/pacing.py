"""Intended starts of requests, and the choice among questions: pure functions of a seed.

An arrival's offset never depends on an answer: the open model keeps its own time.
"""

import itertools
import math
import random
from collections.abc import Iterator, Sequence

from bench.load.routes import Ask
from bench.model import Arrivals

BODIES_A_WINDOW = 20
"""Answers of a window that are read in full: a check of 4.4 MB takes some 5 ms, ten times its
reading. A server that is wrong every other time escapes them once in a million windows."""
_UNBOUNDED_PART_S = 1.0
_BATCH = 1024
"""Choices drawn at once: one call of ``random.choices`` for many costs a third of one for each."""


def offsets(
    kind: Arrivals, rate_rps: float, seconds: float, seed: object = None
) -> Iterator[float]:
    """Yield the intended starts of one window, in seconds from its begin, each below ``seconds``.

    Constant arrivals start at 0 and step by ``1 / rate_rps`` without adding up
    rounding errors; Poisson arrivals have exponential gaps drawn from ``seed``.
    ``seconds`` may be infinite. Raises ``ValueError`` for a rate that is not a
    positive number.
    """
    if not (rate_rps > 0 and math.isfinite(rate_rps)):
        raise ValueError(f"a rate is a positive number of requests a second, not {rate_rps}")
    constant = (count / rate_rps for count in itertools.count())
    starts = constant if kind is Arrivals.CONSTANT else _poisson(rate_rps, seed)
    return itertools.takewhile(lambda start: start < seconds, starts)


def body_moments(seconds: float) -> Iterator[float]:
    """Yield the times at which to read a body in full, in seconds from the begin, without end.

    There is one in each of ``BODIES_A_WINDOW`` equal parts, at a moment drawn anew for each
    window: so the checks cannot fall in step with a server that is wrong in a pattern.
    """
    part_s = seconds / BODIES_A_WINDOW if math.isfinite(seconds) else _UNBOUNDED_PART_S
    return ((part + random.random()) * part_s for part in itertools.count())


def _poisson(rate_rps: float, seed: object) -> Iterator[float]:
    draw = random.Random(str(seed))
    now = 0.0
    while True:
        now += draw.expovariate(rate_rps)
        yield now


def choices(asks: Sequence[Ask], seed: object) -> Iterator[int]:
    """Yield indices into ``asks`` without end, by their weights, the same for the same seed."""
    if len(asks) == 1:
        yield from itertools.repeat(0)
    draw = random.Random(str(seed))
    bounds = list(itertools.accumulate(ask.weight for ask in asks))
    indices = range(len(asks))
    while True:
        yield from draw.choices(indices, cum_weights=bounds, k=_BATCH)
