"""Numbers as people read them: at most two significant decimals, one unit a row, never NaN."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

MISSING = "\N{EN DASH}"
"""What stands where there is no figure; why is said beside it."""

MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"

_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True, slots=True)
class Scale:
    """How a row of figures is shown: values are divided by ``divisor`` and carry ``unit``."""

    divisor: float
    unit: str

    def show(self, value: float | None) -> str:
        """Return the value without its unit."""
        return number(None if value is None else value / self.divisor)


def number(value: float | None) -> str:
    """Show 1,234 or 12 or 1.2 or 0.12: whole from 10 on, at most two significant decimals."""
    if value is None or not math.isfinite(value):
        return MISSING
    shown = _magnitude(abs(value))
    return f"{MINUS}{shown}" if value < 0 and shown != "0" else shown


def _magnitude(size: float) -> str:
    if size >= 9.95:
        return f"{size:,.0f}"
    if size >= 0.995:
        return f"{size:.1f}".removesuffix(".0")
    if size < 1e-9:
        return "0"
    decimals = 1 - math.floor(math.log10(size))
    return f"{size:.{decimals}f}".rstrip("0").rstrip(".")


def scale_for(values: Iterable[float | None], unit: str) -> Scale:
    """Choose one scale for a row by its largest value; only bytes and time are scaled."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    base, _, rest = unit.partition("/")
    rest = f"/{rest}" if rest else ""
    if base == "B":
        for divisor, name in _BYTES:
            if largest >= divisor:
                return Scale(divisor, name + rest)
    if unit == "ms" and largest >= 10_000:
        return Scale(1000.0, "s")
    return Scale(1.0, unit)


def interval(low: float | None, high: float | None, scale: Scale) -> str:
    """Show ``38 to 42``, or nothing without an interval."""
    if low is None or high is None:
        return ""
    shown = scale.show(low), scale.show(high)
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"


def times(factor: float) -> str:
    """Show a factor with two significant digits, near 1 with two decimals: 320, 13, 4.7, 1.04."""
    if factor >= 9.95:
        digits = math.floor(math.log10(factor)) - 1
        return f"{round(factor, -digits):,.0f}"
    if 0.795 <= factor < 1.995:
        return f"{factor:.2f}".rstrip("0").rstrip(".")
    return number(factor)


def times_at_least(factor: float) -> str:
    """Show a lower bound: as ``times``, but rounded down, for it must still hold."""
    digits = math.floor(math.log10(factor)) - 1
    step = 10.0**digits
    return times(math.floor(factor / step + 1e-9) * step)


def share(part: float) -> str:
    """Show a part of 1 in per cent, unsigned and without the sign of per cent: 98, 99.7, 3.2.

    Near 100 it says how much is left, which is what such a share is about.
    """
    percent = abs(part) * 100
    left = 100 - percent
    if 0 < left < 1:
        decimals = min(2, max(1, -math.floor(math.log10(left))))
        shown = f"{percent:.{decimals}f}"
        return "100" if float(shown) >= 100 else shown
    return number(percent)
