"""Phases of a load: their counts, the switch that users wait at, and how one is led to its end."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol, Self

import gevent
from gevent.event import Event

from bench.load.pacing import body_moments
from bench.load.protocol import PROGRESS_EVERY_S, Progress
from bench.load.recorder import Recorder, Result

_FAILURES_KEPT = 5


class Arrivals(Protocol):
    """Makes the arrivals of a phase, each at its time."""

    def are_due(self) -> bool:
        """Whether some of those of the phase have not been made yet."""

    def give_up(self) -> None:
        """Count those as dropped, and make them no more."""


@dataclass
class Phase:
    """Warm-up or measured window: when it begins and ends, and what became of its requests.

    A request belongs to the phase of its intended start. ``begin_s`` is on the
    monotonic clock; ``seconds`` is infinite when a person decides when to stop.
    """

    name: str
    seconds: float = math.inf
    recorder: Recorder | None = None
    begin_s: float = field(default_factory=monotonic)
    sent: int = 0
    answered: int = 0
    failed: int = 0
    dropped: int = 0
    in_flight: int = 0
    read: int = 0
    """Answers whose bodies were read in full."""
    wrong: int = 0
    """Those of them that were no right answers."""
    stood_still_s: float = 0.0
    """The longest time by which this process woke too late within the phase."""
    arrivals: Arrivals | None = None
    """Who makes the arrivals, in the open model."""
    first_failures: dict[str, None] = field(default_factory=dict)
    _read_next_s: float = 0.0
    _moments: Iterator[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._moments = body_moments(self.seconds)
        self._read_next_s = next(self._moments)

    @property
    def end_s(self) -> float:
        """When arrivals end, on the monotonic clock."""
        return self.begin_s + self.seconds

    def note_failure(self, text: str) -> None:
        """Keep ``text`` if it is among the first few that differ."""
        if len(self.first_failures) < _FAILURES_KEPT:
            self.first_failures[text] = None

    def reads_body(self, now_s: float) -> bool:
        """Whether the answer to a request sent at ``now_s`` is to be read in full."""
        elapsed_s = now_s - self.begin_s
        if elapsed_s < self._read_next_s:
            return False
        self._read_next_s = next(moment for moment in self._moments if moment > elapsed_s)
        return True

    def ended(
        self,
        intended_s: float,
        sent_s: float | None,
        done_s: float | None,
        status: int,
        body_bytes: int,
        ask: int,
        result: Result,
        entries: int | None = None,
    ) -> None:
        """Count one request and make its row; times on the monotonic clock.

        ``ask`` is the question's place in the route, ``entries`` what a body read in full held.
        """
        self.sent += sent_s is not None
        if result is Result.OK:
            self.answered += 1
        elif result is Result.DROPPED:
            self.dropped += 1
        else:
            self.failed += 1
        if self.recorder is not None:
            begin = self.begin_s
            self.recorder.add(
                intended_s - begin,
                None if sent_s is None else sent_s - begin,
                None if done_s is None else done_s - begin,
                status,
                body_bytes,
                ask,
                result,
                entries,
            )


class PhaseSwitch:
    """Where the present phase is found. Users and their connections outlive phases."""

    def __init__(self) -> None:
        self._phase: Phase | None = None
        self._changed = Event()

    @property
    def phase(self) -> Phase | None:
        """The latest phase, over or not."""
        return self._phase

    def begin(self, phase: Phase) -> None:
        """Let every waiting user go on under ``phase``."""
        self._phase = phase
        waiting, self._changed = self._changed, Event()
        waiting.set()

    def next(self, after: Phase | None) -> Phase:
        """Return the present phase, or wait while there is none or it is ``after``."""
        while self._phase is None or self._phase is after:
            self._changed.wait()
        return self._phase


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
        due_s = monotonic() + min(left, PROGRESS_EVERY_S)
        gevent.sleep(due_s - monotonic())
        phase.stood_still_s = max(phase.stood_still_s, monotonic() - due_s)
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
    """Wait until all arrivals of ``phase`` are made and none is in flight, ``bound_s`` at most.

    Arrivals that were not made by then are counted as dropped.
    """
    deadline = monotonic() + bound_s
    arrivals = phase.arrivals
    while (phase.in_flight or (arrivals and arrivals.are_due())) and monotonic() < deadline:
        gevent.sleep(_POLL_S)
    if arrivals is not None:
        arrivals.give_up()
