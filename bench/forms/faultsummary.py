"""What ``summary.json`` holds of scenarios with a fault: plain data, a row a trial."""

from dataclasses import dataclass

from bench.model import Scenario


@dataclass(frozen=True, slots=True)
class FaultRound:
    """One trial with a fault. Times in seconds from the window's begin, or spans of seconds.

    ``None``: there was none, or it was not seen within the window.
    """

    round: int
    begin_s: float
    end_s: float
    started_anew_s: float | None
    reads_meanwhile: int
    """Reads meant for while the fault lasted; those below add up to them."""
    answered_meanwhile: int
    answered_late: int
    failed_meanwhile: int
    longest_ms: float | None
    """The longest wait of an answered read that was meant for while the fault lasted."""
    reads_after: int
    """Of the 10 s after the fault, or what the window has of them."""
    answered_after: int
    longest_after_ms: float | None
    oldest_answer_s: float | None
    oldest_answer_by: str | None
    """``probe`` or ``last write``; see the report for what each means."""
    fresh_s: float | None
    """From the fault's end to the first read that showed a write acknowledged after it."""
    window_left_s: float
    """How long after the fault the window went on: what ``fresh_s`` is at least if it is null."""
    failed: int
    """Reads from the fault's begin to the window's end."""
    errors_stop_s: float | None
    still_failing: bool
    requests_meanwhile: int | None
    """Of the server under test, as they reached the API server, without the probe's."""
    requests_after: int | None
    requests_usual: float | None
    """In as long a time before the fault."""
    requests_busiest_second: int | None
    refills: dict[str, int]
    """Whole states that an informer fetched anew, by reason."""


@dataclass(frozen=True, slots=True)
class FaultArmSummary:
    """One server under one fault."""

    server: str
    rounds: tuple[FaultRound, ...]


@dataclass(frozen=True, slots=True)
class FaultSummary:
    """One scenario with a fault; none of it is a cost, and none is compared or gated."""

    scenario: Scenario
    what: str
    arms: tuple[FaultArmSummary, ...]
    missing: tuple[str, ...]
