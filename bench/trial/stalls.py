"""Trials that were interrupted: who stood still meanwhile, and for how long.

A process stands still when it is stopped (Ctrl-Z), when the machine sleeps, or when a
machine is so busy that it does not come to run. Costs are counted from mark to mark, and
the load lasts for the window: where the one is not the other, a cost per second is of neither.
"""

import threading
import time
from collections.abc import Callable

from bench.supervision.stoppable import Stoppable

LONGEST_S = 2.0
"""Standing still for longer voids a trial. Busy machines make processes wait for tenths of this."""
IDLE_SHARE = 0.2
"""Of the time between the marks: if more than that and ``LONGEST_S`` had no load, costs go."""
TICK_S = 0.25


class StalledError(Exception):
    """The trial was interrupted, and says nothing: who stood still, and for how long."""


def boot_time() -> float:
    """Return the seconds since boot, those in which the machine slept included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class StallWatch(Stoppable):
    """Notices when this process does not run, from its making until ``stop``."""

    def __init__(self, clock: Callable[[], float] = boot_time) -> None:
        self._clock = clock
        self._halt = threading.Event()
        self._looked_s = clock()
        self.longest_s = 0.0
        """By which it woke too late, at the most."""
        self._thread = threading.Thread(target=self._run, name="stall-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Notice no more."""
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


def check_standstill(who: str, stood_still_s: float) -> None:
    """Raise ``StalledError`` if ``who`` stood still for longer than a trial can bear."""
    if stood_still_s > LONGEST_S:
        raise StalledError(
            f"{who} stood still for {stood_still_s:.1f} s between the marks (was it stopped, did "
            "the machine sleep?): nothing of this trial can be used. Resume the run to repeat it"
        )


def unfit_marks(marks_s: float, load_s: float) -> str | None:
    """Say that the marks lie so far apart that the load was a part of it; ``None``: they fit."""
    idle_s = marks_s - load_s
    if idle_s > LONGEST_S and idle_s > IDLE_SHARE * marks_s:
        return (
            f"the marks are {marks_s:.1f} s apart, and the load between them lasted {load_s:.1f} "
            "s: CPU per second would be of neither, and is left out"
        )
    return None
