"""Leading the users of this process through a phase: begin, tell how it goes, drain."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Self

import gevent

from bench.load.phase import Phase, PhaseSwitch
from bench.load.protocol import PROGRESS_EVERY_S, Progress

AFTER_TIMEOUT_S = 1.0
"""Every request ends by its own time-out; so much more is given for its bookkeeping."""
_POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds of this process, on which moment of the monotonic clock."""

    at_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> Self:
        """Look at both."""
        return cls(monotonic(), time.process_time())


def run_phase(switch: PhaseSwitch, phase: Phase, tell: Callable[[Progress], None]) -> Phase:
    """Let the users of ``switch`` go when ``phase`` begins; return when its time is over."""
    if (early_s := phase.begin_s - monotonic()) > 0:
        gevent.sleep(early_s)
    switch.begin(phase)
    last = progress_of(phase, None)
    while (left := phase.end_s - monotonic()) > 0:
        gevent.sleep(min(left, PROGRESS_EVERY_S))
        last = progress_of(phase, last)
        tell(last)
    return phase


def progress_of(phase: Phase | None, last: Progress | None) -> Progress:
    """Return the counts of ``phase``, with the rate of answers since ``last``."""
    if phase is None:
        return Progress(None, 0.0, None, 0, 0, 0, 0, 0, 0.0)
    elapsed_s = monotonic() - phase.begin_s
    return Progress(
        phase=phase.name,
        elapsed_s=round(elapsed_s, 3),
        seconds=phase.seconds,
        sent=phase.sent,
        answered=phase.answered,
        failed=phase.failed,
        dropped=phase.dropped,
        in_flight=phase.in_flight,
        rps=answers_per_s(elapsed_s, phase.answered, last),
    )


def answers_per_s(elapsed_s: float, answered: int, last: Progress | None) -> float:
    """Return the rate of answers since ``last``, or since the begin."""
    base_s, base = (last.elapsed_s, last.answered) if last else (0.0, 0)
    span_s = elapsed_s - base_s
    return round((answered - base) / span_s, 1) if span_s > 0 else 0.0


def drain(phase: Phase, bound_s: float) -> None:
    """Wait until nothing of ``phase`` is in flight, for ``bound_s`` at most."""
    deadline = monotonic() + bound_s
    while phase.in_flight and monotonic() < deadline:
        gevent.sleep(_POLL_S)
