"""The master's side of one load: gathers the workers, leads them through phases, merges rows."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import gevent

from bench.load.distributed.clock import Offset
from bench.load.distributed.merging import lag_p99_ms, merged
from bench.load.distributed.messages import Assignment, Result
from bench.load.distributed.registry import Member, WorkerPoolError
from bench.load.distributed.worker_pool import WorkerPool
from bench.load.phases import AFTER_TIMEOUT_S, Usage, answers_per_s
from bench.load.protocol import (
    DRAIN_BOUND_S,
    PROGRESS_EVERY_S,
    Awaiting,
    Drained,
    Listening,
    Measured,
    Message,
    Progress,
)
from bench.model import LoadWorker, LoadWorkers

LEAD_S = 0.5
"""A phase begins so long after it was ordered: all workers have the order by then."""
TAIL_S = 60.0
"""After a phase and its drain the rows have so long to come, unless their worker falls silent."""
AFTER_THEM_S = 0.1
"""Progress is told so long after the workers tell theirs, so that it is all in."""
POLL_S = 0.01
FAILURES_KEPT = 5


@dataclass(frozen=True, slots=True)
class Gathering:
    """Where workers are awaited, how many, and for how long; port 0 chooses one."""

    host: str
    port: int
    wanted: LoadWorkers
    within_s: float


class MasterSession:
    """Leads workers through the phases of one load; ``whole`` is the assignment of them all."""

    def __init__(self, whole: Assignment, gathering: Gathering, out: Path) -> None:
        self._whole = whole
        self._gathering = gathering
        self._out = out
        self._pool = WorkerPool(gathering.host, gathering.port, gathering.wanted, out)
        self._progress = Progress(None, 0.0, None, 0, 0, 0, 0, 0, 0.0)

    def on_broken_user(self, tell: Callable[[Exception], None]) -> None:
        """Do nothing: users are the workers', who say so themselves if one breaks."""

    def progress(self) -> Progress:
        """Return the counts of all workers as they were last heard of."""
        return self._progress

    def start(self, say: Callable[[Message], None]) -> None:
        """Wait for the workers, give each its order, and start their users.

        Raises ``WorkerPoolError`` when they do not come in time.
        """
        say(Listening(self._pool.port))
        self._pool.gather(self._gathering.within_s, lambda text: say(Awaiting(text)))
        for member, share in self._pool.shares():
            self._pool.assign(member, replace(self._whole, name=member.name, share=share))
        is_open = self._whole.rate_rps is not None
        self._pool.start_users(self._gathering.wanted.total if is_open else self._whole.users)

    def stop(self) -> None:
        """Send all workers home."""
        self._pool.dismiss()

    def warm_up(self, seconds: float, tell: Callable[[Progress], None]) -> Drained:
        """Load without recording, then pause until nothing is in flight (bounded)."""
        self._run("warmup", seconds, DRAIN_BOUND_S, tell)
        total = _total(self._results())
        return Drained(
            in_flight=total.in_flight,
            drained_epoch_s=time.time(),
            sent=total.sent,
            answered=total.answered,
            failed=total.failed,
            dropped=total.dropped,
            first_failures=total.first_failures,
        )

    def measure(self, seconds: float, tell: Callable[[Progress], None]) -> Measured:
        """Load and record one window, await what is outstanding, and merge the rows."""
        before = Usage.now()
        drain_s = self._whole.timeout_s + AFTER_TIMEOUT_S
        begin_s, begin_epoch_s = self._run("measure", seconds, drain_s, tell)
        own_cpu_s = Usage.now().cpu_s - before.cpu_s
        results = self._results()
        clocks = {member.name: member.clock for member in self._pool.members}
        self._pool.compare_clocks()
        requests_file = self._out / "requests.parquet"
        table = merged(
            [
                (member.name, self._pool.rows_file(member), result.rows)
                for member, result in zip(self._pool.members, results, strict=True)
            ],
            requests_file,
        )
        total = _total(results)
        return Measured(
            window_begin_epoch_s=begin_epoch_s,
            window_begin_monotonic_s=begin_s,
            window_end_epoch_s=begin_epoch_s + seconds,
            window_s=seconds,
            drained_epoch_s=begin_epoch_s + max(result.drained_after_s for result in results),
            sent=total.sent,
            answered=total.answered,
            failed=total.failed,
            dropped=total.dropped,
            in_flight=total.in_flight,
            read=total.read,
            wrong=total.wrong,
            requested_rps=self._whole.rate_rps,
            achieved_rps=total.answered / seconds,
            schedule_lag_p99_ms=None if self._whole.rate_rps is None else lag_p99_ms(table),
            cpu_s=own_cpu_s + total.cpu_s,
            cpu_share=max(result.cpu_s / result.span_s for result in results),
            requests_file=str(requests_file),
            first_failures=total.first_failures,
            workers=tuple(
                _worker(member, result, clocks[member.name])
                for member, result in zip(self._pool.members, results, strict=True)
            ),
            stood_still_s=max(result.stood_still_s for result in results),
            malformed=self._pool.malformed_count,
            first_malformed="; ".join(self._pool.malformed),
        )

    def _results(self) -> list[Result]:
        return [member.result for member in self._pool.members if member.result is not None]

    def _run(
        self, name: str, seconds: float, drain_s: float, tell: Callable[[Progress], None]
    ) -> tuple[float, float]:
        """Let all workers load from one moment on, and return it once all are done.

        The moment is of this process's monotonic clock, and of the wall clock. Raises
        ``WorkerPoolError`` when a worker is gone, falls silent, breaks, or does not come to an end.
        """
        self._pool.compare_clocks()
        begin_s = monotonic() + LEAD_S
        begin_epoch_s = time.time() + (begin_s - monotonic())
        self._pool.order_phase(name, seconds, begin_s)
        last = self._sum(name, seconds, begin_s, None)
        told_s = begin_s + AFTER_THEM_S
        deadline = begin_s + seconds + drain_s + TAIL_S
        while not all(member.result for member in self._pool.members):
            gevent.sleep(POLL_S)
            self._pool.check(since_s=begin_s)
            now = monotonic()
            if now > deadline:
                late = [each.name for each in self._pool.members if each.result is None]
                raise WorkerPoolError(f"not done {TAIL_S:g} s after the window: {', '.join(late)}")
            if now - told_s >= PROGRESS_EVERY_S:
                last, told_s = self._sum(name, seconds, begin_s, last), now
                tell(last)
        self._pool.check(since_s=begin_s)
        return begin_s, begin_epoch_s

    def _sum(self, name: str, seconds: float, begin_s: float, last: Progress | None) -> Progress:
        counts = self._pool.counts()
        elapsed_s = monotonic() - begin_s
        self._progress = Progress(
            phase=name,
            elapsed_s=round(elapsed_s, 3),
            seconds=seconds,
            rps=answers_per_s(elapsed_s, counts["answered"], last),
            **counts,
        )
        return self._progress


