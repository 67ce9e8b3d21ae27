"""List and watch as a state machine: no network, no clock, no thread.

:class:`WatchMachine` says what to do next (an :data:`Action`), is told what
came of it (an :data:`Input`) and the time, and answers with what changed
(:data:`Output`) and the next action. The loop around it only carries them out.

    FILL -> FILLING -> WATCHING        the initial state streamed, then watched on
    LIST -> OPEN -> WATCHING           where the server does not stream it
    WATCHING -> OPEN                   the stream ended as streams do
    WATCHING -> WAIT -> OPEN           it failed
    WATCHING -> WAIT -> FILL or LIST   the version is no longer kept
    ... -> PROBE -> OPEN or FILL       it may be that the server went back in time
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

import msgspec

from kube_informer.backoff import Backoff
from kube_informer.errors import UndecodableError
from kube_informer.events import (
    EventType,
    LineBuffer,
    Status,
    decode_bookmark,
    decode_event,
    decode_status,
)
from kube_informer.objects import CachedObject, decode_list, decode_object
from kube_informer.observer import Observer
from kube_informer.resource import Scope

PAGE_LIMIT = 500
"""Objects a page, client-go's default; a watch cache ignores it at version "0"."""

SHORT_WATCH_S = 1.0
"""A watch that ends sooner, without any event, counts as an error (client-go's rule)."""


MAX_REFUSED_PROBES = 4
"""Looks at the server's version that may be forbidden in a row before the watch goes on blind."""


class State(StrEnum):
    """Where the machine is."""

    FILL = "fill"
    FILLING = "filling"
    LIST = "list"
    OPEN = "open"
    WATCHING = "watching"
    PROBE = "probe"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Timing:
    """Limits in seconds.

    ``idle_s`` without a byte is a dead stream, once it has had a bookmark (the
    API server sends one about every 60 s); before that, ``first_bookmark_s``.
    ``watch_min_s`` to ``watch_max_s`` is what the server is asked to end a watch
    after. ``headers_s`` bounds the wait for an answer to start, ``list_s`` each
    wait for bytes of a LIST.
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
class Read:
    """Action: take the next bytes of the open watch, waiting ``timeout_s`` at most."""

    timeout_s: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Action: do nothing for a while. An open watch is to be closed first."""

    delay_s: float


Action = OpenWatch | GetList | Read | Wait


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
    """Input: no answer, or the watch broke off."""

    cause: str


@dataclass(frozen=True, slots=True)
class Woke:
    """Input: the wait is over."""


Input = Answered | Chunk | Ended | Broke | Woke


@dataclass(frozen=True, slots=True)
class Replace:
    """Output: the whole state of the scope, at a version, and why it was fetched."""

    objects: list[CachedObject]
    resource_version: str
    reason: str


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
TakeIn = Callable[["bytes | msgspec.Raw"], CachedObject]


def older(left: str, right: str) -> bool:
    """Whether version ``left`` is before ``right``; false where they cannot be compared."""
    return left.isdecimal() and right.isdecimal() and int(left) < int(right)


@dataclass
class _Stream:
    opened_at: float
    lines: LineBuffer = field(default_factory=LineBuffer)
    bytes: int = 0
    events: int = 0
    bookmarked: bool = False


