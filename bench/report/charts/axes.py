"""Parts of axes that charts share: margins, ticks, grids, headings, and legends above marks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from rich.cells import cell_len

from bench.report.charts.palette import Palette
from bench.report.numbers import Scale, number

WIDTH_IN = 3.7
"""About a phone's width at 96 px an inch, so that text keeps its size there."""
SMALL = 8.5
LEGEND_ROW_IN, NAMES_A_ROW = 0.18, 3


@dataclass(frozen=True, slots=True)
class Margins:
    """Space around the axes for names, ticks and headings, in inches."""

    left: float = 0.5
    right: float = 0.12
    bottom: float = 0.44
    top: float = 0.26


def panels(
    figure: Figure, margins: Margins, heights_in: Sequence[float], gap_in: float = 0.0
) -> list[Axes]:
    """Return axes of these heights below each other, between the margins of the figure."""
    width, height = figure.get_size_inches()
    left, across = margins.left / width, 1 - (margins.left + margins.right) / width
    axes, top = [], margins.top
    for inches in heights_in:
        axes.append(figure.add_axes((left, 1 - (top + inches) / height, across, inches / height)))
        top += inches + gap_in
    return axes


def width_of(names: Iterable[str]) -> float:
    """Return the inches that the longest of ``names`` takes at the size of a label, generously."""
    return 0.075 * max((cell_len(name) for name in names), default=0) + 0.1


def legend_in(names: Sequence[str]) -> float:
    """Return the height in inches of a legend with ``names``."""
    return LEGEND_ROW_IN * -(-len(names) // NAMES_A_ROW) + 0.28


def legend(axes: Axes, margins: Margins) -> None:
    """Draw the legend in rows above the axes and their heading, where it covers nothing."""
    height = axes.get_window_extent().height / axes.figure.dpi
    handles, names = axes.get_legend_handles_labels()
    if names:
        axes.legend(
            handles,
            names,
            loc="upper left",
            bbox_to_anchor=(0, 1 + (margins.top - 0.04) / height),
            ncols=min(len(names), NAMES_A_ROW),
            frameon=False,
            handlelength=1.6,
            handletextpad=0.4,
            columnspacing=1.0,
            borderpad=0,
            borderaxespad=0,
            labelspacing=0.25,
            fontsize=SMALL,
        )


def heading(axes: Axes, text: str, palette: Palette, before_in: float = 0.0) -> None:
    """Write ``text`` above the axes, from ``before_in`` inches left of their left edge.

    Not a title of matplotlib, which lays out every tick once more to place it.
    """
    axes.annotate(
        text,
        (0, 1),
        xycoords="axes fraction",
        xytext=(-72 * before_in, 4),
        textcoords="offset points",
        fontsize=SMALL,
        color=palette.muted,
    )


def grid(axes: Axes, palette: Palette, *, across_only: bool = False) -> None:
    """Draw a grid behind everything."""
    axes.grid(visible=True, axis="x" if across_only else "both", color=palette.grid)
    axes.set_axisbelow(True)


def number_ticks(axis: Axis, most: int | None = None, *, whole: bool = False) -> None:
    """Label a linear axis with numbers: 0.175 stays 0.175, and 1,000 has its comma."""
    if most is not None or whole:
        axis.set_major_locator(MaxNLocator(most or "auto", integer=whole))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 3)))


def scaled_ticks(axis: Axis, ends: tuple[float, float], scale: Scale, most: int = 5) -> None:
    """Put ticks where a scale has round numbers."""
    low, high = (end / scale.divisor for end in ends)
    ticks = MaxNLocator(nbins=most, steps=[1, 2, 5, 10]).tick_values(low, high)
    inside = [float(tick) * scale.divisor for tick in ticks if low <= tick <= high * 1.001]
    axis.set_major_locator(FixedLocator(inside))
    axis.set_major_formatter(FuncFormatter(lambda value, _: scale.show(value)))


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Label a log axis as people count: 1, 10, 100; on a short one 1, 2, 5, 10, 20."""
    axis.set_major_locator(LogLocator(base=10, subs=(1.0,) if high / low > 80 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axis.set_minor_locator(NullLocator())


def log_range(values: Iterable[float]) -> tuple[float, float]:
    """Return limits around positive values, at least a decade and a bit apart."""
    known = list(values)
    low, high = min(known), max(known)
    middle = (low * high) ** 0.5
    return min(low / 1.6, middle / 4), max(high * 1.6, middle * 4)
