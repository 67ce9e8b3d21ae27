"""One trial with a fault: who was answered, how old the answers were, and what came after.

All times are seconds from the window's begin, or spans of seconds. A request
belongs to the stretch (before, while, after) of its intended start.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from bench.analysis.counters import Marks
from bench.analysis.latency import Floats, Latencies, from_intended
from bench.analysis.ledgers import identity_of, of_probe_pod
from bench.model import FaultRecord, TrialRecord
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


@dataclass(frozen=True, slots=True)
class Stretch:
    """The load's requests of one stretch of the window."""

    seconds: float
    asked: int
    answered: int
    felt: Latencies
    """From the intended start; what was not answered well is censored."""
    longest_ms: float | None
    """Of the answered ones."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of the reads that were meant for while the fault lasted."""

    asked: int
    in_time: int
    """Answered while it lasted: the server went on without the API server."""
    late: int
    """Answered once it was over: whoever asked was kept waiting until then."""

    @property
    def failed(self) -> int:
        """Answered with an error, given up, or dropped."""
        return self.asked - self.in_time - self.late


class AgeBy(StrEnum):
    """What tells how old an answer was."""

    PROBE = "probe"
    """The longest after its acknowledgement that a read still lacked a write of the probe."""
    LAST_WRITE = "last write"
    """Nothing could be written: from the last write acknowledged to the last good answer."""


@dataclass(frozen=True, slots=True)
class Age:
    """How old the oldest answer was that was given while the fault lasted."""

    seconds: float
    by: AgeBy


@dataclass(frozen=True, slots=True)
class Herd:
    """Requests of the server under test that reached the API server when the fault was over.

    What the freshness probe's own reads caused is left out. Counted from the moment it
    could be reached again (for a restart: its process's start) to ``AFTER_S`` after the fault.
    """

    requests: int
    busiest_s: int
    """The most of them in one second."""
    usual: float
    """How many it sends in as long a time when all is well: before the fault, scaled."""
    meanwhile: int
    """Those that reached the API server while the fault lasted."""


@dataclass(frozen=True, slots=True)
class FaultTrial:
    """What one trial shows of its server and its fault."""

    record: TrialRecord
    fault: FaultRecord
    before: Stretch
    meanwhile: Stretch
    after: Stretch
    answers: Answers
    age: Age | None
    """``None``: no good answer was given while the fault lasted."""
    fresh_s: float | None
    """From the fault's end to the first read that showed a write acknowledged after it; ``None``:
    none did within the window, or nobody looked."""
    errors: int
    """Requests that failed or were not answered, from the fault's begin on."""
    errors_stop_s: float | None
    """From the fault's end to the last start of a request that failed, 0 if that was before;
    ``None``: none failed."""
    still_failing: bool
    """Whether no request after that one was answered: the errors had not stopped."""
    herd: Herd | None
    """``None``: there is no audit log."""
    refills: Mapping[str, int]
    """Whole states that an informer fetched anew, by its reason: ``expired`` is a 410."""

    @property
    def seen_s(self) -> float:
        """How long after the fault the window went on."""
        return max(0.0, self.record.window_s - self.fault.end_s)


def read_fault_trial(reader: RunReader, record: TrialRecord) -> FaultTrial | None:
    """Read a good trial's tables; ``None`` if no fault was put in, or no server was there.

    Raises ``StoreError`` when a table is damaged.
    """
    fault, trial = record.fault, record.trial
    if fault is None or identity_of(record) is None:
        return None
    marks = Marks(reader.scrapes(trial)) if reader.has(trial, "scrapes") else None
    return of_tables(
        record,
        fault,
        requests=reader.requests(trial),
        freshness=reader.freshness(trial),
        audit=reader.audit(trial) if reader.has(trial, "audit") else None,
        refills=_refills(marks),
    )


