"""Scenarios with a fault: who was answered, how old the answers were, and what came after.

All times are seconds from the window's begin, or spans of seconds. A request belongs to the
stretch (before, while, after) of its intended start. Nothing here is a cost, nor compared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from bench.analysis.counters import Marks
from bench.analysis.latency import Floats, Latencies, Percentile, pool, response_times
from bench.analysis.ledgers import identity_of, of_probe_pod
from bench.model import FaultRecord, Outcome, Scenario, TrialRecord
from bench.store import RunReader

AFTER_S = 10.0
"""How long after a fault counts as its aftermath: of latencies, and of the herd."""
MARGIN_S = 0.1
"""Reads meant for so shortly before the fault's end are not judged: their answers may come after
it though the server did not wait for it."""
FEW_WRITES = 2
"""The probe has one write outstanding at most. So many acknowledged while the fault lasted mean
that writing was possible; a single one may have been on its way when the fault began."""
FILLS = "informer_fills_total"


class AgeBy(StrEnum):
    """What tells how old an answer was."""

    PROBE = "probe"
    """The longest after its acknowledgement that a read still lacked a write of the probe."""
    LAST_WRITE = "last write"
    """Nothing could be written: from the last write acknowledged to the last good answer."""


@dataclass(frozen=True, slots=True)
class FaultRound:
    """One trial with a fault. Times in seconds from the window's begin, or spans of seconds.

    ``None``: there was none, or it was not seen within the window.
    """

    round: int
    begin_s: float
    end_s: float
    started_anew_s: float | None
    """When the API server's process was started again."""
    reads_meanwhile: int
    """Reads meant for while the fault lasted; those below add up to them."""
    answered_meanwhile: int
    """Answered while it lasted: the server went on without the API server."""
    answered_late: int
    """Answered once it was over: whoever asked was kept waiting until then."""
    failed_meanwhile: int
    """Answered with an error, given up, or dropped."""
    longest_ms: float | None
    """The longest wait of an answered read that was meant for while the fault lasted."""
    reads_after: int
    """Of the 10 s after the fault, or what the window has of them."""
    answered_after: int
    longest_after_ms: float | None
    oldest_answer_s: float | None
    """How old the oldest answer was that was given while the fault lasted; ``None``: none was."""
    oldest_answer_by: AgeBy | None
    fresh_s: float | None
    """From the fault's end to the first read that showed a write acknowledged after it."""
    window_left_s: float
    """How long after the fault the window went on: what ``fresh_s`` is at least if it is null."""
    failed: int
    """Reads from the fault's begin to the window's end."""
    errors_stop_s: float | None
    """From the fault's end to the last start of a read that failed; ``None``: none failed."""
    still_failing: bool
    """Whether no read after that one was answered: the errors had not stopped."""
    requests_meanwhile: int | None
    """Of the server under test, as they reached the API server, without the probe's; ``None``:
    there is no audit log."""
    requests_after: int | None
    """From when the API server could be reached again (for a restart: its process's start)."""
    requests_usual: float | None
    """In as long a time before the fault."""
    requests_busiest_second: int | None
    refills: dict[str, int]
    """Whole states that an informer fetched anew, by reason: ``expired`` is a 410."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The load's reads of one stretch of the window, all rounds; times from the intended start."""

    seconds: float
    asked: int
    answered: int
    median: Percentile
    longest_ms: float | None
    """Of the answered ones."""


@dataclass(frozen=True, slots=True)
class FaultArm:
    """One server under one fault, its good rounds."""

    server: str
    rounds: tuple[FaultRound, ...]
    before: Stretch | None = None
    """The load before the fault."""
    meanwhile: Stretch | None = None
    """The load while the fault lasted."""
    after: Stretch | None = None
    """The load in the aftermath."""

    @property
    def asked(self) -> int:
        """Reads meant for while the fault lasted, all rounds."""
        return sum(one.reads_meanwhile for one in self.rounds)

    @property
    def in_time(self) -> int:
        """Those answered while it lasted."""
        return sum(one.answered_meanwhile for one in self.rounds)

    @property
    def late(self) -> int:
        """Those answered once it was over."""
        return sum(one.answered_late for one in self.rounds)

    @property
    def failed(self) -> int:
        """Those answered with an error, given up, or dropped."""
        return sum(one.failed_meanwhile for one in self.rounds)

    @property
    def oldest(self) -> FaultRound | None:
        """The round with the oldest answer that was given while the fault lasted."""
        known = [one for one in self.rounds if one.oldest_answer_s is not None]
        return max(known, key=lambda one: one.oldest_answer_s or 0.0, default=None)

    @property
    def refills(self) -> dict[str, int]:
        """Whole states fetched anew, by reason, over all rounds."""
        reasons = dict.fromkeys(reason for one in self.rounds for reason in one.refills)
        return {r: sum(one.refills.get(r, 0) for one in self.rounds) for r in reasons}


