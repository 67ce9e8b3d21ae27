"""What is computed from one trial: each metric by name, with its unit and where it comes from.

A new metric is one entry in ``METRICS``; summaries, comparisons and the report
take it from there. A function returns ``None`` where the trial cannot carry
the metric, never 0 and never NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from bench.analysis.counters import Marks
from bench.analysis.latency import Latencies, from_intended, from_send
from bench.analysis.ledgers import Ledgers, read_ledgers
from bench.model import TrialRecord
from bench.store import RunReader


@dataclass(frozen=True, slots=True)
class Facts:
    """One trial, with what its tables say."""

    record: TrialRecord
    ledgers: Ledgers
    marks: Marks | None
    felt: Latencies
    """From the intended start."""
    service: Latencies
    """From the actual send, answered requests only."""
    routes: pd.Series
    """Answered requests by route."""

    @property
    def reads(self) -> int:
        """Requests that were answered well."""
        return len(self.felt.answered_ms)


@dataclass(frozen=True, slots=True)
class Metric:
    """A quantity of a trial.

    ``above_floor``: what the ``none`` arm shows in the same round is subtracted.
    ``needs_rate``: a cost, like for like only where all arms answer the same rate
    of reads (the open model).
    """

    key: str
    title: str
    unit: str
    source: str
    of: Callable[[Facts], float | None]
    higher_is_better: bool = False
    above_floor: bool = False
    needs_rate: bool = False
    may_be_zero: bool = False
    over_window: bool = False
    """Per second of the window (``window_s``), not of the time between the marks (``marks_s``)."""


def read_facts(reader: RunReader, record: TrialRecord) -> Facts:
    """Read one trial's tables; raises ``StoreError`` when one is damaged."""
    trial = record.trial
    marks = Marks(reader.scrapes(trial)) if reader.has(trial, "scrapes") else None
    audit = reader.audit(trial) if reader.has(trial, "audit") else None
    requests = reader.requests(trial)
    return Facts(
        record=record,
        ledgers=read_ledgers(record, audit, marks),
        marks=marks,
        felt=from_intended(requests, record.request_timeout_s),
        service=from_send(requests),
        routes=requests.loc[requests["outcome"] == "ok", "route"].value_counts(),
    )


def per_1000_reads(metric: Metric, facts: Facts, per_second: float) -> float | None:
    """Turn ``metric`` per second into one per 1,000 answered reads; ``None`` without reads."""
    seconds = facts.record.window_s if metric.over_window else facts.record.marks_s
    return per_second * seconds / facts.reads * 1000 if facts.reads else None


def _per_second(facts: Facts, amount: float | None) -> float | None:
    if amount is None or facts.record.marks_s <= 0:
        return None
    return amount / facts.record.marks_s


def _requests(facts: Facts) -> float | None:
    reached = facts.ledgers.reached
    if reached is None or facts.record.window_s <= 0:
        return None
    return reached.total() / facts.record.window_s


def _throughput(facts: Facts) -> float | None:
    if facts.record.window_s <= 0 or not facts.felt.samples:
        return None
    return facts.reads / facts.record.window_s


def _grew(facts: Facts, source: str, names: tuple[str, ...]) -> float | None:
    """Return by how much the metrics grew; ``None`` when one is missing or was reset."""
    total = 0.0
    for name in names:
        difference = facts.marks.difference(source, name) if facts.marks else None
        if difference is None or difference.reset:
            return None
        total += difference.total
    return total


def _grew_per_s(facts: Facts, source: str, names: tuple[str, ...]) -> float | None:
    return _per_second(facts, _grew(facts, source, names))


def _cpu(facts: Facts, process: str) -> float | None:
    record = facts.record
    seconds = record.apiserver_cpu_s if process == "apiserver" else record.etcd_cpu_s
    if seconds is None:
        seconds = _grew(facts, process, ("process_cpu_seconds_total",))
    share = _per_second(facts, seconds)
    return None if share is None else share * 1000


def _server_cpu(facts: Facts) -> float | None:
    share = _per_second(facts, facts.record.server_cpu_s)
    return None if share is None else share * 1000


def _percentile(facts: Facts, q: float, *, service: bool = False) -> float | None:
    found = (facts.service if service else facts.felt).percentile(q)
    return None if found.at_least else found.value_ms


def _of_record(facts: Facts, field: str) -> float | None:
    value = getattr(facts.record, field)
    return None if value is None else float(value)


