"""Records and tables of a plausible run; a test changes the part that it is about."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.model import (
    SCHEMA,
    Environment,
    Outcome,
    Plan,
    RunRecord,
    RunState,
    Scenario,
    Trial,
    TrialRecord,
)

ENVIRONMENT = Environment(
    kubernetes="v1.37.2",
    etcd="3.7.0",
    python="3.11.9",
    packages={"locust": "2.47.0"},
    kernel="Linux 6.1",
    machine="x86_64",
    processor="a processor",
    processors=2,
    memory_bytes=8_000_000_000,
    load_average_1m=0.25,
    commit="0123456",
    binaries="built from pinned modules",
    changed_defaults=("etcd runs without fsync",),
)


def a_plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "name": "tiny",
        "description": "one scenario",
        "seed": 7,
        "servers": ("direct", "informer"),
        "rounds": 2,
        "warmup_s": 1.0,
        "duration_s": 4.0,
        "scenarios": (Scenario(name="list", route="list", users=8, pods=100, rate_rps=10.0),),
    }
    return Plan(**(values | changes))


def a_run(**changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "run": "20261123-091500-tiny",
        "state": RunState.RUNNING,
        "started_at": "2026-11-23T09:15:00Z",
        "plan": a_plan(),
        "environment": ENVIRONMENT,
        "trials_planned": 4,
    }
    return RunRecord(**(values | changes))


def a_trial(order: int = 0, server: str = "direct", round: int = 0, **changes: Any) -> TrialRecord:  # noqa: A002 - the model's own word
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "trial": Trial(order=order, scenario="list", server=server, round=round),
        "outcome": Outcome.OK,
        "window_begin_epoch_s": 1_000.0,
        "window_end_epoch_s": 1_004.0,
        "window_s": 4.0,
        "marks_s": 5.0,
    }
    return TrialRecord(**(values | changes))


def some_requests(latencies_us: Sequence[int] = (1_000, 2_000)) -> Mapping[str, Sequence[Any]]:
    rows = len(latencies_us)
    sent = [index * 10_000 for index in range(rows)]
    return {
        "intended_us": sent,
        "sent_us": sent,
        "done_us": [start + latency for start, latency in zip(sent, latencies_us, strict=True)],
        "status": [200] * rows,
        "bytes": [500] * rows,
        "route": ["/pods"] * rows,
        "outcome": ["ok"] * rows,
    }
