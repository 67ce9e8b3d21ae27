"""The output of a run while it lasts: a line for each arm, and the answer so far."""

from bench.analysis.result import RunAnalysis, ScenarioAnalysis
from bench.metrics import BY_KEY
from bench.model.message import listed, message
from bench.report import sentences
from bench.report.content import run_document
from bench.report.content.rows import figure_cell
from bench.report.document import Cell, Column, Depth, Document, Row, Section, Table, table_of
from bench.report.numbers import MISSING, scale_for

WATCHED = {
    True: (("api_requests", True), ("control_plane_cpu", False), ("p50", False)),
    False: (("api_requests", True), ("throughput", False), ("p50", False)),
}
"""Whether the load has a fixed rate -> metrics, and whether they are per 1,000 reads."""
WITHOUT_LOAD = (("api_requests", False), ("control_plane_cpu", False), ("memory_end", False))


def live_document(analysis: RunAnalysis, rounds: int, page: str) -> Document:
    """Return the document of ``made`` rounds; ``page`` is the path of the report."""
    report = run_document(analysis)
    measured = sorted(
        (scenario for scenario in analysis.scenarios if scenario.contenders),
        key=lambda scenario: not scenario.scenario.is_open,
    )
    title = sentences.so_far(rounds, analysis.plan.rounds, page)
    return Document(
        title,
        report.headline,
        alarms=tuple(alarm for alarm in report.alarms if alarm.title != sentences.PROVISIONAL),
        sections=(Section("live", title, tuple(map(_table, measured[:1])), Depth.TERMINAL),),
    )


def _table(scenario: ScenarioAnalysis) -> Table:
    """Return a row for each arm, with the interval of each figure."""
    columns: list[Column] = []
    rows: dict[str, list[Cell]] = {arm.server: [] for arm in scenario.contenders}
    planned = scenario.scenario
    for key, per_1000 in WATCHED[planned.is_open] if planned.has_load else WITHOUT_LOAD:
        metric = BY_KEY[key]
        figures = [arm.figure(key, per_1000=per_1000) for arm in scenario.contenders]
        values = [figure.value for figure in figures if figure is not None]
        scale = scale_for(values, metric.unit_of(per_1000=per_1000))
        per = message("per 1,000 reads") if per_1000 else scale.unit
        columns.append(Column(listed([metric.short, per]), prose=True))
        for arm in scenario.contenders:
            cell = figure_cell(arm.figure(key, per_1000=per_1000), metric, scale)
            rows[arm.server].append(cell or Cell(MISSING))
    lines = (Row(name, tuple(cells), depth=Depth.TERMINAL) for name, cells in rows.items())
    return table_of(columns, lines, scenario.scenario.name, depth=Depth.TERMINAL)
