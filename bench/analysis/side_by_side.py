"""Scenarios side by side: read paths, versions of Kubernetes, replicas, observers.

Each group of scenarios differs in one thing alone. ``comparisons.compare`` compares a figure
with the same figure of another scenario or arm, round by round.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from bench.analysis.comparisons import Side, compare
from bench.analysis.frame import Frame
from bench.analysis.result import (
    PRESENTATION,
    Arm,
    Comparison,
    Matrix,
    ReadPath,
    ReadPathFigure,
    ReplicaCost,
    ReplicaGroup,
    ScenarioAnalysis,
    VersionFigure,
    Versions,
)
from bench.metrics import Metric, Speed, View, of_view
from bench.model import Arrivals, Caveat, CaveatKind, Plan, Scenario, TrialRecord
from bench.stats import Estimate, mean

BASELINE = "direct"
"""The read path that the others are compared with, if the run has it; else the first."""
Groups = Iterable[list[ScenarioAnalysis]]


def grouped(scenarios: Sequence[ScenarioAnalysis], asked: Callable[[Scenario], Scenario]) -> Groups:
    """Group scenarios that differ only in their name and in the fields that ``asked`` equalises."""
    groups: dict[Scenario, list[ScenarioAnalysis]] = {}
    for analysis in scenarios:
        alike = replace(asked(analysis.scenario), name="", control=True)
        groups.setdefault(alike, []).append(analysis)
    return groups.values()


def _versus(
    frame: Frame, subject: Side | None, baseline: Side | None
) -> Mapping[tuple[str, bool], Comparison]:
    if subject is None or baseline is None:
        return {}
    return {(pair.metric, pair.per_1000): pair for pair in compare(frame, subject, baseline)}


def _side(scenario: ScenarioAnalysis | None, server: str) -> Side | None:
    arm = scenario.arm(server) if scenario is not None else None
    return None if scenario is None or arm is None else Side(scenario.scenario.name, arm)


def matrices(
    frame: Frame, scenarios: Sequence[ScenarioAnalysis], contracts: Mapping[str, str]
) -> tuple[Matrix, ...]:
    """Return a matrix for each cluster that was read by read paths beyond the usual three.

    It joins the scenarios that send the same queries to the same cluster at different rates:
    requests, bytes, latency and freshness come from the one at a fixed rate, throughput and,
    if measured, control-plane CPU from the one at full speed.
    """

    def asked(scenario: Scenario) -> Scenario:
        return replace(scenario, users=0, rate_rps=None, arrivals=Arrivals.CONSTANT, probe=True)

    tables = []
    for group in grouped([analysis for analysis in scenarios if analysis.scenario.has_load], asked):
        at_rate = next((analysis for analysis in group if analysis.scenario.is_open), None)
        full = next((analysis for analysis in group if not analysis.scenario.is_open), None)
        servers = [arm.server for arm in at_rate.contenders] if at_rate is not None else []
        if at_rate is None or len(servers) < 2 or set(servers) <= set(PRESENTATION):
            continue
        baseline = BASELINE if BASELINE in servers else servers[0]
        speeds = {Speed.FIXED: at_rate, Speed.FULL: full, Speed.FULL_IF_MEASURED: full or at_rate}
        paths = [
            ReadPath(
                server, contracts.get(server), tuple(_path_figures(frame, server, baseline, speeds))
            )
            for server in servers
        ]
        names = tuple(
            analysis.scenario.name for analysis in (at_rate, full) if analysis is not None
        )
        tables.append(Matrix(baseline, names, tuple(paths)))
    return tuple(tables)


def _path_figures(
    frame: Frame, server: str, baseline: str, speeds: Mapping[Speed, ScenarioAnalysis | None]
) -> Iterator[ReadPathFigure]:
    versus: dict[str, Mapping[tuple[str, bool], Comparison]] = {}
    for metric, per_1000 in of_view(View.MATRIX):
        side, base = (_side(speeds[metric.speed], arm) for arm in (server, baseline))
        if side is None:
            continue
        if side.scenario not in versus:
            against = None if server == baseline else base
            versus[side.scenario] = _versus(frame, side, against)
        figure = side.arm.figure(metric.key, per_1000=per_1000)
        compared = versus[side.scenario].get((metric.key, per_1000))
        yield ReadPathFigure(
            *_named(metric, per_1000),
            scenario=side.scenario,
            value=figure.value if figure else None,
            times=compared.times if compared else None,
        )


def _named(metric: Metric, per_1000: bool) -> tuple[str, str, str, bool]:
    """Return a metric's key, title and unit in one form."""
    title = str(metric.title_of(per_1000=per_1000))
    return metric.key, title, metric.unit_of(per_1000=per_1000), per_1000


def version_sets(
    frame: Frame, scenarios: Sequence[ScenarioAnalysis], trials: Sequence[TrialRecord]
) -> tuple[Versions, ...]:
    """Return the comparisons between versions of Kubernetes; none in a run of one version.

    Trials of one round are pairs, as between servers: each version has its own control plane
    in every round, and every second round runs the versions in reverse order.
    """
    versions = {record.trial.scenario: record.kubernetes for record in trials if record.kubernetes}
    comparable = []
    for group in grouped(scenarios, lambda scenario: replace(scenario, kubernetes=None)):
        by_version: dict[str, ScenarioAnalysis] = {}
        for analysis in group:
            version = versions.get(analysis.scenario.name) or analysis.scenario.kubernetes
            if version is not None:
                by_version.setdefault(version, analysis)
        if len(by_version) < 2:
            continue
        numbers = {version: [*map(int, re.findall(r"\d+", version))] for version in by_version}
        ordered = {name: by_version[name] for name in sorted(by_version, key=numbers.__getitem__)}
        servers = dict.fromkeys(
            arm.server for analysis in ordered.values() for arm in analysis.contenders
        )
        figures = (_version_figures(frame, server, ordered) for server in servers)
        names = tuple(analysis.scenario.name for analysis in ordered.values())
        comparable.append(Versions(tuple(ordered), names, tuple(chain.from_iterable(figures))))
    return tuple(comparable)


