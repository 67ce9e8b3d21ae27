"""``python -m bench.microbench.analysis``: time of analysing a run of 100 trials.

The run is synthetic, with as many rows as the trials of the default plan have, and
written through the store; only ``analyse`` is timed, from files to figures. The time
is absolute, unlike the others here, since a person waits for it.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Any

from bench.analysis import analyse
from bench.analysis.ledgers import CLIENT_METRIC, OPEN_WATCHES, SERVER_METRIC
from bench.metrics import METRICS
from bench.microbench.side_by_side import options
from bench.model import (
    NO_SERVER,
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
from bench.probes.observers.bystander import BystanderRow
from bench.probes.staleness import FreshnessRow
from bench.store import ObserverRows, RunReader, Store

TARGET_S, TRIALS = 15.0, 100
ARMS = ("direct", "direct-rv0", "informer", NO_SERVER)
SECONDS = 15.0
EPOCH_S = 1_790_000_000.0
READS = 12_000
"""Requests of a trial: about the informer's answers in 15 s at full speed."""
LOGGED = 1_200
"""Audit rows of a trial: of direct, churn, probe and bystander."""
IDLE_SERIES = 4_000
"""Series of a scrape that no figure uses; the number of 1.37, without buckets."""
BYSTANDER_ROWS, PROBE_ROWS = 300, 30


def main() -> int:
    """Write a synthetic run, analyse it, and print the time; return 1 if beyond the target."""
    arguments = options("analysis", "How long a run takes to analyse.", trials=(TRIALS, "of it"))
    with tempfile.TemporaryDirectory(prefix="informer-bench-") as folder:
        reader = _make(Store(folder), arguments.trials)
        began, spent = time.perf_counter(), time.process_time()
        analysis = analyse(reader)
        took_s, spent_s = time.perf_counter() - began, time.process_time() - spent
    compared = sum(len(scenario.comparisons) for scenario in analysis.scenarios)
    size = f"{len(analysis.trials)} trials, {compared} comparisons"
    print(f"{size}: {took_s:.1f} s, of which {spent_s:.1f} s of this process's CPU")
    target_s = TARGET_S * arguments.trials / TRIALS
    print(f"target: at most {target_s:g} s: {'reached' if took_s <= target_s else 'MISSED'}")
    return 0 if took_s <= target_s else 1


def _make(store: Store, trials: int) -> RunReader:
    scenario = Scenario("steady", 1_000, "list-all", users=64, rate_rps=READS / SECONDS)
    plan = Plan("made-up", "", 1, ARMS, -(-trials // len(ARMS)), 1.0, SECONDS, (scenario,))
    machine = Environment("", "", "", {}, "", "", "", 2, 0, 0.0, "", "", ())
    record = RunRecord(SCHEMA, "made-up", RunState.COMPLETE, "", plan, machine, trials)
    writer = store.create(record)
    draw = random.Random(1)
    for order in range(trials):
        arm = ARMS[order % len(ARMS)]
        trial = Trial(order, scenario.name, arm, 1 + order // len(ARMS))
        tables = {
            "audit": _audit(arm),
            "scrapes": _scrapes(arm),
        }
        observed: dict[str, ObserverRows] = {
            "freshness": (FreshnessRow, _freshness(draw)),
            "bystander": (BystanderRow, _requests(BYSTANDER_ROWS, draw)),
        }
        if arm != NO_SERVER:
            reads = _requests(READS, draw)
            tables["requests"] = {**reads, "bytes": [1] * READS, "route": ["/pods"] * READS}
        writer.write_trial(_record(trial), **tables, observed=observed)
    return store.open(record.run)


def _record(trial: Trial) -> TrialRecord:
    loaded = trial.server != NO_SERVER
    return TrialRecord(
        schema=SCHEMA,
        trial=trial,
        outcome=Outcome.OK,
        window_begin_epoch_s=EPOCH_S,
        window_end_epoch_s=EPOCH_S + SECONDS,
        window_s=SECONDS,
        marks_s=SECONDS,
        request_timeout_s=30.0,
        identity=trial.server.removesuffix("-rv0") if loaded else None,
        server_cpu_s=1.0 if loaded else None,
        server_pss_ready_bytes=1 if loaded else None,
        pods_at_start=1_000,
        apiserver_cpu_s=2.0 + 0.01 * (trial.order % 7),
        etcd_cpu_s=0.2,
    )


def _requests(rows: int, draw: random.Random) -> dict[str, list[Any]]:
    sent = [round(index * SECONDS * 1e6 / rows) for index in range(rows)]
    done = [moment + round(draw.lognormvariate(8.0, 0.4)) for moment in sent]
    constant: dict[str, list[Any]] = {"status": [200] * rows, "outcome": ["ok"] * rows}
    return {"intended_us": sent, "sent_us": sent, "done_us": done, **constant}


def _freshness(draw: random.Random) -> Mapping[str, list[Any]]:
    acked = [round(index * SECONDS * 1e6 / PROBE_ROWS) for index in range(PROBE_ROWS)]
    return {
        "acked_us": acked,
        "resource_version": list(range(PROBE_ROWS)),
        "first_sent_us": acked,
        "first_stale": [True] * PROBE_ROWS,
        "stale_sent_us": acked,
        "fresh_done_us": [moment + draw.randrange(1_000, 9_000) for moment in acked],
        "reads": [2] * PROBE_ROWS,
        "event_us": acked,
    }


def _audit(arm: str) -> Mapping[str, list[Any]]:
    users = [arm.removesuffix("-rv0"), "churn", "probe", "bystander"]
    began = round(EPOCH_S * 1e6)
    text = {"resource": "pods", "subresource": "", "namespace": "", "name": "", "verb": "list"}
    return {
        **{name: [value] * LOGGED for name, value in text.items()},
        "audit_id": [f"{index:032x}" for index in range(LOGGED)],
        "user": [f"system:serviceaccount:informer-bench:{users[n % 4]}" for n in range(LOGGED)],
        "code": [200] * LOGGED,
        "uri": ["/api/v1/pods"] * LOGGED,
        "stage": ["ResponseComplete"] * LOGGED,
        "received_us": list(range(began, began + LOGGED)),
        "at_us": list(range(began, began + LOGGED)),
    }


def _scrapes(arm: str) -> Mapping[str, list[Any]]:
    series = [*_series(arm), *(("apiserver", f"idle_{n}_total", "", 0) for n in range(IDLE_SERIES))]
    rows = [("begin", *key, 1.0) for *key, _ in series]
    rows += [("end", *key, 1.0 + grown) for *key, grown in series]
    names = ("mark", "source", "name", "labels", "value")
    return dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True))


def _series(arm: str) -> Iterator[tuple[str, str, str, int]]:
    """Yield every counter that a figure uses, and those of the ledgers."""
    labels = 'code="200",resource="pods",subresource="",verb="LIST"'
    yield "apiserver", SERVER_METRIC, labels, LOGGED
    yield "apiserver", OPEN_WATCHES, 'resource="pods",verb="WATCH"', 0
    if arm != NO_SERVER:
        yield "server", CLIENT_METRIC, labels, LOGGED // 4
    for source, name in sorted(
        {
            (counter.scraped, name)
            for metric in METRICS
            if (counter := metric.counter) is not None
            for reading in counter.readings[:1]
            for name in (*reading.names, *([reading.witness] if reading.witness else []))
        }
    ):
        yield source, name, 'resource="pods",storage="watchcache"', 500


if __name__ == "__main__":
    sys.exit(main())
