"""Load of one trial, led through its phases: of the users in this process, or of workers.

Users and their connections outlive the phases: no window begins with the cost of connecting.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from locust.env import Environment
from msgspec.structs import replace

from bench.load.models import Order
from bench.load.phases import FAILURES_KEPT, MEASURE, Phase, PhaseResult, drain_bound_s, run_phase
from bench.load.protocol import COUNTS, Drained, Measured, Message, Progress
from bench.load.recorder import Recorder, write_rows
from bench.load.user import LoadUser


@dataclass(frozen=True, slots=True)
class Window:
    """A phase that is over: its begin, and each process's result."""

    begin_s: float
    begin_epoch_s: float
    results: Sequence[PhaseResult]
    master_cpu_s: float = 0.0
    """CPU time of the master, if the load has one."""

    def total(self) -> PhaseResult:
        """Return the sum of all results; figures that do not add up are the first result's."""
        failures = dict.fromkeys(text for result in self.results for text in result.first_failures)
        return replace(
            self.results[0],
            **{
                name: sum(getattr(result, name) for result in self.results)
                for name in (*COUNTS, "read", "wrong", "cpu_s")
            },
            first_failures=tuple(failures)[:FAILURES_KEPT],
        )


class LoadSession(ABC):
    """Leads the users of this process, or workers with their own users.

    ``out`` is the folder for the request rows.
    """

    def __init__(self, rate_rps: float | None, out: Path) -> None:
        self._rate_rps = rate_rps
        self._out = out

    def on_broken_user(self, report: Callable[[Exception], None]) -> None:  # noqa: B027 - optional
        """Have ``report`` called when a user of this process breaks: a fault of this program."""

    @abstractmethod
    def start(self, say: Callable[[Message], None]) -> None:
        """Make all users ready for the first phase. Raises ``WorkerPoolError``."""

    @abstractmethod
    def stop(self) -> None:
        """End all users and close their connections."""

    @abstractmethod
    def _load(self, name: str, seconds: float, on_progress: Callable[[Progress], None]) -> Window:
        """Let the users load through a phase, and wait (bounded) until nothing is in flight."""

    @abstractmethod
    def _write_rows(self, file: Path) -> float | None:
        """Write the rows of the last window; return p99 of sent minus intended, in ms."""

    def warm_up(self, seconds: float, on_progress: Callable[[Progress], None]) -> Drained:
        """Load without recording, then pause. Raises ``WorkerPoolError``."""
        total = self._load("warmup", seconds, on_progress).total()
        return Drained(**total.counts(), first_failures=total.first_failures)

    def measure(self, seconds: float, on_progress: Callable[[Progress], None]) -> Measured:
        """Load and record one window. Raises ``WorkerPoolError``."""
        window = self._load(MEASURE, seconds, on_progress)
        requests_file = self._out / "requests.parquet"
        lag_ms = self._write_rows(requests_file)
        total, results = window.total(), window.results
        return Measured(
            sent=total.sent,
            answered=total.answered,
            failed=total.failed,
            dropped=total.dropped,
            in_flight=total.in_flight,
            read=total.read,
            wrong=total.wrong,
            window_begin_epoch_s=window.begin_epoch_s,
            window_begin_monotonic_s=window.begin_s,
            window_end_epoch_s=window.begin_epoch_s + seconds,
            window_s=max(result.span_s for result in results),
            drained_epoch_s=window.begin_epoch_s
            + max(result.drained_after_s for result in results),
            requested_rps=self._rate_rps,
            achieved_rps=total.answered / seconds,
            schedule_lag_p99_ms=None if self._rate_rps is None else lag_ms,
            cpu_s=total.cpu_s + window.master_cpu_s,
            cpu_share=max(result.cpu_s / result.span_s for result in results),
            requests_file=str(requests_file),
            first_failures=total.first_failures,
            stood_still_s=max(result.stood_still_s for result in results),
        )


class Session(LoadSession):
    """Starts the users in this process, and runs their phases."""

    def __init__(self, order: Order, users: int, out: Path) -> None:
        super().__init__(order.rate_rps, out)
        self._order = order
        self._users = users if order.rate_rps is None else 1
        self._recorder: Recorder
        user: type[LoadUser] = type("Reader", (LoadUser,), {"order": order, "abstract": False})
        self._environment = Environment(user_classes=[user], catch_exceptions=False)
        self._runner = self._environment.create_local_runner()

    def on_broken_user(self, report: Callable[[Exception], None]) -> None:
        """Have ``report`` called when a user breaks."""

        def listen(exception: Exception, **_: object) -> None:
            report(exception)

        self._environment.events.user_error.add_listener(listen)  # type: ignore[no-untyped-call]

    def start(self, say: Callable[[Message], None]) -> None:  # noqa: ARG002 - nothing to report
        """Start all users; they wait for the first phase."""
        self._runner.start(user_count=self._users, spawn_rate=self._users, wait=True)

    def stop(self) -> None:
        """End all users at once."""
        self._runner.quit()

    def _load(self, name: str, seconds: float, on_progress: Callable[[Progress], None]) -> Window:
        self._recorder = Recorder(self._order.questions[0].labels)
        begin_epoch_s = time.time()
        phase = Phase(name, seconds, self._recorder if name == MEASURE else None)
        drain_s = drain_bound_s(name, self._order.timeout_s)
        result = run_phase(self._order.switch, phase, drain_s, on_progress)
        return Window(phase.begin_s, begin_epoch_s, [result])

    def _write_rows(self, file: Path) -> float | None:
        write_rows(self._recorder.table(), file)
        return self._recorder.lag_ms(99)
