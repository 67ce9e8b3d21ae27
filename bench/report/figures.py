"""Which charts a scenario has, and which belong to the whole run."""

from collections.abc import Mapping, Sequence

from bench.analysis.run import RunAnalysis, ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.model import Outcome, TrialRecord
from bench.report.arms import contenders
from bench.report.chart import Chart
from bench.report.charts.bars import cost
from bench.report.charts.capacity import throughput_latency
from bench.report.charts.distribution import distribution
from bench.report.charts.freshness import bystander, freshness
from bench.report.charts.memory import memory, memory_against_pods
from bench.report.charts.palette import colour_of
from bench.report.charts.requests import requests_by_verb
from bench.report.charts.timeline import timelines
from bench.store import RunReader

LATENCY_SOURCE = (
    "requests.parquet: done_us - intended_us of rows with outcome ok, as a share of all rows"
)
MOST_TIMELINES = 3
MOST_SCENARIOS = 4
"""Scenarios that have every chart. A sweep has dozens, and its own charts say what they show."""


def charts(scenario: ScenarioAnalysis, prefix: str) -> list[Chart]:
    """Return the charts of ``scenario``; ``prefix`` makes their ids unique on the page."""
    arms = contenders(scenario.arms)
    if not arms:
        return []
    found = [
        requests_by_verb(arms, f"{prefix}-requests"),
        _latency(scenario, arms, f"{prefix}-latency"),
        *_costs(scenario, arms, prefix),
    ]
    found += _observed(scenario, prefix)
    return found


def of_run(analysis: RunAnalysis) -> list[Chart]:
    """Return the charts that hold several scenarios against each other."""
    made = (
        throughput_latency(analysis.scenarios, "run-throughput-latency"),
        memory_against_pods(analysis.scenarios, "run-memory-pods"),
    )
    return [chart for chart in made if chart is not None]


def timelines_of(scenario: ScenarioAnalysis, reader: RunReader, prefix: str) -> list[Chart]:
    """Return one round of an open scenario, second by second, an arm a chart."""
    if not scenario.scenario.is_open:
        return []
    arms = contenders(scenario.arms)[:MOST_TIMELINES]
    records = _one_round(arms)
    servers = [arm.server for arm in scenario.arms]
    colours = [colour_of(record.trial.server, servers) for record in records]
    return timelines(reader, records, colours, f"{prefix}-time")


def _one_round(arms: Sequence[Arm]) -> list[TrialRecord]:
    """Return the trials of the middle one of the rounds that most arms have."""
    by_round: dict[int, list[TrialRecord]] = {}
    for arm in arms:
        for fact in arm.facts:
            if fact.record.outcome is Outcome.OK:
                by_round.setdefault(fact.record.trial.round, []).append(fact.record)
    if not by_round:
        return []
    most = max(len(records) for records in by_round.values())
    full = sorted(number for number, records in by_round.items() if len(records) == most)
    return by_round[full[len(full) // 2]]


def _latency(scenario: ScenarioAnalysis, arms: Sequence[Arm], name: str) -> Chart:
    kind = (
        "at a fixed rate, from the intended start"
        if scenario.scenario.is_open
        else "at full speed: clients that wait hide waiting, so read it as a floor"
    )
    return distribution(
        "Latency, to the slowest requests",
        {arm.server: arm.felt for arm in arms},
        _colours(scenario),
        name=name,
        source=LATENCY_SOURCE,
        caption=f"Time within which a share of the reads was answered, {kind}; lower is quicker.",
    )


def _costs(scenario: ScenarioAnalysis, arms: Sequence[Arm], prefix: str) -> list[Chart]:
    above = ", above the floor" if any(arm.is_floor for arm in scenario.arms) else ""
    found = []
    if scenario.scenario.is_open:
        found.append(cost(arms, "apiserver_cpu", f"API-server CPU{above}", f"{prefix}-cpu"))
        found.append(cost(arms, "etcd_cpu", f"etcd CPU{above}", f"{prefix}-etcd"))
        sent = f"Bytes the API server sent{above}"
        found.append(cost(arms, "api_bytes", sent, f"{prefix}-bytes"))
    else:
        found.append(cost(arms, "throughput", "Reads answered", f"{prefix}-throughput"))
    found.append(memory(arms, f"{prefix}-memory"))
    return found


def _observed(scenario: ScenarioAnalysis, prefix: str) -> list[Chart]:
    colours = _colours(scenario)
    servers = contenders(scenario.arms)
    everyone = servers + [arm for arm in scenario.arms if arm.is_floor]
    made = (
        freshness(servers, colours, f"{prefix}-freshness"),
        bystander(everyone, colours, f"{prefix}-bystander"),
    )
    return [chart for chart in made if chart is not None]


def _colours(scenario: ScenarioAnalysis) -> Mapping[str, str]:
    servers = [arm.server for arm in scenario.arms]
    return {server: colour_of(server, servers) for server in servers}