_BOTH = "; the same of the arm none subtracted, round by round"

REQUESTS = Metric(
    key="api_requests",
    title="Requests that reached the API server",
    unit="/s",
    source="audit.parquet: rows whose user is the server's identity, over trial.json window_s",
    of=_requests,
    may_be_zero=True,
    over_window=True,
)
THROUGHPUT = Metric(
    key="throughput",
    title="Reads answered",
    unit="/s",
    source="requests.parquet: rows with outcome ok, over trial.json window_s",
    of=_throughput,
    higher_is_better=True,
)
PERCENTILES = (0.5, 0.9, 0.99)


def _latency_metric(q: float) -> Metric:
    return Metric(
        key=f"p{q * 100:.0f}",
        title=f"Latency p{q * 100:.0f}, from the intended start",
        unit="ms",
        source="requests.parquet: done_us - intended_us, unanswered rows at least the time-out",
        of=partial(_percentile, q=q),
    )


def _service_metric(q: float) -> Metric:
    return Metric(
        key=f"service_p{q * 100:.0f}",
        title=f"Latency p{q * 100:.0f}, from the actual send",
        unit="ms",
        source="requests.parquet: done_us - sent_us, rows with outcome ok",
        of=partial(_percentile, q=q, service=True),
    )


LATENCY = tuple(_latency_metric(q) for q in PERCENTILES)
SERVICE = tuple(_service_metric(q) for q in PERCENTILES)

COSTS = (
    Metric(
        key="server_cpu",
        title="Server CPU",
        unit="ms/s",
        source="trial.json server_cpu_s, over marks_s",
        of=_server_cpu,
        needs_rate=True,
    ),
    Metric(
        key="apiserver_cpu",
        title="API-server CPU",
        unit="ms/s",
        source="trial.json apiserver_cpu_s over marks_s" + _BOTH,
        of=partial(_cpu, process="apiserver"),
        above_floor=True,
        needs_rate=True,
        may_be_zero=True,
    ),
    Metric(
        key="etcd_cpu",
        title="etcd CPU",
        unit="ms/s",
        source="trial.json etcd_cpu_s over marks_s" + _BOTH,
        of=partial(_cpu, process="etcd"),
        above_floor=True,
        needs_rate=True,
        may_be_zero=True,
    ),
    Metric(
        key="api_bytes",
        title="Bytes the API server sent",
        unit="B/s",
        source="scrapes.parquet: apiserver_response_sizes_sum (GET and LIST) + "
        "apiserver_watch_events_sizes_sum, end - begin, over marks_s" + _BOTH,
        of=partial(
            _grew_per_s,
            source="apiserver",
            names=("apiserver_response_sizes_sum", "apiserver_watch_events_sizes_sum"),
        ),
        above_floor=True,
        needs_rate=True,
        may_be_zero=True,
    ),
    Metric(
        key="api_allocations",
        title="Memory the API server allocated",
        unit="B/s",
        source="scrapes.parquet: go_memstats_alloc_bytes_total, end - begin, over marks_s" + _BOTH,
        of=partial(_grew_per_s, source="apiserver", names=("go_memstats_alloc_bytes_total",)),
        above_floor=True,
        needs_rate=True,
        may_be_zero=True,
    ),
    Metric(
        key="etcd_requests",
        title="Requests to etcd",
        unit="/s",
        source="scrapes.parquet: etcd_requests_total, end - begin, over marks_s" + _BOTH,
        of=partial(_grew_per_s, source="apiserver", names=("etcd_requests_total",)),
        above_floor=True,
        needs_rate=True,
        may_be_zero=True,
    ),
)
STATE = (
    Metric(
        key="memory_end",
        title="Server memory at the end (PSS)",
        unit="B",
        source="trial.json server_pss_end_bytes",
        of=partial(_of_record, field="server_pss_end_bytes"),
    ),
    Metric(
        key="memory_peak",
        title="Server memory, peak (PSS)",
        unit="B",
        source="trial.json server_pss_peak_bytes",
        of=partial(_of_record, field="server_pss_peak_bytes"),
    ),
    Metric(
        key="ready",
        title="Start to ready",
        unit="s",
        source="trial.json ready_s",
        of=partial(_of_record, field="ready_s"),
    ),
)
METRICS = (REQUESTS, THROUGHPUT, *LATENCY, *SERVICE, *COSTS, *STATE)
