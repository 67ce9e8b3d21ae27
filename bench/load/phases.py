"""Phases of a load: their counts, the switch that users wait at, and the run of one phase."""

import gc
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

import gevent
from gevent.event import Event

from bench.load.pacing import body_moments
from bench.load.protocol import COUNTS, DRAIN_BOUND_S, PROGRESS_EVERY_S, Counts, Progress
from bench.load.recorder import Recorder, Result, Row

MEASURE = "measure"
"""The phase whose requests become rows."""
FAILURES_KEPT = 5


class Arrivals(Protocol):
    """Makes the arrivals of a phase, each at its time."""

    def are_due(self) -> bool:
        """Whether the phase has arrivals that have not been made yet."""

    def give_up(self) -> None:
        """Count those arrivals as dropped, and stop making them."""


@dataclass
class Phase:
    """Warm-up or measured window: its begin and end, and the results of its requests.

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
    """The answers among them that were wrong."""
    stood_still_s: float = 0.0
    """The longest time by which this process woke too late within the phase."""
    arrivals: Arrivals | None = None
    """The open model's arrivals."""
    first_failures: dict[str, None] = field(default_factory=dict)
    _read_next_s: float = 0.0
    _moments: Iterator[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._moments = body_moments(self.seconds)
        self._read_next_s = next(self._moments)

    @property
    def end_s(self) -> float:
        """The end of arrivals, on the monotonic clock."""
        return self.begin_s + self.seconds

    def counts(self) -> dict[str, int]:
        """Return the results of its arrivals so far, by the names in ``COUNTS``."""
        return {name: getattr(self, name) for name in COUNTS}

    def note_failure(self, text: str) -> None:
        """Keep ``text`` if it is among the first few distinct ones."""
        if len(self.first_failures) < FAILURES_KEPT:
            self.first_failures[text] = None

    def reads_body(self, now_s: float) -> bool:
        """Whether the answer to a request sent at ``now_s`` is to be read in full."""
        elapsed_s = now_s - self.begin_s
        if elapsed_s < self._read_next_s:
            return False
        self._read_next_s = next(moment for moment in self._moments if moment > elapsed_s)
        return True

    def ended(self, row: Row) -> None:
        """Count one request, and record it; its times are on the monotonic clock."""
        self.sent += row.sent_s is not None
        if row.result is Result.OK:
            self.answered += 1
        elif row.result is Result.DROPPED:
            self.dropped += 1
        else:
            self.failed += 1
        if self.recorder is not None:
            self.recorder.add(row, self.begin_s)


class PhaseSwitch:
    """Gives users the present phase. Users and their connections outlive phases."""

    def __init__(self) -> None:
        self.phase: Phase | None = None
        """The latest phase, over or not."""
        self._changed = Event()

    def begin(self, phase: Phase) -> None:
        """Let every waiting user continue in ``phase``."""
        self.phase = phase
        waiting, self._changed = self._changed, Event()
        waiting.set()

    def next(self, after: Phase | None) -> Phase:
        """Return the present phase, or wait while there is none or it is ``after``."""
        while self.phase is None or self.phase is after:
            self._changed.wait()
        return self.phase


_AFTER_TIMEOUT_S = 1.0
"""Every request ends by its own time-out; this is added for its bookkeeping."""
_POLL_S = 0.005
_TICK_S = 0.25
"""Time between two looks for a standstill. A standstill may begin just after a look, so up to one
tick of it is not counted."""


class PhaseResult(Counts, frozen=True, kw_only=True):
    """Result of a phase in one process."""

    read: int
    wrong: int
    drained_after_s: float
    """From the begin of the phase."""
    cpu_s: float
    span_s: float
    """The time over which ``cpu_s`` was counted."""
    schedule_lag_p99_ms: float | None
    stood_still_s: float
    first_failures: tuple[str, ...]


def drain_bound_s(name: str, timeout_s: float) -> float:
    """Return the longest wait for outstanding requests at the end of the phase ``name``."""
    return timeout_s + _AFTER_TIMEOUT_S if name == MEASURE else DRAIN_BOUND_S


def run_phase(
    switch: PhaseSwitch, phase: Phase, drain_s: float, on_progress: Callable[[Progress], None]
) -> PhaseResult:
    """Let the users of ``switch`` load through ``phase`` from its begin on; then let them drain.

    Arrivals not made ``drain_s`` after its end are counted as dropped.
    """
    gevent.sleep(max(0.0, phase.begin_s - monotonic()))
    began_s, began_cpu_s = monotonic(), time.process_time()
    switch.begin(phase)
    reporter = _Reporter(phase, on_progress)
    while (left_s := phase.end_s - monotonic()) > 0:
        reporter.report_if_due()
        due_s = monotonic() + min(left_s, _TICK_S)
        gevent.sleep(due_s - monotonic())
        phase.stood_still_s = max(phase.stood_still_s, monotonic() - due_s)
    reporter.report()
    span_s, cpu_s = monotonic() - began_s, time.process_time() - began_cpu_s
    _drain(phase, drain_s, reporter.report_if_due)
    recorder = phase.recorder
    if recorder is None:
        gc.collect()
        gc.freeze()  # the collector need not walk today's objects again within the window
    return PhaseResult(
        **phase.counts(),
        read=phase.read,
        wrong=phase.wrong,
        drained_after_s=monotonic() - phase.begin_s,
        cpu_s=cpu_s,
        span_s=span_s,
        schedule_lag_p99_ms=recorder.lag_ms(99) if recorder and phase.arrivals else None,
        stood_still_s=phase.stood_still_s,
        first_failures=tuple(phase.first_failures),
    )


def progress(
    name: str, seconds: float, begin_s: float, counts: dict[str, int], last: Progress | None
) -> Progress:
    """Return the state of a phase, with the rate of answers since ``last``, or since its begin."""
    elapsed_s = monotonic() - begin_s
    base_s, base = (last.elapsed_s, last.answered) if last else (0.0, 0)
    span_s = elapsed_s - base_s
    return Progress(
        **counts,
        phase=name,
        elapsed_s=round(elapsed_s, 3),
        seconds=seconds,
        rps=round((counts["answered"] - base) / span_s, 1) if span_s > 0 else 0.0,
    )


class _Reporter:
    """Reports the progress of ``phase``."""

    def __init__(self, phase: Phase, on_progress: Callable[[Progress], None]) -> None:
        self._phase, self._on_progress = phase, on_progress
        self._last: Progress | None = None
        self._due_s = phase.begin_s + PROGRESS_EVERY_S

    def report_if_due(self) -> None:
        if monotonic() >= self._due_s:
            self.report()

    def report(self) -> None:
        phase = self._phase
        self._due_s = monotonic() + PROGRESS_EVERY_S
        self._last = progress(phase.name, phase.seconds, phase.begin_s, phase.counts(), self._last)
        self._on_progress(self._last)


def _drain(phase: Phase, bound_s: float, on_poll: Callable[[], None]) -> None:
    deadline = monotonic() + bound_s
    arrivals = phase.arrivals
    while (phase.in_flight or (arrivals and arrivals.are_due())) and monotonic() < deadline:
        gevent.sleep(_POLL_S)
        on_poll()
    if arrivals is not None:
        arrivals.give_up()
