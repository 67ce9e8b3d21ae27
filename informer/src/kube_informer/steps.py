"""What the state machine and the loop around it say to each other: actions, inputs, outputs."""

from dataclasses import dataclass

from kube_informer.events import EventType
from kube_informer.ladder import Signal
from kube_informer.objects import CachedObject


@dataclass(frozen=True, slots=True)
class Timing:
    """Limits in seconds.

    ``idle_s`` without a byte is a dead stream, once it has had a bookmark (the
    API server sends one about every 60 s); before that, ``first_bookmark_s``.
    ``watch_min_s`` to ``watch_max_s`` is what the server is asked to end a watch
    after. ``headers_s`` bounds the wait for an answer to start, ``list_s`` each
    wait for bytes of a whole state, listed or streamed.
    """

    idle_s: float = 70.0
    first_bookmark_s: float = 600.0
    watch_min_s: float = 300.0
    watch_max_s: float = 600.0
    headers_s: float = 30.0
    list_s: float = 60.0


@dataclass(frozen=True, slots=True)
class OpenWatch:
    """Action: start a watch with this query, waiting ``timeout_s`` for its headers."""

    query: dict[str, str]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class GetList:
    """Action: ask for a list with this query."""

    query: dict[str, str]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class CheckVersion:
    """Action: learn the collection's present version, no older than ``since``, by one object.

    Without the scope's selectors: the server would look at every object for a match.
    """

    since: float
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Read:
    """Action: take the next bytes of the open watch, waiting ``timeout_s`` at most."""

    timeout_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Action: do nothing for a while. An open watch is to be closed first."""

    delay_s: float


Action = OpenWatch | GetList | CheckVersion | Read | Wait


@dataclass(frozen=True, slots=True)
class Answered:
    """Input: a status came; ``body`` of a list or of an error. ``retry_after_s`` if it said so."""

    status: int
    body: bytes = b""
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Input: bytes of the watch."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """Input: the watch ended in good order."""


@dataclass(frozen=True, slots=True)
class Broke:
    """Input: no answer, or the watch broke off: BROKE, SILENT or UNREACHABLE."""

    cause: str
    signal: Signal = Signal.BROKE


@dataclass(frozen=True, slots=True)
class Woke:
    """Input: the wait is over."""


Input = Answered | Chunk | Ended | Broke | Woke


@dataclass(frozen=True, slots=True)
class Replace:
    """Output: the whole state of the scope, at a version, and why it was fetched.

    ``unreadable`` are keys of objects that are there but cannot be decoded or
    transformed: what is known of them stays. With ``incomplete``, objects came
    that not even a key could be read of: whatever is missing may be one of them.
    """

    objects: list[CachedObject]
    resource_version: str
    reason: str
    unreadable: frozenset[str] = frozenset()
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One event to be applied."""

    type: EventType
    object: CachedObject


@dataclass(frozen=True, slots=True)
class Changes:
    """Output: events in order, and the version reached (bookmarks move it alone)."""

    changes: list[Change]
    resource_version: str


Output = Replace | Changes
