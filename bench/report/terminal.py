"""The short form of a report, for the end of a run on a terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bench.analysis.run import RunAnalysis, ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.report.answer import Balance, alone, balances, choose, verdicts, void_title
from bench.report.faults import headline, lead
from bench.report.numbers import MISSING, number, scale_for
from bench.report.relative import Relative


def terminal_summary(analysis: RunAnalysis) -> RenderableType:
    """Return what voids the run, a table and a verdict a scenario, then where the subject loses."""
    parts: list[RenderableType] = [
        Text(f"{void_title(caveat.kind)}: {caveat.text}", style="bold red")
        for caveat in analysis.voids
    ]
    for scenario, verdict in zip(analysis.scenarios, verdicts(analysis), strict=True):
        if scenario.arms:
            parts.append(_table(scenario))
        parts.append(Text(verdict.headline, style="bold"))
    parts += [Text(f"{one.scenario.name}: {one.what}. {lead(one)}") for one in analysis.faults]
    if analysis.faults:
        parts.append(Text(headline(analysis), style="bold"))
    choice = choose(analysis)
    parts += [Text(line) for balance in balances(choice) for line in _balance(balance)]
    if apart := alone(choice.steady):
        parts.append(Text(apart))
    return Group(*parts)


def _balance(balance: Balance) -> Iterator[str]:
    more = _named(balance.more) or "nothing that the rounds can show"
    yield f"More with {balance.subject} than with {balance.baseline}: {more}."
    if balance.unclear:
        yield f"No difference shown against {balance.baseline}: {_named(balance.unclear)}."


def _named(lines: tuple[Relative, ...]) -> str:
    return "; ".join(f"{line.aspect.title} {line.words}" for line in lines)


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
    for key, name, unit in (("api_bytes", "API server sent", "B/s"), ("memory_end", "memory", "B")):
        cells = [arm.figures[key].interval for arm in scenario.arms]
        scale = scale_for((one.value for one in cells if one), unit)
        shown = (MISSING if one is None else scale.show(one.value) for one in cells)
        table.add_row(f"{name}, {scale.unit}", *shown)
    return table


def _figures(scenario: ScenarioAnalysis, key: str, *, per: bool = False) -> list[str]:
    intervals = [(arm.per_1000 if per else arm.figures)[key].interval for arm in scenario.arms]
    return [MISSING if one is None else number(one.value) for one in intervals]


def _percentile(arm: Arm, index: int) -> str:
    one = arm.percentiles[index]
    if one.value_ms is None:
        return MISSING
    return f"{'>= ' if one.at_least else ''}{number(one.value_ms)}"