class WatchMachine:
    """One scope of one resource, kept up to date. Not thread-safe; one loop steps it."""

    def __init__(
        self,
        scope: Scope,
        observer: Observer,
        *,
        backoff: Backoff | None = None,
        timing: Timing | None = None,
        random_source: random.Random | None = None,
        stream_initial: bool = True,
        transform: Callable[[CachedObject], CachedObject] | None = None,
    ) -> None:
        self._scope = scope
        self._observer = observer
        self._backoff = backoff or Backoff()
        self._timing = timing or Timing()
        self._random = random_source or random.Random()
        self._stream_initial = stream_initial
        self._transform = transform
        self._stream = _Stream(0.0)
        self._initial: dict[str, CachedObject] = {}
        self._pages: list[CachedObject] = []
        self._whole = False
        self._version = ""
        self._told = ""
        self._known = False  # whether _version may be asked for
        self._any_will_do = (
            True  # a first list may be of any version; a later one must be the latest
        )
        self._reason = "initial"
        self._suspect = False
        self._probes_refused = 0
        self._after_wait: Callable[[], Action] = self._refill
        self.state = State.FILL

    @property
    def resource_version(self) -> str:
        """The version reached; "" before the first fill."""
        return self._version

    def start(self) -> Action:
        """Return the first action."""
        return self._refill()

    def step(self, came: Input, now: float) -> tuple[list[Output], Action]:
        """Take what came of the last action, at ``now`` on a monotonic clock."""
        match self.state, came:
            case State.WAIT, Woke():
                return [], self._after_wait()
            case ((State.FILL | State.OPEN), Answered(status=200)):
                return [], self._opened(now)
            case ((State.FILLING | State.WATCHING), Chunk(data=data)):
                return self._chunk(data, now)
            case State.WATCHING, Ended():
                return [], self._ended(now)
            case State.WATCHING, Broke():
                return [], self._broke(came, now)
            case State.LIST, Answered(status=200):
                return self._page(came, now)
            case State.PROBE, Answered():
                return [], self._probed(came, now)
            case _, Answered():
                return [], self._refused(came, now)
            case _, (Ended() | Broke()):
                return [], self._failed(came, now)
        raise ValueError(f"{type(came).__name__} cannot come in state {self.state}")

    def fault(self, now: float) -> Action:
        """Fetch everything anew after a wait: an action, a step or what came of it raised.

        What raised is not of the protocol (an observer of the caller's, a defect),
        and how much was taken in before is not known. The observer is not asked.
        """
        self._reason = "fault"
        self._distrust()
        self.state = State.WAIT
        self._after_wait = self._refill
        return Wait(self._backoff.next(now))

    # What to do next

    def _refill(self) -> Action:
        """Fetch the whole state: streamed where the server can, else listed."""
        self._initial = {}
        if not self._stream_initial:
            return self._list()
        self.state = State.FILL
        query = self._watch_query() | {
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
        }
        if self._known:
            query["resourceVersion"] = self._version
        return OpenWatch(query, self._timing.headers_s)

    def _list(self) -> Action:
        self._pages = []
        self._whole = False
        return self._first_page()

    def _first_page(self) -> Action:
        self.state = State.LIST
        query = self._scope.query()
        if self._known:
            query |= {"resourceVersion": self._version, "resourceVersionMatch": "NotOlderThan"}
        else:
            if self._any_will_do:
                query["resourceVersion"] = "0"
            if not self._whole:
                query["limit"] = str(PAGE_LIMIT)
        return GetList(query, self._timing.list_s)

    def _open(self) -> Action:
        self.state = State.OPEN
        query = self._watch_query() | {"resourceVersion": self._version}
        return OpenWatch(query, self._timing.headers_s)

    def _probe(self) -> Action:
        self.state = State.PROBE
        return GetList(self._scope.query() | {"limit": "1"}, self._timing.list_s)

    def _watch_query(self) -> dict[str, str]:
        lifetime = self._random.uniform(self._timing.watch_min_s, self._timing.watch_max_s)
        return self._scope.query() | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(round(lifetime)),
        }

    def _read(self) -> Action:
        timing = self._timing
        return Read(timing.idle_s if self._stream.bookmarked else timing.first_bookmark_s)

    def _wait(self, then: Callable[[], Action], now: float, at_least_s: float = 0.0) -> Action:
        self.state = State.WAIT
        self._after_wait = then
        delay = self._backoff.next(now, at_least_s)
        self._observer.backed_off(delay)
        return Wait(delay)

    def _rewatch(self) -> Action:
        """Watch on from where we are, after a look at the clock of the server if in doubt."""
        return self._probe() if self._suspect else self._open()

    # A stream opens, speaks, and ends

    def _opened(self, now: float) -> Action:
        self._stream = _Stream(now)
        self.state = State.FILLING if self.state is State.FILL else State.WATCHING
        self._observer.watch_started()
        return self._read()

    def _chunk(self, data: bytes, now: float) -> tuple[list[Output], Action]:
        stream = self._stream
        stream.bytes += len(data)
        self._suspect = False
        self._observer.received(len(data))
        outputs: list[Output] = []
        changes: list[Change] = []
        for line in stream.lines.feed(data):
            stream.events += 1
            try:
                event = decode_event(line)
                if event.type == EventType.ERROR:
                    self._flush(outputs, changes)
                    return outputs, self._error_event(decode_status(event.object), now)
                if event.type == EventType.BOOKMARK:
                    changes = self._bookmark(event.object, outputs, changes)
                    if self.state is State.LIST:
                        return outputs, self._list()
                else:
                    self._event(event.type, event.object, changes)
            except UndecodableError as error:
                self._observer.poisoned(str(error))
        self._flush(outputs, changes)
        return outputs, self._read()

    def _flush(self, outputs: list[Output], changes: list[Change]) -> None:
        if self.state is State.WATCHING and (changes or self._version != self._told):
            self._told = self._version
            outputs.append(Changes(changes, self._version))

    def _event(self, kind: str, raw: msgspec.Raw, changes: list[Change]) -> None:
        if kind not in (EventType.ADDED, EventType.MODIFIED, EventType.DELETED):
            raise UndecodableError(f"a watch event of the unknown type {kind!r}")
        item = decode_object(raw)
        version = item.resource_version
        if self.state is State.WATCHING and not self._advances(version):
            self._observer.stale(kind)
            return
        item = self._shaped(kind, item)
        if self.state is State.WATCHING:
            self._version = version
            changes.append(Change(EventType(kind), item))
        elif kind == EventType.DELETED:
            self._initial.pop(item.key, None)
        else:
            self._initial[item.key] = item
        self._observer.event(kind, version)

    def _shaped(self, kind: str, item: CachedObject) -> CachedObject:
        """Transform an event's object; that something is gone must be told, whatever its shape."""
        if self._transform is None:
            return item
        try:
            return self._transform(item)
        except UndecodableError as error:
            if kind != EventType.DELETED:
                raise
            self._observer.poisoned(str(error))
            return item

    def _advances(self, version: str) -> bool:
        """Whether an event is news: a watch's versions only grow, what does not is a repeat."""
        return not (version == self._version or older(version, self._version))

    def _bookmark(
        self, raw: msgspec.Raw, outputs: list[Output], changes: list[Change]
    ) -> list[Change]:
        version, ends_initial = decode_bookmark(raw)
        self._observer.event(EventType.BOOKMARK)
        self._stream.bookmarked = True
        if self.state is State.WATCHING:
            if self._advances(version):
                self._version = version
            return changes
        if not ends_initial:
            # A server that does not know sendInitialEvents: it will never say that it is done.
            self._stream_initial = False
            self.state = State.LIST
            self._observer.fell_back("the server streams no initial state")
            return changes
        self._filled(list(self._initial.values()), version, outputs)
        self._initial = {}
        self.state = State.WATCHING
        return []

    def _filled(self, objects: list[CachedObject], version: str, outputs: list[Output]) -> None:
        outputs.append(Replace(objects, version, self._reason))
        self._observer.filled(self._reason, len(objects))
        self._version = self._told = version
        self._known = True
        self._suspect = False

    def _error_event(self, status: Status, now: float) -> Action:
        self._observer.stream_failed(f"ERROR event: {status.code} {status.message}")
        self._watch_over(now)
        if self.state is State.FILLING or status.is_expired or status.is_too_large:
            return self._wait(self._after_refusal(status), now)
        return self._wait(self._rewatch, now)

    def _ended(self, now: float) -> Action:
        """The server closed a watch: every few minutes that is its right."""
        stream = self._stream
        self._suspect = self._suspect or stream.bytes == 0
        short = now - stream.opened_at < SHORT_WATCH_S and stream.events == 0
        self._watch_over(now, short=short)
        if short:
            return self._wait(self._rewatch, now)
        return self._rewatch()

    def _broke(self, came: Broke, now: float) -> Action:
        """A watch broke off: a server that was restarted, from an older copy even, looks like this.

        It may be back before we try again, so that no connection is ever refused; and to
        a version in its future it would answer with silence.
        """
        self._suspect = True
        self._observer.stream_failed(came.cause)
        self._watch_over(now)
        return self._wait(self._rewatch, now)

    def _watch_over(self, now: float, *, short: bool = False) -> None:
        stream = self._stream
        self._observer.watch_ended(now - stream.opened_at, stream.events, short=short)

    # Answers other than a stream

    def _page(self, came: Answered, now: float) -> tuple[list[Output], Action]:
        try:
            page = decode_list(came.body)
        except UndecodableError as error:
            self._observer.stream_failed(str(error))
            return [], self._wait(self._list, now)
        self._observer.received(len(came.body))
        for fault in page.undecodable:
            self._observer.poisoned(str(fault))
        self._pages.extend(self._transformed(page.items))
        if page.continue_token:
            query = self._scope.query() | {
                "limit": str(PAGE_LIMIT),
                "continue": page.continue_token,
            }
            return [], GetList(query, self._timing.list_s)
        outputs: list[Output] = []
        self._filled(self._pages, page.resource_version, outputs)
        self._pages = []
        return outputs, self._open()

    def _transformed(self, items: Iterable[CachedObject]) -> Iterable[CachedObject]:
        if self._transform is None:
            return items
        kept = []
        for item in items:
            try:
                kept.append(self._transform(item))
            except UndecodableError as error:
                self._observer.poisoned(str(error))
        return kept

    def _probed(self, came: Answered, now: float) -> Action:
        """Compare the server's present version with ours; ours in its future means it went back."""
        if came.status == HTTPStatus.OK:
            try:
                version = decode_list(came.body).resource_version
            except UndecodableError as error:
                self._observer.stream_failed(str(error))
                return self._wait(self._probe, now)
            self._suspect = False
            self._probes_refused = 0
            if not older(version, self._version):
                return self._open()
            self._distrust()
            self._reason = "rv_backwards"
            return self._refill()
        if came.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            # An API server that has just started refuses at first what it will allow soon.
            self._probes_refused += 1
            if self._probes_refused >= MAX_REFUSED_PROBES:
                self._probes_refused = 0
                self._suspect = False  # truly no leave to list: the watch must do without
                return self._open()
        self._observer.stream_failed(f"probe answered {came.status}")
        return self._wait(self._probe, now, came.retry_after_s)

    def _refused(self, came: Answered, now: float) -> Action:
        """A status other than 200 to a watch or a list."""
        status = decode_status(came.body, came.status)
        self._observer.refused(came.status, status.message)
        if self.state is State.FILL and came.status in (
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.METHOD_NOT_ALLOWED,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        ):
            self._stream_initial = False
            self._observer.fell_back(status.message)
            return self._list()
        if self.state is State.LIST:
            return self._list_refused(status, came, now)
        if status.is_expired or status.is_too_large:
            return self._wait(self._after_refusal(status), now, came.retry_after_s)
        if self.state is State.OPEN:
            return self._wait(self._rewatch, now, came.retry_after_s)
        return self._wait(self._refill, now, came.retry_after_s)

    def _list_refused(self, status: Status, came: Answered, now: float) -> Action:
        if status.is_expired and self._pages:
            # The pages were too slow for etcd's compaction. The next try comes in one piece.
            self._pages = []
            self._distrust()
            self._whole = True
            self._observer.restarted_paging()
            return self._first_page()
        return self._wait(self._after_refusal(status), now, came.retry_after_s)

    def _after_refusal(self, status: Status) -> Callable[[], Action]:
        """Relist; at "" where the version was the trouble."""
        if status.is_expired or status.is_too_large:
            self._reason = "expired" if status.is_expired else "too_large"
            self._distrust()
        return self._refill

    def _distrust(self) -> None:
        """Ask for the latest state from now on: the version we have, or any, may not do."""
        self._known = False
        self._any_will_do = False

    def _failed(self, came: "Ended | Broke", now: float) -> Action:
        """No answer, or the initial stream broke off: what came of it is thrown away."""
        cause = came.cause if isinstance(came, Broke) else "the initial stream ended early"
        self._observer.stream_failed(cause)
        if self.state is State.FILLING:
            self._watch_over(now)
        self._suspect = True
        then: Callable[[], Action] = self._refill
        if self.state is State.OPEN:
            then = self._rewatch
        elif self.state is State.PROBE:
            then = self._probe
        return self._wait(then, now)
