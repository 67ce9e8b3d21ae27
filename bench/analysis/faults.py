"""Scenarios with a fault: answered reads, the age of the answers, and the aftermath.

All times are seconds from the window's begin, or spans of seconds. A request belongs to the
stretch (before, meanwhile, after) of its intended start. No figure is a cost, and none is compared.
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
"""Length of a fault's aftermath, for latencies and for the herd of requests."""
MARGIN_S = 0.1
"""Reads intended this shortly before the fault's end are not judged: their answers may come after
it though the server did not wait for it."""
FEW_WRITES = 2
"""Writes acknowledged during the fault that show that writing was possible. The probe has one
write outstanding at most, so a single one may have been on its way when the fault began."""
FILLS = "informer_fills_total"
WRITES = ("acked_us", "first_sent_us", "stale_sent_us", "fresh_done_us")
NO_WRITES = pd.DataFrame(columns=list(WRITES), dtype="float64")


class AgeBy(StrEnum):
    """Source of the age of an answer."""

    PROBE = "probe"
    """Longest time after its acknowledgement that a read still lacked a write of the probe."""
    LAST_WRITE = "last write"
    """No write was possible: from the last write acknowledged to the last good answer."""


@dataclass(frozen=True, slots=True)
class FaultRound:
    """One trial with a fault. Times in seconds from the window's begin, or spans of seconds.

    ``None``: there was none, or it did not happen within the window.
    """

    round: int
    begin_s: float
    end_s: float
    started_anew_s: float | None
    """When the API server's process was restarted."""
    reads_meanwhile: int
    """Reads with an intended start during the fault: the sum of the next three."""
    answered_meanwhile: int
    """Answered during the fault: the server worked without the API server."""
    answered_late: int
    """Answered after the fault: the client had to wait for its end."""
    failed_meanwhile: int
    """Answered with an error, given up, or dropped."""
    longest_ms: float | None
    """The longest wait of an answered read with an intended start during the fault."""
    reads_after: int
    """In the 10 s after the fault, or the part of them within the window."""
    answered_after: int
    longest_after_ms: float | None
    oldest_answer_s: float | None
    """Age of the oldest answer given during the fault; ``None``: no answer."""
    oldest_answer_by: AgeBy | None
    fresh_s: float | None
    """From the fault's end to the first read that showed a write acknowledged after it."""
    window_left_s: float
    """From the fault's end to the window's end: the lower bound of ``fresh_s`` if it is null."""
    failed: int
    """Reads from the fault's begin to the window's end."""
    errors_stop_s: float | None
    """From the fault's end to the last start of a read that failed; ``None``: none failed."""
    still_failing: bool
    """Whether no read after that one was answered: the errors had not stopped."""
    requests_meanwhile: int | None
    """Requests of the server under test that reached the API server, without the probe's;
    ``None``: there is no audit log."""
    requests_after: int | None
    """From the moment the API server was reachable again (for a restart: its process's start)."""
    requests_usual: float | None
    """In the same length of time before the fault."""
    requests_busiest_second: int | None
    refills: dict[str, int]
    """Full states that an informer fetched again, by reason: ``expired`` is a 410."""


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
    """The load during the fault."""
    after: Stretch | None = None
    """The load in the aftermath."""

    @property
    def asked(self) -> int:
        """Reads with an intended start during the fault, all rounds."""
        return sum(trial.reads_meanwhile for trial in self.rounds)

    @property
    def in_time(self) -> int:
        """Those answered during the fault."""
        return sum(trial.answered_meanwhile for trial in self.rounds)

    @property
    def late(self) -> int:
        """Those answered after the fault."""
        return sum(trial.answered_late for trial in self.rounds)

    @property
    def failed(self) -> int:
        """Those answered with an error, given up, or dropped."""
        return sum(trial.failed_meanwhile for trial in self.rounds)

    @property
    def oldest(self) -> FaultRound | None:
        """The round with the oldest answer given during the fault."""
        known = [trial for trial in self.rounds if trial.oldest_answer_s is not None]
        return max(known, key=lambda trial: trial.oldest_answer_s or 0.0, default=None)

    @property
    def refills(self) -> dict[str, int]:
        """Full states fetched again, by reason, over all rounds."""
        reasons = dict.fromkeys(key for trial in self.rounds for key in trial.refills)
        return {key: sum(trial.refills.get(key, 0) for trial in self.rounds) for key in reasons}


@dataclass(frozen=True, slots=True)
class FaultAnalysis:
    """One scenario with a fault; none of it is a cost, and none is compared or gated."""

    scenario: Scenario
    what: str
    """Description of the fault: ``the API server was frozen``."""
    arms: tuple[FaultArm, ...]
    missing: tuple[str, ...]
    """Servers of the plan without a single good trial."""
    lasted_s: float | None = None
    """How long the fault lasted, on average over all trials."""


