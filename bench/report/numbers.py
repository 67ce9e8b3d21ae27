"""Format numbers for people: alike in every form, one unit a row, never NaN.

A report shows two digits, a gate three: its limits lie closer than a report's findings.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.model.message import Message, message

if TYPE_CHECKING:
    from bench.stats import Estimate  # at run time without scipy, which no number needs

MISSING = "\N{EN DASH}"
"""Stands in place of a missing figure, beside the reason."""
MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
TIMES = f"{NO_BREAK}\N{MULTIPLICATION SIGN}"
AT_LEAST = f"\N{GREATER-THAN OR EQUAL TO}{NO_BREAK}"
EXACT = 3
"""Digits of a gate, and of a comparison of two runs."""
SLOW = 1 / 100
"""Rate per second below which the time between two reads is easier to picture."""
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@dataclass(frozen=True, slots=True)
class Scale:
    """The format of a row of figures: values are divided by ``divisor`` and carry ``unit``."""

    divisor: float
    unit: str
    digits: int = 2

    def show(
        self,
        value: float | None,
        low: float | None = None,
        high: float | None = None,
        *,
        up: bool | None = None,
    ) -> str:
        """Return the value without its unit, to the digits that its interval supports."""
        value, low, high = (None if v is None else v / self.divisor for v in (value, low, high))
        return number(value, self.digits, places_carried(low, high), up=up)

    def quantity(
        self,
        value: float | None,
        low: float | None = None,
        high: float | None = None,
        *,
        signed: bool = False,
        up: bool | None = None,
    ) -> str:
        """Return ``show`` with the unit, as ``93 MB``; ``signed`` puts a plus before a gain."""
        shown = self.show(value, low, high, up=up)
        if shown == MISSING:
            return shown
        plus = "+" if signed and value is not None and value > 0 and shown != "0" else ""
        return with_unit(f"{plus}{shown}", self.unit)

    def interval(self, low: float | None, high: float | None, value: float | None = None) -> str:
        """Show ``38 to 42``; empty without an interval, or if it reads like ``value``."""
        if low is None or high is None:
            return ""
        ends = self.show(low, low, high), self.show(high, low, high)
        return "" if ends == (self.show(value, low, high),) * 2 else span_of(*ends)

    def estimate(self, figure: "Estimate") -> str:
        """Show a figure with its interval: ``76 [75 to 76]``."""
        shown = self.show(figure.value, figure.low, figure.high)
        spread = self.interval(figure.low, figure.high, figure.value)
        return Message("{shown} [{spread}]").format(shown=shown, spread=spread) if spread else shown


def places_carried(low: float | None, high: float | None) -> int | None:
    """Return the number of decimals that an interval supports in its figure and its ends.

    They end at the second digit of its half width: 7,433 [5,978 to 8,889] is 7,400 [6,000 to
    8,900], to -2 decimals. ``None``: an exact count, or no interval.
    """
    if low is None or high is None or not 0 < high - low < math.inf:
        return None
    return 1 - math.floor(math.log10((high - low) / 2))


def span_of(low: str, high: str) -> Message:
    """Show ``38 to 42``, and one end alone where both read alike."""
    return Message(low) if low == high else message("{low} to {high}").format(low=low, high=high)


def number(
    value: float | None, digits: int = 2, places: int | None = None, *, up: bool | None = None
) -> str:
    """Show 1,234 or 12 or 1.2 or 0.12: to the units, or to ``digits`` digits if these go further.

    ``places`` are the decimals that an interval supports. A value that they would round to zero
    keeps its digits, for whether an end is zero matters. A bound is rounded ``up`` or down (not
    ``up``), for it must still hold.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    size = abs(value)
    if size < 1e-9:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    # 9.97 is 10, not 10.0: rounding may reach the next power of ten.
    decimals = max(0, digits - 1 - math.floor(math.log10(_rounded(size, decimals, up) or size)))
    if places is None or places >= decimals + (places < 0) or not _rounded(size, places, up):
        places = decimals
    shown = f"{_rounded(size, places, up):,.{max(0, places)}f}"
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return f"{MINUS}{shown}" if value < 0 and shown != "0" else shown


