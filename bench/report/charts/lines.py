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
Phrase = Callable[[str, float], str]
FAR = 1e12
"""Stands for a missing upper end: it lies beyond every chart."""
HEIGHT_IN, MOST_MARKS = 1.9, 12
"""Height of the axes, and the most positions of a curve that have a mark."""


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
        """The curve as rows; a missing value or end is ``None``."""
        parts = [self.x, self.value]
        parts += [bound for bound in (self.low, self.high) if bound is not None]
        return [
            tuple(float(v) if np.isfinite(v) and abs(v) < FAR else None for v in row)
            for row in zip(*parts, strict=True)
        ]


def through_means(points: Sequence[tuple[float, int, float]]) -> Line:
    """Return the line through the means of the points at each ``x``."""
    xs = sorted({x for x, _, _ in points})
    means = [np.mean([y for x, _, y in points if x == position]) for position in xs]
    return Line(np.array(xs, float), np.array(means, float), points=points)


PLAIN = Scale(1.0, "")


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes of a chart of lines, in the data's units; ``scale`` is of the vertical one."""

    across: str
    up: str
    scale: Scale = PLAIN
    right: float | None = None
    top: float | None = None
    whole: bool = False
    """Whether the horizontal axis has whole numbers only."""
    crossing: tuple[float, float, float | None] | None = None
    """Where two curves meet: low, value, high."""
    log: bool = False
    """Whether the vertical axis is logarithmic."""
    ticks: Mapping[float, str] | None = None
    """Labels of the horizontal axis by their positions; ``None``: numbers."""
    x_text: Callable[[float], str] = number
    """Formats a position of the horizontal axis."""


def lines(head: Head, curves: Mapping[str, Line], frame: Frame, data: Data) -> Chart:
    """Return a chart with a line for each name, in the colour of the arm of that name."""
    size = (WIDTH_IN, 0.44 + HEIGHT_IN + legend_in([*curves]))
    return Chart(head, data, size, partial(_draw, curves=curves, frame=frame))


def point_rows(curves: Mapping[str, Line]) -> tuple[tuple[Value, ...], ...]:
    """Return the points behind the lines as rows: name, x, round, y."""
    return tuple((name, *point) for name, line in curves.items() for point in line.points)


def in_words(curves: Mapping[str, Line], scale: Scale, phrase: Phrase) -> Message:
    """Return the lines in words; ``phrase`` formats a value and its position."""
    text = Message("{server}: {values}")
    texts = (
        [phrase(scale.quantity(value), x) for x, value in zip(line.x, line.value, strict=True)]
        for line in curves.values()
    )
    pairs = zip(curves, texts, strict=True)
    return listed([text.format(server=name, values=listed(values)) for name, values in pairs], "; ")


def curve_rows(curves: Mapping[str, Line]) -> tuple[tuple[Value, ...], ...]:
    """Return the curves as rows: name, x, value, and the interval where there is one."""
    return tuple((name, *row) for name, line in curves.items() for row in line.rows)


def _draw(
    figure: Figure, palette: Palette, *, curves: Mapping[str, Line], frame: Frame
) -> list[Mark]:
    margins = Margins(top=legend_in([*curves]))
    (axes,) = panels(figure, margins, [HEIGHT_IN])
    right = frame.right or max(float(np.max(line.x)) for line in curves.values())
    left = min(float(np.min(line.x)) for line in curves.values()) if frame.whole else 0.0
    if frame.crossing is not None:
        low, value, high = frame.crossing
        end = right if high is None else min(high, right)
        axes.axvspan(low, end, color=palette.grid, alpha=0.6, linewidth=0)
        axes.axvline(value, color=palette.ink, linewidth=0.9)
    for index, (name, line) in enumerate(curves.items()):
        _curve(axes, name, line, frame.scale.divisor, palette, index)
    pad = 0.04 * (right - left or 1.0) if frame.whole else 0.0
    axes.set_xlim(left - pad, right + (pad or 0.02 * right))
    _upright(axes, curves, frame)
    number_ticks(axes.xaxis, 5, whole=frame.whole)
    if frame.ticks is not None:
        labels = frame.ticks
        axes.xaxis.set_major_locator(FixedLocator([*labels]))
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda x, _: labels[min(labels, key=lambda tick: abs(tick - x))])
        )
    grid(axes, palette)
    axes.set_xlabel(frame.across)
    heading(axes, frame.up, palette)
    legend(axes, margins)
    pairs = curves.items()
    return [mark for name, line in pairs for mark in _marks(axes, name, line, frame, right)]


