"""Charts of the cost model: cost against read rate, break-even against churn, residuals."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator

from bench.analysis.costfit import START
from bench.analysis.costmodel import INFORMER, CostModel, Question
from bench.analysis.leastsquares import Floats
from bench.model import NO_SERVER
from bench.report.chart import Chart, Data, Value
from bench.report.charts.palette import colour_of
from bench.report.numbers import MISSING, Scale, number, scale_for
from bench.report.rates import break_even, rate
from bench.report.svg import GRID, INK, MUTED, PAPER, SERIES, STYLE, new_figure, to_svg

WIDTH_IN, HEIGHT_IN = 3.7, 2.6
POINTS = 60
MARKS = "ov^s"
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
class _Band:
    """A curve with its interval; ``low`` and ``high`` may hold NaN where there is none."""

    at: Floats
    value: Floats
    low: Floats
    high: Floats


def cost_chart(model: CostModel, question: Question) -> Chart:
    """Draw what each design costs against the read rate, the rest as ``question`` has it."""
    quantity, reader = model.quantity, model.readers[0]
    name = _name("cost", model)
    title = (
        f"{quantity.title}, at {number(question.pods)} pods and "
        f"{number(question.churn_per_s)} writes/s"
    )
    even = model.break_even(reader, question)
    highest = model.ranges.reads_per_s[1]
    at = np.linspace(0.0, _far_enough(even.value, even.high, highest), POINTS)
    bands = {arm: _costs(model, arm, question, at) for arm in (*model.readers, INFORMER)}
    scale = scale_for([float(np.nanmax(one.value)) for one in bands.values()], quantity.unit)
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, HEIGHT_IN)
        axes = figure.add_subplot()
        top = 1.15 * max(float(one.value.max()) for one in bands.values()) / scale.divisor
        if even.low is not None and even.value is not None and even.value <= at[-1]:
            right = at[-1] if even.high is None else min(even.high, at[-1])
            axes.axvspan(even.low, right, color=GRID, alpha=0.6, linewidth=0)
            axes.axvline(even.value, color=INK, linewidth=0.9)
        for arm, one in bands.items():
            _curve(axes, one, colour_of(arm, list(bands)), scale)
        _name_ends(axes, bands, scale, top)
        axes.set_xlim(0, at[-1])
        axes.set_ylim(0, top if top > 0 else 1.0)
        _plain(axes, "reads a second", WORDS.get(scale.unit, scale.unit))
        shown, spread = break_even(even, highest)
        svg = to_svg(
            figure,
            name,
            title,
            f"an informer costs less than {reader} from: {shown}, {spread}",
        )
    said = f"this run {spread}" if shown == MISSING else f"{shown} ({spread})"
    caption = (
        f"Lines are the model, bands its 95% intervals. The upright line is where {reader} and one "
        f"informer cost the same: {said}; its band is grey. To its right the informer "
        "is cheaper, to its left it costs more than it saves."
    )
    if at[-1] < model.ranges.reads_per_s[0]:
        caption += f" All of it lies below {rate(model.ranges.reads_per_s[0])}, the least measured."
    columns = ("design", "reads/s", *_columns(f"cost, {quantity.unit}"))
    data = Data(columns, tuple(row for arm, one in bands.items() for row in _rows(arm, one)))
    return Chart(title, caption, SOURCE[quantity.key], svg, name, data)


def churn_chart(model: CostModel, pods: Sequence[float]) -> Chart:
    """Draw the break-even rate against churn, a line for each number of ``pods``."""
    quantity, reader = model.quantity, model.readers[0]
    name = _name("churn", model)
    title = f"Break-even read rate against churn, by {_lower(quantity.title)}"
    at = np.linspace(0.0, model.ranges.churn_per_s[1], POINTS)
    bands = {size: _rates(model, reader, size, at) for size in pods}
    described = "; ".join(
        f"{number(size)} pods: {rate(float(one.value[-1]))} at {number(float(at[-1]))} writes/s"
        for size, one in bands.items()
    )
    top = _top(list(bands.values()), model.ranges.reads_per_s[1])
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, HEIGHT_IN)
        axes = figure.add_subplot()
        for place, one in enumerate(bands.values()):
            _curve(axes, one, SERIES[(2 + place) % len(SERIES)], Scale(1.0, "/s"))
        _name_ends(
            axes,
            {f"{number(size)} pods": one for size, one in bands.items()},
            Scale(1.0, "/s"),
            top,
        )
        axes.set_xlim(0, at[-1])
        axes.set_ylim(0, top if top > 0 else 1.0)
        _plain(axes, "writes to pods in a second", "reads a second")
        svg = to_svg(figure, name, title, described)
    caption = (
        f"Above a line an informer costs less than {reader}, below it more. Bands are 95% "
        "intervals, cut off where they leave the chart."
    )
    columns = ("pods", "writes/s", *_columns("break-even, reads/s"))
    data = Data(columns, tuple(row for size, one in bands.items() for row in _rows(size, one)))
    return Chart(title, caption, SOURCE[quantity.key], svg, name, data)


def residual_chart(model: CostModel) -> Chart:
    """Draw by how much each trial missed the model, against what the model said."""
    quantity = model.quantity
    name = _name("residuals", model)
    title = f"Residuals: {_lower(quantity.title)}"
    arms = [arm for arm in (*model.readers, INFORMER, START) if _has(model, arm)]
    points = {arm: _residuals(model, arm) for arm in arms}
    scale = scale_for([float(said.max()) for said, _ in points.values()], quantity.unit)
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, HEIGHT_IN)
        axes = figure.add_subplot()
        axes.axhline(0.0, color=MUTED, linewidth=0.8)
        worst = 0.0
        for place, (arm, (said, missed)) in enumerate(points.items()):
            worst = max(worst, float(np.abs(missed).max()))
            colour = colour_of(arm, [*arms, NO_SERVER])
            axes.plot(
                said / scale.divisor,
                missed,
                MARKS[place % len(MARKS)],
                color=colour,
                markersize=4,
                alpha=0.8,
                label=arm,
            )
        # Points lie anywhere, so their names stand in a row above them.
        axes.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=len(arms),
            frameon=False,
            handletextpad=0.1,
            columnspacing=0.9,
        )
        axes.set_xscale("log")
        axes.set_ylim(-1.3 * max(worst, 1e-3), 1.3 * max(worst, 1e-3))
        unit = WORDS.get(scale.unit, scale.unit)
        _plain(axes, f"cost and floor as the model has them, {unit}", "measured less the model")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda _value, _: ""))
        svg = to_svg(
            figure,
            name,
            title,
            f"the largest miss is {number(100 * worst)}% of what the trial cost in all",
        )
    caption = (
        "Each mark is one trial: by how much of its whole cost, floor included, it lay above or "
        "below the model. Marks that lie on one side at one end would say the model is bent."
    )
    columns = ("design", "scenario", "round", f"measured, {quantity.unit}", "model", "floor")
    data = Data(
        columns,
        tuple(
            (row.arm, row.scenario, row.round, row.cost, float(fitted), row.floor)
            for row, fitted in zip(model.rows, model.fit.fitted, strict=True)
        ),
    )
    return Chart(title, caption, SOURCE[quantity.key], svg, name, data)


def _name(what: str, model: CostModel) -> str:
    """Return a name that is unique on the page."""
    return f"breakeven-{what}-{model.quantity.key}".replace("_", "-")


def _columns(what: str) -> tuple[str, str, str]:
    return what, "95% from", "95% to"


def _rows(of: Value, one: _Band) -> list[tuple[Value, ...]]:
    """Return a curve as rows; where it has no value or no end, the field is empty."""
    return [
        (of, *(float(value) if np.isfinite(value) and value < FAR else None for value in point))
        for point in zip(one.at, one.value, one.low, one.high, strict=True)
    ]


def _far_enough(value: float | None, high: float | None, highest: float) -> float:
    """Choose how far to the right to draw: past the crossing, within what was measured."""
    if value is None or value <= 0 or value > highest:
        return highest
    return min(highest, max(4 * value, 1.4 * (high or 0.0)))


def _costs(model: CostModel, arm: str, question: Question, at: Floats) -> _Band:
    found = [
        model.cost(
            arm,
            Question(
                float(reads),
                question.pods,
                question.churn_per_s,
                question.replicas,
                question.lifetime_s,
            ),
        )
        for reads in at
    ]
    return _Band(
        at,
        np.array([one.value for one in found]),
        np.array([np.nan if one.low is None else one.low for one in found]),
        np.array([np.nan if one.high is None else one.high for one in found]),
    )


def _rates(model: CostModel, reader: str, pods: float, at: Floats) -> _Band:
    found = [model.break_even(reader, Question(0.0, pods, float(churn))) for churn in at]
    return _Band(
        at,
        np.array([np.nan if one.value is None else one.value for one in found]),
        np.array([np.nan if one.low is None else one.low for one in found]),
        np.array(
            [np.nan if one.low is None else FAR if one.high is None else one.high for one in found]
        ),
    )


def _top(bands: Sequence[_Band], highest: float) -> float:
    """Choose how high to draw: above every line, and where lines lie at 0, up to a bound."""
    lines = 1.25 * max(float(np.nanmax(one.value, initial=0.0)) for one in bands)
    bounds = [float(one.high[-1]) for one in bands if np.isfinite(one.high[-1])]
    return max(lines, 0.5 * min([*bounds, highest]))


def _curve(axes: Axes, one: _Band, colour: str, scale: Scale) -> None:
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


def _name_ends(axes: Axes, bands: dict[str, _Band], scale: Scale, top: float) -> None:
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


def _plain(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, color=GRID)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))


def _tick(value: float) -> str:
    """Show a tick as it is: 0.175 is no 0.18, and 1,000 has its comma."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _has(model: CostModel, arm: str) -> bool:
    return any(row.arm == arm for row in model.rows)


def _residuals(model: CostModel, arm: str) -> tuple[Floats, Floats]:
    """Return what the model says the trials of ``arm`` cost in all, and the parts they missed."""
    pairs = [
        (fitted + row.floor, row.cost - fitted)
        for row, fitted in zip(model.rows, model.fit.fitted, strict=True)
        if row.arm == arm and fitted + row.floor > 0
    ]
    said = np.array([one for one, _ in pairs])
    return said, np.array([miss for _, miss in pairs]) / said


def _lower(title: str) -> str:
    """Put a title inside a sentence; names keep their capitals."""
    return title if title.startswith("API") else title[0].lower() + title[1:]
