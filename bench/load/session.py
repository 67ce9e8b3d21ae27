"""The load of one trial: Locust as a library, its users led through phases.

The users are started once and outlive the phases, and so do their connections:
a measured window does not begin with the cost of connecting.
"""

import gc
import time
from collections.abc import Callable
from pathlib import Path

from locust.env import Environment

from bench.load.models import Order
from bench.load.phases import (
    AFTER_TIMEOUT_S,
    Phase,
    PhaseSwitch,
    Usage,
    drain,
    progress_of,
    run_phase,
)
from bench.load.protocol import DRAIN_BOUND_S, Drained, Measured, Message, Progress
from bench.load.recorder import Recorder
from bench.load.user import LoadUser


class Session:
    """Starts the users, then runs phases; ``out`` is the folder for the request rows."""

    def __init__(self, order: Order, users: int, out: Path) -> None:
        self._order = order
        self._users = users if order.rate_rps is None else 1
        self._out = out
        self._switch: PhaseSwitch = order.switch
        user: type[LoadUser] = type("Reader", (LoadUser,), {"order": order, "abstract": False})
        self._environment = Environment(user_classes=[user], catch_exceptions=False)
        self._runner = self._environment.create_local_runner()

    def on_broken_user(self, tell: Callable[[Exception], None]) -> None:
        """Have ``tell`` called when a user breaks, which only a fault of this program does."""

        def listen(exception: Exception, **_: object) -> None:
            tell(exception)

        self._environment.events.user_error.add_listener(listen)  # type: ignore[no-untyped-call]

    def progress(self) -> Progress:
        """Return the counts of the phase under way, or of the last one."""
        return progress_of(self._switch.phase, None)

    def start(self, say: Callable[[Message], None]) -> None:  # noqa: ARG002 - nothing to say yet
        """Start all users; they wait at the gate for the first phase."""
        self._runner.start(user_count=self._users, spawn_rate=self._users, wait=True)

    def stop(self) -> None:
        """End all users at once and close their connections."""
        self._runner.quit()

    def warm_up(self, seconds: float, tell: Callable[[Progress], None]) -> Drained:
        """Load without recording, then pause until nothing is in flight (bounded)."""
        phase = run_phase(self._switch, Phase("warmup", seconds), tell)
        drain(phase, DRAIN_BOUND_S)
        drained_epoch_s = time.time()
        gc.collect()
        gc.freeze()  # what is alive now need not be walked again within the window
        return Drained(
            in_flight=phase.in_flight,
            drained_epoch_s=drained_epoch_s,
            sent=phase.sent,
            answered=phase.answered,
            failed=phase.failed,
            dropped=phase.dropped,
            first_failures=tuple(phase.first_failures),
        )

    def measure(self, seconds: float, tell: Callable[[Progress], None]) -> Measured:
        """Load and record one window, await what is outstanding, and write the rows."""
        recorder = Recorder(self._order.questions[0].labels)
        begin_epoch_s, before = time.time(), Usage.now()
        phase = run_phase(self._switch, Phase("measure", seconds, recorder), tell)
        after = Usage.now()
        drain(phase, self._order.timeout_s + AFTER_TIMEOUT_S)
        drained_epoch_s = time.time()
        requests_file = self._out / "requests.parquet"
        recorder.write(requests_file)
        window_s = after.at_s - before.at_s
        cpu_s = after.cpu_s - before.cpu_s
        return Measured(
            window_begin_epoch_s=begin_epoch_s,
            window_begin_monotonic_s=phase.begin_s,
            window_end_epoch_s=begin_epoch_s + seconds,
            window_s=seconds,
            drained_epoch_s=drained_epoch_s,
            sent=phase.sent,
            answered=phase.answered,
            failed=phase.failed,
            dropped=phase.dropped,
            in_flight=phase.in_flight,
            read=phase.read,
            wrong=phase.wrong,
            requested_rps=self._order.rate_rps,
            achieved_rps=phase.answered / seconds,
            schedule_lag_p99_ms=recorder.lag_ms(99) if self._order.rate_rps else None,
            cpu_s=cpu_s,
            cpu_share=cpu_s / window_s,
            requests_file=str(requests_file),
            first_failures=tuple(phase.first_failures),
            stood_still_s=phase.stood_still_s,
        )
