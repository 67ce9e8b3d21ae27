"""What a metric is over a plan's steps: latency over the rate, throughput over processors."""

import numpy as np

from bench.analysis.result import Axis, RunAnalysis, Series, SeriesArm, Step
from bench.analysis.series import KNEE
from bench.metrics import BY_KEY, Metric
from bench.model.message import Message, listed, message, plural
from bench.report import prose, sentences
from bench.report.charts import Chart, Data, Head
from bench.report.charts.lines import Frame, Line, lines, point_rows, told
from bench.report.content.rows import WITHHELD, figure_cell
from bench.report.document import Cell, Charts, Column, Row, Section, Text, Texts, table_of
from bench.report.numbers import MISSING, Scale, number, per_cent, rate, scale_for


def series_section(index: int, one: Series, analysis: RunAnalysis) -> Section:
    """Return a metric over an axis: where its knee is, a table and a chart."""
    anchor, of = f"series{index}", BY_KEY[one.metric]
    scenario = analysis.plan.scenario(one.scenarios[0])
    steps = [step for arm in one.arms for step in arm.steps]
    scale = scale_for([step.value.value for step in steps], of.unit)
    by_rate = one.axis is Axis.CAPACITY
    places = sorted({step.place for step in steps})
    table = table_of(
        (Column(_place(one.axis, place)) for place in places),
        (_row(arm, places, of, scale, by_rate=by_rate) for arm in one.arms),
        listed([of.title, scale.unit]),
        prose.text("rates", times=number(KNEE)) if by_rate else prose.text("cores"),
        layout="arms",
    )
    rated = [arm for arm in one.arms if by_rate and len(arm.steps) > 1]
    knees = tuple(Text(sentences.knee(arm, of.short)) for arm in rated)
    title = message("{metric} over the {axis}: {route}, {pods} pods").format(
        metric=sentences.capitalised(of.short),
        axis=Message(str(one.axis)),
        route=scenario.route,
        pods=f"{scenario.pods:,}",
    )
    chart = Charts((_chart(one, f"{anchor}-chart", scale),) if steps else ())
    return Section(anchor, title, (*([Texts(knees)] if knees else []), table, chart))


def _place(axis: Axis, place: float) -> str:
    if axis is Axis.CAPACITY:
        return per_cent(place)
    return plural(int(place), "processor", "processors") if place else message("shared")


def _row(arm: SeriesArm, places: list[float], of: Metric, scale: Scale, *, by_rate: bool) -> Row:
    found = {step.place: step for step in arm.steps}
    cells = (_cell(found.get(place), of, scale, by_rate=by_rate) for place in places)
    return Row(arm.arm, tuple(cells))


def _cell(step: Step | None, of: Metric, scale: Scale, *, by_rate: bool) -> Cell:
    asked = rate(step.reads_per_s) if step is not None and by_rate else ""
    found = figure_cell(step.value if step else None, of, scale, asked)
    return found or Cell(MISSING, remark=WITHHELD)


def _chart(one: Series, name: str, scale: Scale) -> Chart:
    of = BY_KEY[one.metric]
    factor = 100.0 if one.axis is Axis.CAPACITY else 1.0
    shown = {arm.arm: _line(arm, factor) for arm in one.arms if arm.steps}
    across = message("% of the capacity") if factor > 1 else message("processors of the server")
    title = message("{metric} over the {axis}").format(
        metric=sentences.capitalised(of.short), axis=Message(str(one.axis))
    )
    at = message("{value} at {place}")
    said = told(shown, scale, lambda v, x: at.format(value=v, place=_place(one.axis, x / factor)))
    head = Head(name, title, prose.text("rates_chart"), of.source, said)
    columns = ("server", str(one.axis), "round", f"{of.title}, {of.unit}")
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
