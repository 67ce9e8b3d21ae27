"""Made-up trials of a sweep whose unit costs are known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.analysis.cost_model import CostRow
from bench.model import NO_SERVER, SCHEMA, Outcome, RunState, Scenario, Trial, TrialRecord
from bench.store import RunReader, RunWriter, Store
from tests.unit.store.builders import a_plan, a_run

CELLS = (
    ("p100-c0-r20", 100, 0.0, 20.0),
    ("p100-c40-r5", 100, 40.0, 5.0),
    ("p400-c20-r10", 400, 20.0, 10.0),
    ("p400-c40-r2", 400, 40.0, 2.0),
    ("p1000-c0-r2", 1000, 0.0, 2.0),
    ("p1000-c40-r6", 1000, 40.0, 6.0),
)
"""Name, pods, writes a second, reads a second: those of ``bench/plans/sweep.toml``."""


@dataclass(frozen=True)
class Truth:
    """True unit costs, and the relative noise of a measured CPU time."""

    read: float = 2.0
    read_pod: float = 0.05
    event: float = 0.4
    write: float = 5.0
    idle: float = 12.0
    noise: float = 0.03
    rv0: float = 0.8
    """A read at resourceVersion 0, as a part of one without."""


def sweep(
    truth: Truth = Truth(),
    *,
    rounds: int = 3,
    cells: Sequence[tuple[str, int, float, float]] = CELLS,
    seed: int = 1,
    arms: Sequence[str] = ("direct", "direct-rv0", "informer"),
    replicas: Sequence[int] = (1,),
) -> list[CostRow]:
    """Return the rows of a sweep; the arms of a block share the floor's own error.

    Each cell is measured with each number of ``replicas``.
    """
    random = np.random.default_rng(seed)
    return [
        replace(row, scenario=f"{row.scenario}-x{several}", replicas=several)
        for several in replicas
        for row in _rows(truth, rounds, cells, random, arms, several)
    ]


def _rows(
    truth: Truth,
    rounds: int,
    cells: Sequence[tuple[str, int, float, float]],
    random: np.random.Generator,
    arms: Sequence[str],
    replicas: int,
) -> Iterator[CostRow]:
    for number in range(1, rounds + 1):
        for name, pods, churn, reads in cells:
            base = truth.idle + truth.write * churn
            floor = base * random.normal(1.0, truth.noise)
            read = truth.read + truth.read_pod * pods
            above = {
                "direct": reads * read,
                "direct-rv0": reads * read * truth.rv0,
                "informer": churn * truth.event * replicas,
            }
            for arm in arms:
                measured = (base + above[arm]) * random.normal(1.0, truth.noise)
                yield CostRow(name, number, arm, pods, reads, churn, measured - floor, floor, reads)


def write_sweep(
    store: Store,
    truth: Truth = Truth(),
    *,
    rounds: int = 3,
    cells: Sequence[tuple[str, int, float, float]] = CELLS,
    arms: Sequence[str] = ("direct", "direct-rv0", "informer", NO_SERVER),
    seconds: float = 5.0,
    replicas: Sequence[int] = (1,),
) -> RunReader:
    """Write a sweep as a run with only the tables that ``rows_of`` needs."""
    scenarios = tuple(
        Scenario(
            name if len(replicas) == 1 else f"{name}-x{several}",
            route="list-all",
            users=64,
            pods=pods,
            rate_rps=reads,
            churn_per_s=churn,
            probe=False,
            replicas=several,
        )
        for several in replicas
        for name, pods, churn, reads in cells
    )
    plan = a_plan(name="sweep", servers=tuple(arms), rounds=rounds, scenarios=scenarios)
    trials = len(scenarios) * rounds * len(arms)
    record = a_run(plan=plan, state=RunState.COMPLETE, trials_planned=trials)
    writer, random = store.create(record), np.random.default_rng(11)
    order = 0
    for number in range(1, rounds + 1):
        for scenario in scenarios:
            for arm in arms:
                trial = Trial(order, scenario.name, arm, number)
                _write(writer, truth, trial, scenario, seconds, random)
                order += 1
    return store.open(record.run)


POD_BYTES, EVENT_BYTES = 5_000, 6_000
SENT = ("apiserver_response_sizes_sum", "apiserver_watch_events_sizes_sum")


def _write(
    writer: RunWriter,
    truth: Truth,
    trial: Trial,
    scenario: Scenario,
    seconds: float,
    random: np.random.Generator,
) -> None:
    rate = scenario.rate_rps or 0.0
    asks = trial.server.startswith("direct")
    read = (truth.read + truth.read_pod * scenario.pods) * (
        truth.rv0 if trial.server == "direct-rv0" else 1.0
    )
    watches = scenario.replicas if trial.server == "informer" else 0
    cpu_ms = truth.idle + truth.write * scenario.churn_per_s
    cpu_ms += rate * read * asks + truth.event * scenario.churn_per_s * watches
    cpu_ms *= float(random.normal(1.0, truth.noise))
    sent = rate * POD_BYTES * scenario.pods * asks + EVENT_BYTES * scenario.churn_per_s * watches
    count = 0 if trial.server == NO_SERVER else round(rate * seconds)
    has_server = trial.server != NO_SERVER
    begin = 1_790_000_000.0 + 20 * trial.order
    writer.write_trial(
        TrialRecord(
            schema=SCHEMA,
            trial=trial,
            outcome=Outcome.OK,
            window_begin_epoch_s=begin,
            window_end_epoch_s=begin + seconds,
            window_s=seconds,
            marks_s=seconds,
            request_timeout_s=10.0,
            requested_rps=rate if has_server else None,
            achieved_rps=rate if has_server else None,
            sent=count,
            answered=count,
            churn_requested_per_s=scenario.churn_per_s,
            churn_achieved_per_s=scenario.churn_per_s,
            pods_at_start=scenario.pods,
            identity=trial.server if has_server else None,
            replicas=scenario.replicas if has_server else 1,
            ready_s=0.5 if has_server else None,
            ready_bytes=POD_BYTES * scenario.pods * watches if watches else None,
            apiserver_cpu_s=cpu_ms * seconds / 1000,
            etcd_cpu_s=0.02 * seconds,
        ),
        requests=_asked(count, seconds),
        scrapes=_counted(sent * seconds, watches),
    )


def _asked(count: int, seconds: float) -> dict[str, list[object]]:
    starts = [int(index * seconds * 1e6 / max(count, 1)) for index in range(count)]
    return {
        "intended_us": list(starts),
        "sent_us": [start + 100 for start in starts],
        "done_us": [start + 20_000 for start in starts],
        "status": [200] * count,
        "bytes": [1000] * count,
        "route": ["/pods"] * count,
        "outcome": ["ok"] * count,
    }


def _counted(sent: float, watches: int) -> dict[str, list[object]]:
    grown = [(name, 'resource="pods"', 0.0, sent / 2) for name in SENT]
    held = float(watches)
    grown.append(("apiserver_longrunning_requests", 'resource="pods",verb="WATCH"', held, held))
    rows = [("begin", name, labels, begin) for name, labels, begin, _ in grown]
    rows += [("end", name, labels, end) for name, labels, _, end in grown]
    mark, name, labels, value = map(list, zip(*rows, strict=True))
    source = ["apiserver"] * len(rows)
    return {"mark": mark, "source": source, "name": name, "labels": labels, "value": value}
