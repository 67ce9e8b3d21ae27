"""Scenarios side by side: read paths, versions of Kubernetes, replicas, observers.

Each group of scenarios differs in one thing alone, and each figure is held against the
same figure elsewhere, round by round, by ``comparisons.compare``.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

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
from bench.model import NO_SERVER, Arrivals, Caveat, CaveatKind, Plan, Scenario, TrialRecord
from bench.stats import CONFIDENCE, Estimate, mean

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
    frame: Frame, subject: Side | None, baseline: Side | None, confidence: float
) -> Mapping[tuple[str, bool], Comparison]:
    if subject is None or baseline is None:
        return {}
    found = compare(frame, subject, baseline, confidence)
    return {(one.metric, one.per_1000): one for one in found}


def _side(scenario: ScenarioAnalysis | None, server: str) -> Side | None:
    arm = scenario.arm(server) if scenario is not None else None
    return None if scenario is None or arm is None else Side(scenario.scenario.name, arm)


def matrices(
    frame: Frame,
    scenarios: Sequence[ScenarioAnalysis],
    contracts: Mapping[str, str],
    confidence: float = CONFIDENCE,
) -> tuple[Matrix, ...]:
    """Return a matrix for each cluster that read paths beyond the usual three were asked of.

    It joins the scenarios that ask the same of the same cluster and differ only in how hard:
    requests, bytes, latency and freshness come from the one at a fixed rate, throughput and,
    where it was measured, control-plane CPU from the one at full speed.
    """

    def asked(one: Scenario) -> Scenario:
        return replace(one, users=0, rate_rps=None, arrivals=Arrivals.CONSTANT, probe=True)

    return tuple(
        found
        for group in grouped(scenarios, asked)
        if (found := _matrix(frame, group, contracts, confidence))
    )


def _matrix(
    frame: Frame,
    group: Sequence[ScenarioAnalysis],
    contracts: Mapping[str, str],
    confidence: float,
) -> Matrix | None:
    at_rate = next((one for one in group if one.scenario.is_open), None)
    full_speed = next((one for one in group if not one.scenario.is_open), None)
    if at_rate is None:
        return None
    servers = [arm.server for arm in at_rate.contenders]
    if len(servers) < 2 or set(servers) <= set(PRESENTATION):
        return None
    baseline = BASELINE if BASELINE in servers else servers[0]
    paths = [
        ReadPath(
            server,
            contracts.get(server),
            tuple(_path_figures(frame, server, baseline, at_rate, full_speed, confidence)),
        )
        for server in servers
    ]
    names = tuple(one.scenario.name for one in (at_rate, full_speed) if one is not None)
    return Matrix(baseline, names, tuple(paths))


def _path_figures(
    frame: Frame,
    server: str,
    baseline: str,
    at_rate: ScenarioAnalysis,
    full_speed: ScenarioAnalysis | None,
    confidence: float,
) -> Iterator[ReadPathFigure]:
    versus = {
        scenario.scenario.name: {}
        if server == baseline
        else _versus(frame, _side(scenario, server), _side(scenario, baseline), confidence)
        for scenario in (at_rate, full_speed)
        if scenario is not None
    }
    for metric, per_1000 in of_view(View.MATRIX):
        scenario = _measured(metric.speed, at_rate, full_speed)
        side = _side(scenario, server)
        if scenario is None or side is None:
            continue
        name = scenario.scenario.name
        figure = side.arm.figure(metric.key, per_1000=per_1000)
        compared = versus[name].get((metric.key, per_1000))
        yield ReadPathFigure(
            metric=metric.key,
            title=metric.title_of(per_1000=per_1000),
            unit=metric.unit_of(per_1000=per_1000),
            per_1000=per_1000,
            scenario=name,
            value=figure.value if figure else None,
            times=compared.times if compared else None,
        )


def _measured(
    speed: Speed, at_rate: ScenarioAnalysis, full_speed: ScenarioAnalysis | None
) -> ScenarioAnalysis | None:
    if speed is Speed.FIXED:
        return at_rate
    return full_speed if speed is Speed.FULL else full_speed or at_rate


def version_sets(
    frame: Frame,
    scenarios: Sequence[ScenarioAnalysis],
    trials: Sequence[TrialRecord],
    confidence: float = CONFIDENCE,
) -> tuple[Versions, ...]:
    """Return what can be compared between versions of Kubernetes: nothing, in a run of one.

    Trials of one round are pairs as they are between servers: each version has a control
    plane of its own in every round, and every second round takes the versions backwards.
    """
    called = {one.trial.scenario: one.kubernetes for one in trials if one.kubernetes}
    groups = grouped(scenarios, lambda one: replace(one, kubernetes=None))
    return tuple(found for group in groups if (found := _set(frame, group, called, confidence)))


def _set(
    frame: Frame,
    group: Sequence[ScenarioAnalysis],
    called: Mapping[str, str],
    confidence: float,
) -> Versions | None:
    by_version: dict[str, ScenarioAnalysis] = {}
    for one in group:
        version = called.get(one.scenario.name) or one.scenario.kubernetes
        if version is not None:
            by_version.setdefault(version, one)
    if len(by_version) < 2:
        return None
    ordered = {version: by_version[version] for version in sorted(by_version, key=_order)}
    servers = dict.fromkeys(arm.server for one in ordered.values() for arm in one.contenders)
    return Versions(
        tuple(ordered),
        tuple(one.scenario.name for one in ordered.values()),
        tuple(
            found
            for server in servers
            for found in _version_figures(frame, server, ordered, confidence)
        ),
    )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _version_figures(
    frame: Frame, server: str, ordered: Mapping[str, ScenarioAnalysis], confidence: float
) -> Iterator[VersionFigure]:
    sides = {version: _side(one, server) for version, one in ordered.items()}
    oldest, *_, newest = sides.values()
    versus = _versus(frame, newest, oldest, confidence)
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
        yield VersionFigure(
            server=server,
            metric=metric.key,
            title=metric.title_of(per_1000=per_1000),
            unit=metric.unit_of(per_1000=per_1000),
            per_1000=per_1000,
            values=values,
            times=compared.times if compared else None,
        )


def replica_groups(plan: Plan, scenarios: Sequence[ScenarioAnalysis]) -> tuple[ReplicaGroup, ...]:
    """Return the groups of scenarios whose replicas vary, and what each further replica costs.

    A cost is a line over the replicas. The replicate is a round: each gives a slope of its
    own, by least squares, and the interval is Student's t over these. Whether a line is the
    right shape, the cost model's test of its form tells.
    """
    groups = grouped(scenarios, lambda one: replace(one, replicas=1))
    found = (_replica_group(plan, group) for group in groups)
    return tuple(group for group in found if len(group.replicas) > 1 and group.costs)


def _replica_group(plan: Plan, group: Sequence[ScenarioAnalysis]) -> ReplicaGroup:
    present = {arm.server for one in group for arm in one.contenders}
    arms = [arm for arm in plan.servers if arm in present and arm != NO_SERVER]
    metrics = [metric for metric, per_1000 in of_view(View.REPLICAS) if not per_1000]
    costs = [_replica_cost(metric, arm, group) for metric in metrics for arm in arms]
    return ReplicaGroup(
        scenarios=tuple(one.scenario.name for one in group),
        replicas=tuple(sorted({n for cost in costs for n, _, _ in cost.points})),
        arms=tuple(arms),
        costs=tuple(cost for cost in costs if cost.points),
    )


def _replica_cost(metric: Metric, server: str, group: Sequence[ScenarioAnalysis]) -> ReplicaCost:
    points: list[tuple[int, int, float]] = []
    for one in group:
        figure = (arm := one.arm(server)) and arm.figure(metric.key)
        rounds = figure.rounds if figure else {}
        points += [(one.scenario.replicas, number, value) for number, value in rounds.items()]
    points.sort()
    by_number: dict[int, list[float]] = {}
    for replicas, _, value in points:
        by_number.setdefault(replicas, []).append(value)
    means = {replicas: mean(values) for replicas, values in by_number.items()}
    slopes = dict(_slopes(points))
    return ReplicaCost(
        metric=metric.key,
        arm=server,
        means={replicas: one for replicas, one in means.items() if one is not None},
        points=tuple(points),
        slopes=slopes,
        each=mean(list(slopes.values())),
    )


def _slopes(points: Sequence[tuple[int, int, float]]) -> Iterator[tuple[int, float]]:
    """Yield round and slope over the replicas, of rounds with at least two numbers of them."""
    for number in sorted({number for _, number, _ in points}):
        own = [(replicas, value) for replicas, round_, value in points if round_ == number]
        if len({replicas for replicas, _ in own}) > 1:
            across, up = np.array(own, dtype=np.float64).T
            yield number, float(np.polyfit(across, up, 1)[0])


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
    sides = (_side(observed, arm.server), _side(bare, arm.server))
    found = _versus(frame, *sides, CONFIDENCE)
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