def lower_bound(value: float, *, bound: bool = True) -> str:
    """Show a lower bound, rounded down; a plain figure if it is no ``bound``."""
    return f"{AT_LEAST}{number(value, up=False)}" if bound else number(value)


def _rounded(size: float, decimals: int, up: bool | None) -> float:
    """Round to ``decimals``: to the nearest, or up or down."""
    if up is None:
        return round(size, decimals)
    step = 10.0**-decimals
    return (math.ceil(size / step - 1e-9) if up else math.floor(size / step + 1e-9)) * step


def scale_for(values: Iterable[float | None], unit: str, digits: int = 2) -> Scale:
    """Choose one scale for a row by its largest value; only bytes and time are scaled."""
    sizes = [abs(value) for value in values if value is not None and math.isfinite(value)]
    largest = max(sizes, default=0.0)
    base, _, rest = unit.partition("/")
    rest = f"/{rest}" if rest else ""
    if base == "B":
        for divisor, name in _BYTES:
            if largest >= divisor:
                return Scale(divisor, name + rest, digits)
    if unit == "ms" and largest >= 10_000:
        return Scale(1000.0, "s", digits)
    return Scale(1.0, unit, digits)


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
    return times(_rounded(factor, 1 - math.floor(math.log10(factor)), up=False))


def times_at_most(factor: float) -> str:
    """Show an upper bound: as ``times``, but rounded up."""
    return times(_rounded(factor, 1 - math.floor(math.log10(factor)), up=True))


def share(part: float) -> str:
    """Show a part of 1 as per cent, unsigned and without the sign: 98, 99.7, 3.2.

    Near 100 it shows the remainder to 100, which matters there.
    """
    percent = abs(part) * 100
    remainder = 100 - percent
    if 0 < remainder < 1:
        decimals = min(2, max(1, -math.floor(math.log10(remainder))))
        shown = f"{percent:.{decimals}f}"
        return "100" if float(shown) >= 100 else shown
    return number(percent)


def share_at_least(part: float) -> str:
    """Show the lower bound of a share in per cent, rounded down: 91.9% is at least 91."""
    percent = abs(part) * 100
    if percent <= 0:
        return "0"
    decimals = max(0, 1 - math.floor(math.log10(percent)))
    if 99 <= percent < 100:
        decimals = min(2, max(1, -math.floor(math.log10(100 - percent))))
    return f"{_rounded(percent, decimals, up=False):.{decimals}f}"


def signed(part: float) -> str:
    """Show a share as per cent with plus or minus, without the sign of per cent."""
    shown = share(part)
    return shown if shown == "0" else f"{MINUS if part < 0 else '+'}{shown}"


def change(factor: float | None) -> str:
    """Show a factor as a change, ``+3.1%``; a large one as a factor, ``12 x``."""
    if factor is None or not math.isfinite(factor):
        return MISSING
    if factor >= 10:
        return f"{number(factor, EXACT)}{TIMES}"
    shown = f"{abs(factor - 1) * 100:.1f}".removesuffix(".0")
    if shown == "0":
        return "0%"
    return f"{'+' if factor > 1 else MINUS}{shown}%"


def per_cent(part: float | None) -> str:
    """Show a part of 1 to a tenth of a per cent, with the sign of per cent."""
    if part is None or not math.isfinite(part):
        return MISSING
    if part >= 100:
        return f"{number(part, EXACT)}{TIMES}"
    return f"{number(round(part * 100, 1), EXACT)}%"


def with_unit(shown: str, unit: str) -> str:
    """Put the unit behind what is shown: ``93 MB``, ``0.6/s``."""
    return f"{shown}{unit}" if unit.startswith("/") else f"{shown} {unit}".rstrip()


def rate(per_s: float, *, up: bool | None = None) -> str:
    """Show a read rate: ``2.4/s``, or ``one in 60 min`` where that says more."""
    if per_s >= SLOW:
        return f"{number(per_s, up=up)}/s"
    if per_s <= 0:
        return "0"
    seconds, up = 1 / per_s, None if up is None else not up
    if seconds < 600:
        return message("one in {seconds} s").format(seconds=number(seconds, up=up))
    if seconds < 36_000:
        return message("one in {minutes} min").format(minutes=number(seconds / 60, up=up))
    return message("one in {hours} h").format(hours=number(seconds / 3600, up=up))
