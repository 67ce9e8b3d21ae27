"""Lines over a quantity, with their intervals as bands and single rounds as points."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from bench.report.charts import Chart, Data, Head, Value
from bench.report.charts.axes import (
    WIDTH_IN,
    Margins,
    grid,
    heading,
    name_ends,
    number_ticks,
    single,
    width_of,
)
from bench.report.charts.palette import Palette, dash_of, mark_of
from bench.report.numbers import Scale

Floats = npt.NDArray[np.float64]
FAR = 1e12
"""Stands for an upper end that there is none of: it leaves every chart."""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: ``low`` and ``high`` may be missing, or hold NaN where there is no interval.

    ``points`` are (x, round, y).
    """

    x: Floats
    value: Floats
    low: Floats | None = None
    high: Floats | None = None
    points: Sequence[tuple[float, int, float]] = ()

    @property
    def rows(self) -> list[tuple[float | None, ...]]:
        """The curve as rows; where it has no value or no end, the field is empty."""
        parts = [self.x, self.value]
        parts += [one for one in (self.low, self.high) if one is not None]
        return [
            tuple(float(v) if np.isfinite(v) and abs(v) < FAR else None for v in row)
            for row in zip(*parts, strict=True)
        ]


PLAIN = Scale(1.0, "")


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes of a chart of lines, in the data's units, ``scale`` of the upright one."""

    across: str
    up: str
    scale: Scale = PLAIN
    right: float | None = None
    top: float | None = None
    whole: bool = False
    """Whether there is nothing between two whole numbers of the horizontal axis."""
    crossing: tuple[float, float, float | None] | None = None
    """Where two curves meet: low, value, high."""


def lines(
    head: Head,
    shown: Mapping[str, Line],
    frame: Frame,
    data: Data,
    arms: Sequence[str] = (),
) -> Chart:
    """Return a chart with a line a name; the names are arms where ``arms`` has them."""
    drawn = partial(_draw, shown=shown, frame=frame, arms=arms)
    return Chart(head, data, (WIDTH_IN, 2.6), drawn)


def point_rows(shown: Mapping[str, Line]) -> tuple[tuple[Value, ...], ...]:
    """Return the points behind the lines as rows: name, x, round, y."""
    return tuple((name, *point) for name, one in shown.items() for point in one.points)


def curve_rows(shown: Mapping[str, Line]) -> tuple[tuple[Value, ...], ...]:
    """Return the curves as rows: name, x, value, and the interval where there is one."""
    return tuple((name, *row) for name, one in shown.items() for row in one.rows)


def _draw(
    figure: Figure,
    palette: Palette,
    *,
    shown: Mapping[str, Line],
    frame: Frame,
    arms: Sequence[str],
) -> None:
    axes = single(figure, Margins(left=0.5, right=width_of(shown) + 0.06, top=0.26))
    divisor = frame.scale.divisor
    first, last = (edge(one.x) for edge in (min, max) for one in [_longest(shown)])
    right = frame.right or float(last)
    if frame.crossing is not None:
        low, value, high = frame.crossing
        end = right if high is None else min(high, right)
        axes.axvspan(low, end, color=palette.grid, alpha=0.6, linewidth=0)
        axes.axvline(value, color=palette.ink, linewidth=0.9)
    ends = {}
    for place, (name, one) in enumerate(shown.items()):
        known = name in arms
        colour = palette.of(name, arms) if known else palette.series[(2 + place) % 6]
        dash = dash_of(name, arms) if known else "solid"
        axes.plot(one.x, one.value / divisor, color=colour, linewidth=1.8, linestyle=dash)
        if one.low is not None and one.high is not None and np.isfinite(one.low).any():
            band = (one.low / divisor, one.high / divisor)
            axes.fill_between(one.x, *band, color=colour, alpha=0.16, linewidth=0)
        mark = mark_of(name, arms) if known else "o"
        axes.plot(
            [point[0] for point in one.points],
            [point[2] / divisor for point in one.points],
            mark,
            color=colour,
            markersize=3,
            markeredgewidth=0,
            alpha=0.7,
        )
        if np.isfinite(one.value[-1]):
            ends[name] = (right, float(one.value[-1]) / divisor)
    low, high = axes.get_ylim()
    top = high if frame.top is None else frame.top / divisor
    axes.set_ylim(min(low, 0.0) if frame.top is None else 0.0, top if top > 0 else 1.0)
    pad = 0.04 * (right - float(first)) if frame.whole else 0.0
    axes.set_xlim(float(first) - pad if frame.whole else 0.0, right + pad)
    number_ticks(axes.xaxis, 5, whole=frame.whole)
    number_ticks(axes.yaxis)
    grid(axes, palette)
    axes.set_xlabel(frame.across)
    heading(axes, frame.up, palette)
    name_ends(axes, ends, palette)


def _longest(shown: Mapping[str, Line]) -> Line:
    return max(shown.values(), key=lambda one: float(np.max(one.x)))


def sampled(
    places: Floats, of: Callable[[float], tuple[float | None, float | None, float | None]]
) -> Line:
    """Return the curve of ``of``, which gives value, low and high at a place.

    A value that is ``None`` leaves a gap; an upper end that is ``None`` where there is a
    lower one is beyond every chart.
    """
    found = [of(float(place)) for place in places]

    def part(index: int, missing: float) -> Floats:
        return np.array([missing if one[index] is None else one[index] for one in found], float)

    low = part(1, np.nan)
    high = np.where(np.isnan(low), np.nan, part(2, FAR))
    return Line(places, part(0, np.nan), low, high)
