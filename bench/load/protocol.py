"""What the load process and the harness say to each other: JSON objects, one a line.

The harness sends ``{"do": "warmup" | "measure", "seconds": S}``, ``{"do": "progress"}``
and ``{"do": "stop"}``. The load process sends the events below, each with its
``event``. Plain data for both sides: no locust here.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeVar

from bench.model import LoadWorker

PROGRESS_EVERY_S = 1.0
DRAIN_BOUND_S = 2.0
"""How long the end of a warm-up waits for what is outstanding."""


class ProtocolError(ValueError):
    """A line that is not what this protocol says."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Workers are awaited; on this port, if the harness left the choice."""

    EVENT: ClassVar[str] = "listening"
    port: int


@dataclass(frozen=True, slots=True)
class Awaiting:
    """Not all workers are there yet: how many are, and who was sent away, in words."""

    EVENT: ClassVar[str] = "awaiting"
    text: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The users stand at the gate; nothing has been asked yet."""

    EVENT: ClassVar[str] = "ready"
    users: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of the phase under way; ``rps`` is of answers, over the last interval."""

    EVENT: ClassVar[str] = "progress"
    phase: str | None
    elapsed_s: float
    seconds: float | None
    sent: int
    answered: int
    failed: int
    dropped: int
    in_flight: int
    rps: float


@dataclass(frozen=True, slots=True)
class Drained:
    """The warm-up is over; ``in_flight`` is above 0 if the bound passed before all was answered."""

    EVENT: ClassVar[str] = "drained"
    in_flight: int
    drained_epoch_s: float
    sent: int
    answered: int
    failed: int
    dropped: int
    first_failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """The measured window, after the last outstanding request ended.

    Every arrival is either ``answered`` (well), ``failed`` (time-outs included) or
    ``dropped``; ``sent`` counts those that went out. ``achieved_rps`` counts good
    answers to the window's requests. ``cpu_s`` and ``cpu_share`` are of the
    load process over ``window_s``; a share of 1.0 is a whole processor, all that a
    process of one thread can use. ``schedule_lag_p99_ms`` is from intended to
    actual start (open model). With ``workers`` the counts and ``cpu_s`` are their sums,
    and ``cpu_share`` is the greatest of theirs.
    """

    EVENT: ClassVar[str] = "measured"
    window_begin_epoch_s: float
    window_begin_monotonic_s: float
    window_end_epoch_s: float
    window_s: float
    drained_epoch_s: float
    sent: int
    answered: int
    failed: int
    dropped: int
    in_flight: int
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


@dataclass(frozen=True, slots=True)
class Lost:
    """Workers did not come, or one is gone: the load cannot be what was ordered."""

    EVENT: ClassVar[str] = "lost"
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that could not be followed, and why."""

    EVENT: ClassVar[str] = "refused"
    why: str


Message = Listening | Awaiting | Ready | Progress | Drained | Measured | Lost | Refused
_KINDS: dict[str, type[Message]] = {
    kind.EVENT: kind
    for kind in (Listening, Awaiting, Ready, Progress, Drained, Measured, Lost, Refused)
}
Kind = TypeVar("Kind")


def encode(message: Message) -> str:
    """Return ``message`` as one line, newline included."""
    return json.dumps({"event": message.EVENT, **asdict(message)}) + "\n"


def decode(line: str) -> Message:
    """Return the message in ``line``; raise ``ProtocolError`` if it is none."""
    try:
        content = json.loads(line)
        kind = _KINDS[content.pop("event")]
        return _filled(kind, content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(f"not a message of the load process: {line[:200]!r}") from error


def _filled(kind: type[Kind], content: dict[str, Any]) -> Kind:
    for field in fields(kind):  # type: ignore[arg-type]  # every kind is a dataclass
        if field.name == "first_failures":
            content[field.name] = tuple(content[field.name])
        if field.name == "workers":
            content[field.name] = tuple(LoadWorker(**each) for each in content[field.name])
    return kind(**content)


@dataclass(frozen=True, slots=True)
class Order:
    """What the harness asks for; ``seconds`` goes with ``warmup`` and ``measure``."""

    do: str
    seconds: float = 0.0


ORDERS = ("warmup", "measure", "progress", "stop")


def encode_order(order: Order) -> str:
    """Return ``order`` as one line, newline included."""
    return json.dumps({"do": order.do, "seconds": order.seconds}) + "\n"


def decode_order(line: str) -> Order:
    """Return the order in ``line``; raise ``ProtocolError`` saying what is wrong with it."""
    try:
        content = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"an order is a JSON object, not {line[:200]!r}") from error
    if not isinstance(content, dict) or content.get("do") not in ORDERS:
        raise ProtocolError(f"an order's 'do' is one of {', '.join(ORDERS)}: {line[:200]!r}")
    seconds = content.get("seconds", 0.0)
    timed = content["do"] in ("warmup", "measure")
    if timed and not (isinstance(seconds, int | float) and 0 < seconds < 1e6):
        raise ProtocolError(f"'seconds' of {content['do']!r} is above 0, not {seconds!r}")
    return Order(content["do"], float(seconds) if timed else 0.0)
