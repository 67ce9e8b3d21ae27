"""Made-up runs whose true figures are known, written through the real store."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from bench.model import (
    AGAIN,
    BASE,
    NO_SERVER,
    PROBE_NAME,
    SCHEMA,
    Answer,
    Base,
    EqualityRecord,
    Outcome,
    RunRecord,
    RunState,
    Scenario,
    Trial,
    TrialRecord,
)
from bench.probes.observers.bystander import BystanderRow
from bench.probes.staleness import FreshnessRow
from bench.store import RunReader, RunWriter, Store
from tests.unit.store.builders import a_plan, a_run

EPOCH_S = 1_790_000_000.0


@dataclass(frozen=True)
class Arm:
    """A made-up server: requests per read, latency, and its cost in ms/s of CPU."""

    upstream_per_read: float
    latency_ms: float
    apiserver_cpu_ms_per_s: float
    bytes_per_read: float = 0.0
    memory_mb: int = 40
    stale_ms: float | None = None
    """How long after a write answers are still older; ``None``: they never are."""
    bystander_ms: float = 1.5
    added_ms: float = 0.0
    """On top of ``latency_ms``, the same for every read."""


ARMS = {
    "direct": Arm(1.0, 40.0, 300.0, bytes_per_read=400_000, bystander_ms=6.0),
    "direct-rv0": Arm(1.0, 30.0, 250.0, bytes_per_read=400_000, stale_ms=3.0, bystander_ms=5.0),
    "informer": Arm(0.0, 2.0, 5.0, bytes_per_read=2_000, memory_mb=60, stale_ms=12.0),
    NO_SERVER: Arm(0.0, 0.0, 0.0),
}
FLOOR_CPU_MS_PER_S = 50.0
PROBE_WRITES_PER_S, BYSTANDER_PER_S = 2.5, 20.0
READ_EVERY_MS = 5.0
FLOW = "apiserver_flowcontrol_"
TABLES = ("requests", "audit", "scrapes", "samples", "freshness", "bystander")
SCENARIO = Scenario(name="list", route="list", users=8, pods=100, rate_rps=50.0, churn_per_s=2.0)


@dataclass
class Made:
    """A run being made up."""

    writer: RunWriter
    record: RunRecord
    order: int = 0
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))


def write_run(
    store: Store,
    *,
    servers: Iterable[str] = ("direct", "direct-rv0", "informer", NO_SERVER),
    rounds: int = 3,
    scenarios: tuple[Scenario, ...] = (SCENARIO,),
    equality: bool | None = True,
    state: RunState = RunState.COMPLETE,
    skip: Iterable[tuple[str, int]] = (),
    control: str | None = None,
    **of_trial: Any,
) -> RunReader:
    """Write a whole run; ``skip`` names (server, round) that were not made."""
    servers = tuple(servers)
    plan = a_plan(servers=servers, rounds=rounds, scenarios=scenarios, control=control)
    if any(server.endswith(BASE) for server in servers):
        plan = replace(plan, base=Base("../base", commit="89abcde"))
    planned = sum(len(plan.arms(scenario)) for scenario in scenarios) * rounds
    record = a_run(plan=plan, state=state, trials_planned=planned)
    made = Made(store.create(record), record)
    if equality is not None:
        paths = ("/pods", "/pods/a-b", "/pods?labelSelector=app%3Dweb")
        unlike = ("result[3].status.phase: direct 'Running', informer '<b>Pending</b>'",)
        alike = [equality, True, True]
        answers = tuple(
            Answer(path, same, attempts=1 if equality else 2, differences=() if same else unlike)
            for path, same in zip(paths, alike, strict=True)
        )
        made.writer.write_equality(EqualityRecord(SCHEMA, servers, "1234", answers))
    for scenario in scenarios:
        for round_ in range(rounds):
            for server in plan.arms(scenario):
                if (server, round_) not in skip:
                    write_trial(made, server, round_, scenario, **of_trial)
    return store.open(record.run)


def write_trial(
    made: Made,
    server: str,
    round_: int = 0,
    scenario: Scenario = SCENARIO,
    *,
    seconds: float = 8.0,
    upstream: Mapping[str, float] | None = None,
    unanswered: Mapping[str, Mapping[str, int]] | None = None,
    again: float = 1.0,
    stale: Mapping[str, int] | None = None,
    arms: Mapping[str, Arm] = MappingProxyType({}),
    tables: Iterable[str] = TABLES,
    agents: Sequence[str] = ("informer-bench-server/1",),
    late_ms: float = 0.1,
    **changes: Any,
) -> TrialRecord:
    """Write one trial.

    ``upstream`` overrides requests a read by server (what the *audit log and metric* see,
    the client's own count stays); ``unanswered`` gives counts by outcome and server;
    ``again`` is by how much slower a control is than its server; ``stale`` gives, by
    server, how many of the probe's writes are never seen; ``arms`` are further servers, or
    known ones that do otherwise; the server's requests come with ``agents`` in turn; every
    tenth of the load's is sent ``late_ms`` after its time;
    ``changes`` are fields of the trial's record.
    """
    known = ARMS | arms
    other = Arm(0.5, 10.0, 80.0, bytes_per_read=50_000)
    kind = server.removesuffix(AGAIN).removesuffix(BASE)
    arm = known.get(server) or known.get(kind, other)
    if server.endswith(AGAIN):
        arm = replace(arm, latency_ms=arm.latency_ms * again)
    has_server = server != NO_SERVER
    rate = scenario.rate_rps or (1000.0 / arm.latency_ms * scenario.users if has_server else 0.0)
    count = int(rate * seconds) if has_server else 0
    begin = EPOCH_S + made.order * 20
    marks_s = seconds + 0.5
    requests = _requests(made, arm, count, seconds, (unanswered or {}).get(server, {}), late_ms)
    shared = {"direct-rv0": "direct"}
    identity = shared.get(kind, kind) if has_server else None
    truly = round(count * arm.upstream_per_read)
    seen = round(count * (upstream or {}).get(server, arm.upstream_per_read))
    churned = round(scenario.churn_per_s * seconds)
    freshness = _freshness(arm, seconds, (stale or {}).get(server, 0), has_server=has_server)
    bystander = _bystander(made, arm, seconds)
    probed = sum(freshness["reads"]) if arm.upstream_per_read else 0
    log: Log = Counter()
    log[identity, "list", "pods", "", "", ""] = seen
    log[identity, "get", "pods", "", "informer-bench", PROBE_NAME] = probed
    log["churn", "patch", "pods", "status", "", ""] = churned
    log["probe", "patch", "pods", "", "informer-bench", PROBE_NAME] = len(freshness["reads"])
    log["bystander", "get", "configmaps", "", "informer-bench", "bystander"] = len(
        bystander["outcome"]
    )
    cpu = (FLOOR_CPU_MS_PER_S + arm.apiserver_cpu_ms_per_s) / 1000 * marks_s
    cpu *= float(made.random.normal(1, 0.02))
    client = {"list": truly, "get": probed} if has_server else {}
    content = {
        "requests": requests,
        "audit": _audit(log, begin, marks_s, identity, agents),
        "scrapes": _scrapes(log, client, churned, count * arm.bytes_per_read),
        "samples": _samples(arm, seconds),
    }
    observed = {"freshness": (FreshnessRow, freshness), "bystander": (BystanderRow, bystander)}
    outcomes = list(requests["outcome"])
    record = TrialRecord(
        schema=SCHEMA,
        trial=Trial(made.order, scenario.name, server, round_),
        outcome=Outcome.OK,
        window_begin_epoch_s=begin,
        window_end_epoch_s=begin + seconds,
        window_s=seconds,
        marks_s=marks_s,
        request_timeout_s=10.0,
        requested_rps=scenario.rate_rps if has_server else None,
        achieved_rps=outcomes.count("ok") / seconds if has_server else None,
        sent=len(outcomes) - outcomes.count("dropped"),
        answered=outcomes.count("ok"),
        failed=outcomes.count("failed") + outcomes.count("timeout"),
        dropped=outcomes.count("dropped"),
        schedule_lag_p99_ms=1.1,
        generator_cpu_share=0.2,
        churn_requested_per_s=scenario.churn_per_s,
        churn_achieved_per_s=scenario.churn_per_s,
        pods_at_start=scenario.pods,
        identity=identity,
        ready_s=0.6 if has_server else None,
        server_cpu_s=count * arm.latency_ms / 4000 if has_server else None,
        server_pss_ready_bytes=arm.memory_mb * 900_000 if has_server else None,
        server_pss_end_bytes=arm.memory_mb * 1_000_000 if has_server else None,
        server_pss_peak_bytes=arm.memory_mb * 1_100_000 if has_server else None,
        apiserver_cpu_s=cpu,
        etcd_cpu_s=0.02 * marks_s,
        equal_to_list=True if has_server else None,
        ready_requests=2 if has_server else None,
        ready_bytes=450_000 if has_server else None,
        upstream_bytes=round(count * arm.bytes_per_read) if has_server else None,
    )
    record = replace(record, **changes)
    made.writer.write_trial(
        record,
        **{key: rows for key, rows in content.items() if key in tables},
        observed={key: rows for key, rows in observed.items() if key in tables},
    )
    made.order += 1
    return record


def _requests(
    made: Made, arm: Arm, count: int, seconds: float, unanswered: Mapping[str, int], late_ms: float
) -> dict[str, list[Any]]:
    outcomes = [name for name, number in unanswered.items() for _ in range(number)]
    outcomes += ["ok"] * (count - len(outcomes))
    index = np.arange(count)
    intended = (index * seconds * 1e6 / max(count, 1)).astype(int)
    noise = made.random.lognormal(0.0, 0.3, count)
    took = ((arm.latency_ms * noise + arm.added_ms) * 1000).astype(int)
    sent = intended + np.where(index % 10, 100, round(late_ms * 1000))

    def unless_dropped(moments: "np.ndarray[Any, Any]") -> list[int | None]:
        return [
            None if outcome == "dropped" else moment
            for outcome, moment in zip(outcomes, moments.tolist(), strict=True)
        ]

    return {
        "intended_us": intended.tolist(),
        "sent_us": unless_dropped(sent),
        "done_us": unless_dropped(sent + took),
        "status": [{"ok": 200, "failed": 503}.get(outcome, 0) for outcome in outcomes],
        "bytes": [400_000 if outcome == "ok" else 0 for outcome in outcomes],
        "route": ["/pods"] * count,
        "outcome": outcomes,
    }


Log = Counter[tuple[str | None, str, str, str, str, str]]
"""Requests by identity, verb, resource, subresource, namespace and name."""


def _freshness(arm: Arm, seconds: float, stale: int, *, has_server: bool) -> dict[str, list[Any]]:
    writes = int(PROBE_WRITES_PER_S * seconds)
    acked = [round((index + 0.5) * seconds * 1e6 / writes) for index in range(writes)]
    columns: dict[str, list[Any]] = {
        "acked_us": acked,
        "resource_version": [1_000 + index for index in range(writes)],
        "first_sent_us": [None] * writes,
        "first_stale": [None] * writes,
        "stale_sent_us": [None] * writes,
        "fresh_done_us": [None] * writes,
        "reads": [0] * writes,
        "event_us": [None] * writes,
    }
    if not has_server:
        return columns
    for index, moment in enumerate(acked):
        never = index < stale
        stale_reads = int((arm.stale_ms or 0.0) // READ_EVERY_MS) + (1 if arm.stale_ms else 0)
        stale_reads = 400 if never else stale_reads
        step = round(READ_EVERY_MS * 1000)
        columns["first_sent_us"][index] = moment + 100
        columns["first_stale"][index] = stale_reads > 0
        if stale_reads:
            columns["stale_sent_us"][index] = moment + 100 + (stale_reads - 1) * step
        if not never:
            columns["fresh_done_us"][index] = moment + 600 + stale_reads * step
        columns["reads"][index] = stale_reads + (0 if never else 1)
        if not arm.upstream_per_read:
            columns["event_us"][index] = moment + round((arm.stale_ms or 0.0) * 1000)
    return columns


def _bystander(made: Made, arm: Arm, seconds: float) -> dict[str, list[Any]]:
    count = int(BYSTANDER_PER_S * seconds)
    intended = [round(index * 1e6 / BYSTANDER_PER_S) for index in range(count)]
    noise = made.random.lognormal(0.0, 0.2, count)
    took = [round(arm.bystander_ms * 1000 * float(factor)) for factor in noise]
    return {
        "intended_us": intended,
        "sent_us": [moment + 50 for moment in intended],
        "done_us": [moment + 50 + wait for moment, wait in zip(intended, took, strict=True)],
        "status": [200] * count,
        "outcome": ["ok"] * count,
    }


def _audit(
    log: Log, begin: float, marks_s: float, identity: str | None, agents: Sequence[str]
) -> dict[str, list[Any]]:
    rows = [key for key, number in log.items() for _ in range(number)]
    at = [
        int((begin + marks_s * (index + 0.5) / max(len(rows), 1)) * 1e6)
        for index in range(len(rows))
    ]
    return {
        "audit_id": [f"{begin:.0f}-{index}" for index in range(len(rows))],
        "user": [f"system:serviceaccount:informer-bench:{row[0]}" for row in rows],
        "verb": [row[1] for row in rows],
        "resource": [row[2] for row in rows],
        "subresource": [row[3] for row in rows],
        "namespace": [row[4] for row in rows],
        "name": [row[5] for row in rows],
        "code": [200] * len(rows),
        "uri": ["/api/v1/pods"] * len(rows),
        "stage": ["ResponseComplete"] * len(rows),
        "received_us": at,
        "at_us": [moment + 500 for moment in at],
        "user_agent": [
            agents[index % len(agents)] if row[0] == identity else "another/1.0"
            for index, row in enumerate(rows)
        ],
    }


def _scrapes(
    log: Log, client: Mapping[str, int], churned: int, sent_bytes: float
) -> dict[str, list[Any]]:
    seen = sum(number for key, number in log.items() if key[1] == "list")
    counted: Counter[tuple[str, str, str]] = Counter()
    for (_, verb, resource, subresource, _, _), number in log.items():
        counted[verb, resource, subresource] += number
    api: list[tuple[str, str, float]] = [
        *(
            ("apiserver_request_total", _labels(verb.upper(), resource, subresource), number)
            for (verb, resource, subresource), number in counted.items()
        ),
        ("apiserver_longrunning_requests", 'resource="pods",verb="WATCH"', 0),
        ("apiserver_response_sizes_sum", 'resource="pods",verb="LIST"', sent_bytes),
        ("apiserver_watch_events_sizes_sum", 'resource="pods"', 4_000 * churned),
        ("go_memstats_alloc_bytes_total", "", 3 * sent_bytes + 1e6),
        ("etcd_requests_total", 'operation="list",resource="pods"', seen),
        *_lists(seen),
        (f"{FLOW}dispatched_requests_total", 'flow_schema="service-accounts"', seen + churned),
        (f"{FLOW}request_wait_duration_seconds_sum", 'execute="true"', 0.002 * seen),
        (f"{FLOW}work_estimated_seats_sum", "", 3 * seen + churned),
    ]
    etcd: list[tuple[str, str, float]] = [
        ("process_cpu_seconds_total", "", 0.2),
        ("etcd_mvcc_range_total", "", seen + 2 * churned),
        ("etcd_network_client_grpc_sent_bytes_total", "", 50 * seen + 4_000 * churned),
    ]
    server: list[tuple[str, str, float]] = [
        ("informer_bench_upstream_requests_total", _labels(verb, "pods", ""), number)
        for verb, number in client.items()
    ]
    sources = {"apiserver": api, "etcd": etcd, "server": server}
    rows = [(source, *row) for source, series in sources.items() for row in series]
    begin = [("begin", source, name, labels, 100.0) for source, name, labels, _ in rows]
    end = [("end", source, name, labels, 100.0 + grown) for source, name, labels, grown in rows]
    names = ("mark", "source", "name", "labels", "value")
    return {name: [row[index] for row in begin + end] for index, name in enumerate(names)}


def _labels(verb: str, resource: str, subresource: str) -> str:
    return f'code="200",resource="{resource}",subresource="{subresource}",verb="{verb}"'


def _lists(seen: int) -> list[tuple[str, str, float]]:
    """All but two lists come from the watch cache, of 100 objects each."""
    from_etcd = min(seen, 2)
    return [
        (name, f'index="",resource="pods",storage="{storage}"', grown)
        for storage, lists in (("watchcache", seen - from_etcd), ("etcd", from_etcd))
        for name, grown in (
            ("apiserver_storage_list_total", lists),
            ("apiserver_storage_list_fetched_objects_total", 100 * lists),
        )
    ]


def _samples(arm: Arm, seconds: float) -> dict[str, list[Any]]:
    at = [int(index * 1e6) for index in range(int(seconds) + 1)]
    return {
        "at_us": at,
        "process": ["server"] * len(at),
        "cpu_s": [moment / 1e6 * 0.1 for moment in at],
        "rss_bytes": [arm.memory_mb * 1_200_000] * len(at),
        "pss_bytes": [arm.memory_mb * 1_000_000] * len(at),
    }
