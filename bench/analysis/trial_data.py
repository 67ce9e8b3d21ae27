"""The data of one trial's tables, and the value of each metric for it.

A value is ``None`` if the trial cannot carry the metric, never 0 and never NaN.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.analysis.counters import Marks
from bench.analysis.faults import WRITES, FaultTrial, fault_trial
from bench.analysis.latency import (
    FRESHNESS,
    Floats,
    FreshnessCounts,
    Latencies,
    Percentile,
    freshness_counts,
    pool,
    send_lags,
    times_of,
)
from bench.analysis.ledgers import OPEN_WATCHES, Ledgers, identity_of, read_ledgers
from bench.analysis.request_bill import BILL_COLUMNS, Kind, Recovery, kinds_of, recovery_of
from bench.analysis.requests import AUDIT_COLUMNS
from bench.metrics import BY_KEY, METRICS, Metric, Tally, Times
from bench.metrics.metric import Counted, Growth, Quantile, Recorded, Source, Total
from bench.model import NO_SERVER, EqualityRecord, Outcome, Plan, RunRecord, Trial, TrialRecord
from bench.store import RunReader

QUIET_S = 3.0
"""Time without a request after which an arm is quiet, if its plan sets none."""
TIMES = tuple(
    dict.fromkeys(metric.of.times for metric in METRICS if isinstance(metric.of, Quantile))
)
"""The distributions that metrics are percentiles of."""
OTHERWISE = {
    "freshness": {*FRESHNESS, *WRITES},
    "requests": {"intended_us", "sent_us", "done_us", "outcome"},
}
"""Columns of a table that figures other than its distributions need."""


@dataclass(frozen=True, slots=True)
class TrialData:
    """The data of one trial's tables. ``None``: the table was not recorded."""

    record: TrialRecord
    ledgers: Ledgers
    marks: Marks | None
    times: Mapping[Times, Latencies]
    """The distributions that were recorded; those of the load always are."""
    late_ms: Floats
    """Time from each request's intended start to its send, ascending."""
    freshness: FreshnessCounts | None = None
    """Of the server under test; ``None`` also if there is none."""
    fault: FaultTrial | None = None
    """Effects of its fault; ``None``: no fault was injected."""
    kinds: Mapping[Kind, int] = field(default_factory=dict)
    """Requests of its account, by kind."""
    recovery: Recovery | None = None
    """Requests of its account after the fault; ``None``: no fault was injected, or no server."""

    @property
    def trial(self) -> Trial:
        """Scenario, arm and round."""
        return self.record.trial

    @property
    def response(self) -> Latencies:
        """Times of the load from the intended start."""
        return self.times[Times.RESPONSE]

    @property
    def reads(self) -> int:
        """Requests of the load that were answered well."""
        return len(self.response.answered_ms)

    @property
    def restarted(self) -> bool:
        """Whether the API server restarted between the marks, which makes its counters useless."""
        return self.marks is not None and (
            self.marks.restarted("apiserver") or self.ledgers.metric_reset
        )

    def percentile(self, quantile: Quantile) -> Percentile | None:
        """Return one percentile; ``None`` without samples."""
        latencies = self.times.get(quantile.times)
        return latencies.percentile(quantile.q) if latencies and latencies.samples else None


def read_trial(reader: RunReader, record: TrialRecord) -> TrialData:
    """Read one trial's tables; raises ``StoreError`` when one is damaged."""
    trial = record.trial
    marks = Marks(reader.scrapes(trial)) if reader.has(trial, "scrapes") else None
    columns = {*AUDIT_COLUMNS, *BILL_COLUMNS}
    audit = reader.audit(trial, columns) if reader.has(trial, "audit") else None
    start = reader.start(trial, BILL_COLUMNS) if reader.has(trial, "start") else None
    identity, kinds, recovery = identity_of(record), Counter[Kind](), None
    if audit is not None and identity is not None:
        kinds = kinds_of(identity, record, audit, start)
        if record.fault is not None:
            client = reader.record.plan.client_of(trial.server)
            quiet_s = client.quiet_s if client is not None else QUIET_S
            recovery = recovery_of(record, record.fault, audit, identity, quiet_s)
    observed = {
        name: reader.observed(trial, name, _needed(name)) for name in reader.observers(trial)
    }
    requests = reader.requests(trial, _needed("requests"))
    tables = {**observed, "requests": requests}
    times = {
        distribution: times_of(
            tables[distribution.table],
            distribution,
            record.request_timeout_s if distribution.table == "requests" else None,
            record.window_s,
        )
        for distribution in TIMES
        if distribution.table in tables
    }
    freshness = observed.get("freshness")
    return TrialData(
        record=record,
        ledgers=read_ledgers(record, audit, marks, observed),
        marks=marks,
        times={
            distribution: latencies
            for distribution, latencies in times.items()
            if latencies.samples or distribution.table == "requests"
        },
        late_ms=send_lags(requests),
        freshness=None if freshness is None else freshness_counts(freshness),
        fault=fault_trial(record, requests, freshness, audit, marks),
        kinds=kinds,
        recovery=recovery,
    )


def _needed(table: str) -> set[str]:
    """Return the columns of a table that figures need; an observer's table must have them."""
    columns = {name for times in TIMES if times.table == table for name in times.columns}
    return columns | OTHERWISE.get(table, set())


