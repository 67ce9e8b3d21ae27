"""A stretch of load with its counts, and the gate that users wait at between two of them."""

import math
from dataclasses import dataclass, field
from time import monotonic

from gevent.event import Event

from bench.load.recorder import Recorder, Result

_FAILURES_KEPT = 5


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
    first_failures: dict[str, None] = field(default_factory=dict)

    @property
    def end_s(self) -> float:
        """When arrivals end, on the monotonic clock."""
        return self.begin_s + self.seconds

    def note_failure(self, text: str) -> None:
        """Keep ``text`` if it is among the first few that differ."""
        if len(self.first_failures) < _FAILURES_KEPT:
            self.first_failures[text] = None

    def ended(
        self,
        intended_s: float,
        sent_s: float | None,
        done_s: float | None,
        status: int,
        body_bytes: int,
        label: int,
        result: Result,
    ) -> None:
        """Count one request and make its row; times on the monotonic clock."""
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
                label,
                result,
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
