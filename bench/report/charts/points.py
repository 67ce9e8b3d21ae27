"""Points on two axes: rounds as dots, or a mean with the least and the most of a round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bench.report.charts import Chart, Data, Head
from bench.report.charts.axes import (
    SMALL,
    WIDTH_IN,
    Box,
    Margins,
    grid,
    heading,
    label,
    log_ticks,
    number_ticks,
    panels,
    place,
    single,
)
from bench.report.charts.palette import Palette, mark_of
from bench.report.numbers import Scale

POINTS_PER_INCH = 72.0
PANEL_IN, GAP_IN = 2.5, 0.42


@dataclass(frozen=True, slots=True)
class Cloud:
    """Rounds of one arm: (x, y). A hollow cloud was held back by what was asked of it."""

    arm: str
    points: tuple[tuple[float, float], ...]
    hollow: bool = False


def clouds(
    head: Head, shown: Sequence[Cloud], axes: tuple[str, str], data: Data, arms: Sequence[str]
) -> Chart:
    """Return a chart of dots on two logarithmic axes, each arm named once."""
    drawn = partial(_draw_clouds, shown=shown, names=axes, arms=arms)
    return Chart(head, data, (WIDTH_IN, 2.7), drawn)


def _draw_clouds(
    figure: Figure,
    palette: Palette,
    *,
    shown: Sequence[Cloud],
    names: tuple[str, str],
    arms: Sequence[str],
) -> None:
    margins = Margins(top=0.26)
    axes = single(figure, margins)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for one in shown:
        colour = palette.of(one.arm, arms)
        axes.plot(
            *zip(*one.points, strict=True),
            mark_of(one.arm, arms),
            color=colour,
            markerfacecolor="none" if one.hollow else colour,
            markersize=4.4,
            markeredgewidth=1.0 if one.hollow else 0,
        )
    every = [point for one in shown for point in one.points]
    for index, set_limits in ((0, axes.set_xlim), (1, axes.set_ylim)):
        low, high = (edge(point[index] for point in every) for edge in (min, max))
        middle = (low * high) ** 0.5
        set_limits(min(low / 1.6, middle / 4), max(high * 2.2, middle * 4))
    # One cloud an arm has the name: that which reaches farthest to the right.
    named = {}
    for one in sorted(shown, key=lambda one: max(point[0] for point in one.points)):
        named[one.arm] = tuple(
            float(np.exp(np.mean(np.log(part)))) for part in zip(*one.points, strict=True)
        )
    _place_names(axes, named, palette, (WIDTH_IN - margins.left - margins.right, 2.0))
    log_ticks(axes.xaxis, *axes.get_xlim())
    log_ticks(axes.yaxis, *axes.get_ylim())
    grid(axes, palette)
    axes.set_xlabel(names[0])
    heading(axes, names[1], palette)


@dataclass(frozen=True, slots=True)
class Spot:
    """One arm: means, and the least and the most of a round, as (mean, least, most)."""

    arm: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]


def crosses(
    head: Head,
    shown: Mapping[str, Sequence[Spot]],
    across: str,
    scale: Scale,
    data: Data,
    arms: Sequence[str],
) -> Chart:
    """Return a panel for each title, spots on one linear and one logarithmic axis."""
    height = 0.7 + len(shown) * PANEL_IN + (len(shown) - 1) * GAP_IN
    drawn = partial(_draw_crosses, shown=shown, across=across, scale=scale, arms=arms)
    return Chart(head, data, (4.3, height), drawn)


def _draw_crosses(
    figure: Figure,
    palette: Palette,
    *,
    shown: Mapping[str, Sequence[Spot]],
    across: str,
    scale: Scale,
    arms: Sequence[str],
) -> None:
    margins = Margins(left=0.48, right=0.1, bottom=0.44, top=0.26)
    every = [spot for spots in shown.values() for spot in spots]
    low, high = min(0.0, *(spot.x[1] for spot in every)), max(spot.x[2] for spot in every)
    pad = 0.06 * (high - low or 1.0)
    ticks = MaxNLocator(nbins=6, steps=[1, 2, 5, 10]).tick_values(
        (low - pad) / scale.divisor, (high + pad) / scale.divisor
    )
    made = panels(figure, margins, [PANEL_IN] * len(shown), GAP_IN)
    for axes, (title, spots) in zip(made, shown.items(), strict=True):
        axes.tick_params(labelbottom=True)
        _cross_panel(axes, spots, arms, palette)
        axes.set_xlim(low - pad, high + pad)
        axes.xaxis.set_major_locator(FixedLocator([float(tick) * scale.divisor for tick in ticks]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: scale.show(value)))
        heading(axes, title, palette)
        named = {spot.arm: (spot.x[0], spot.y[0]) for spot in spots}
        _place_names(axes, named, palette, (4.3 - margins.left - margins.right, PANEL_IN))
    made[-1].set_xlabel(across)


def _cross_panel(axes: Axes, spots: Sequence[Spot], arms: Sequence[str], palette: Palette) -> None:
    axes.set_yscale("log")
    low, high = min(spot.y[1] for spot in spots), max(spot.y[2] for spot in spots)
    middle = (low * high) ** 0.5
    axes.set_ylim(min(low / 1.7, middle / 3), max(high * 1.7, middle * 3))
    grid(axes, palette)
    axes.axvline(0, color=palette.muted, linewidth=0.8)
    for spot in spots:
        colour = palette.of(spot.arm, arms)
        axes.plot([spot.x[1], spot.x[2]], [spot.y[0]] * 2, color=colour, linewidth=1.1)
        axes.plot([spot.x[0]] * 2, [spot.y[1], spot.y[2]], color=colour, linewidth=1.1)
        axes.plot([spot.x[0]], [spot.y[0]], mark_of(spot.arm, arms), color=colour, markersize=5)
    log_ticks(axes.yaxis, *axes.get_ylim())


def _place_names(
    axes: Axes,
    named: Mapping[str, tuple[float, ...]],
    palette: Palette,
    size_in: tuple[float, float],
) -> None:
    """Write each name where there is room, with a line to its point where that is not beside it."""
    width, height = (inches * POINTS_PER_INCH for inches in size_in)
    to_axes = axes.transData + axes.transAxes.inverted()
    at = [to_axes.transform(point) * (width, height) for point in named.values()]
    points = [(float(x), float(y)) for x, y in at]
    sizes = [(0.56 * SMALL * len(name) + 3, SMALL * 1.25) for name in named]
    placed = place(points, sizes, Box(0, 0, width, height))
    for (name, point), (x, y), one in zip(named.items(), points, placed, strict=True):
        middle = (one.box.x + one.box.width / 2, one.box.y + one.box.height / 2)
        line = {"arrowstyle": "-", "color": palette.muted, "lw": 0.6, "shrinkA": 0, "shrinkB": 3}
        label(
            axes,
            name,
            (point[0], point[1]),
            palette,
            xytext=(middle[0] - x, middle[1] - y),
            ha="center",
            arrowprops=line if one.led else None,
        )


@dataclass(frozen=True, slots=True)
class Misses:
    """Trials of one arm: what a model said of each, and the part by which it missed."""

    said: tuple[float, ...]
    missed: tuple[float, ...]


def misses(
    head: Head,
    shown: Mapping[str, Misses],
    axes: tuple[str, str],
    scale: Scale,
    data: Data,
    arms: Sequence[str],
) -> Chart:
    """Return a chart of residuals, a mark a trial."""
    drawn = partial(_draw_misses, shown=shown, names=axes, scale=scale, arms=arms)
    return Chart(head, data, (WIDTH_IN, 2.7 + _NAME_ROW_IN * (_name_rows(shown) - 1)), drawn)


_NAMES_A_ROW = 3
_NAME_ROW_IN = 0.18


def _name_rows(shown: Mapping[str, Misses]) -> int:
    return -(-len(shown) // _NAMES_A_ROW)


def _draw_misses(
    figure: Figure,
    palette: Palette,
    *,
    shown: Mapping[str, Misses],
    names: tuple[str, str],
    scale: Scale,
    arms: Sequence[str],
) -> None:
    top_in = 0.42 + _NAME_ROW_IN * (_name_rows(shown) - 1)
    axes = single(figure, Margins(left=0.5, top=top_in))
    axes.axhline(0.0, color=palette.muted, linewidth=0.8)
    axes.set_xscale("log")
    worst = max((abs(miss) for one in shown.values() for miss in one.missed), default=0.0)
    for arm, one in shown.items():
        axes.plot(
            [value / scale.divisor for value in one.said],
            one.missed,
            mark_of(arm, arms),
            color=palette.of(arm, arms),
            markersize=4,
            alpha=0.8,
            label=arm,
        )
    # Points lie anywhere, so their names stand in rows above them.
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.07),
        ncols=min(len(shown), _NAMES_A_ROW),
        frameon=False,
        handletextpad=0.1,
        columnspacing=0.9,
        borderpad=0,
        borderaxespad=0,
        fontsize=SMALL,
    )
    axes.set_ylim(-1.3 * max(worst, 1e-3), 1.3 * max(worst, 1e-3))
    number_ticks(axes.yaxis)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    log_ticks(axes.xaxis, *axes.get_xlim())
    grid(axes, palette)
    axes.set_xlabel(names[0])
    heading(axes, names[1], palette)