def _curve(axes: Axes, name: str, line: Line, divisor: float, palette: Palette, index: int) -> None:
    is_arm = name in palette.arms
    colour = palette.of(name) if is_arm else palette.series[(2 + index) % 6]
    mark = palette.mark(name) if is_arm else "o"
    axes.plot(
        line.x,
        line.value / divisor,
        color=colour,
        linewidth=1.8,
        linestyle=palette.dash(name) if is_arm else "solid",
        marker=mark,
        markevery=[len(line.x) - 1],
        markersize=4,
        label=name,
    )
    if line.low is not None and line.high is not None and np.isfinite(line.low).any():
        band = (line.low / divisor, line.high / divisor)
        axes.fill_between(line.x, *band, color=colour, alpha=0.16, linewidth=0)
    axes.plot(
        [point[0] for point in line.points],
        [point[2] / divisor for point in line.points],
        mark,
        color=colour,
        markersize=3,
        markeredgewidth=0,
        alpha=0.7,
    )


def _upright(axes: Axes, curves: Mapping[str, Line], frame: Frame) -> None:
    if frame.log:
        axes.set_yscale("log")
        ends = log_range(
            value / frame.scale.divisor
            for line in curves.values()
            for value in (*line.value, *(point[2] for point in line.points))
            if np.isfinite(value)
        )
        axes.set_ylim(*ends)
        log_ticks(axes.yaxis, *ends)
        return
    low, high = axes.get_ylim()
    top = high if frame.top is None else frame.top / frame.scale.divisor
    axes.set_ylim(min(low, 0.0) if frame.top is None else 0.0, top if top > 0 else 1.0)
    number_ticks(axes.yaxis)


def _marks(axes: Axes, name: str, line: Line, frame: Frame, right: float) -> Iterator[Mark]:
    """Yield a mark for the value of a curve at some positions, and for each of its points."""
    scale, top, axis_name = frame.scale, axes.get_ylim()[1], frame.across.partition(",")[0]
    for index in sorted({round(i) for i in np.linspace(0, len(line.x) - 1, MOST_MARKS)}):
        x, value = float(line.x[index]), float(line.value[index])
        if not np.isfinite(value) or x > right or value / scale.divisor > top:
            continue
        spread: str = ""
        quantity = scale.quantity(value)
        if line.low is not None and line.high is not None and line.high[index] < FAR:
            bounds = float(line.low[index]), float(line.high[index])
            quantity = scale.quantity(value, *bounds)
            spread = Message(" [{ends}]").format(ends=scale.interval(*bounds))
        text = Message("{name}, {x} {what}: {value}{spread}").format(
            name=name, x=frame.x_text(x), what=axis_name, value=quantity, spread=spread
        )
        yield Mark(axes, x, value / scale.divisor, text)
    of_round = message("{name}, {x} {what}, round {round}: {value}")
    for x, round_, value in line.points:
        text = of_round.format(
            name=name, x=frame.x_text(x), what=axis_name, round=round_, value=scale.quantity(value)
        )
        yield Mark(axes, x, value / scale.divisor, text)


def sampled(
    positions: Floats, function: Callable[[float], tuple[float | None, float | None, float | None]]
) -> Line:
    """Return the curve of ``function``, which returns value, low and high at a position.

    A value of ``None`` leaves a gap; an upper end of ``None`` beside a lower one lies beyond
    every chart.
    """
    rows = [function(float(position)) for position in positions]

    def part(index: int, missing: float) -> Floats:
        return np.array([missing if row[index] is None else row[index] for row in rows], float)

    low = part(1, np.nan)
    high = np.where(np.isnan(low), np.nan, part(2, FAR))
    return Line(positions, part(0, np.nan), low, high)
