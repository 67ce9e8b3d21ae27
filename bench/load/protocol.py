"""Messages between the load process and the harness: JSON objects, one per line.

The harness sends an ``Order``, and ends the load by closing the stream; events come back.
"""

from typing import Annotated, Literal

import msgspec

from bench.model import LoadWorker

PROGRESS_EVERY_S = 1.0
DRAIN_BOUND_S = 2.0
"""Longest wait for outstanding requests at the end of a warm-up."""


class Order(msgspec.Struct, frozen=True):
    """Request of the harness for one phase of ``seconds``."""

    do: Literal["warmup", "measure"]
    seconds: Annotated[float, msgspec.Meta(gt=0, lt=1e6)]


class Event(msgspec.Struct, frozen=True, tag_field="event", tag=str.lower):
    """A message of the load process."""


class Listening(Event, frozen=True):
    """The master awaits workers on ``port``, which it chose if the harness did not."""

    port: int


class Awaiting(Event, frozen=True):
    """Workers are missing; ``text`` says which have joined and which were refused."""

    text: str


class Ready(Event, frozen=True):
    """The users are ready; no request has been sent yet."""

    users: int


class Counts(Event, frozen=True, kw_only=True):
    """Results of a phase's arrivals.

    Every arrival is ``answered`` (well), ``failed`` (time-outs included) or ``dropped``;
    ``sent`` counts those that went out.
    """

    sent: int
    answered: int
    failed: int
    dropped: int
    in_flight: int

    def counts(self) -> dict[str, int]:
        """Return these counts alone, by their names."""
        return {name: getattr(self, name) for name in COUNTS}


COUNTS = Counts.__struct_fields__


class Progress(Counts, frozen=True, kw_only=True):
    """State of the phase under way; ``rps`` is of answers, over the last interval."""

    phase: str
    elapsed_s: float
    seconds: float
    rps: float


class Drained(Counts, frozen=True, kw_only=True):
    """The warm-up is over; ``in_flight`` is above 0 if the bound passed before all was answered."""

    first_failures: tuple[str, ...] = ()


class Measured(Counts, frozen=True, kw_only=True):
    """The measured window, after the last outstanding request ended.

    ``achieved_rps`` counts good answers to the window's requests. ``cpu_s`` and ``cpu_share``
    are of the load process over ``window_s``; a share of 1.0 is a whole processor, all that a
    process of one thread can use. ``schedule_lag_p99_ms`` is from intended to
    actual start (open model). With ``workers`` the counts and ``cpu_s`` are their sums,
    and ``cpu_share`` is the greatest of theirs.
    """

    window_begin_epoch_s: float
    window_begin_monotonic_s: float
    window_end_epoch_s: float
    window_s: float
    drained_epoch_s: float
    requested_rps: float | None
    achieved_rps: float
    schedule_lag_p99_ms: float | None
    cpu_s: float
    cpu_share: float
    requests_file: str
    first_failures: tuple[str, ...] = ()
    workers: tuple[LoadWorker, ...] = ()
    stood_still_s: float = 0.0
    """The longest time for which the load process, or a worker, did not run within the window."""
    read: int = 0
    """Answers whose bodies were read in full, spread over the window."""
    wrong: int = 0
    """The answers among them that could not be right; they are among the ``failed``."""
    malformed: int = 0
    """Messages to the workers' port, so far, that no worker had sent and that were dropped."""
    first_malformed: str = ""


class Lost(Event, frozen=True):
    """Workers are missing or gone: the load cannot be as ordered."""

    why: str


class Refused(Event, frozen=True):
    """The process cannot follow an order; ``why`` gives the reason."""

    why: str


Message = Listening | Awaiting | Ready | Progress | Drained | Measured | Lost | Refused
