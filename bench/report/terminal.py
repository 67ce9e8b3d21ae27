"""The short form of a report, for the end of a run on a terminal."""

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bench.analysis.run import RunAnalysis, ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.report.answer import verdicts, void_title
from bench.report.numbers import MISSING, number, scale_for


def terminal_summary(analysis: RunAnalysis) -> RenderableType:
    """Return what voids the run, then a verdict and a table for each scenario."""
    parts: list[RenderableType] = [
        Text(f"{void_title(caveat.kind)}: {caveat.text}", style="bold red")
        for caveat in analysis.voids
    ]
    for scenario, verdict in zip(analysis.scenarios, verdicts(analysis), strict=True):
        if scenario.arms:
            parts.append(_table(scenario))
        parts.append(Text(verdict.headline, style="bold"))
    return Group(*parts)


def _table(scenario: ScenarioAnalysis) -> Table:
    table = Table(title=escape(scenario.scenario.name), title_justify="left", box=None)
    table.add_column("")
    for arm in scenario.arms:
        table.add_column(escape(arm.server), justify="right")
    table.add_row("API requests for 1,000 reads", *_figures(scenario, "api_requests", per=True))
    table.add_row("reads a second", *_figures(scenario, "throughput"))
    for index, name in ((0, "p50"), (2, "p99")):
        table.add_row(f"{name}, ms", *(_percentile(arm, index) for arm in scenario.arms))
    table.add_row("API-server CPU, ms/s", *_figures(scenario, "apiserver_cpu"))
    table.add_row("server CPU, ms/s", *_figures(scenario, "server_cpu"))
    memory = scale_for(
        (one.value for arm in scenario.arms if (one := arm.figures["memory_end"].interval)), "B"
    )
    cells = [arm.figures["memory_end"].interval for arm in scenario.arms]
    shown = (MISSING if one is None else memory.show(one.value) for one in cells)
    table.add_row(f"server memory, {memory.unit}", *shown)
    return table


def _figures(scenario: ScenarioAnalysis, key: str, *, per: bool = False) -> list[str]:
    intervals = [(arm.per_1000 if per else arm.figures)[key].interval for arm in scenario.arms]
    return [MISSING if one is None else number(one.value) for one in intervals]


def _percentile(arm: Arm, index: int) -> str:
    one = arm.percentiles[index]
    if one.value_ms is None:
        return MISSING
    return f"{'>= ' if one.at_least else ''}{number(one.value_ms)}"
