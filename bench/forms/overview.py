"""A run's report as a sheet: what ``report.md`` says, short enough for a comment."""

from collections.abc import Sequence

from bench.forms.faults import grid_of, sentence
from bench.forms.figures import MISSING, figure, quantity
from bench.forms.readpaths import read_path_grid
from bench.forms.sheet import Cell, Grid, Sheet
from bench.forms.summary import (
    ArmSummary,
    Compared,
    Percentile,
    RunSummary,
    ScenarioSummary,
)
from bench.forms.versions import version_grid
from bench.model import AGAIN, Caveat, RunState

FIGURES = (
    ("api_requests", True, "requests to the API server for 1,000 reads"),
    ("throughput", False, "reads answered"),
    ("control_plane_cpu", False, "control-plane CPU"),
    ("apiserver_cpu", False, "API-server CPU"),
    ("api_bytes", False, "sent by the API server"),
    ("server_cpu", True, "server CPU for 1,000 reads"),
    ("memory_end", False, "server memory (PSS)"),
    ("staleness_p99", False, "staleness p99, at most"),
    ("ready", False, "start to ready"),
)
"""Metric, per 1,000 reads, and what it is called here."""
CAVEATS_SHOWN = 12


def sheet_of(summary: RunSummary) -> Sheet:
    """Return the short report: what was asked most, one table a scenario, caveats, provenance."""
    said = [text for scenario in summary.scenarios if (text := _sentence(scenario))]
    if failing := sentence(summary.faults):
        said.append(failing)
    return Sheet(
        title=f"Run {summary.run}",
        lead=Cell(" ".join(said) or "No two servers were measured, so nothing is compared."),
        alarms=tuple(_alarm(caveat) for caveat in summary.void),
        grids=(
            *(version_grid(one) for one in summary.versions),
            *(read_path_grid(one) for one in summary.read_paths),
            *(_grid(scenario) for scenario in summary.scenarios if scenario.arms),
            *(grid_of(fault) for fault in summary.faults if fault.arms),
        ),
        notes=(*_caveats(summary), _made_on(summary)),
    )


def _alarm(caveat: Caveat) -> str:
    where = ", ".join(part for part in (caveat.scenario, caveat.server) if part)
    return f"{caveat.kind}{f' ({where})' if where else ''}: {caveat.text}"


def _sentence(scenario: ScenarioSummary) -> str:
    """Say what the first comparison of the scenario found: requests, then the median read."""
    requests = _first(scenario.comparisons, "api_requests", per_1000=True)
    if requests is None:
        return ""
    median = _first(scenario.comparisons, "p50", per_1000=False, baseline=requests.baseline)
    text = (
        f"{scenario.scenario.name}: for 1,000 reads {requests.baseline} sent the API server "
        f"{_mean(scenario, requests.baseline)} requests and {requests.subject} "
        f"{_mean(scenario, requests.subject)}"
    )
    if median is None or median.ratio is None:
        return f"{text}."
    value, low, high = median.ratio
    interval = f" [{figure(low)} to {figure(high)}]" if low is not None else ""
    return f"{text}; the median read took {figure(value)}{interval} times as long."


def _first(
    comparisons: Sequence[Compared], metric: str, *, per_1000: bool, baseline: str | None = None
) -> Compared | None:
    for one in comparisons:
        if (one.metric, one.per_1000) == (metric, per_1000) and baseline in (None, one.baseline):
            return one
    return None


def _mean(scenario: ScenarioSummary, server: str) -> str:
    arm = scenario.arm(server)
    one = arm.figure("api_requests", per_1000=True) if arm else None
    return figure(one.value if one else None)


