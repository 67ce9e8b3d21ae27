"""Master's side of one load: gathers the workers, runs their phases, merges their rows."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import gevent
import msgspec.structs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.load.distributed.registry import Member, WorkerPoolError
from bench.load.distributed.worker_pool import WorkerPool
from bench.load.phases import drain_bound_s, progress
from bench.load.protocol import PROGRESS_EVERY_S, Awaiting, Listening, Measured, Message, Progress
from bench.load.recorder import lag_ms, write_rows
from bench.load.session import LoadSession, Window
from bench.load.spec import DistributedLoad, Load
from bench.model import LoadWorker

LEAD_S = 0.5
"""From the order of a phase to its begin: all workers have the order by then."""
TAIL_S = 60.0
"""Time for the rows to come after a phase and its drain, unless their worker falls silent."""
AFTER_THEM_S = 0.1
"""From the workers' progress reports to the master's, so that theirs are all in."""
POLL_S = 0.01
WORKER = "worker"
"""Column of the request rows that names the worker."""


class MasterSession(LoadSession):
    """Leads the workers of ``distributed`` through the phases of one load."""

    def __init__(self, load: Load, distributed: DistributedLoad, out: Path) -> None:
        super().__init__(load.rate_rps, out)
        self._whole = load
        self._pool = WorkerPool(distributed, out)

    def start(self, say: Callable[[Message], None]) -> None:
        """Wait for the workers, give each its order, and start their users.

        Raises ``WorkerPoolError`` when they do not join in time.
        """
        say(Listening(self._pool.port))
        self._pool.gather(lambda text: say(Awaiting(text)))
        self._pool.start_users(self._whole)

    def stop(self) -> None:
        """Dismiss all workers."""
        self._pool.dismiss()

    def measure(self, seconds: float, on_progress: Callable[[Progress], None]) -> Measured:
        """Load and record one window, merge the rows, and add a record of each worker."""
        measured = super().measure(seconds, on_progress)
        self._pool.compare_clocks()
        return msgspec.structs.replace(
            measured,
            workers=tuple(_load_worker(member) for member in self._pool.members),
            malformed=self._pool.malformed_count,
            first_malformed="; ".join(self._pool.malformed),
        )

    def _load(self, name: str, seconds: float, on_progress: Callable[[Progress], None]) -> Window:
        """Let all workers load from one moment on, and return once all are done.

        Raises ``WorkerPoolError`` when a worker is gone, falls silent, breaks, or does not
        finish.
        """
        before_cpu_s = time.process_time()
        self._pool.compare_clocks()
        begin_s = monotonic() + LEAD_S
        begin_epoch_s = time.time() + (begin_s - monotonic())
        self._pool.order_phase(name, seconds, begin_s)
        last: Progress | None = None
        reported_s = begin_s + AFTER_THEM_S
        drain_s = drain_bound_s(name, self._whole.timeout_s)
        deadline = begin_s + seconds + drain_s + TAIL_S
        while not all(member.result for member in self._pool.members):
            gevent.sleep(POLL_S)
            self._pool.check(since_s=begin_s)
            now = monotonic()
            if now > deadline:
                late = [member.name for member in self._pool.members if member.result is None]
                raise WorkerPoolError(f"not done {TAIL_S:g} s after the window: {', '.join(late)}")
            if now - reported_s >= PROGRESS_EVERY_S:
                last, reported_s = progress(name, seconds, begin_s, self._pool.counts(), last), now
                on_progress(last)
        self._pool.check(since_s=begin_s)
        results = [member.result for member in self._pool.members if member.result is not None]
        return Window(begin_s, begin_epoch_s, results, time.process_time() - before_cpu_s)

    def _write_rows(self, file: Path) -> float | None:
        """Merge the workers' rows into one table, with a column for the worker.

        Times are microseconds from the begin of the window, which is one moment for all.
        Raises ``WorkerPoolError`` naming a worker whose rows are incomplete.
        """
        table = pa.concat_tables(
            _worker_rows(member.name, self._pool.rows_file(member), member.rows)
            for member in self._pool.members
        )
        write_rows(table, file)
        sent = table.filter(table["sent_us"].is_valid())
        return lag_ms(sent["sent_us"].to_numpy() - sent["intended_us"].to_numpy(), 99)


def _worker_rows(name: str, path: Path, rows: int) -> pa.Table:
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise WorkerPoolError(
            f"the rows of the load worker {name} are incomplete: {error}"
        ) from error
    if len(table) != rows:
        raise WorkerPoolError(f"{len(table)} of {rows} rows came from the load worker {name}")
    names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([name]))
    return table.append_column(WORKER, names)


def _load_worker(member: Member) -> LoadWorker:
    """Return the record of a worker whose clock was compared before and after the window."""
    result, applied = member.result, member.applied
    assert result is not None, "the caller has awaited it"
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
