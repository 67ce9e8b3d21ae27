"""Break-even read rates in words: bounded, one-sided, or not to be told."""

from bench.analysis.fieller import Ratio
from bench.report.numbers import MISSING, number

SLOW = 1 / 100
"""Below this many a second a rate is easier to picture as the time between two reads."""


def rate(per_s: float) -> str:
    """Show a read rate: ``2.4/s``, or ``one in 60 min`` where that says more."""
    if per_s >= SLOW:
        return f"{number(per_s)}/s"
    if per_s <= 0:
        return "0"
    seconds = 1 / per_s
    if seconds < 600:
        return f"one in {number(seconds)} s"
    if seconds < 36_000:
        return f"one in {number(seconds / 60)} min"
    return f"one in {number(seconds / 3600)} h"


def break_even(found: Ratio, highest: float) -> tuple[str, str]:
    """Return the rate and its interval, each in words; ``highest`` is the largest rate measured."""
    if found.value is None:
        return "none", "a read costs nothing that could be measured"
    if found.low is None:
        return _estimate(found.value, highest), "no interval"
    if found.high is None:
        if found.low > 0:
            return _estimate(found.value, highest), f"not below {rate(found.low)}; no upper end"
        return MISSING, "cannot tell: too noisy"
    if found.high == 0:
        return "from the first read", "the informer costs nothing that could be measured"
    if found.value == 0:
        return f"at most {rate(found.high)}", "the informer's cost cannot be told from nothing"
    if found.low > highest:
        return _estimate(found.value, highest), _within(found.low, found.high)
    if found.low == 0:
        return _estimate(found.value, highest), f"at most {rate(found.high)}"
    return _estimate(found.value, highest), _within(found.low, found.high)


def _estimate(value: float, highest: float) -> str:
    if value > highest:
        return f"none up to {rate(highest)}; by the line {rate(value)}"
    return rate(value) if value > 0 else "from the first read"


def _within(low: float, high: float) -> str:
    ends = (number(low), number(high)) if low >= SLOW else (rate(low), rate(high))
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
