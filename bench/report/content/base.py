"""The base: each server against the same one of the other checkout, round by round."""

from collections.abc import Iterator, Sequence

from bench.analysis.result import Comparison, RunAnalysis, ScenarioAnalysis
from bench.metrics import View
from bench.model.message import listed, message
from bench.report import prose, sentences
from bench.report.content.rows import against_base, rounds_of, view_of
from bench.report.content.scenario import factor_row
from bench.report.document import Column, Depth, Part, Section, Table, Text, table_of
from bench.report.numbers import MISSING


def base_section(analysis: RunAnalysis) -> Iterator[Section]:
    """Return the section of the base, of a run that has one."""
    if (base := analysis.plan.base) is None:
        return
    held = Text(sentences.base(base, analysis.environment), depth=Depth.TERMINAL)
    parts: list[Part] = [held]
    for one in analysis.scenarios:
        if found := against_base(one):
            lead = sentences.base_answer(one.scenario.name, found)
            said = Text(listed([lead.text, lead.detail], " "), lead.tone, depth=Depth.TERMINAL)
            parts += [said, _table(one, found)]
    yield Section("base", prose.text("base_title"), tuple(parts), short=message("Against the base"))


def _table(one: ScenarioAnalysis, found: Sequence[Comparison]) -> Table:
    arms = [arm for arm in one.contenders if arm.server in {each.subject for each in found}]
    depth = Depth.TERMINAL
    cells = {(each.subject, each.metric, each.per_1000): each for each in found}
    rows = (
        factor_row(metric, [cells.get((arm.server, metric.key, per)) for arm in arms], per, depth)
        for metric, per in view_of(one, View.FACTORS)
    )
    kept = (row for row in rows if any(cell.value != MISSING for cell in row.cells))
    columns = (Column(arm.server, prose=True, arm=arm.server) for arm in arms)
    caption = sentences.pairing(rounds_of(arms))
    return table_of(columns, kept, "", caption, "stacked", depth)
