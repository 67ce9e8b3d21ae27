"""Scenarios side by side: read paths, versions of Kubernetes, replicas, observers.

Each group of scenarios differs in one thing alone, and each figure is held against the
same figure elsewhere, round by round, by ``comparisons.compare``.
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
"""The read path that the others are held against, where the run has it; else the first."""
Groups = Iterable[list[ScenarioAnalysis]]


def grouped(scenarios: Sequence[ScenarioAnalysis], asked: Callable[[Scenario], Scenario]) -> Groups:
    """Group the scenarios that are the same but for their name and what ``asked`` makes equal."""
    groups: dict[Scenario, list[ScenarioAnalysis]] = {}
    for one in scenarios:
        alike = replace(asked(one.scenario), name="", control=True)
        groups.setdefault(alike, []).append(one)
    return groups.values()


def _versus(
    frame: Frame, subject: Side | None, baseline: Side | None
) -> Mapping[tuple[str, bool], Comparison]:
    if subject is None or baseline is None:
        return {}
    return {(one.metric, one.per_1000): one for one in compare(frame, subject, baseline)}


def _side(scenario: ScenarioAnalysis | None, server: str) -> Side | None:
    arm = scenario.arm(server) if scenario is not None else None
    return None if scenario is None or arm is None else Side(scenario.scenario.name, arm)


def matrices(
    frame: Frame, scenarios: Sequence[ScenarioAnalysis], contracts: Mapping[str, str]
) -> tuple[Matrix, ...]:
    """Return a matrix for each cluster that read paths beyond the usual three were asked of.

    It joins the scenarios that ask the same of the same cluster and differ only in how hard:
    requests, bytes, latency and freshness come from the one at a fixed rate, throughput and,
    where it was measured, control-plane CPU from the one at full speed.
    """

    def asked(one: Scenario) -> Scenario:
        return replace(one, users=0, rate_rps=None, arrivals=Arrivals.CONSTANT, probe=True)

    found = []
    for group in grouped([one for one in scenarios if one.scenario.has_load], asked):
        at_rate = next((one for one in group if one.scenario.is_open), None)
        full = next((one for one in group if not one.scenario.is_open), None)
        servers = [arm.server for arm in at_rate.contenders] if at_rate is not None else []
        if at_rate is None or len(servers) < 2 or set(servers) <= set(PRESENTATION):
            continue
        baseline = BASELINE if BASELINE in servers else servers[0]
        at = {Speed.FIXED: at_rate, Speed.FULL: full, Speed.FULL_IF_MEASURED: full or at_rate}
        paths = [
            ReadPath(
                server, contracts.get(server), tuple(_path_figures(frame, server, baseline, at))
            )
            for server in servers
        ]
        names = tuple(one.scenario.name for one in (at_rate, full) if one is not None)
        found.append(Matrix(baseline, names, tuple(paths)))
    return tuple(found)


def _path_figures(
    frame: Frame, server: str, baseline: str, at: Mapping[Speed, ScenarioAnalysis | None]
) -> Iterator[ReadPathFigure]:
    versus: dict[str, Mapping[tuple[str, bool], Comparison]] = {}
    for metric, per_1000 in of_view(View.MATRIX):
        side, base = (_side(at[metric.speed], one) for one in (server, baseline))
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
    """Return what can be compared between versions of Kubernetes: nothing, in a run of one.

    Trials of one round are pairs as they are between servers: each version has a control
    plane of its own in every round, and every second round takes the versions backwards.
    """
    called = {one.trial.scenario: one.kubernetes for one in trials if one.kubernetes}
    found = []
    for group in grouped(scenarios, lambda one: replace(one, kubernetes=None)):
        by_version: dict[str, ScenarioAnalysis] = {}
        for one in group:
            version = called.get(one.scenario.name) or one.scenario.kubernetes
            if version is not None:
                by_version.setdefault(version, one)
        if len(by_version) < 2:
            continue
        numbers = {version: [*map(int, re.findall(r"\d+", version))] for version in by_version}
        ordered = {one: by_version[one] for one in sorted(by_version, key=numbers.__getitem__)}
        servers = dict.fromkeys(arm.server for one in ordered.values() for arm in one.contenders)
        figures = (_version_figures(frame, server, ordered) for server in servers)
        names = tuple(one.scenario.name for one in ordered.values())
        found.append(Versions(tuple(ordered), names, tuple(chain.from_iterable(figures))))
    return tuple(found)


def _version_figures(
    frame: Frame, server: str, ordered: Mapping[str, ScenarioAnalysis]
) -> Iterator[VersionFigure]:
    sides = {version: _side(one, server) for version, one in ordered.items()}
    oldest, *_, newest = sides.values()
    versus = _versus(frame, newest, oldest)
    at_full_speed = any(not one.scenario.is_open for one in ordered.values())
    for metric, per_1000 in of_view(View.VERSIONS):
        if per_1000 and at_full_speed:
            continue  # each version answered another number of reads
        figures = {
            version: side.arm.figure(metric.key, per_1000=per_1000) if side else None
            for version, side in sides.items()
        }
        values = {version: one.value if one else None for version, one in figures.items()}
        if all(value is None for value in values.values()):
            continue
        compared = versus.get((metric.key, per_1000))
        times = compared.times if compared else None
        yield VersionFigure(server, *_named(metric, per_1000), values, times)


def replica_groups(plan: Plan, scenarios: Sequence[ScenarioAnalysis]) -> tuple[ReplicaGroup, ...]:
    """Return the groups of scenarios whose replicas vary, and what each further replica costs.

    A cost is a line over the replicas. The replicate is a round: each gives a slope of its
    own, by least squares, and the interval is Student's t over these. Whether a line is the
    right shape, the cost model's test of its form tells.
    """
    metrics = [metric.key for metric, per_1000 in of_view(View.REPLICAS) if not per_1000]
    found = []
    for group in grouped(scenarios, lambda one: replace(one, replicas=1)):
        present = {arm.server for one in group for arm in one.contenders}
        arms = tuple(arm for arm in plan.servers if arm in present)
        costs = [_replica_cost(metric, arm, group) for metric in metrics for arm in arms]
        replicas = sorted({number for cost in costs for number in cost.means})
        if len(replicas) > 1:
            names = tuple(one.scenario.name for one in group)
            known = tuple(cost for cost in costs if cost.points)
            found.append(ReplicaGroup(names, tuple(replicas), arms, known))
    return tuple(found)


def _replica_cost(metric: str, server: str, group: Sequence[ScenarioAnalysis]) -> ReplicaCost:
    points = sorted(
        (one.scenario.replicas, number, value)
        for one in group
        if (arm := one.arm(server)) is not None and (figure := arm.figure(metric)) is not None
        for number, value in figure.rounds.items()
    )
    by_replicas: dict[int, list[float]] = {}
    by_round: dict[int, list[tuple[int, float]]] = {}
    for replicas, number, value in points:
        by_replicas.setdefault(replicas, []).append(value)
        by_round.setdefault(number, []).append((replicas, value))
    means = {replicas: mean(values) for replicas, values in by_replicas.items()}
    slopes = {
        number: _slope(own)
        for number, own in sorted(by_round.items())
        if len({replicas for replicas, _ in own}) > 1
    }
    return ReplicaCost(
        metric=metric,
        arm=server,
        means={number: one for number, one in means.items() if one is not None},
        points=tuple(points),
        slopes=slopes,
        each=mean(list(slopes.values())),
    )


def _slope(points: Sequence[tuple[int, float]]) -> float:
    across, up = np.array(points, dtype=np.float64).T
    return float(np.polyfit(across, up, 1)[0])


def observer_effects(frame: Frame, scenarios: Sequence[ScenarioAnalysis]) -> Iterator[Caveat]:
    """Yield what freshness probe and bystander add to what they observe, a caveat an arm.

    A plan that has a scenario twice, once with ``probe = false`` (``observers.toml`` does),
    measures it: paired by round, as any two arms are.
    """
    for group in grouped(scenarios, lambda one: replace(one, probe=True)):
        for observed in (one for one in group if one.scenario.probe):
            for bare in (one for one in group if not one.scenario.probe):
                for arm in observed.arms:
                    yield from _effect(frame, observed, bare, arm)


def _effect(
    frame: Frame, observed: ScenarioAnalysis, bare: ScenarioAnalysis, arm: Arm
) -> Iterator[Caveat]:
    if arm.is_control:
        return
    found = _versus(frame, _side(observed, arm.server), _side(bare, arm.server))
    texts = [
        _difference(metric, compared.difference)
        for metric, per_1000 in of_view(View.OBSERVERS)
        if (compared := found.get((metric.key, per_1000))) is not None
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


def _difference(metric: Metric, one: Estimate) -> str:
    text = f"{metric.title} {one.value:+.3g} {metric.unit}"
    if one.low is None or one.high is None:
        return f"{text} (a single round)"
    return f"{text} ({one.low:+.3g} to {one.high:+.3g})"
