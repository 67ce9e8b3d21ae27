"""What the load process and the harness say to each other: JSON objects, one a line.

The harness sends an ``Order``, and ends the load by closing the stream; events come back.
"""

from typing import Annotated, Literal

import msgspec

from bench.model import LoadWorker

PROGRESS_EVERY_S = 1.0
DRAIN_BOUND_S = 2.0
"""How long the end of a warm-up waits for what is outstanding."""


class Order(msgspec.Struct, frozen=True):
    """What the harness asks for: one phase of so many seconds."""

    do: Literal["warmup", "measure"]
    seconds: Annotated[float, msgspec.Meta(gt=0, lt=1e6)]


class Event(msgspec.Struct, frozen=True, tag_field="event", tag=str.lower):
    """What the load process says."""


class Listening(Event, frozen=True):
    """Workers are awaited; on this port, if the harness left the choice."""

    port: int


class Awaiting(Event, frozen=True):
    """Not all workers are there yet: how many are, and who was sent away, in words."""

    text: str


class Ready(Event, frozen=True):
    """The users stand at the gate; nothing has been asked yet."""

    users: int


class Counts(Event, frozen=True, kw_only=True):
    """What became of a phase's arrivals.

    Every one is either ``answered`` (well), ``failed`` (time-outs included) or ``dropped``;
    ``sent`` counts those that went out.
    """

    sent: int
    answered: int
    failed: int
    dropped: int
    in_flight: int

    def counts(self) -> dict[str, int]:
        """Return these alone, by their names."""
        return {name: getattr(self, name) for name in COUNTS}


COUNTS = Counts.__struct_fields__


class Progress(Counts, frozen=True, kw_only=True):
    """The phase under way; ``rps`` is of answers, over the last interval."""

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
    """Those of them that could not be right; they are among the ``failed``."""
    malformed: int = 0
    """Messages to the workers' port, up to now, that were none of a worker's and were dropped."""
    first_malformed: str = ""


class Lost(Event, frozen=True):
    """Workers did not come, or one is gone: the load cannot be what was ordered."""

    why: str


class Refused(Event, frozen=True):
    """An order that could not be followed, and why."""

    why: str


Message = Listening | Awaiting | Ready | Progress | Drained | Measured | Lost | Refused
