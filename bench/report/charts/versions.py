"""A quantity on two or more versions of Kubernetes: a line a server, a dot a version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bench.report.charts import Chart, Data, Head
from bench.report.charts.axes import Margins, grid, heading, name_rows, panel
from bench.report.charts.palette import Palette
from bench.report.numbers import Scale

WIDTH_IN, ROW_IN, TITLE_IN, TICKS_IN = 4.3, 0.24, 0.24, 0.24
TOP_IN = 0.3


@dataclass(frozen=True, slots=True)
class Panel:
    """One quantity: a row an arm, its values by the place of the version."""

    title: str
    scale: Scale
    rows: Mapping[str, Mapping[int, float]]


def across_versions(
    head: Head, shown: Sequence[Panel], versions: Sequence[str], data: Data
) -> Chart:
    """Return a panel a quantity, each on a scale of its own that begins at 0."""
    height = TOP_IN + sum(TITLE_IN + TICKS_IN + ROW_IN * len(one.rows) for one in shown)
    drawn = partial(_draw, shown=shown, versions=versions)
    return Chart(head, data, (WIDTH_IN, height), drawn)


def _draw(
    figure: Figure, palette: Palette, *, shown: Sequence[Panel], versions: Sequence[str]
) -> None:
    colours = [palette.ink] * len(versions)
    colours[0], colours[-1] = palette.series[4], palette.series[2]
    left = 0.075 * max(len(arm) for one in shown for arm in one.rows) + 0.12
    for index, version in enumerate(versions):
        figure.text(
            (left + index * 1.1) / WIDTH_IN,
            1 - 0.16 / figure.get_size_inches()[1],
            f"\N{BLACK CIRCLE} {version}",
            color=colours[index],
            fontweight="bold",
            fontsize=9,
        )
    top = TOP_IN
    for one in shown:
        tall = ROW_IN * len(one.rows)
        margins = Margins(left=left, right=0.12)
        axes = panel(figure, margins, top_in=top + TITLE_IN, height_in=tall)
        _panel(axes, one, colours, palette)
        top += TITLE_IN + TICKS_IN + tall


def _panel(axes: Axes, one: Panel, colours: Sequence[str], palette: Palette) -> None:
    values = [value for row in one.rows.values() for value in row.values()]
    for height, row in enumerate(one.rows.values()):
        axes.plot([*row.values()], [height] * len(row), color=palette.muted, linewidth=1.2)
        for index, value in row.items():
            axes.plot([value], [height], "o", color=colours[index], mec=palette.paper, markersize=7)
    name_rows(axes, list(one.rows), palette)
    low, high = min(0.0, *values), max(values) or 1.0
    axes.set_xlim(low - 0.03 * (high - low), high + 0.06 * (high - low))
    divisor = one.scale.divisor
    ticks = MaxNLocator(nbins=5, steps=[1, 2, 5, 10]).tick_values(low / divisor, high / divisor)
    inside = [float(tick) * divisor for tick in ticks if low <= tick * divisor <= high * 1.05]
    axes.xaxis.set_major_locator(FixedLocator(inside))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: one.scale.show(value)))
    grid(axes, palette, across_only=True)
    heading(axes, one.title, palette)
