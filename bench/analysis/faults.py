"""Scenarios with a fault: who was answered, how old the answers were, and what came after.

All times are seconds from the window's begin, or spans of seconds. A request belongs to the
stretch (before, while, after) of its intended start. Nothing here is a cost, nor compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
import pandas as pd

from bench.analysis.counters import Marks
from bench.analysis.latency import Floats, Latencies, Percentile, pool, times_of
from bench.analysis.ledgers import identity_of
from bench.analysis.requests import of_probe_pod
from bench.metrics import Times
from bench.model import FaultRecord, Scenario, TrialRecord

AFTER_S = 10.0
"""How long after a fault counts as its aftermath: of latencies, and of the herd."""
MARGIN_S = 0.1
"""Reads meant for so shortly before the fault's end are not judged: their answers may come after
it though the server did not wait for it."""
FEW_WRITES = 2
"""The probe has one write outstanding at most. So many acknowledged while the fault lasted mean
that writing was possible; a single one may have been on its way when the fault began."""
FILLS = "informer_fills_total"
WRITES = ("acked_us", "first_sent_us", "stale_sent_us", "fresh_done_us")
NO_WRITES = pd.DataFrame(columns=list(WRITES), dtype="float64")


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
    stretches: tuple[tuple[float, Latencies], ...]
    """Before, meanwhile and after: seconds, and times from the intended start."""


def analyse_faults(
    scenarios: Sequence[Scenario],
    servers: Sequence[str],
    trials: Sequence[tuple[TrialRecord, FaultTrial]],
) -> tuple[FaultAnalysis, ...]:
    """Return one analysis a scenario with a fault; ``servers`` are the plan's, in order."""
    found = []
    for scenario in (one for one in scenarios if one.fault is not None):
        own = [pair for pair in trials if pair[0].trial.scenario == scenario.name]
        faults = [record.fault for record, _ in own if record.fault is not None]
        by_server = {
            server: [one for record, one in own if record.trial.server == server]
            for server in servers
        }
        spans = [fault.end_s - fault.begin_s for fault in faults]
        found.append(
            FaultAnalysis(
                scenario,
                faults[0].what if faults else f"the fault {scenario.fault} was put in",
                tuple(_arm(server, rounds) for server, rounds in by_server.items() if rounds),
                tuple(server for server, rounds in by_server.items() if not rounds),
                float(np.mean(spans)) if spans else scenario.fault_s,
            )
        )
    return tuple(found)


def _arm(server: str, trials: Sequence[FaultTrial]) -> FaultArm:
    stretches = (_stretch(parts) for parts in zip(*(one.stretches for one in trials), strict=True))
    return FaultArm(server, tuple(one.round for one in trials), *stretches)


def _stretch(parts: Sequence[tuple[float, Latencies]]) -> Stretch:
    seconds, times = zip(*parts, strict=True)
    pooled = pool(times)
    answered, median = len(pooled.answered_ms), pooled.percentile(0.5)
    return Stretch(sum(seconds), pooled.samples, answered, median, _longest(pooled))


def _longest(times: Latencies) -> float | None:
    return float(times.answered_ms[-1]) if len(times.answered_ms) else None


def fault_trial(
    record: TrialRecord,
    requests: pd.DataFrame,
    freshness: pd.DataFrame | None,
    audit: pd.DataFrame | None,
    marks: Marks | None,
) -> FaultTrial | None:
    """Compute what a trial shows from its tables; ``None``: no fault, or no server was there."""
    fault = record.fault
    if fault is None or record.is_client or identity_of(record) is None:
        return None
    writes = NO_WRITES if freshness is None else freshness
    until = min(record.window_s, fault.end_s + AFTER_S)
    intended, done = (_seconds(requests[name]) for name in ("intended_us", "done_us"))
    good = (requests["outcome"] == "ok").to_numpy(dtype=bool)
    bad = intended[~good & (intended >= fault.begin_s)]
    last_bad = float(bad.max()) if len(bad) else None
    stretches = []
    for begin_s, end_s in pairwise((0.0, fault.begin_s, fault.end_s, until)):
        rows = requests[(intended >= begin_s) & (intended < end_s)]
        times = times_of(rows, Times.RESPONSE, record.request_timeout_s, record.window_s)
        stretches.append((max(0.0, end_s - begin_s), times))
    _, (_, meanwhile), (_, after) = stretches
    judged = (intended >= fault.begin_s) & (intended < fault.end_s - MARGIN_S)
    asked, answered = int(judged.sum()), int((judged & good).sum())
    in_time = int((judged & good & (done <= fault.end_s)).sum())
    age_s, by = _age(fault, requests, writes) or (None, None)
    herd = (None,) * 4 if audit is None else _herd(record, fault, audit, until)
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
        fresh_s=_fresh(fault, writes),
        window_left_s=max(0.0, record.window_s - fault.end_s),
        failed=len(bad),
        errors_stop_s=None if last_bad is None else max(0.0, last_bad - fault.end_s),
        still_failing=last_bad is not None and not bool((intended[good] > last_bad).any()),
        requests_meanwhile=herd[0],
        requests_after=herd[1],
        requests_usual=herd[2],
        requests_busiest_second=herd[3],
        refills=_refills(marks),
    )
    return FaultTrial(figures, tuple(stretches))


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


def _herd(
    record: TrialRecord, fault: FaultRecord, audit: pd.DataFrame, until: float
) -> tuple[int, int, float, int]:
    """Count the server's requests that reached the API server during the fault and after it.

    Returns those while it lasted; those from the moment the API server could be reached again
    to ``until``; how many it sends in as long a time before the fault; the most in one second.
    What the freshness probe's own reads caused is left out.
    """
    own = audit["user"].str.endswith(f":{identity_of(record)}") & ~of_probe_pod(audit)
    at = _seconds(audit["received_us"][own]) - record.window_begin_epoch_s
    reachable = fault.end_s if fault.started_anew_s is None else fault.started_anew_s
    came = at[(at >= reachable) & (at < until)]
    before = int(((at >= 0) & (at < fault.begin_s)).sum())
    usual = before / fault.begin_s * (until - reachable) if fault.begin_s > 0 else 0.0
    meanwhile = int(((at >= fault.begin_s) & (at < reachable)).sum())
    return meanwhile, len(came), usual, _busiest(came)


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
