"""Make summaries of given values, to hit the gate's boundaries exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.analysis.result import SUMMARY_SCHEMA, Arm, Figure, RunAnalysis, ScenarioAnalysis
from bench.metrics import BY_KEY
from bench.model import BASE, Base, RunState, Scenario
from tests.unit.store.builders import ENVIRONMENT, a_plan

SCENARIO = Scenario(name="steady", route="list-all", users=8, pods=100, rate_rps=50.0)
READS_A_ROUND = 1000
PER_1000 = ("api_requests", "server_cpu")

Values = Mapping[str, Mapping[str, Sequence[float]]]


def a_summary(values: Values, *, scenario: Scenario = SCENARIO, **changes: Any) -> RunAnalysis:
    """Make a run of ``values``: arm -> metric -> one value a round.

    The metrics of ``PER_1000`` are taken per 1,000 reads, of ``READS_A_ROUND`` reads a round.
    """
    arms = tuple(_arm(server, metrics) for server, metrics in values.items())
    rounds = max((len(arm.rounds) for arm in arms), default=0)
    summary = RunAnalysis(
        summary_schema=SUMMARY_SCHEMA,
        run="a-run",
        state=RunState.COMPLETE,
        started_at="2026-11-23T09:15:00Z",
        ended_at="2026-11-23T09:25:00Z",
        plan=a_plan(servers=tuple(values), rounds=max(rounds, 1), scenarios=(scenario,)),
        environment=ENVIRONMENT,
        trials_planned=len(arms) * rounds,
        trials_made=len(arms) * rounds,
        void=(),
        caveats=(),
        scenarios=(ScenarioAnalysis(scenario, arms, (), ()),),
    )
    return replace(summary, **changes)


def with_base(run: RunAnalysis, base: RunAnalysis) -> RunAnalysis:
    """Put the arms of ``base`` beside those of ``run``, as another checkout's."""
    ((scenario,), (other,)) = run.scenarios, base.scenarios
    added = tuple(replace(arm, server=f"{arm.server}{BASE}") for arm in other.arms)
    servers = (*run.plan.servers, *(arm.server for arm in added))
    return replace(
        run,
        plan=replace(run.plan, servers=servers, base=Base("../base", commit="abcdef")),
        scenarios=(replace(scenario, arms=(*scenario.arms, *added)),),
    )


def _arm(server: str, metrics: Mapping[str, Sequence[float]]) -> Arm:
    rounds = max(len(values) for values in metrics.values())
    return Arm(
        server=server,
        rounds=tuple(range(1, rounds + 1)),
        reads=rounds * READS_A_ROUND,
        api_requests=None,
        api_requests_by_verb={},
        figures=tuple(_figure(key, values) for key, values in metrics.items()),
        latency=(),
    )


def _figure(key: str, values: Sequence[float]) -> Figure:
    metric, counted = BY_KEY[key], key == "api_requests"
    reads = len(values) * READS_A_ROUND / 1000
    return Figure(
        metric=key,
        title=metric.title,
        unit=metric.unit,
        source=metric.source,
        per_1000=key in PER_1000,
        higher_is_better=metric.higher_is_better,
        may_be_zero=metric.may_be_zero,
        rounds=dict(enumerate(values, 1)),
        value=sum(values) / len(values) if values else None,
        missing=None if values else "not measured",
        events=round(sum(values) * READS_A_ROUND / 1000) if counted else None,
        exposure=reads if counted else None,
    )
