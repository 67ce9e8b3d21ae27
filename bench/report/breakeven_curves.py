"""Curves of the cost model with their intervals, and the axes they are drawn on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from bench.analysis.costmodel import CostModel, Question
from bench.analysis.leastsquares import Floats
from bench.report.chart import Value
from bench.report.numbers import Scale
from bench.report.svg import GRID, INK, PAPER

WIDTH_IN, HEIGHT_IN = 3.7, 2.6
FAR = 1e12
"""Stands for an upper end that there is none of: it leaves every chart."""
SOURCE = {
    "apiserver_cpu": "trial.json apiserver_cpu_s and marks_s, requests.parquet, by the fitted "
    "unit costs below",
    "api_bytes": "scrapes.parquet apiserver_response_sizes_sum and "
    "apiserver_watch_events_sizes_sum, requests.parquet, by the fitted unit costs below",
}
WORDS = {"ms/s": "ms of CPU in a second"}


@dataclass(frozen=True, slots=True)
class Band:
    """A curve with its interval; ``low`` and ``high`` may hold NaN where there is none."""

    at: Floats
    value: Floats
    low: Floats
    high: Floats


def cost_band(model: CostModel, arm: str, question: Question, at: Floats) -> Band:
    """Return what ``arm`` costs at each read rate of ``at``, the rest as ``question`` has it."""
    found = [
        model.cost(
            arm,
            replace(question, reads_per_s=float(reads)),
        )
        for reads in at
    ]
    return Band(
        at,
        np.array([one.value for one in found]),
        np.array([np.nan if one.low is None else one.low for one in found]),
        np.array([np.nan if one.high is None else one.high for one in found]),
    )


def rate_band(model: CostModel, reader: str, questions: Sequence[Question], at: Floats) -> Band:
    """Return the break-even rate of each of ``questions``, which lie at ``at``."""
    found = [model.break_even(reader, question) for question in questions]
    return Band(
        at,
        np.array([np.nan if one.value is None else one.value for one in found]),
        np.array([np.nan if one.low is None else one.low for one in found]),
        np.array(
            [np.nan if one.low is None else FAR if one.high is None else one.high for one in found]
        ),
    )


def top_of(bands: Sequence[Band], highest: float) -> float:
    """Choose how high to draw: above every line, and where lines lie at 0, up to a bound."""
    lines = 1.25 * max(float(np.nanmax(one.value, initial=0.0)) for one in bands)
    bounds = [float(one.high[-1]) for one in bands if np.isfinite(one.high[-1])]
    return max(lines, 0.5 * min([*bounds, highest]))


def curve(axes: Axes, one: Band, colour: str, scale: Scale) -> None:
    """Draw a curve and, where it has one, its interval."""
    axes.plot(one.at, one.value / scale.divisor, color=colour, linewidth=1.8)
    if np.isfinite(one.low).any():
        axes.fill_between(
            one.at,
            one.low / scale.divisor,
            one.high / scale.divisor,
            color=colour,
            alpha=0.16,
            linewidth=0,
        )


def name_ends(axes: Axes, bands: dict[str, Band], scale: Scale, top: float) -> None:
    """Write each curve's name at its right end, the names kept apart."""
    ends = sorted(
        (float(one.value[-1]) / scale.divisor, name)
        for name, one in bands.items()
        if np.isfinite(one.value[-1])
    )
    step = 0.1 * top
    heights = [end + 0.02 * top for end, _ in ends]
    for place in range(1, len(heights)):
        heights[place] = max(heights[place], heights[place - 1] + step)
    # What was pushed out at the top is pushed back down, names below it along with it.
    ceiling = top - step
    for place in reversed(range(len(heights))):
        heights[place] = min(heights[place], ceiling)
        ceiling = heights[place] - step
    right = float(next(iter(bands.values())).at[-1])
    for height, (_, name) in zip(heights, ends, strict=True):
        axes.annotate(
            name,
            (right, height),
            xytext=(-3, 0),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=INK,
            fontweight="bold",
            bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
        )


def plain(axes: Axes, across: str, up: str) -> None:
    """Label the axes, with a grid behind."""
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, color=GRID)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))


def _tick(value: float) -> str:
    """Show a tick as it is: 0.175 is no 0.18, and 1,000 has its comma."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def name_of(what: str, model: CostModel) -> str:
    """Return a name that is unique on the page."""
    return f"breakeven-{what}-{model.quantity.key}".replace("_", "-")


def columns_of(what: str) -> tuple[str, str, str]:
    """Return the columns of a curve's rows."""
    return what, "95% from", "95% to"


def rows_of(of: Value, one: Band) -> list[tuple[Value, ...]]:
    """Return a curve as rows; where it has no value or no end, the field is empty."""
    return [
        (of, *(float(value) if np.isfinite(value) and value < FAR else None for value in point))
        for point in zip(one.at, one.value, one.low, one.high, strict=True)
    ]


def lower(title: str) -> str:
    """Put a title inside a sentence; names keep their capitals."""
    return title if title.startswith("API") else title[0].lower() + title[1:]
