"""From a run's analysis to its summary: figures are carried over, none is computed anew."""

from collections.abc import Iterator

from bench.analysis.compare import Comparison
from bench.analysis.intervals import Interval
from bench.analysis.metrics import REQUESTS, Facts
from bench.analysis.readpaths import Matrix, Quantity, ReadPath
from bench.analysis.run import RunAnalysis, ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.analysis.summary import Figure as Measured
from bench.analysis.versions import VersionSet
from bench.forms.faults import summarise_fault
from bench.forms.summary import (
    SUMMARY_SCHEMA,
    ArmSummary,
    Compared,
    Figure,
    Percentile,
    ReadPathFigure,
    ReadPathsSummary,
    ReadPathSummary,
    ReplicaRequests,
    RunSummary,
    ScenarioSummary,
    VersionFigure,
    VersionsSummary,
)


def summarise_run(analysis: RunAnalysis) -> RunSummary:
    """Return what ``summary.json`` holds of the run."""
    record = analysis.record
    return RunSummary(
        summary_schema=SUMMARY_SCHEMA,
        run=record.run,
        state=record.state,
        started_at=record.started_at,
        ended_at=record.ended_at,
        plan=record.plan,
        environment=record.environment,
        load_workers=record.load_workers,
        trials_planned=record.trials_planned,
        trials_made=len(analysis.trials),
        void=analysis.voids,
        caveats=analysis.caveats,
        scenarios=tuple(_scenario(scenario) for scenario in analysis.scenarios),
        read_paths=tuple(_read_paths(matrix) for matrix in analysis.matrices),
        faults=tuple(summarise_fault(fault) for fault in analysis.faults),
        versions=tuple(_versions(one) for one in analysis.versions),
        replica_requests=tuple(row for facts in analysis.facts for row in _replica_requests(facts)),
    )


def _scenario(analysis: ScenarioAnalysis) -> ScenarioSummary:
    controls = (one.arm for one in analysis.controls if one.arm not in analysis.arms)
    return ScenarioSummary(
        scenario=analysis.scenario,
        arms=tuple(_arm(arm) for arm in (*analysis.arms, *controls)),
        missing=analysis.missing,
        comparisons=tuple(_compared(one) for one in analysis.comparisons),
    )


def _arm(arm: Arm) -> ArmSummary:
    figures = [
        _figure(arm, key, measured, per_1000=per_1000)
        for per_1000, found in ((False, arm.figures), (True, arm.per_1000))
        for key, measured in found.items()
    ]
    return ArmSummary(
        server=arm.server,
        rounds=tuple(sorted(facts.record.trial.round for facts in arm.facts)),
        reads=arm.reads,
        api_requests=arm.reached,
        api_requests_by_verb=dict(arm.reached_by_verb),
        figures=tuple(figures),
        latency=tuple(
            Percentile(one.q, one.value_ms, one.at_least, one.samples, one.withheld)
            for one in arm.percentiles
        ),
    )


def _figure(arm: Arm, key: str, measured: Measured, *, per_1000: bool) -> Figure:
    metric, interval = measured.metric, measured.interval
    events, exposure = None, None
    if key == REQUESTS.key and arm.reached is not None:
        events = arm.reached
        exposure = (
            arm.reads / 1000 if per_1000 else sum(facts.record.window_s for facts in arm.facts)
        )
    return Figure(
        metric=key,
        title=metric.title,
        unit=metric.unit.split("/")[0] if per_1000 else metric.unit,
        source=metric.source,
        per_1000=per_1000,
        higher_is_better=metric.higher_is_better,
        may_be_zero=metric.may_be_zero,
        rounds=dict(measured.rounds),
        value=interval.value if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        missing=measured.missing,
        events=events,
        exposure=exposure,
    )


def _compared(one: Comparison) -> Compared:
    return Compared(
        metric=one.metric.key,
        per_1000=one.per_1000,
        subject=one.subject,
        baseline=one.baseline,
        ratio=_triple(one.ratio),
        difference=_triple(one.difference),
        at_least=one.at_least,
    )


def _triple(interval: Interval | None) -> tuple[float, float | None, float | None] | None:
    return None if interval is None else (interval.value, interval.low, interval.high)


def _read_paths(matrix: Matrix) -> ReadPathsSummary:
    scenarios = (matrix.open_scenario, matrix.closed_scenario)
    return ReadPathsSummary(
        baseline=matrix.baseline,
        scenarios=tuple(one.name for one in scenarios if one is not None),
        paths=tuple(
            ReadPathSummary(
                path.server,
                path.contract,
                tuple(
                    _read_path_figure(matrix, path, quantity)
                    for quantity in matrix.quantities
                    if quantity.key in path.entries
                ),
            )
            for path in matrix.paths
        ),
    )


def _read_path_figure(matrix: Matrix, path: ReadPath, quantity: Quantity) -> ReadPathFigure:
    entry = path.entries[quantity.key]
    metric, interval = entry.figure.metric, entry.figure.interval
    scenario = matrix.scenario_of(quantity)
    return ReadPathFigure(
        metric=quantity.key,
        title=quantity.title,
        unit=metric.unit.split("/")[0] if quantity.per_1000 else metric.unit,
        per_1000=quantity.per_1000,
        scenario=scenario.name if scenario else "",
        value=interval.value if interval else None,
        times=_triple(entry.times),
    )


def _replica_requests(facts: Facts) -> Iterator[ReplicaRequests]:
    found, trial = facts.ledgers.replicas, facts.record.trial
    if found is None or not found.told_apart:
        return
    for one in found.replicas:
        yield ReplicaRequests(
            scenario=trial.scenario,
            server=trial.server,
            round=trial.round,
            replica=one.replica,
            lists=one.of_pods("list"),
            gets=one.of_pods("get"),
            watches=one.of_pods("watch"),
            watches_since_start=one.watches,
            audit_log=one.audit.total(),
            own_count=None if one.client is None else one.client.total(),
        )


def _versions(one: VersionSet) -> VersionsSummary:
    found = []
    for server in one.servers:
        for row in server.rows:
            metric = next(each.metric for each in row.figures if each is not None)
            values = {
                version: each.interval.value if each is not None and each.interval else None
                for version, each in zip(one.versions, row.figures, strict=True)
            }
            unit = metric.unit.split("/")[0] if row.aspect.per_1000 else metric.unit
            found.append(
                VersionFigure(
                    server.server,
                    row.aspect.key,
                    row.aspect.title,
                    unit,
                    row.aspect.per_1000,
                    values,
                    _triple(row.times),
                )
            )
    names = tuple(scenario.name for scenario in one.scenarios)
    return VersionsSummary(one.versions, names, tuple(found))
