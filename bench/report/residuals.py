"""The chart of residuals: by how much each trial missed the cost model."""

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator

from bench.analysis.costmodel import INFORMER, CostModel
from bench.analysis.costrows import START
from bench.analysis.leastsquares import Floats
from bench.model import NO_SERVER
from bench.report.breakeven_curves import (
    HEIGHT_IN,
    SOURCE,
    WIDTH_IN,
    WORDS,
    lower,
    name_of,
    plain,
)
from bench.report.chart import Chart, Data
from bench.report.charts.palette import colour_of
from bench.report.numbers import number, scale_for
from bench.report.svg import MUTED, STYLE, new_figure, to_svg

MARKS = "ov^s"


def residual_chart(model: CostModel) -> Chart:
    """Draw by how much each trial missed the model, against what the model said."""
    quantity = model.quantity
    name = name_of("residuals", model)
    title = f"Residuals: {lower(quantity.title)}"
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
        plain(axes, f"cost and floor as the model has them, {unit}", "measured less the model")
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