def _grid(scenario: ScenarioSummary) -> Grid:
    # A control is measured for the noise it shows, not to be compared with anything.
    arms = [arm for arm in scenario.arms if not arm.server.endswith(AGAIN)]
    rows = [
        _figure_row(arms, metric, title, per_1000=per_1000) for metric, per_1000, title in FIGURES
    ]
    rows[2:2] = [_percentile_row(arms, index) for index in (0, 2)]
    shown = tuple(row for row in rows if any(cell.text != MISSING for cell in row[1:]))
    one = scenario.scenario
    load = (
        f"{one.rate_rps:g} reads/s offered"
        if one.rate_rps is not None
        else f"{one.users} clients at full speed"
    )
    return Grid(
        f"Scenario {one.name}",
        ("", *(arm.server for arm in arms)),
        shown,
        remark=f"Route {one.route}, {load}, {one.pods:,} pods, {one.churn_per_s:g} writes a "
        "second. In brackets the 95% interval of the mean over rounds.",
    )


def _figure_row(
    arms: Sequence[ArmSummary], metric: str, title: str, *, per_1000: bool
) -> tuple[Cell, ...]:
    found = [arm.figure(metric, per_1000=per_1000) for arm in arms]
    like = max((abs(one.value) for one in found if one and one.value is not None), default=0.0)
    cells = []
    for one in found:
        if one is None or one.value is None:
            cells.append(Cell(MISSING))
            continue
        shown = quantity(one.value, one.unit, like)
        if one.low is not None and one.high is not None:
            low, high = (quantity(bound, one.unit, like) for bound in (one.low, one.high))
            shown += f" [{low.split(' ')[0]} to {high.split(' ')[0]}]"
        cells.append(Cell(shown))
    return (Cell(title), *cells)


def _percentile_row(arms: Sequence[ArmSummary], index: int) -> tuple[Cell, ...]:
    found = [arm.latency[index] if index < len(arm.latency) else None for arm in arms]
    quantile = next((one.q for one in found if one is not None), 0.0)
    title = f"latency p{quantile * 100:.0f}, from the intended start"
    return (Cell(title), *(Cell(_latency(one)) for one in found))


def _latency(one: Percentile | None) -> str:
    if one is None or one.value_ms is None:
        return MISSING
    prefix = "\N{GREATER-THAN OR EQUAL TO} " if one.at_least else ""
    return prefix + quantity(one.value_ms, "ms")


def _caveats(summary: RunSummary) -> list[str]:
    failing = {fault.scenario.name for fault in summary.faults}
    lesser = [
        caveat
        for caveat in summary.caveats
        if caveat not in summary.void and caveat.scenario not in failing
    ]
    grouped: dict[tuple[str, str], list[str]] = {}
    for caveat in lesser:
        where = [part for part in (caveat.scenario, caveat.server) if part]
        if caveat.round is not None:
            where.append(f"round {caveat.round}")
        grouped.setdefault((str(caveat.kind), caveat.text), []).append(", ".join(where))
    lines = [
        f"{kind} ({'; '.join(places[:3])}{'; ...' if len(places) > 3 else ''}): {text}"
        if any(places)
        else f"{kind}: {text}"
        for (kind, text), places in grouped.items()
    ]
    more = len(lines) - CAVEATS_SHOWN
    told = sum(caveat.scenario in failing for caveat in summary.caveats)
    of_faults = [f"{told} notes on trials with a fault are in data/caveats.csv"] if told else []
    cut = [f"and {more} more caveats"] if more > 0 else []
    return [*lines[:CAVEATS_SHOWN], *cut, *of_faults]


def _made_on(summary: RunSummary) -> str:
    one = summary.environment
    state = "complete" if summary.state is RunState.COMPLETE else "incomplete"
    return (
        f"Plan {summary.plan.name}, {summary.trials_made} of {summary.trials_planned} trials "
        f"({state}), {summary.plan.rounds} rounds of {summary.plan.duration_s:g} s; Kubernetes "
        f"{one.kubernetes}, etcd {one.etcd}; {one.processors} processors ({one.processor}); "
        f"commit {one.commit}."
    )
