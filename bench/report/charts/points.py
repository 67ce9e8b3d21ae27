"""Points on two axes: rounds as marks, or a mean with the least and the greatest round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bench.report.charts import Chart, Data, Head, Mark
from bench.report.charts.axes import (
    WIDTH_IN,
    Margins,
    grid,
    heading,
    legend,
    legend_in,
    log_range,
    log_ticks,
    panels,
    scaled_ticks,
)
from bench.report.charts.palette import Palette
from bench.report.numbers import Scale, number

PANEL_IN, GAP_IN = 2.1, 0.62


@dataclass(frozen=True, slots=True)
class Spot:
    """A point and its text; a mean also has the ends of the least and the greatest round."""

    x: float
    y: float
    text: str
    x_ends: tuple[float, float] | None = None
    y_ends: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Cloud:
    """The spots of an arm. ``hollow``: a fixed rate limited them."""

    arm: str
    spots: Sequence[Spot]
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class PointAxes:
    """The axes of a chart of points: ``x`` is linear if it has a scale, else logarithmic."""

    across: str
    x: Scale | None = None
    shares: bool = False
    """Whether the vertical axis has shares around zero; else it is logarithmic."""


def points(head: Head, panes: Mapping[str, Sequence[Cloud]], frame: PointAxes, data: Data) -> Chart:
    """Return a chart with a panel for each title, which names its vertical axis."""
    names = [cloud.arm for clouds in panes.values() for cloud in clouds]
    height = legend_in([*dict.fromkeys(names)]) + len(panes) * (PANEL_IN + GAP_IN) - GAP_IN + 0.44
    return Chart(head, data, (WIDTH_IN, height), partial(_draw, panes=panes, frame=frame))


def _draw(
    figure: Figure,
    palette: Palette,
    *,
    panes: Mapping[str, Sequence[Cloud]],
    frame: PointAxes,
) -> list[Mark]:
    names = dict.fromkeys(cloud.arm for clouds in panes.values() for cloud in clouds)
    margins = Margins(top=legend_in([*names]))
    panels_ = panels(figure, margins, [PANEL_IN] * len(panes), GAP_IN)
    spots = [spot for clouds in panes.values() for cloud in clouds for spot in cloud.spots]
    ends = [end for spot in spots for end in spot.x_ends or (spot.x,)]
    marks: list[Mark] = []
    for axes, (title, clouds) in zip(panels_, panes.items(), strict=True):
        for cloud in clouds:
            marks += _cloud(axes, cloud, palette)
        if frame.x is None:
            axes.set_xscale("log")
            axes.set_xlim(*log_range(ends))
            log_ticks(axes.xaxis, *axes.get_xlim())
        else:
            low, high = min(0.0, *ends), max(ends)
            pad = 0.06 * (high - low or 1.0)
            axes.set_xlim(low - pad, high + pad)
            scaled_ticks(axes.xaxis, (low, high), frame.x)
        _upright(axes, [spot for cloud in clouds for spot in cloud.spots], frame, palette)
        grid(axes, palette)
        heading(axes, title, palette)
    legend(panels_[0], margins)
    panels_[-1].set_xlabel(frame.across)
    return marks


def _upright(axes: Axes, spots: Sequence[Spot], frame: PointAxes, palette: Palette) -> None:
    if frame.shares:
        worst = max(1e-3, *(abs(spot.y) for spot in spots))
        axes.axhline(0.0, color=palette.muted, linewidth=0.8)
        axes.set_ylim(-1.2 * worst, 1.2 * worst)
        percent = FuncFormatter(lambda value, _: f"{number(100 * value)}%")
        axes.yaxis.set_major_formatter(percent)  # the zero has no sign
        return
    axes.set_yscale("log")
    axes.set_ylim(*log_range(end for spot in spots for end in spot.y_ends or (spot.y,)))
    log_ticks(axes.yaxis, *axes.get_ylim())


def _cloud(axes: Axes, cloud: Cloud, palette: Palette) -> list[Mark]:
    colour = palette.of(cloud.arm)
    for spot in cloud.spots:
        for ends, horizontal in ((spot.x_ends, True), (spot.y_ends, False)):
            if ends is not None:
                across = (ends, (spot.y,) * 2) if horizontal else ((spot.x,) * 2, ends)
                axes.plot(*across, color=colour, linewidth=1.1)
    named = {line.get_label() for line in axes.lines}
    axes.plot(
        [spot.x for spot in cloud.spots],
        [spot.y for spot in cloud.spots],
        palette.mark(cloud.arm),
        color=colour,
        markerfacecolor="none" if cloud.hollow else colour,
        markersize=4.6,
        markeredgewidth=1.0 if cloud.hollow else 0.4,
        label=f"_{cloud.arm}" if cloud.arm in named else cloud.arm,
    )
    return [Mark(axes, spot.x, spot.y, spot.text) for spot in cloud.spots]