@dataclass(frozen=True, slots=True)
class RunData:
    """A run with its tables read: the input of the analysis and the charts."""

    reader: RunReader
    trials: tuple[TrialRecord, ...]
    """All recorded trials."""
    every: tuple[TrialData, ...]
    """Data of the trials that ended well."""
    data: tuple[TrialData, ...]
    """Those without a fault: costs are computed from these alone."""

    @property
    def record(self) -> RunRecord:
        """The run's record."""
        return self.reader.record

    @property
    def equality(self) -> EqualityRecord | None:
        """Whether the servers answered alike; raises ``StoreError``."""
        return self.reader.equality

    def of_arm(self, scenario: str, server: str) -> list[TrialData]:
        """Return the rounds of one arm."""
        return [data for data in self.data if data.trial.place[:2] == (scenario, server)]

    def times(self, scenario: str, server: str, times: Times) -> Latencies | None:
        """Return all rounds of an arm pooled; ``None`` if no round recorded them."""
        return pooled_times(self.of_arm(scenario, server), times)


def read_run(reader: RunReader) -> RunData:
    """Read the tables of a run; raises ``StoreError`` when one is damaged."""
    trials = tuple(reader.trials())
    failing = faulty(reader.record.plan)
    every = tuple(read_trial(reader, trial) for trial in trials if trial.outcome is Outcome.OK)
    data = tuple(trial_data for trial_data in every if trial_data.trial.scenario not in failing)
    return RunData(reader, trials, every, data)


def faulty(plan: Plan) -> frozenset[str]:
    """Return the names of the scenarios with a fault under load: none of their figures is a cost.

    Without load, a client's reaction to the fault is the cost to be measured.
    """
    return frozenset(
        scenario.name
        for scenario in plan.scenarios
        if scenario.fault is not None and scenario.has_load
    )


def pooled_times(rounds: Iterable[TrialData], times: Times) -> Latencies | None:
    """Pool one distribution over ``rounds``; ``None`` if no round recorded it."""
    parts = [part for data in rounds if (part := data.times.get(times)) is not None]
    return pool(parts) if parts else None


def value_of(metric: Metric, data: TrialData) -> float | None:
    """Return the value of ``metric`` for one trial, without subtracting a floor."""
    return _value(metric.of, data)


def per_window_s(metric: Metric, data: TrialData, value: float) -> float:
    """Convert a server's cost per second between the marks to one per second of the window.

    Its reads are those of the window, so a second's cost must be that of a second's reads.
    """
    record = data.record
    has_reads = data.trial.server != NO_SERVER and record.window_s > 0
    return value * record.marks_s / record.window_s if metric.between_marks and has_reads else value


def per_1000_reads(data: TrialData, per_second: float) -> float | None:
    """Convert a value per second to one per 1,000 answered reads; ``None`` without reads."""
    return per_second * data.record.window_s / data.reads * 1000 if data.reads else None


def withheld(metric: Metric, data: TrialData) -> str | None:
    """Return why a trial's percentile cannot be stated although it has samples; else ``None``."""
    if not isinstance(metric.of, Quantile):
        return None
    percentile = data.percentile(metric.of)
    if percentile is None:
        return None
    if percentile.at_least:
        return f"in round {data.trial.round} it falls among what was not answered"
    return None if percentile.withheld is None else f"a round {percentile.withheld}"


def _value(source: Source, data: TrialData) -> float | None:
    match source:
        case Quantile():
            percentile = data.percentile(source)
            return None if percentile is None or percentile.at_least else percentile.value_ms
        case Growth():
            return _growth(source, data)
        case Recorded():
            return _recorded(source, data)
        case Total(keys):
            parts = [_value(BY_KEY[key].of, data) for key in keys]
            known = [part for part in parts if part is not None]
            return sum(known) if len(known) == len(parts) else None
        case Counted(tally):
            return _tally(tally, data)


def _growth(source: Growth, data: TrialData) -> float | None:
    if data.marks is None or (source.counter.scraped == "apiserver" and data.restarted):
        return None
    grown = data.marks.grew(source.counter)
    return None if grown is None else _per_second(data, grown * source.factor)


def _recorded(source: Recorded, data: TrialData) -> float | None:
    amount: float | None = getattr(data.record, source.field)
    if source.otherwise is not None:
        # If the process was replaced meanwhile, the kernel's figure covers two processes.
        if source.otherwise.counter.scraped == "apiserver" and data.restarted:
            return None
        if amount is None and not data.record.refuses_cpu:  # only unreadable there
            return _growth(source.otherwise, data)
    if amount is None:
        return None
    if source.per_second:
        return _per_second(data, amount * source.factor)
    if source.per is not None:
        divisor: float | None = getattr(data.record, source.per)
        return amount / divisor if divisor else None
    return amount * source.factor


def _tally(tally: Tally, data: TrialData) -> float | None:
    window_s = data.record.window_s
    match tally:
        case Tally.API_REQUESTS:
            reached = data.ledgers.for_reads
            return None if reached is None or window_s <= 0 else reached.total() / window_s
        case Tally.ANSWERED:
            return None if window_s <= 0 or not data.response.samples else data.reads / window_s
        case Tally.STALE_FIRST_READS:
            probe = data.freshness
            return probe.first_stale / probe.first_reads if probe and probe.first_reads else None
        case Tally.OPEN_WATCHES:
            return _open_watches(data.marks)
        case Tally.RECOVERY_REQUESTS:
            return None if data.recovery is None else data.recovery.requests
        case Tally.QUIET_AGAIN:
            return None if data.recovery is None else data.recovery.quiet_s


def _open_watches(marks: Marks | None) -> float | None:
    standing = marks.at("apiserver", OPEN_WATCHES, "end") if marks is not None else None
    if standing is None:
        return None
    labels = {"verb": "WATCH", "resource": "pods"}
    return sum(series.value for series in standing if labels.items() <= series.labels.items())


def _per_second(data: TrialData, amount: float) -> float | None:
    return amount / data.record.marks_s if data.record.marks_s > 0 else None
