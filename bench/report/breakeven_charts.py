"""Charts of the cost model: cost against read rate, break-even against churn and replicas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import MaxNLocator

from bench.analysis.costmodel import INFORMER, CostModel, Question
from bench.analysis.leastsquares import Floats
from bench.report.breakeven_curves import (
    HEIGHT_IN,
    SOURCE,
    WIDTH_IN,
    WORDS,
    Band,
    columns_of,
    cost_band,
    curve,
    lower,
    name_ends,
    name_of,
    plain,
    rate_band,
    rows_of,
    top_of,
)
from bench.report.breakeven_words import informers
from bench.report.chart import Chart, Data
from bench.report.charts.palette import colour_of
from bench.report.numbers import MISSING, Scale, number, scale_for
from bench.report.rates import break_even, rate
from bench.report.svg import GRID, INK, SERIES, STYLE, new_figure, to_svg

POINTS = 60


def cost_chart(model: CostModel, question: Question) -> Chart:
    """Draw what each design costs against the read rate, the rest as ``question`` has it."""
    quantity, reader = model.quantity, model.readers[0]
    name = name_of("cost", model)
    title = (
        f"{quantity.title}, at {number(question.pods)} pods and "
        f"{number(question.churn_per_s)} writes/s"
    )
    even = model.break_even(reader, question)
    highest = model.ranges.reads_per_s[1]
    at = np.linspace(0.0, _far_enough(even.value, even.high, highest), POINTS)
    bands = {arm: cost_band(model, arm, question, at) for arm in (*model.readers, INFORMER)}
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
            curve(axes, one, colour_of(arm, list(bands)), scale)
        name_ends(axes, bands, scale, top)
        axes.set_xlim(0, at[-1])
        axes.set_ylim(0, top if top > 0 else 1.0)
        plain(axes, "reads a second", WORDS.get(scale.unit, scale.unit))
        shown, spread = break_even(even, highest)
        svg = to_svg(
            figure,
            name,
            title,
            f"{informers(question)} cost less than {reader} from: {shown}, {spread}",
        )
    said = f"this run {spread}" if shown == MISSING else f"{shown} ({spread})"
    caption = (
        f"Lines are the model, bands its 95% intervals. The upright line is where {reader} and "
        f"{informers(question)} cost the same: {said}; its band is grey. To its right the informer "
        "is cheaper, to its left it costs more than it saves."
    )
    if at[-1] < model.ranges.reads_per_s[0]:
        caption += f" All of it lies below {rate(model.ranges.reads_per_s[0])}, the least measured."
    columns = ("design", "reads/s", *columns_of(f"cost, {quantity.unit}"))
    data = Data(columns, tuple(row for arm, one in bands.items() for row in rows_of(arm, one)))
    return Chart(title, caption, SOURCE[quantity.key], svg, name, data)


@dataclass(frozen=True, slots=True)
class _Axis:
    """What break-even rates are drawn against."""

    name: str
    """Of the charts, and in their titles."""
    column: str
    label: str
    places: Floats
    questions: Sequence[Question]
    """One for each of ``places``, whatever the number of pods."""
    rates: str
    """Whose reads a second they are, as the upright axis says it."""
    told: Callable[[Band], str]
    """A line in words."""
    whole: bool = False
    """Whether there is nothing between two whole numbers of it."""


def churn_chart(model: CostModel, at: Question, pods: Sequence[float]) -> Chart:
    """Draw the break-even rate against churn, a line for each number of ``pods``."""
    churns = np.linspace(0.0, model.ranges.churn_per_s[1], POINTS)
    most = f"at {number(float(churns[-1]))} writes/s"
    axis = _Axis(
        name="churn",
        column="writes/s",
        label="writes to pods in a second",
        places=churns,
        questions=[replace(at, churn_per_s=float(churn)) for churn in churns],
        rates="reads a second",
        told=lambda one: f"{rate(float(one.value[-1]))} {most}",
    )
    caption = (
        f"Above a line {informers(at)} cost less than {model.readers[0]}, below it more. Bands are "
        "95% intervals, cut off where they leave the chart."
    )
    return _rate_chart(model, pods, axis, caption)


def replica_chart(model: CostModel, at: Question, pods: Sequence[float]) -> Chart:
    """Draw the break-even rate against the number of replicas, a line for each of ``pods``."""
    numbers = np.arange(1.0, model.ranges.replicas[1] + 1)
    most = f"with {number(float(numbers[-1]))}"
    axis = _Axis(
        name="replicas",
        column="replicas",
        label="replicas of the informer",
        places=numbers,
        questions=[replace(at, replicas=float(each)) for each in numbers],
        rates="reads a second, all replicas",
        told=lambda one: (
            f"{rate(float(one.value[0]))} with one replica, {rate(float(one.value[-1]))} {most}"
        ),
        whole=True,
    )
    caption = (
        f"At {number(at.churn_per_s)} writes/s. Above a line so many informers cost less than "
        f"{model.readers[0]}, however its reads are spread; below it more. Bands are 95% "
        "intervals, cut off where they leave the chart."
    )
    return _rate_chart(model, pods, axis, caption)


def _rate_chart(model: CostModel, pods: Sequence[float], axis: _Axis, caption: str) -> Chart:
    """Draw the rate from which on informers cost less against ``axis``, a line for each size."""
    quantity = model.quantity
    name = name_of(axis.name, model)
    title = f"Break-even read rate against {axis.name}, by {lower(quantity.title)}"
    bands = {
        size: rate_band(
            model,
            model.readers[0],
            [replace(question, pods=size) for question in axis.questions],
            axis.places,
        )
        for size in pods
    }
    top = top_of(list(bands.values()), model.ranges.reads_per_s[1])
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, HEIGHT_IN)
        axes = figure.add_subplot()
        for place, one in enumerate(bands.values()):
            curve(axes, one, SERIES[(2 + place) % len(SERIES)], Scale(1.0, "/s"))
        ends = {f"{number(size)} pods": one for size, one in bands.items()}
        name_ends(axes, ends, Scale(1.0, "/s"), top)
        axes.set_xlim(axis.places[0], axis.places[-1])
        if axis.whole:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(0, top if top > 0 else 1.0)
        plain(axes, axis.label, axis.rates)
        described = "; ".join(
            f"{number(size)} pods: {axis.told(one)}" for size, one in bands.items()
        )
        svg = to_svg(figure, name, title, described)
    columns = ("pods", axis.column, *columns_of("break-even, reads/s"))
    data = Data(columns, tuple(row for size, one in bands.items() for row in rows_of(size, one)))
    return Chart(title, caption, SOURCE[quantity.key], svg, name, data)


def _far_enough(value: float | None, high: float | None, highest: float) -> float:
    """Choose how far to the right to draw: past the crossing, within what was measured."""
    if value is None or value <= 0 or value > highest:
        return highest
    return min(highest, max(4 * value, 1.4 * (high or 0.0)))
