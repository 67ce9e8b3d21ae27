"""A metric over the steps of a plan: latency over the rate, throughput over processors."""

import numpy as np

from bench.analysis.result import Axis, RunAnalysis, Series, SeriesArm, Step
from bench.analysis.series import KNEE
from bench.metrics import BY_KEY, Metric
from bench.model.message import Message, listed, message, plural
from bench.report import prose, sentences
from bench.report.charts import Chart, Data, Head
from bench.report.charts.lines import Frame, Line, in_words, lines, point_rows
from bench.report.content.rows import WITHHELD, figure_cell
from bench.report.document import Cell, Charts, Column, Row, Section, Text, Texts, table_of
from bench.report.numbers import MISSING, Scale, number, per_cent, rate, scale_for


def series_section(index: int, series: Series, analysis: RunAnalysis) -> Section:
    """Return the section of a metric over an axis: its knee, a table and a chart."""
    anchor, metric = f"series{index}", BY_KEY[series.metric]
    scenario = analysis.plan.scenario(series.scenarios[0])
    steps = [step for arm in series.arms for step in arm.steps]
    scale = scale_for([step.value.value for step in steps], metric.unit)
    by_rate = series.axis is Axis.CAPACITY
    places = sorted({step.place for step in steps})
    table = table_of(
        (Column(_place_label(series.axis, place)) for place in places),
        (_row(arm, places, metric, scale, by_rate=by_rate) for arm in series.arms),
        listed([metric.title, scale.unit]),
        prose.text("rates", times=number(KNEE)) if by_rate else prose.text("cores"),
        layout="arms",
    )
    rated = [arm for arm in series.arms if by_rate and len(arm.steps) > 1]
    knees = tuple(Text(sentences.knee(arm, metric.short)) for arm in rated)
    title = message("{metric} over the {axis}: {route}, {pods} pods").format(
        metric=sentences.capitalised(metric.short),
        axis=Message(str(series.axis)),
        route=scenario.route,
        pods=f"{scenario.pods:,}",
    )
    chart = Charts((_chart(series, f"{anchor}-chart", scale),) if steps else ())
    return Section(anchor, title, (*([Texts(knees)] if knees else []), table, chart))


def _place_label(axis: Axis, place: float) -> str:
    if axis is Axis.CAPACITY:
        return per_cent(place)
    return plural(int(place), "processor", "processors") if place else message("shared")


def _row(
    arm: SeriesArm, places: list[float], metric: Metric, scale: Scale, *, by_rate: bool
) -> Row:
    by_place = {step.place: step for step in arm.steps}
    cells = (_cell(by_place.get(place), metric, scale, by_rate=by_rate) for place in places)
    return Row(arm.arm, tuple(cells))


def _cell(step: Step | None, metric: Metric, scale: Scale, *, by_rate: bool) -> Cell:
    asked = rate(step.reads_per_s) if step is not None and by_rate else ""
    cell = figure_cell(step.value if step else None, metric, scale, asked)
    return cell or Cell(MISSING, remark=WITHHELD)


def _chart(series: Series, name: str, scale: Scale) -> Chart:
    metric, axis = BY_KEY[series.metric], series.axis
    factor = 100.0 if axis is Axis.CAPACITY else 1.0
    shown = {arm.arm: _line(arm, factor) for arm in series.arms if arm.steps}
    across = message("% of the capacity") if factor > 1 else message("processors of the server")
    title = message("{metric} over the {axis}").format(
        metric=sentences.capitalised(metric.short), axis=Message(str(axis))
    )
    text = message("{value} at {place}")
    description = in_words(
        shown, scale, lambda v, x: text.format(value=v, place=_place_label(axis, x / factor))
    )
    head = Head(name, title, prose.text("rates_chart"), metric.source, description)
    columns = ("server", str(axis), "round", f"{metric.title}, {metric.unit}")
    words = {0.0: message("shared")} if factor == 1 else {}
    places = {place: number(place) for line in shown.values() for place in line.x}
    frame = Frame(across, scale.unit, scale, whole=True, log=factor > 1, ticks=places | words)
    return lines(head, shown, frame, Data(columns, point_rows(shown)))


def _line(arm: SeriesArm, factor: float) -> Line:
    values = [step.value for step in arm.steps]
    return Line(
        np.array([step.place * factor for step in arm.steps]),
        np.array([value.value for value in values]),
        np.array([np.nan if value.low is None else value.low for value in values]),
        np.array([np.nan if value.high is None else value.high for value in values]),
        [
            (step.place * factor, number_, value)
            for step in arm.steps
            for number_, value in sorted(step.rounds.items())
        ],
    )