@dataclass(frozen=True, slots=True)
class FaultAnalysis:
    """One scenario with a fault; none of it is a cost, and none is compared or gated."""

    scenario: Scenario
    what: str
    """What happened: ``the API server was frozen``."""
    arms: tuple[FaultArm, ...]
    missing: tuple[str, ...]
    """Servers of the plan without a single good trial."""
    lasted_s: float | None = None
    """How long the fault lasted, on average over all trials."""


@dataclass(frozen=True, slots=True)
class FaultTrial:
    """One trial with a fault: its figures, and the times of each stretch to pool."""

    round: FaultRound
    stretches: Mapping[str, tuple[float, Latencies]]
    """``before``, ``meanwhile`` and ``after``: seconds, and times from the intended start."""


def analyse_faults(
    reader: RunReader,
    scenarios: Sequence[Scenario],
    servers: Sequence[str],
    trials: Sequence[TrialRecord],
) -> tuple[FaultAnalysis, ...]:
    """Return one analysis a scenario with a fault; ``servers`` are the plan's, in order.

    Raises ``StoreError`` when a table is damaged.
    """
    return tuple(
        _analyse(reader, scenario, servers, trials)
        for scenario in scenarios
        if scenario.fault is not None
    )


def _analyse(
    reader: RunReader,
    scenario: Scenario,
    servers: Sequence[str],
    trials: Sequence[TrialRecord],
) -> FaultAnalysis:
    by_server: dict[str, list[FaultTrial]] = {}
    told: list[FaultRecord] = []
    for record in trials:
        if record.trial.scenario != scenario.name or record.outcome is not Outcome.OK:
            continue
        found = read_fault_trial(reader, record)
        if found is not None and record.fault is not None:
            by_server.setdefault(record.trial.server, []).append(found)
            told.append(record.fault)
    spans = [fault.end_s - fault.begin_s for fault in told]
    return FaultAnalysis(
        scenario,
        told[0].what if told else f"the fault {scenario.fault} was put in",
        tuple(_arm(server, by_server[server]) for server in servers if server in by_server),
        tuple(server for server in servers if server not in by_server),
        float(np.mean(spans)) if spans else scenario.fault_s,
    )


def _arm(server: str, trials: Sequence[FaultTrial]) -> FaultArm:
    before, meanwhile, after = (
        _stretch(one.stretches[name] for one in trials) for name in ("before", "meanwhile", "after")
    )
    return FaultArm(server, tuple(one.round for one in trials), before, meanwhile, after)


def _stretch(parts: Iterable[tuple[float, Latencies]]) -> Stretch:
    seconds, times = zip(*parts, strict=True)
    pooled = pool(times)
    answered = pooled.answered_ms
    return Stretch(
        seconds=sum(seconds),
        asked=pooled.samples,
        answered=len(answered),
        median=pooled.percentile(0.5),
        longest_ms=_longest(pooled),
    )


def _longest(times: Latencies) -> float | None:
    return float(times.answered_ms[-1]) if len(times.answered_ms) else None


def read_fault_trial(reader: RunReader, record: TrialRecord) -> FaultTrial | None:
    """Read a good trial's tables; ``None`` if no fault was put in, or no server was there.

    Raises ``StoreError`` when a table is damaged.
    """
    fault, trial = record.fault, record.trial
    if fault is None or identity_of(record) is None:
        return None
    marks = Marks(reader.scrapes(trial)) if reader.has(trial, "scrapes") else None
    return fault_trial(
        record,
        fault,
        requests=reader.requests(trial),
        freshness=reader.freshness(trial),
        audit=reader.audit(trial) if reader.has(trial, "audit") else None,
        refills=_refills(marks),
    )


def fault_trial(
    record: TrialRecord,
    fault: FaultRecord,
    *,
    requests: pd.DataFrame,
    freshness: pd.DataFrame,
    audit: pd.DataFrame | None,
    refills: dict[str, int],
) -> FaultTrial:
    """Compute what a trial shows from its tables; ``freshness`` may be without rows."""
    until = min(record.window_s, fault.end_s + AFTER_S)
    intended, done = (_seconds(requests[name]) for name in ("intended_us", "done_us"))
    good = (requests["outcome"] == "ok").to_numpy(dtype=bool)
    bad = intended[~good & (intended >= fault.begin_s)]
    last_bad = float(bad.max()) if len(bad) else None

    def stretch(begin_s: float, end_s: float) -> tuple[float, Latencies]:
        rows = requests[(intended >= begin_s) & (intended < end_s)]
        return max(0.0, end_s - begin_s), response_times(rows, record.request_timeout_s)

    stretches = {
        "before": stretch(0.0, fault.begin_s),
        "meanwhile": stretch(fault.begin_s, fault.end_s),
        "after": stretch(fault.end_s, until),
    }
    meanwhile, after = stretches["meanwhile"][1], stretches["after"][1]
    judged = (intended >= fault.begin_s) & (intended < fault.end_s - MARGIN_S)
    asked, answered = int(judged.sum()), int((judged & good).sum())
    in_time = int((judged & good & (done <= fault.end_s)).sum())
    age_s, by = _age(fault, requests, freshness) or (None, None)
    herd = None if audit is None else _herd(record, fault, audit, until)
    figures = FaultRound(
        round=record.trial.round,
        begin_s=fault.begin_s,
        end_s=fault.end_s,
        started_anew_s=fault.started_anew_s,
        reads_meanwhile=asked,
        answered_meanwhile=in_time,
        answered_late=answered - in_time,
        failed_meanwhile=asked - answered,
        longest_ms=_longest(meanwhile),
        reads_after=after.samples,
        answered_after=len(after.answered_ms),
        longest_after_ms=_longest(after),
        oldest_answer_s=age_s,
        oldest_answer_by=by,
        fresh_s=_fresh(fault, freshness),
        window_left_s=max(0.0, record.window_s - fault.end_s),
        failed=len(bad),
        errors_stop_s=None if last_bad is None else max(0.0, last_bad - fault.end_s),
        still_failing=last_bad is not None and not bool((intended[good] > last_bad).any()),
        requests_meanwhile=herd.meanwhile if herd else None,
        requests_after=herd.requests if herd else None,
        requests_usual=herd.usual if herd else None,
        requests_busiest_second=herd.busiest_s if herd else None,
        refills=refills,
    )
    return FaultTrial(figures, stretches)


