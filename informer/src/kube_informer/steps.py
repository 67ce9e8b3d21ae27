"""The values that the state machine and its loop exchange: actions, inputs, outputs."""

from dataclasses import dataclass

import msgspec

from kube_informer.events import EventType
from kube_informer.ladder import Signal
from kube_informer.objects import CachedObject


@dataclass(frozen=True, slots=True)
class Timing:
    """Limits in seconds.

    A stream is dead after ``idle_s`` without an event or a bookmark, once it has had a
    bookmark (the API server sends one about every 60 s); before that, after
    ``first_bookmark_s``. Other bytes do not count. The server is asked to end a watch
    after ``watch_min_s`` to ``watch_max_s``; the client ends a watch that lasts longer.
    ``headers_s`` bounds the wait for an answer to start, ``list_s`` each wait for bytes
    of a list, and ``list_total_s`` the whole list (or page): the default is ten times
    the API server's own limit. ``stream_s`` bounds the wait for an event of a streamed
    state, which is listed instead after that: a server that streams a state begins
    within its own limit of 3 s.
    """

    idle_s: float = 70.0
    first_bookmark_s: float = 600.0
    watch_min_s: float = 300.0
    watch_max_s: float = 600.0
    headers_s: float = 30.0
    list_s: float = 60.0
    list_total_s: float = 600.0
    stream_s: float = 10.0


class OpenWatch(msgspec.Struct, frozen=True):
    """Action: start a watch with this query, waiting ``timeout_s`` for its headers."""

    query: dict[str, str]
    timeout_s: float


class GetList(msgspec.Struct, frozen=True):
    """Action: request a list with this query."""

    query: dict[str, str]
    timeout_s: float


class CheckVersion(msgspec.Struct, frozen=True):
    """Action: list one object for the collection's present version, no older than ``since``.

    Without the scope's selectors: the server would look at every object for a match.
    """

    since: float
    timeout_s: float


class Read(msgspec.Struct, frozen=True):
    """Action: take the next bytes of the open watch, waiting ``timeout_s`` at most."""

    timeout_s: float


class Wait(msgspec.Struct, frozen=True):
    """Action: close an open watch, then do nothing for ``delay_s``."""

    delay_s: float


Action = OpenWatch | GetList | CheckVersion | Read | Wait


class Answered(msgspec.Struct, frozen=True):
    """Input: a status, the ``body`` of a list or an error, and ``retry_after_s`` if given."""

    status: int
    body: bytes = b""
    retry_after_s: float = 0.0


class Chunk(msgspec.Struct, frozen=True):
    """Input: bytes of the watch."""

    data: bytes


class Ended(msgspec.Struct, frozen=True):
    """Input: the watch ended in good order."""


class Broke(msgspec.Struct, frozen=True):
    """Input: no answer, or the watch broke off: BROKE, SILENT or UNREACHABLE."""

    cause: str
    signal: Signal = Signal.BROKE


class Woke(msgspec.Struct, frozen=True):
    """Input: the wait is over."""


Input = Answered | Chunk | Ended | Broke | Woke


class Replace(msgspec.Struct, frozen=True):
    """Output: the whole state of the scope, its version, and why it was fetched.

    ``unreadable`` are keys of objects that exist but cannot be decoded or
    transformed: their known states stay. ``incomplete`` means that objects came
    without a readable key: any missing object may be one of them.
    """

    objects: list[CachedObject]
    resource_version: str
    reason: str
    unreadable: frozenset[str] = frozenset()
    incomplete: bool = False


class Change(msgspec.Struct, frozen=True):
    """One event to apply."""

    type: EventType
    object: CachedObject


class Changes(msgspec.Struct, frozen=True):
    """Output: events in order, and the version reached (bookmarks move only the version)."""

    changes: list[Change]
    resource_version: str


Output = Replace | Changes