@dataclass(frozen=True, slots=True)
class FaultTrial:
    """One trial with a fault: its figures, and the times of each stretch, to be pooled."""

    round: FaultRound
    stretches: tuple[tuple[float, Latencies], ...]
    """Before, meanwhile and after: seconds, and times from the intended start."""


def analyse_faults(
    scenarios: Sequence[Scenario],
    servers: Sequence[str],
    trials: Sequence[tuple[TrialRecord, FaultTrial]],
) -> tuple[FaultAnalysis, ...]:
    """Return an analysis of each scenario with a fault; ``servers`` are the plan's, in order."""
    analyses = []
    for scenario in (scenario for scenario in scenarios if scenario.fault is not None):
        pairs = [pair for pair in trials if pair[0].trial.scenario == scenario.name]
        faults = [record.fault for record, _ in pairs if record.fault is not None]
        by_server = {
            server: [trial for record, trial in pairs if record.trial.server == server]
            for server in servers
        }
        spans = [fault.end_s - fault.begin_s for fault in faults]
        analyses.append(
            FaultAnalysis(
                scenario,
                faults[0].what if faults else f"the fault {scenario.fault} was put in",
                tuple(_arm(server, rounds) for server, rounds in by_server.items() if rounds),
                tuple(server for server, rounds in by_server.items() if not rounds),
                float(np.mean(spans)) if spans else scenario.fault_s,
            )
        )
    return tuple(analyses)


def _arm(server: str, trials: Sequence[FaultTrial]) -> FaultArm:
    pooled = (_stretch(parts) for parts in zip(*(trial.stretches for trial in trials), strict=True))
    return FaultArm(server, tuple(trial.round for trial in trials), *pooled)


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
    """Compute a trial's figures from its tables; ``None``: no fault, or no server."""
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
    answered = (_seconds(requests["sent_us"]) >= fault.begin_s) & (done <= fault.end_s)
    answered &= (requests["outcome"] == "ok").to_numpy(dtype=bool)
    if not answered.any():
        return None
    last = float(done[answered].max())
    known = acked[acked <= last]
    return (last - float(known.max()), AgeBy.LAST_WRITE) if len(known) else None


def _age_by_probe(fault: FaultRecord, writes: pd.DataFrame) -> tuple[float, AgeBy] | None:
    """Return the longest time that a write was missing in answers asked for before the end."""
    first = _seconds(writes["first_sent_us"])
    if not (first < fault.end_s - MARGIN_S).any():
        return None  # no read was answered: NaN compares as not smaller
    stale = _seconds(writes["stale_sent_us"])
    lacked = np.minimum(stale, fault.end_s) - _seconds(writes["acked_us"])
    known = lacked[~np.isnan(lacked)]
    return max(0.0, float(known.max(initial=0.0))), AgeBy.PROBE


def _fresh(fault: FaultRecord, freshness: pd.DataFrame) -> float | None:
    after = freshness[_seconds(freshness["acked_us"]) >= fault.end_s]
    fresh_s = _seconds(after["fresh_done_us"])
    fresh_s = fresh_s[~np.isnan(fresh_s)]
    return float(fresh_s.min()) - fault.end_s if len(fresh_s) else None


def _herd(
    record: TrialRecord, fault: FaultRecord, audit: pd.DataFrame, until: float
) -> tuple[int, int, float, int]:
    """Count the server's requests that reached the API server during the fault and after it.

    Returns those during the fault; those from the moment the API server was reachable again to
    ``until``; those of the same length of time before the fault; the most in one second.
    Requests caused by the freshness probe's own reads are left out.
    """
    of_server = audit["user"].str.endswith(f":{identity_of(record)}") & ~of_probe_pod(audit)
    received_s = _seconds(audit["received_us"][of_server]) - record.window_begin_epoch_s
    reachable = fault.end_s if fault.started_anew_s is None else fault.started_anew_s
    after = received_s[(received_s >= reachable) & (received_s < until)]
    before = int(((received_s >= 0) & (received_s < fault.begin_s)).sum())
    usual = before / fault.begin_s * (until - reachable) if fault.begin_s > 0 else 0.0
    meanwhile = int(((received_s >= fault.begin_s) & (received_s < reachable)).sum())
    return meanwhile, len(after), usual, _busiest(after)


def _busiest(times_s: Floats) -> int:
    """Return the most of ``times_s`` within any one second, wherever it begins."""
    ordered_s = np.sort(times_s)
    within = np.searchsorted(ordered_s, ordered_s + 1.0, side="left") - np.arange(len(ordered_s))
    return int(within.max(initial=0))


def _refills(marks: Marks | None) -> dict[str, int]:
    grown = marks.difference("server", FILLS) if marks is not None else None
    series = grown.series if grown is not None else ()
    return {item.labels.get("reason", ""): round(item.value) for item in series if item.value > 0}


def _seconds(microseconds: "pd.Series[int]") -> Floats:
    return microseconds.to_numpy(dtype=np.float64, na_value=np.nan) / 1e6