def _age(
    fault: FaultRecord, requests: pd.DataFrame, freshness: pd.DataFrame
) -> tuple[float, AgeBy] | None:
    acked = _seconds(freshness["acked_us"])
    within = (acked >= fault.begin_s) & (acked < fault.end_s)
    if int(within.sum()) >= FEW_WRITES:
        return _age_by_probe(fault, freshness[within])
    done = _seconds(requests["done_us"])
    given = (_seconds(requests["sent_us"]) >= fault.begin_s) & (done <= fault.end_s)
    given &= (requests["outcome"] == "ok").to_numpy(dtype=bool)
    if not given.any():
        return None
    last = float(done[given].max())
    known = acked[acked <= last]
    return (last - float(known.max()), AgeBy.LAST_WRITE) if len(known) else None


def _age_by_probe(fault: FaultRecord, writes: pd.DataFrame) -> tuple[float, AgeBy] | None:
    """Return the longest that a write was not in an answer asked for before the fault's end."""
    first = _seconds(writes["first_sent_us"])
    if not (first < fault.end_s - MARGIN_S).any():
        return None  # no read was answered: a missing time is no smaller than any
    stale = _seconds(writes["stale_sent_us"])
    lacked = np.minimum(stale, fault.end_s) - _seconds(writes["acked_us"])
    known = lacked[~np.isnan(lacked)]
    return max(0.0, float(known.max(initial=0.0))), AgeBy.PROBE


def _fresh(fault: FaultRecord, freshness: pd.DataFrame) -> float | None:
    after = freshness[_seconds(freshness["acked_us"]) >= fault.end_s]
    shown = _seconds(after["fresh_done_us"])
    shown = shown[~np.isnan(shown)]
    return float(shown.min()) - fault.end_s if len(shown) else None


@dataclass(frozen=True, slots=True)
class _Herd:
    """Requests of the server under test that reached the API server when the fault was over.

    What the freshness probe's own reads caused is left out. Counted from the moment it could
    be reached again (for a restart: its process's start) to ``AFTER_S`` after the fault.
    """

    requests: int
    busiest_s: int
    """The most of them in one second."""
    usual: float
    """How many it sends in as long a time when all is well: before the fault, scaled."""
    meanwhile: int
    """Those that reached the API server while the fault lasted."""


def _herd(record: TrialRecord, fault: FaultRecord, audit: pd.DataFrame, until: float) -> _Herd:
    own = audit["user"].str.endswith(f":{identity_of(record)}") & ~of_probe_pod(audit)
    at = _seconds(audit["received_us"][own]) - record.window_begin_epoch_s
    reachable = fault.end_s if fault.started_anew_s is None else fault.started_anew_s
    came = at[(at >= reachable) & (at < until)]
    before = int(((at >= 0) & (at < fault.begin_s)).sum())
    return _Herd(
        requests=len(came),
        busiest_s=_busiest(came),
        usual=before / fault.begin_s * (until - reachable) if fault.begin_s > 0 else 0.0,
        meanwhile=int(((at >= fault.begin_s) & (at < reachable)).sum()),
    )


def _busiest(at: Floats) -> int:
    """Return the most of ``at`` within any one second, wherever that begins."""
    sorted_at = np.sort(at)
    within = np.searchsorted(sorted_at, sorted_at + 1.0, side="left") - np.arange(len(sorted_at))
    return int(within.max(initial=0))


def _refills(marks: Marks | None) -> dict[str, int]:
    grown = marks.difference("server", FILLS) if marks is not None else None
    series = grown.series if grown is not None else ()
    return {one.labels.get("reason", ""): round(one.value) for one in series if one.value > 0}


def _seconds(microseconds: "pd.Series[int]") -> Floats:
    return microseconds.to_numpy(dtype=np.float64, na_value=np.nan) / 1e6
