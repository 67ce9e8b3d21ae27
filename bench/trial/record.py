"""Compute a trial's record and its caveats from its measurements. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bench.cluster.churn import ChurnReport
from bench.load.driver import Measured
from bench.metrics.registry import is_sent
from bench.model import (
    NO_SERVER,
    SCHEMA,
    Caveat,
    CaveatKind,
    FaultRecord,
    LoadWorker,
    Outcome,
    Scenario,
    Trial,
    TrialRecord,
)
from bench.probes.metrics import ScrapeRow
from bench.probes.observation import Seen
from bench.trial.idle_wait import IDLE_SHARE, IdleWait

REQUEST_TIMEOUT_S = 30.0
SATURATED_SHARE = 0.9
"""Share of a processor: a single-threaded generator that uses more may not keep time."""
RATE_TOLERANCE = 0.02
CHURN_TOLERANCE = 0.05
CLOCK_TOLERANCE_US = 10_000
"""Arrivals of workers whose clocks are less well known come bunched, at rates above 100/s."""
UPSTREAM_REQUESTS = "informer_bench_upstream_requests_total"
UPSTREAM_BYTES = "informer_bench_upstream_received_bytes_total"


def blank(trial: Trial, scenario: Scenario, identity: str | None) -> TrialRecord:
    """Return the record of a trial before any measurement."""
    loaded = trial.server != NO_SERVER
    return TrialRecord(
        schema=SCHEMA,
        trial=trial,
        outcome=Outcome.FAILED,
        window_begin_epoch_s=0.0,
        window_end_epoch_s=0.0,
        window_s=0.0,
        marks_s=0.0,
        request_timeout_s=REQUEST_TIMEOUT_S if loaded and scenario.has_load else None,
        requested_rps=scenario.rate_rps if loaded else None,
        churn_requested_per_s=scenario.churn_per_s,
        pods_at_start=scenario.pods,
        identity=identity,
        replicas=scenario.replicas if loaded else 1,
        workers=scenario.workers if loaded else 1,
    )


def with_load(record: TrialRecord, measured: Measured) -> TrialRecord:
    """Return the record with the load process's figures."""
    return replace(
        record,
        window_begin_epoch_s=measured.window_begin_epoch_s,
        window_end_epoch_s=measured.window_end_epoch_s,
        window_s=measured.window_s,
        requested_rps=measured.requested_rps,
        achieved_rps=measured.achieved_rps,
        sent=measured.sent,
        answered=measured.answered,
        failed=measured.failed,
        dropped=measured.dropped,
        schedule_lag_p99_ms=measured.schedule_lag_p99_ms,
        generator_cpu_share=measured.cpu_share,
        load_workers=measured.workers,
    )


def caveat(kind: CaveatKind, text: str, trial: Trial) -> Caveat:
    """Return the caveat with the scenario, server and round of ``trial``."""
    return Caveat(kind, text, trial.scenario, trial.server, trial.round)


def churn_caveats(churned: ChurnReport) -> Iterator[tuple[CaveatKind, str]]:
    """Yield a caveat if churn was slower than the scenario requests."""
    requested = churned.requested_per_s
    if churned.achieved_per_s < requested * (1 - CHURN_TOLERANCE):
        reason = f"; the first failure: {churned.first_failure}" if churned.failed else ""
        wrote = f"churn wrote {churned.achieved_per_s:.1f} times a second, not {requested:g}"
        why = f"({churned.failed} failed, {churned.dropped} dropped){reason}"
        yield CaveatKind.CHURN_NOT_REACHED, f"{wrote} {why}"


def drain_caveats(churned: ChurnReport, mark: str) -> Iterator[tuple[CaveatKind, str]]:
    """Yield a caveat if writes of the churn were in flight at the mark named ``mark``."""
    if churned.in_flight:
        text = f"{churned.in_flight} writes of the churn in flight at the {mark} mark"
        yield CaveatKind.NOT_DRAINED, text


def total_of(rows: Iterable[ScrapeRow], name: str, mark: str) -> int | None:
    """Return the value of a server's own counter, summed over its labels; ``None``: it has none.

    A counter with labels has no sample before its first count. It is 0 then if the other
    of the two counters is there; a server that shows neither has none.
    """
    of_server = [row for row in rows if row.source == "server" and row.mark == mark]
    if not any(row.name in (UPSTREAM_REQUESTS, UPSTREAM_BYTES) for row in of_server):
        return None
    return round(sum(row.value for row in of_server if row.name == name))


def grown(rows: Iterable[ScrapeRow], name: str) -> int | None:
    """Return the growth of a server's own counter between the marks; ``None``: it has none."""
    begin, end = total_of(rows, name, "begin"), total_of(rows, name, "end")
    return None if begin is None or end is None else end - begin


