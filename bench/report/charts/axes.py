"""Axes as the charts share them: room around them, ticks, and names that cover nothing."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from bench.report.charts.palette import Palette
from bench.report.numbers import number

WIDTH_IN = 3.7
"""About a phone's width at 96 px an inch, so that text keeps its size there."""
SMALL = 8.5
DISTANCES = (7.0, 12.0, 19.0, 29.0, 41.0, 55.0)
ANGLES = tuple(math.radians(angle) for angle in (0, 180, 90, 270, 40, 140, 320, 220))
POINT = 4.0
"""Half the side of the square that a point takes."""
NEAR = 12.0
"""A name farther from its point than this needs a line to it."""


@dataclass(frozen=True, slots=True)
class Margins:
    """What is left for names, ticks and headings around the axes, in inches."""

    left: float = 0.46
    right: float = 0.08
    bottom: float = 0.44
    top: float = 0.08


def single(figure: Figure, margins: Margins) -> Axes:
    """Return one pair of axes that fills the figure but for its margins."""
    height = figure.get_size_inches()[1]
    return panel(
        figure, margins, top_in=margins.top, height_in=height - margins.top - margins.bottom
    )


def panel(figure: Figure, margins: Margins, *, top_in: float, height_in: float) -> Axes:
    """Return axes of a height, so far below the figure's upper edge, between its margins."""
    width, height = figure.get_size_inches()
    return figure.add_axes(
        (
            margins.left / width,
            1 - (top_in + height_in) / height,
            1 - (margins.left + margins.right) / width,
            height_in / height,
        )
    )


def panels(
    figure: Figure, margins: Margins, heights_in: Sequence[float], gap_in: float
) -> list[Axes]:
    """Return axes below each other; all but the last have no labels at their ticks."""
    made, top = [], margins.top
    for height in heights_in:
        made.append(panel(figure, margins, top_in=top, height_in=height))
        top += height + gap_in
    for axes in made[:-1]:
        axes.tick_params(labelbottom=False)
    return made


def width_of(names: Iterable[str]) -> float:
    """Return the inches that the longest of ``names`` takes at the size of a label, generously."""
    return 0.075 * max((len(name) for name in names), default=0) + 0.1


def heading(axes: Axes, text: str, palette: Palette) -> None:
    """Name what the upright axis shows above it, where it takes no width."""
    axes.set_title(text, loc="left", fontsize=SMALL, color=palette.muted, pad=4)


def grid(axes: Axes, palette: Palette, *, across_only: bool = False) -> None:
    """Draw a grid behind everything."""
    axes.grid(visible=True, axis="x" if across_only else "both", color=palette.grid)
    axes.set_axisbelow(True)