def _total(results: list[Result]) -> Result:
    """Return the sum of what all workers made; figures that do not add up are left at the first."""
    failures = dict.fromkeys(text for each in results for text in each.first_failures)
    return replace(
        results[0],
        sent=sum(each.sent for each in results),
        answered=sum(each.answered for each in results),
        failed=sum(each.failed for each in results),
        dropped=sum(each.dropped for each in results),
        in_flight=sum(each.in_flight for each in results),
        read=sum(each.read for each in results),
        wrong=sum(each.wrong for each in results),
        cpu_s=sum(each.cpu_s for each in results),
        first_failures=tuple(failures)[:FAILURES_KEPT],
    )


def _worker(member: Member, result: Result, applied: Offset) -> LoadWorker:
    """Return the record of a worker whose clock was compared again after the window."""
    return LoadWorker(
        name=member.name,
        sent=result.sent,
        answered=result.answered,
        failed=result.failed,
        dropped=result.dropped,
        cpu_share=result.cpu_s / result.span_s,
        schedule_lag_p99_ms=result.schedule_lag_p99_ms,
        clock_offset_us=round(applied.offset_s * 1e6),
        clock_uncertainty_us=math.ceil(applied.uncertainty_s * 1e6),
        clock_drift_us=round((member.clock.offset_s - applied.offset_s) * 1e6),
    )
