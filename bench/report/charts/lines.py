"""Lines over a quantity, with their intervals as bands and single rounds as points."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from bench.model.message import Message, listed, message
from bench.report.charts import Chart, Data, Head, Mark, Value
from bench.report.charts.axes import (
    WIDTH_IN,
    Margins,
    grid,
    heading,
    legend,
    legend_in,
    log_range,
    log_ticks,
    number_ticks,
    panels,
)
from bench.report.charts.palette import Palette
from bench.report.numbers import Scale, number

Floats = npt.NDArray[np.float64]
FAR = 1e12
"""Stands for an upper end that there is none of: it leaves every chart."""
HEIGHT_IN, TOLD = 1.9, 12
"""Height of the axes, and how many places of a curve are told in words."""


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


def through_means(points: Sequence[tuple[float, int, float]]) -> Line:
    """Return the line through the means of the points that stand at one place."""
    places = sorted({x for x, _, _ in points})
    means = [np.mean([y for x, _, y in points if x == place]) for place in places]
    return Line(np.array(places, float), np.array(means, float), points=points)


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
    log: bool = False
    """Whether the upright axis is logarithmic."""
    ticks: Mapping[float, str] | None = None
    """Labels of the horizontal axis by their places; ``None``: numbers."""
    told: Callable[[float], str] = number
    """A place of the horizontal axis in words."""


def lines(head: Head, shown: Mapping[str, Line], frame: Frame, data: Data) -> Chart:
    """Return a chart with a line a name, which has the colour of the arm that is called so."""
    size = (WIDTH_IN, 0.44 + HEIGHT_IN + legend_in([*shown]))
    return Chart(head, data, size, partial(_draw, shown=shown, frame=frame))


def point_rows(shown: Mapping[str, Line]) -> tuple[tuple[Value, ...], ...]:
    """Return the points behind the lines as rows: name, x, round, y."""
    return tuple((name, *point) for name, one in shown.items() for point in one.points)


def told(shown: Mapping[str, Line], scale: Scale, at: Callable[[str, float], str]) -> Message:
    """Return the lines in words: ``at`` says a value and its place."""
    text = Message("{server}: {values}")
    said = (
        [at(scale.quantity(value), x) for x, value in zip(one.x, one.value, strict=True)]
        for one in shown.values()
    )
    each = zip(shown, said, strict=True)
    return listed([text.format(server=name, values=listed(values)) for name, values in each], "; ")


def curve_rows(shown: Mapping[str, Line]) -> tuple[tuple[Value, ...], ...]:
    """Return the curves as rows: name, x, value, and the interval where there is one."""
    return tuple((name, *row) for name, one in shown.items() for row in one.rows)


def _draw(
    figure: Figure, palette: Palette, *, shown: Mapping[str, Line], frame: Frame
) -> list[Mark]:
    margins = Margins(top=legend_in([*shown]))
    (axes,) = panels(figure, margins, [HEIGHT_IN])
    right = frame.right or max(float(np.max(one.x)) for one in shown.values())
    left = min(float(np.min(one.x)) for one in shown.values()) if frame.whole else 0.0
    if frame.crossing is not None:
        low, value, high = frame.crossing
        end = right if high is None else min(high, right)
        axes.axvspan(low, end, color=palette.grid, alpha=0.6, linewidth=0)
        axes.axvline(value, color=palette.ink, linewidth=0.9)
    for place, (name, one) in enumerate(shown.items()):
        _curve(axes, name, one, frame.scale.divisor, palette, place)
    pad = 0.04 * (right - left or 1.0) if frame.whole else 0.0
    axes.set_xlim(left - pad, right + (pad or 0.02 * right))
    _upright(axes, shown, frame)
    number_ticks(axes.xaxis, 5, whole=frame.whole)
    if frame.ticks is not None:
        words = frame.ticks
        axes.xaxis.set_major_locator(FixedLocator([*words]))
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda at, _: words[min(words, key=lambda tick: abs(tick - at))])
        )
    grid(axes, palette)
    axes.set_xlabel(frame.across)
    heading(axes, frame.up, palette)
    legend(axes, margins)
    return [mark for name, one in shown.items() for mark in _told(axes, name, one, frame, right)]


def _curve(axes: Axes, name: str, one: Line, divisor: float, palette: Palette, place: int) -> None:
    known = name in palette.arms
    colour = palette.of(name) if known else palette.series[(2 + place) % 6]
    mark = palette.mark(name) if known else "o"
    axes.plot(
        one.x,
        one.value / divisor,
        color=colour,
        linewidth=1.8,
        linestyle=palette.dash(name) if known else "solid",
        marker=mark,
        markevery=[len(one.x) - 1],
        markersize=4,
        label=name,
    )
    if one.low is not None and one.high is not None and np.isfinite(one.low).any():
        band = (one.low / divisor, one.high / divisor)
        axes.fill_between(one.x, *band, color=colour, alpha=0.16, linewidth=0)
    axes.plot(
        [point[0] for point in one.points],
        [point[2] / divisor for point in one.points],
        mark,
        color=colour,
        markersize=3,
        markeredgewidth=0,
        alpha=0.7,
    )


def _upright(axes: Axes, shown: Mapping[str, Line], frame: Frame) -> None:
    if frame.log:
        axes.set_yscale("log")
        ends = log_range(
            value / frame.scale.divisor
            for one in shown.values()
            for value in (*one.value, *(point[2] for point in one.points))
            if np.isfinite(value)
        )
        axes.set_ylim(*ends)
        log_ticks(axes.yaxis, *ends)
        return
    low, high = axes.get_ylim()
    top = high if frame.top is None else frame.top / frame.scale.divisor
    axes.set_ylim(min(low, 0.0) if frame.top is None else 0.0, top if top > 0 else 1.0)
    number_ticks(axes.yaxis)


def _told(axes: Axes, name: str, one: Line, frame: Frame, right: float) -> Iterator[Mark]:
    """Put the values of a curve at some of its places into words, and its points."""
    scale, top, what = frame.scale, axes.get_ylim()[1], frame.across.partition(",")[0]
    for place in sorted({round(at) for at in np.linspace(0, len(one.x) - 1, TOLD)}):
        x, value = float(one.x[place]), float(one.value[place])
        if not np.isfinite(value) or x > right or value / scale.divisor > top:
            continue
        spread: str = ""
        shown = scale.quantity(value)
        if one.low is not None and one.high is not None and one.high[place] < FAR:
            bounds = float(one.low[place]), float(one.high[place])
            shown = scale.quantity(value, *bounds)
            spread = Message(" [{ends}]").format(ends=scale.interval(*bounds))
        text = Message("{name}, {x} {what}: {value}{spread}").format(
            name=name, x=frame.told(x), what=what, value=shown, spread=spread
        )
        yield Mark(axes, x, value / scale.divisor, text)
    of_round = message("{name}, {x} {what}, round {round}: {value}")
    for x, round_, value in one.points:
        text = of_round.format(
            name=name, x=frame.told(x), what=what, round=round_, value=scale.quantity(value)
        )
        yield Mark(axes, x, value / scale.divisor, text)


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
