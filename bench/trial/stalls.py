"""Stalls that void a trial: a process that stood still, and for how long.

A process stands still when it is stopped (Ctrl-Z), when the machine sleeps, or when a busy
machine does not schedule it. Costs are counted from mark to mark, and the load lasts for the
window: where their lengths differ, a cost per second is of neither.
"""

import threading
import time
from collections.abc import Callable

from bench.supervision.stoppable import Stoppable

LONGEST_S = 2.0
"""A longer stall voids a trial. Busy machines make processes wait for tenths of this."""
IDLE_SHARE = 0.2
"""Share of the time between the marks: with a longer time without load, costs are left out."""
TICK_S = 0.25


class StalledError(Exception):
    """Raised when a stall voids a trial; the message names the process and the seconds."""


def boot_time() -> float:
    """Return the seconds since boot, including those in which the machine slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class StallWatch(Stoppable):
    """Measures stalls of this process, from its creation until ``stop``."""

    def __init__(self, clock: Callable[[], float] = boot_time) -> None:
        self._clock = clock
        self._halt = threading.Event()
        self._looked_s = clock()
        self.longest_s = 0.0
        """The longest stall so far, in seconds."""
        self._thread = threading.Thread(target=self._run, name="stall-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop measuring."""
        self._halt.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._halt.wait(TICK_S):
            self._look()
        self._look()

    def _look(self) -> None:
        now = self._clock()
        self.longest_s = max(self.longest_s, now - self._looked_s - TICK_S)
        self._looked_s = now


def check_standstill(process: str, stood_still_s: float) -> None:
    """Raise ``StalledError`` if ``process`` stood still for longer than ``LONGEST_S``."""
    if stood_still_s > LONGEST_S:
        raise StalledError(
            f"{process} stood still for {stood_still_s:.1f} s between the marks (was it stopped, "
            "did the machine sleep?): this trial cannot be used. Resume the run to repeat it"
        )


def unfit_marks(marks_s: float, load_s: float) -> str | None:
    """Return a text if the load filled too little of the time between marks, else ``None``."""
    idle_s = marks_s - load_s
    if idle_s > LONGEST_S and idle_s > IDLE_SHARE * marks_s:
        return (
            f"the marks are {marks_s:.1f} s apart, and the load between them lasted {load_s:.1f} "
            "s: CPU per second would be of neither, and is left out"
        )
    return None