def of_tables(
    record: TrialRecord,
    fault: FaultRecord,
    *,
    requests: pd.DataFrame,
    freshness: pd.DataFrame,
    audit: pd.DataFrame | None,
    refills: Mapping[str, int],
) -> FaultTrial:
    """Compute what a trial shows from its tables; ``freshness`` may be without rows."""
    until = min(record.window_s, fault.end_s + AFTER_S)
    intended = _seconds(requests["intended_us"])
    good = (requests["outcome"] == "ok").to_numpy(dtype=bool)
    bad = intended[~good & (intended >= fault.begin_s)]
    last_bad = float(bad.max()) if len(bad) else None

    def stretch(begin_s: float, end_s: float) -> Stretch:
        rows = requests[(intended >= begin_s) & (intended < end_s)]
        felt = from_intended(rows, record.request_timeout_s)
        longest = float(felt.answered_ms[-1]) if len(felt.answered_ms) else None
        seconds = max(0.0, end_s - begin_s)
        return Stretch(seconds, felt.samples, len(felt.answered_ms), felt, longest)

    return FaultTrial(
        record=record,
        fault=fault,
        before=stretch(0.0, fault.begin_s),
        meanwhile=stretch(fault.begin_s, fault.end_s),
        after=stretch(fault.end_s, until),
        answers=_answers(fault, requests),
        age=_age(fault, requests, freshness),
        fresh_s=_fresh(fault, freshness),
        errors=len(bad),
        errors_stop_s=None if last_bad is None else max(0.0, last_bad - fault.end_s),
        still_failing=last_bad is not None and not bool((intended[good] > last_bad).any()),
        herd=None if audit is None else _herd(record, fault, audit, until),
        refills=refills,
    )


def _answers(fault: FaultRecord, requests: pd.DataFrame) -> Answers:
    intended, done = _seconds(requests["intended_us"]), _seconds(requests["done_us"])
    judged = (intended >= fault.begin_s) & (intended < fault.end_s - MARGIN_S)
    good = judged & (requests["outcome"] == "ok").to_numpy(dtype=bool)
    in_time = good & (done <= fault.end_s)
    return Answers(int(judged.sum()), int(in_time.sum()), int((good & ~in_time).sum()))


def _age(fault: FaultRecord, requests: pd.DataFrame, freshness: pd.DataFrame) -> Age | None:
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
    return Age(last - float(known.max()), AgeBy.LAST_WRITE) if len(known) else None


def _age_by_probe(fault: FaultRecord, writes: pd.DataFrame) -> Age | None:
    """Return the longest that a write was not in an answer asked for before the fault's end."""
    first = _seconds(writes["first_sent_us"])
    if not (first < fault.end_s - MARGIN_S).any():
        return None  # no read was answered: a missing time is no smaller than any
    stale = _seconds(writes["stale_sent_us"])
    lacked = np.minimum(stale, fault.end_s) - _seconds(writes["acked_us"])
    known = lacked[~np.isnan(lacked)]
    return Age(max(0.0, float(known.max())) if len(known) else 0.0, AgeBy.PROBE)


def _fresh(fault: FaultRecord, freshness: pd.DataFrame) -> float | None:
    after = freshness[_seconds(freshness["acked_us"]) >= fault.end_s]
    shown = _seconds(after["fresh_done_us"])
    shown = shown[~np.isnan(shown)]
    return float(shown.min()) - fault.end_s if len(shown) else None


def _herd(record: TrialRecord, fault: FaultRecord, audit: pd.DataFrame, until: float) -> Herd:
    own = audit["user"].str.endswith(f":{identity_of(record)}") & ~of_probe_pod(audit)
    at = _seconds(audit["received_us"][own]) - record.window_begin_epoch_s
    reachable = fault.end_s if fault.started_anew_s is None else fault.started_anew_s
    came = at[(at >= reachable) & (at < until)]
    before = int(((at >= 0) & (at < fault.begin_s)).sum())
    return Herd(
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
