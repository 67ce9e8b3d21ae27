"""Analyse a whole run, from files to figures."""

from collections.abc import Sequence
from functools import partial

from bench.analysis.arms import arms_of
from bench.analysis.caveats import collect, voids
from bench.analysis.comparisons import BESIDE, compare_pairs, controls_of
from bench.analysis.cost_fit import cost_models
from bench.analysis.faults import analyse_faults
from bench.analysis.frame import Frame, frame_of
from bench.analysis.requests import for_pods
from bench.analysis.result import (
    SUMMARY_SCHEMA,
    LedgerTotals,
    RunAnalysis,
    ScenarioAnalysis,
    TrialLine,
    presentation_order,
    subject_of,
)
from bench.analysis.series import series_of
from bench.analysis.side_by_side import matrices, replica_groups, version_sets
from bench.analysis.trial_data import RunData, TrialData, faulty, read_run
from bench.model import AGAIN, BASE, NO_SERVER, Plan, Scenario, TrialRecord
from bench.store import RunReader


def analyse(run: RunData | RunReader) -> RunAnalysis:
    """Compute the analysis of a run from its files; raises ``StoreError`` when one is damaged."""
    run = read_run(run) if isinstance(run, RunReader) else run
    record, plan, frame = run.record, run.record.plan, frame_of(run.data)
    analyses = [
        _scenario(scenario, run.data, plan, frame)
        for scenario in plan.scenarios
        if scenario.name not in faulty(plan)
    ]
    scenarios = [scenario for scenario in analyses if scenario.scenario.capacity_share is None]
    caveats = collect(run, frame, scenarios)
    models, unfitted = cost_models(plan, frame, run.data)
    servers = presentation_order([server for server in plan.servers if server != NO_SERVER])
    lines = {data.trial.folder: data for data in run.data}
    return RunAnalysis(
        summary_schema=SUMMARY_SCHEMA,
        run=record.run,
        state=record.state,
        started_at=record.started_at,
        ended_at=record.ended_at,
        plan=plan,
        environment=record.environment,
        trials_planned=record.trials_planned,
        trials_made=len(run.trials),
        void=voids(caveats),
        caveats=caveats,
        scenarios=tuple(scenarios),
        read_paths=matrices(frame, scenarios, record.contracts),
        faults=analyse_faults(
            [scenario for scenario in plan.scenarios if scenario.name in faulty(plan)],
            servers,
            [(data.record, data.fault) for data in run.every if data.fault is not None],
        ),
        versions=version_sets(frame, scenarios, run.trials),
        load_workers=record.load_workers,
        replica_requests=tuple(
            row
            for data in run.data
            if data.ledgers.replicas is not None and data.ledgers.replicas.told_apart
            for row in data.ledgers.replicas.rows
        ),
        replicas=replica_groups(plan, scenarios),
        series=tuple(series_of(analyses)),
        cost_models=tuple(models),
        unfitted=tuple(unfitted),
        trials=tuple(_line(trial, lines.get(trial.trial.folder)) for trial in run.trials),
        equality=run.equality,
        resumptions=record.resumptions,
        reason=record.reason,
        out_of_time=record.out_of_time,
    )


def _scenario(
    scenario: Scenario, data: Sequence[TrialData], plan: Plan, frame: Frame
) -> ScenarioAnalysis:
    """Summarise and compare the good trials of ``scenario`` among ``data``."""
    trials = [trial_data for trial_data in data if trial_data.trial.scenario == scenario.name]
    servers = list(
        dict.fromkeys([*plan.arms(scenario), *(trial_data.trial.server for trial_data in trials)])
    )
    measured = arms_of(frame, trials, servers)
    arms = sorted(measured, key=lambda arm: arm.is_control)
    by_name = {arm.server: arm for arm in measured}
    subject = subject_of(arms)
    others = [arm for arm in arms if arm.is_contender and arm is not subject]
    bases = ((arm, by_name.get(f"{arm.server}{BASE}")) for arm in arms)
    compared = partial(compare_pairs, frame, scenario.name)
    return ScenarioAnalysis(
        scenario=scenario,
        arms=tuple(arms),
        missing=tuple(
            server
            for server in presentation_order(servers)
            if server not in by_name and not server.endswith(AGAIN)
        ),
        comparisons=tuple(compared((subject, other) for other in others if subject)),
        controls=tuple(controls_of(frame, scenario, measured)),
        beside=tuple(
            comparison
            for comparison in compared((other, others[0]) for other in others[1:])
            if comparison.metric in BESIDE and not comparison.per_1000
        ),
        base=tuple(compared((arm, base) for arm, base in bases if base is not None)),
    )


def _line(record: TrialRecord, data: TrialData | None) -> TrialLine:
    """Return the line of one trial; ``data`` is ``None`` if it failed, or had a fault."""
    reached = data.ledgers.reached if data else None
    return TrialLine(
        folder=record.trial.folder,
        scenario=record.trial.scenario,
        server=record.trial.server,
        round=record.trial.round,
        outcome=record.outcome,
        failure=record.failure,
        attempt=record.attempt,
        answered=record.answered,
        failed=record.failed + record.dropped,
        achieved_rps=_reads_per_s(record),
        median_ms=data.response.percentile(0.5).value_ms if data else None,
        api_requests=None if reached is None else reached.total(),
        generator_cpu_share=record.generator_cpu_share,
        schedule_lag_p99_ms=record.schedule_lag_p99_ms,
        ready_s=record.ready_s,
        equal_to_list=record.equal_to_list,
        replicas=record.replicas,
        answers=record.answers,
        machine=record.machine,
        load_workers=record.load_workers,
        ledgers=_ledgers(data) if data else None,
    )


def _reads_per_s(record: TrialRecord) -> float | None:
    """Return the rate of reads by today's definition, for older records too."""
    if record.achieved_rps is None:
        return None
    return record.answered / record.window_s if record.window_s > 0 else 0.0


def _ledgers(data: TrialData) -> LedgerTotals:
    ledgers = data.ledgers
    client, audit_user, audit_all, metric = (
        None if count is None else count.total()
        for count in (ledgers.client, ledgers.audit_user, ledgers.audit_all, ledgers.metric)
    )
    replicas, reads = ledgers.replicas, ledgers.for_reads
    return LedgerTotals(
        client=client,
        audit_user=audit_user,
        audit_all=audit_all,
        metric=metric,
        agree=ledgers.agree,
        disagreements=ledgers.disagreements,
        missing=ledgers.missing,
        pod_reads=None if reads is None else for_pods(reads, "list", "get"),
        replicas_told_apart=None if replicas is None else replicas.told_apart,
        other_agents={} if replicas is None else dict(replicas.others),
    )