def sent_between(rows: Iterable[ScrapeRow], begin: str, end: str) -> int:
    """Return the bytes that the API server sent between two marks: answers, and watch events."""
    signs = {begin: -1, end: 1}
    sent = (
        signs[row.mark] * row.value
        for row in rows
        if row.mark in signs and row.source == "apiserver" and is_sent(row.name, row.labels)
    )
    return round(sum(sent))


def idle_wait_caveats(idle_wait: IdleWait | None) -> Iterator[tuple[CaveatKind, str]]:
    """Yield a caveat if the machine was busy with other work before the trial."""
    if idle_wait is not None and not idle_wait.reached:
        text = (
            f"before the trial {idle_wait.share:.0%} of the machine's CPU time was in use, more "
            f"than {IDLE_SHARE:.0%}, also after {idle_wait.waited_s:.1f} s of waiting"
        )
        yield CaveatKind.NOISY_MACHINE, text


def observer_caveats(observed: Iterable[Seen], mark: str) -> Iterator[tuple[CaveatKind, str]]:
    """Yield the observers' requests that failed, or were in flight at the mark named ``mark``."""
    for seen in observed:
        title = seen.observer.title
        if seen.in_flight:
            text = f"{seen.in_flight} requests of the {title} in flight at the {mark} mark"
            yield CaveatKind.NOT_DRAINED, text
        if seen.failed:
            text = f"{seen.failed} requests of the {title} failed: {seen.first_failure}"
            yield CaveatKind.FAILED_REQUESTS, text


OF_A_FAULT = frozenset(
    {
        CaveatKind.FAILED_REQUESTS,
        CaveatKind.DROPPED_ARRIVALS,
        CaveatKind.RATE_NOT_REACHED,
        CaveatKind.CHURN_NOT_REACHED,
        CaveatKind.API_SERVER_RESTARTED,
        CaveatKind.CLIENT_REFUSED,  # an API server refuses until it has read the roles
    }
)
"""Kinds of caveat that a fault explains."""


def explained(
    caveats: Sequence[Caveat], fault: FaultRecord | None, trial: Trial
) -> tuple[Caveat, ...]:
    """Return a trial's caveats; those that its fault explains become one that names it."""
    if fault is None:
        return tuple(caveats)
    followed = [other.text for other in caveats if other.kind in OF_A_FAULT]
    note = f" ({fault.note})" if fault.note else ""
    text = (
        f"{fault.what} on purpose, from second {fault.begin_s:.1f} to {fault.end_s:.1f} of the "
        f"window{note}. What came of it: {'; '.join(followed) or 'nothing failed'}"
    )
    rest = (other for other in caveats if other.kind not in OF_A_FAULT)
    return (caveat(CaveatKind.FAULT, text, trial), *rest)


def load_caveats(measured: Measured) -> Iterator[tuple[CaveatKind, str]]:
    """Yield the limits of the load's figures."""
    if measured.failed:
        texts = "; ".join(measured.first_failures)
        yield CaveatKind.FAILED_REQUESTS, f"{measured.failed} requests failed: {texts}"
    if measured.dropped:
        yield (
            CaveatKind.DROPPED_ARRIVALS,
            f"{measured.dropped} arrivals found every user busy and were dropped",
        )
    if measured.in_flight:
        yield CaveatKind.NOT_DRAINED, f"{measured.in_flight} requests in flight at the end mark"
    if measured.cpu_share > SATURATED_SHARE:
        share = f"{measured.cpu_share:.0%} of a processor"
        who = _busiest(measured.workers)
        yield (
            CaveatKind.GENERATOR_SATURATED,
            f"{who} used {share}: throughput is at least what was measured",
        )
    yield from _clock_caveats(measured.workers)
    if measured.malformed:
        text = f"{measured.malformed} malformed messages came to the port where load workers are "
        text += f"awaited, and were dropped: {measured.first_malformed}"
        yield CaveatKind.MALFORMED_MESSAGES, text
    requested = measured.requested_rps
    if requested is not None and measured.achieved_rps < requested * (1 - RATE_TOLERANCE):
        yield (
            CaveatKind.RATE_NOT_REACHED,
            f"{measured.achieved_rps:.2f} good answers a second came of {requested:g} offered",
        )


def _busiest(workers: Sequence[LoadWorker]) -> str:
    if not workers:
        return "the load generator"
    return f"the load worker {max(workers, key=lambda worker: worker.cpu_share).name}"


def _clock_caveats(workers: Sequence[LoadWorker]) -> Iterator[tuple[CaveatKind, str]]:
    for worker in workers:
        known_us = worker.clock_uncertainty_us + abs(worker.clock_drift_us)
        if known_us > CLOCK_TOLERANCE_US:
            text = (
                f"the clock of the load worker {worker.name} is known to {known_us / 1e3:.1f} ms "
                "only: its requests may have come so much earlier or later among the others'; "
                "latencies are not affected, each is of one clock"
            )
            yield CaveatKind.CLOCKS_APART, text