def number_ticks(axis: Axis, most: int | None = None, *, whole: bool = False) -> None:
    """Label a linear axis as numbers: 0.175 is no 0.18, and 1,000 has its comma."""
    if most is not None or whole:
        axis.set_major_locator(MaxNLocator(most or "auto", integer=whole))
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}")
    )


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Label a log axis as people count: 1, 10, 100; on a short one 1, 2, 5, 10, 20."""
    axis.set_major_locator(LogLocator(base=10, subs=(1.0,) if high / low > 80 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axis.set_minor_locator(NullLocator())


def zero_based(axes: Axes, palette: Palette, *, negative: bool = False, room: float = 0.2) -> None:
    """Begin the value axis at zero (or below, where a difference is), with room for labels."""
    low, high = axes.get_xlim()
    low, high = min(low, 0.0) if negative else 0.0, max(high, 0.0)
    if high <= low:
        high = low + 1.0
    axes.set_xlim(low, high + room * (high - low))
    number_ticks(axes.xaxis, 4)
    grid(axes, palette, across_only=True)
    axes.axvline(0.0, color=palette.muted, linewidth=0.8)
    axes.spines["bottom"].set_visible(False)


def name_rows(axes: Axes, names: Sequence[str], palette: Palette) -> None:
    """Name the rows of a chart, the first at the top."""
    axes.set_yticks(range(len(names)), list(names), color=palette.ink)
    axes.set_ylim(len(names) - 0.4, -0.6)


def label(
    axes: Axes, text: str, at: tuple[float, float], palette: Palette, **options: object
) -> None:
    """Write a bold ``text`` beside the point ``at``, on paper that lets it be read."""
    given = {
        "xytext": (6, 0),
        "va": "center",
        "ha": "left",
        "fontsize": SMALL,
        "fontweight": "bold",
        "color": palette.ink,
        "bbox": {"facecolor": palette.paper, "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        **options,
    }
    axes.annotate(text, at, textcoords="offset points", **given)  # type: ignore[arg-type]  # its words


def name_ends(axes: Axes, ends: Mapping[str, tuple[float, float]], palette: Palette) -> None:
    """Write each curve's name to the right of its end, the names kept apart.

    ``ends`` are (x, y) in the axes' data; limits and scales are set before.
    """
    if not ends:
        return
    to_axes = axes.transData + axes.transAxes.inverted()
    wanted = sorted((float(to_axes.transform(end)[1]), name) for name, end in ends.items())
    heights = spread_apart([height for height, _ in wanted], gap=0.088, top=0.97)
    for (_, name), height in zip(wanted, heights, strict=True):
        x = ends[name][0]
        y = float(to_axes.inverted().transform((0.0, height))[1])
        label(axes, name, (x, y), palette)


def spread_apart(wanted: Sequence[float], *, gap: float, top: float) -> list[float]:
    """Move ascending heights apart by ``gap``, none above ``top``."""
    heights: list[float] = []
    for height in wanted:
        heights.append(max(height, heights[-1] + gap) if heights else height)
    # What was pushed out at the top is pushed back down, names below it along with it.
    for place in reversed(range(len(heights))):
        heights[place] = min(heights[place], top)
        top = heights[place] - gap
    return heights


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its lower left corner."""

    x: float
    y: float
    width: float
    height: float

    def shared(self, other: "Box") -> float:
        """Return the area that both cover."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        up = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(across, 0.0) * max(up, 0.0)


@dataclass(frozen=True, slots=True)
class Placed:
    """The box of a name, and whether a line has to lead to it."""

    box: Box
    led: bool


def place(
    points: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], area: Box
) -> list[Placed]:
    """Return a place for each name: of ``points`` and ``sizes`` in the units of ``area``.

    Names are placed one after another, those with the most neighbours first, each where
    it covers least of what is there (points and names) and stays inside ``area``.
    """
    dots = [Box(x - POINT, y - POINT, 2 * POINT, 2 * POINT) for x, y in points]
    placed: dict[int, Placed] = {}
    for index in sorted(range(len(points)), key=lambda one: -_crowd(points, one)):
        others = [*dots, *(one.box for one in placed.values())]
        placed[index] = min(
            _candidates(points[index], sizes[index]),
            key=lambda one, others=others: _cost(one[0], one[1], others, area),  # type: ignore[misc]
        )[2]
    return [placed[index] for index in range(len(points))]


def _candidates(
    point: tuple[float, float], size: tuple[float, float]
) -> list[tuple[Box, float, Placed]]:
    found = []
    for distance in DISTANCES:
        for rank, angle in enumerate(ANGLES):
            x = point[0] + math.cos(angle) * (distance + size[0] / 2)
            y = point[1] + math.sin(angle) * (distance + size[1] / 2)
            box = Box(x - size[0] / 2, y - size[1] / 2, *size)
            found.append((box, distance + rank / 10, Placed(box, distance > NEAR)))
    return found


def _cost(box: Box, effort: float, others: Sequence[Box], area: Box) -> float:
    outside = box.width * box.height - box.shared(area)
    return effort + 2.0 * sum(box.shared(other) for other in others) + 20.0 * outside


def _crowd(points: Sequence[tuple[float, float]], index: int) -> float:
    here = points[index]
    return sum(1 / (8.0 + math.dist(here, other)) for other in points)