def _version_figures(
    frame: Frame, server: str, ordered: Mapping[str, ScenarioAnalysis]
) -> Iterator[VersionFigure]:
    sides = {version: _side(analysis, server) for version, analysis in ordered.items()}
    oldest, *_, newest = sides.values()
    versus = _versus(frame, newest, oldest)
    at_full_speed = any(not analysis.scenario.is_open for analysis in ordered.values())
    for metric, per_1000 in of_view(View.VERSIONS):
        if per_1000 and at_full_speed:
            continue  # each version answered a different number of reads
        figures = {
            version: side.arm.figure(metric.key, per_1000=per_1000) if side else None
            for version, side in sides.items()
        }
        values = {version: figure.value if figure else None for version, figure in figures.items()}
        if all(value is None for value in values.values()):
            continue
        compared = versus.get((metric.key, per_1000))
        times = compared.times if compared else None
        yield VersionFigure(server, *_named(metric, per_1000), values, times)


def replica_groups(plan: Plan, scenarios: Sequence[ScenarioAnalysis]) -> tuple[ReplicaGroup, ...]:
    """Return the groups of scenarios whose replicas vary, and the cost of each further replica.

    A cost is a line over the replicas. The replicate is a round: each gives a slope by least
    squares, and the interval is Student's t over these. The cost model tests whether a line fits.
    """
    metrics = [metric.key for metric, per_1000 in of_view(View.REPLICAS) if not per_1000]
    groups = []
    for group in grouped(scenarios, lambda scenario: replace(scenario, replicas=1)):
        present = {arm.server for analysis in group for arm in analysis.contenders}
        arms = tuple(arm for arm in plan.servers if arm in present)
        costs = [_replica_cost(metric, arm, group) for metric in metrics for arm in arms]
        replicas = sorted({number for cost in costs for number in cost.means})
        if len(replicas) > 1:
            names = tuple(analysis.scenario.name for analysis in group)
            known = tuple(cost for cost in costs if cost.points)
            groups.append(ReplicaGroup(names, tuple(replicas), arms, known))
    return tuple(groups)


def _replica_cost(metric: str, server: str, group: Sequence[ScenarioAnalysis]) -> ReplicaCost:
    points = sorted(
        (analysis.scenario.replicas, number, value)
        for analysis in group
        if (arm := analysis.arm(server)) is not None and (figure := arm.figure(metric)) is not None
        for number, value in figure.rounds.items()
    )
    by_replicas: dict[int, list[float]] = {}
    by_round: dict[int, list[tuple[int, float]]] = {}
    for replicas, number, value in points:
        by_replicas.setdefault(replicas, []).append(value)
        by_round.setdefault(number, []).append((replicas, value))
    means = {replicas: mean(values) for replicas, values in by_replicas.items()}
    slopes = {
        number: _slope(of_round)
        for number, of_round in sorted(by_round.items())
        if len({replicas for replicas, _ in of_round}) > 1
    }
    return ReplicaCost(
        metric=metric,
        arm=server,
        means={number: estimate for number, estimate in means.items() if estimate is not None},
        points=tuple(points),
        slopes=slopes,
        each=mean(list(slopes.values())),
    )


def _slope(points: Sequence[tuple[int, float]]) -> float:
    across, up = np.array(points, dtype=np.float64).T
    return float(np.polyfit(across, up, 1)[0])


def observer_effects(frame: Frame, scenarios: Sequence[ScenarioAnalysis]) -> Iterator[Caveat]:
    """Yield a caveat an arm with the cost that freshness probe and bystander add to it.

    Measured by plans that have a scenario twice, once with ``probe = false``, such as
    ``observers.toml``: paired by round, as any two arms are.
    """
    for group in grouped(scenarios, lambda analysis: replace(analysis, probe=True)):
        for observed in (analysis for analysis in group if analysis.scenario.probe):
            for bare in (analysis for analysis in group if not analysis.scenario.probe):
                for arm in observed.arms:
                    yield from _effect(frame, observed, bare, arm)


def _effect(
    frame: Frame, observed: ScenarioAnalysis, bare: ScenarioAnalysis, arm: Arm
) -> Iterator[Caveat]:
    if arm.is_control:
        return
    comparisons = _versus(frame, _side(observed, arm.server), _side(bare, arm.server))
    texts = [
        _difference(metric, compared.difference)
        for metric, per_1000 in of_view(View.OBSERVERS)
        if (compared := comparisons.get((metric.key, per_1000))) is not None
        and compared.difference is not None
    ]
    if texts:
        yield Caveat(
            CaveatKind.OBSERVER_EFFECT,
            f"with freshness probe and bystander, against {bare.scenario.name} without: "
            f"{'; '.join(texts)}",
            observed.scenario.name,
            arm.server,
        )


def _difference(metric: Metric, estimate: Estimate) -> str:
    text = f"{metric.title} {estimate.value:+.3g} {metric.unit}"
    if estimate.low is None or estimate.high is None:
        return f"{text} (a single round)"
    return f"{text} ({estimate.low:+.3g} to {estimate.high:+.3g})"
