"""Figures in words, to three digits: a gate's limits are nearer than a report's verdicts."""

import math

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"

_STEPS = {
    "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")),
    "ms": ((1e4, "s"),),
}
_DIVISORS = {"s": 1e3}


def figure(value: float | None) -> str:
    """Show ``value`` to three digits, in groups of three; never NaN."""
    if value is None or not math.isfinite(value):
        return MISSING
    size = abs(value)
    if size < 5e-7:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(size)))
    shown = f"{size:,.{decimals}f}"
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return f"{MINUS}{shown}" if value < 0 and shown != "0" else shown


def quantity(value: float | None, unit: str, like: float | None = None) -> str:
    """Show ``value`` with its unit; bytes and long times are scaled, as ``like`` is if given."""
    if value is None or not math.isfinite(value):
        return MISSING
    base, slash, rest = unit.partition("/")
    size = abs(value if like is None else like)
    for bound, name in _STEPS.get(base, ()) if not (base == "ms" and slash) else ():
        if size >= bound:
            return f"{figure(value / _DIVISORS.get(name, bound))} {name}{slash}{rest}"
    return f"{figure(value)} {unit}".rstrip()


def signed(value: float | None, unit: str, like: float | None = None) -> str:
    """Show a difference: with its sign."""
    shown = quantity(value, unit, like)
    return f"+{shown}" if value is not None and value > 0 and shown != MISSING else shown


def change(factor: float | None) -> str:
    """Show a factor as a change: ``+3.1%``; a large one as a factor."""
    if factor is None or not math.isfinite(factor):
        return MISSING
    if factor >= 10:
        return times(factor)
    share = (factor - 1) * 100
    shown = f"{abs(share):.1f}".removesuffix(".0")
    if shown == "0":
        return "0%"
    return f"{'+' if share > 0 else MINUS}{shown}%"


def share(value: float | None) -> str:
    """Show a share as per cent, without a sign."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value >= 100:
        return f"{figure(value)} {TIMES}"
    return f"{figure(round(value * 100, 1))}%"


def times(factor: float | None) -> str:
    """Show a factor as such: ``0.021 x``."""
    return MISSING if factor is None else f"{figure(factor)} {TIMES}"
