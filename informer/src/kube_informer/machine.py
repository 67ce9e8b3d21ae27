"""List and watch as a state machine: no network, no clock, no thread.

:class:`WatchMachine` returns the next step (an :data:`Action`). It takes the
result (an :data:`Input`) and the time, and returns the changes (:data:`Output`)
and the next action. The loop around it only carries out the actions.

    LIST -> LISTING -> OPEN -> WATCHING    the initial state listed, then watched
    FILL -> FILLING -> WATCHING            the initial state streamed, then watched
    WATCHING -> OPEN                       the stream ended as streams do
    any -> WAIT -> the ladder's remedy (``ladder.py``) for the trouble
    ... -> CHECK -> OPEN or FILL       the server may have gone back in time
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

from kube_informer.backoff import Backoff
from kube_informer.errors import UndecodableError
from kube_informer.events import (
    CHANGES,
    EventType,
    LineBuffer,
    WatchEvent,
    decode_bookmark,
    decode_event,
    decode_status,
)
from kube_informer.ladder import LASTING, Ladder, Phase, Remedy, Signal, signal_of
from kube_informer.lists import Item, ListReader, list_version
from kube_informer.objects import CachedObject, DeletedFinalStateUnknown, decode_object
from kube_informer.observer import Observer
from kube_informer.resource import Scope
from kube_informer.resource_version import older
from kube_informer.steps import (
    Action,
    Answered,
    Broke,
    Change,
    Changes,
    CheckVersion,
    Chunk,
    Ended,
    GetList,
    Input,
    OpenWatch,
    Output,
    Read,
    Replace,
    Timing,
    Wait,
    Woke,
)

PAGE_LIMIT = 500
"""Objects a page, client-go's default; a watch cache ignores it at version "0"."""

SHORT_WATCH_S = 1.0
"""A watch that ends sooner, without any event, counts as an error (client-go's rule)."""

OVERTIME_S = 30.0
"""Seconds after its ``timeoutSeconds`` until the client ends a watch that still sends."""

MAX_LINE = 64 << 20
"""Bytes of a line of a watch: far more than etcd's limit for an object (1.5 MiB)."""

MAX_REFUSED_CHECKS = 4
"""Version checks refused in a row before the watch continues without one."""


class State(StrEnum):
    """The states of the machine."""

    FILL = "fill"
    FILLING = "filling"
    LIST = "list"
    LISTING = "listing"
    OPEN = "open"
    WATCHING = "watching"
    CHECK = "check"
    WAIT = "wait"


@dataclass(slots=True)
class _Stream:
    opened_at: float
    heard_at: float  # of the last event or bookmark; at first, of the opening
    lines: LineBuffer = field(default_factory=LineBuffer)
    bytes: int = 0
    events: int = 0
    bookmarked: bool = False


@dataclass(slots=True)
class _Fill:
    """A whole state while it is fetched, and the next page to request."""

    objects: dict[str, CachedObject] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    body: ListReader = field(default_factory=ListReader)
    page: GetList | None = None
    tokens: set[str] = field(default_factory=set)  # of all pages so far
    unpaged: bool = False  # listed in one piece, after pages that expired

    def put(self, item: CachedObject) -> None:
        self.objects[item.key] = item
        self.unreadable.discard(item.key)

    def forget(self, key: str) -> None:
        self.objects.pop(key, None)
        self.unreadable.discard(key)


class WatchMachine:
    """One scope of one resource, kept up to date. Not thread-safe; one loop steps it.

    ``progress`` may be read from any thread: the time when the state was last known
    to be the server's (on the clock of ``step``; ``None``: never), and why it does not
    follow now ("" while it does). Only proof of the state moves the time: a complete fill,
    an event, a bookmark, a version check that finds the version reached. ``refusal`` is
    the status that refuses the fill, and how often in a row; (0, 0) if none does.
    """

    def __init__(
        self,
        scope: Scope,
        observer: Observer,
        *,
        backoff: Backoff | None = None,
        timing: Timing | None = None,
        random_source: random.Random | None = None,
        stream_initial: bool = False,
        transform: Callable[[CachedObject], CachedObject] | None = None,
    ) -> None:
        self._scope = scope
        self._observer = observer
        self._backoff = backoff or Backoff()
        self._timing = timing or Timing()
        self._random = random_source or random.Random()
        self._streaming, self._may_stream = stream_initial, True
        self._transform = transform
        self._ladder = Ladder()
        self._now = 0.0
        self._asked_at = 0.0
        self._stream = _Stream(0.0, 0.0)
        self._lifetime_s = 0  # the timeoutSeconds of the watch
        self._fill = _Fill()
        self._version = ""
        self._resume = ""  # the version to resume the watch from: all up to it has come
        self._published = ""
        self._latest = False  # whether a fetch must be of the latest state
        self._reason = "initial"
        self._suspect_since: float | None = None
        self._checks_refused = 0
        self._resumed_at = float("-inf")
        self._after_wait: Callable[[], Action] = self._fetch
        self.state = State.FILL
        self.filled = False
        self.progress: tuple[float | None, str] = (None, "the first fill is under way")
        self.refusal = (0, 0)

    @property
    def resource_version(self) -> str:
        """The version reached; "" before the first fill, or if the server names none."""
        return self._version

    def start(self, now: float = 0.0) -> Action:
        """Return the first action, at ``now`` on a monotonic clock."""
        self._now = now
        return self._fetch()

    def step(self, result: Input, now: float) -> tuple[list[Output], Action]:
        """Take the result of the last action, at ``now`` on a monotonic clock."""
        self._now = now
        match self.state, result:
            case ((State.WATCHING | State.FILLING), Chunk(data=data)):
                return self._chunk(data)
            case State.LISTING, Chunk(data=data):
                return [], self._piece(data)
            case State.LISTING, Ended():
                return self._page()
            case State.WAIT, Woke():
                return [], self._after_wait()
            case ((State.FILL | State.OPEN | State.LIST), Answered(status=200)):
                return [], self._opened()
            case State.CHECK, Answered():
                return [], self._checked(result)
            case ((State.FILL | State.OPEN | State.LIST), Answered()):
                return [], self._refused(result)
            case ((State.FILLING | State.WATCHING), Ended()):
                return [], self._ended()
            case State(), Broke() if self.state is not State.WAIT:
                return [], self._broke(result)
        raise ValueError(f"{type(result).__name__} cannot come in state {self.state}")

    def fault(self, error: BaseException) -> Action:
        """Fetch everything anew after a wait: an action, a step or its delivery raised.

        The error is not of the protocol (the caller's observer, a defect), and it is
        unknown how much was taken in before. The observer is not called.
        """
        self._trouble(f"{type(error).__name__}: {error}")
        self._prescribe(Signal.FAULT)
        self.state = State.WAIT
        return Wait(self._backoff.next())

    # Actions

    def _fetch(self) -> Action:
        """Fetch the whole state: by a stream if the server can, else by a list."""
        self._fill = _Fill()
        if not self._streaming:
            return self._list()
        self.state = State.FILL
        query = self._watch_query() | {
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
        }
        if self._version and not self._latest:
            query["resourceVersion"] = self._version
        return OpenWatch(query, self._timing.headers_s)

    def _list(self) -> Action:
        """Request the first page of a list, or the page that was not answered."""
        self.state = State.LIST
        self._asked_at = self._now
        self._fill.body = ListReader()
        if self._fill.page is not None:
            return self._fill.page
        query = self._scope.query()
        if self._version and not self._latest:
            query |= {"resourceVersion": self._version, "resourceVersionMatch": "NotOlderThan"}
        else:
            if not self._latest:
                query["resourceVersion"] = "0"
            if not self._fill.unpaged:
                query["limit"] = str(PAGE_LIMIT)
        return GetList(query, self._timing.list_s)

    def _open(self) -> Action:
        self.state = State.OPEN
        query = self._watch_query()
        if self._resume:
            query["resourceVersion"] = self._resume
        return OpenWatch(query, self._timing.headers_s)

    def _rewatch(self) -> Action:
        """Resume the watch, after a check of the server's version if in doubt."""
        if not self._resume:
            self._reason = "no_version"  # no way to know what was missed
            return self._fetch()
        if self._suspect_since is None:
            return self._open()
        self.state = State.CHECK
        return CheckVersion(self._suspect_since, self._timing.list_s)

    def _watch_query(self) -> dict[str, str]:
        lifetime = self._random.uniform(self._timing.watch_min_s, self._timing.watch_max_s)
        self._lifetime_s = round(lifetime)
        return self._scope.query() | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(self._lifetime_s),
        }

    def _read(self) -> Action:
        """Read the next bytes; end a watch that has been idle for too long."""
        timing, stream = self._timing, self._stream
        if self.state is State.LISTING:
            return Read(timing.list_s)
        if stream.bookmarked:
            limit_s = timing.idle_s
        else:
            filling = self.state is State.FILLING
            limit_s = timing.stream_s if filling else timing.first_bookmark_s
        remaining_s = stream.heard_at + limit_s - self._now
        if remaining_s <= 0:
            return self._broke(Broke(f"no event or bookmark for {limit_s:g} s", Signal.SILENT))
        return Read(remaining_s)

    # Trouble and its remedies

    def _trouble(self, problem: str) -> None:
        self.progress = (self.progress[0], problem)

    def _prescribe(self, signal: Signal) -> Remedy:
        """Return the ladder's remedy for ``signal``, and set the action after the wait.

        Do not call the observer: its faults are among the signals.
        """
        filling = self.state in (State.FILL, State.FILLING, State.LIST, State.LISTING)
        if self.state is State.WAIT:
            filling = self._ladder.rung > Remedy.REWATCH
        remedy = self._ladder.climb(Phase.FILL if filling else Phase.WATCH, signal)
        if remedy <= Remedy.REWATCH:
            self._after_wait = self._rewatch
            return remedy
        if not filling and self.filled:
            self._reason = signal.value
        self._after_wait = self._fetch
        if not self._ladder.moved:
            if self._fill.page is not None and filling:
                self._after_wait = self._list
            return remedy
        self._latest = remedy is Remedy.LIST_LATEST or (
            remedy is Remedy.OTHER_PROTOCOL and (self._latest or self.filled)
        )
        if remedy is Remedy.OTHER_PROTOCOL:
            self._switch_protocol(signal)
        return remedy

    def _switch_protocol(self, signal: Signal) -> None:
        if self._streaming:
            self._may_stream = self._may_stream and signal not in LASTING
            self._streaming = False
        else:
            self._streaming = self._may_stream

    def _failed(self, signal: Signal, problem: str, at_least_s: float = 0.0) -> Action:
        """Report the problem and wait; then apply the ladder's remedy."""
        self._respond(signal, problem)
        self.state = State.WAIT
        delay = self._backoff.next(at_least_s)
        self._observer.backed_off(delay)
        return Wait(delay)

    def _list_at_once(self, signal: Signal, problem: str) -> Action:
        """List without a wait: the server has just shown that it streams no initial state."""
        self._respond(signal, problem)
        if self._streaming:  # the ladder would try the stream again first
            self._switch_protocol(signal)
            self._observer.fell_back(problem)
        return self._fetch()

    def _respond(self, signal: Signal, problem: str) -> None:
        """Choose a remedy, and report signal and remedy to the observer."""
        streaming = self._streaming
        self._trouble(problem)
        remedy = self._prescribe(signal)
        self._observer.climbed(signal, remedy.name.lower())
        if streaming and not self._streaming:
            self._observer.fell_back(problem)

    def _proven(self) -> None:
        """Note that the stream follows: it brought an event, a bookmark or the whole state."""
        self.progress = (self._now, "")
        self._suspect_since = None
        self._reset_if_healthy()

    def _reset_if_healthy(self) -> bool:
        """Start back-off and ladder anew if the watch was open for long; return whether it was.

        It may be a quiet one: a load balancer may cut it sooner than its first bookmark comes.
        """
        stream = self._stream
        healthy = (
            self.state is State.WATCHING
            and (stream.events > 0 or not stream.bytes)
            and self._now - stream.opened_at >= self._backoff.policy.healthy_s
        )
        if healthy:
            self._ladder.reset()
            self._backoff.reset()
        return healthy

    # A stream opens, sends and ends

    def _opened(self) -> Action:
        self._stream = _Stream(self._now, self._now)
        if self.state is State.LIST:
            self.state = State.LISTING
            return self._read()
        self.state = State.FILLING if self.state is State.FILL else State.WATCHING
        self._observer.watch_started()
        return self._read()

    def _chunk(self, data: bytes) -> tuple[list[Output], Action]:
        stream = self._stream
        stream.bytes += len(data)
        self._observer.received(len(data))
        outputs: list[Output] = []
        changes: list[Change] = []
        before = stream.events
        failed: Action | None = None
        for line in stream.lines.feed(data):
            try:
                event = decode_event(line)
                kind = CHANGES.get(event.type)
                if kind is not None:
                    self._change(kind, event, changes)
                elif event.type == EventType.ERROR:
                    failed = self._error_event(event)
                    break
                else:
                    self._bookmark(event, outputs)
                stream.events += 1
            except UndecodableError as error:
                self._observer.poisoned(str(error))
                self._fill.unreadable.add(error.key)
            if self.state is State.LIST:
                return outputs, self._list()
        if stream.events > before:
            stream.heard_at = self._now
            if self.state is State.WATCHING:
                self._proven()
        if changes or (self.state is State.WATCHING and self._version != self._published):
            self._published = self._version
            outputs.append(Changes(changes, self._version))
        return outputs, failed or self._after_chunk()

    def _after_chunk(self) -> Action:
        """Read on, or end a stream that sends too long a line, or for too long."""
        stream = self._stream
        if stream.lines.size > MAX_LINE:
            return self._broke(Broke(f"a line of more than {MAX_LINE} bytes", Signal.NONSENSE))
        if self._now - stream.opened_at > self._lifetime_s + OVERTIME_S:
            return self._ended()
        return self._read()

    def _change(self, kind: EventType, event: WatchEvent, changes: list[Change]) -> None:
        version = ""
        try:
            item = decode_object(event.object, head=event.head)
            version = item.resource_version
            item = self._transformed(item)
        except UndecodableError as error:
            if kind is not EventType.DELETED or not error.key:
                raise
            self._observer.poisoned(str(error))
            item = DeletedFinalStateUnknown.unseen(error.key)
        if self.state is State.WATCHING:
            changes.append(Change(kind, item))
            self._advance(kind, version)
        elif kind is EventType.DELETED:
            self._fill.forget(item.key)
        else:
            self._fill.put(item)
        self._observer.event(kind, version)

    def _transformed(self, item: CachedObject) -> CachedObject:
        if self._transform is None:
            return item
        try:
            return self._transform(item)
        except UndecodableError as error:
            error.key = item.key
            raise

    def _advance(self, kind: EventType, version: str) -> None:
        """Move the version of the stream, never back.

        One revision may delete several objects (those of an etcd lease): after one of
        these events others may still follow, and a watch resumed from that version
        would miss them. Until more events come, resume before it.
        """
        if not version or version == self._version or older(version, self._version):
            return
        self._resume = self._version if kind is EventType.DELETED else version
        self._version = version

    def _bookmark(self, event: WatchEvent, outputs: list[Output]) -> None:
        if event.type != EventType.BOOKMARK:
            raise UndecodableError(f"a watch event of the unknown type {event.type!r}")
        version, ends_initial = decode_bookmark(event.object)
        self._observer.event(EventType.BOOKMARK)
        self._stream.bookmarked = True
        if self.state is State.WATCHING:
            if version and not older(version, self._version):
                self._version = self._resume = version
        elif ends_initial:
            self.state = State.WATCHING
            outputs.append(self._filled(version))
        else:
            # A server that does not know sendInitialEvents: it never marks the end.
            self._list_at_once(Signal.UNANNOTATED, "the server streams no initial state")

    def _filled(self, version: str) -> Replace:
        fill, self._fill = self._fill, _Fill()
        incomplete = "" in fill.unreadable
        unreadable = frozenset(fill.unreadable - {""})
        objects = list(fill.objects.values())
        self._observer.filled(self._reason, len(objects))
        self._version = self._resume = self._published = version
        self._latest = False
        self.filled = True
        self.refusal = (0, 0)
        self._ladder.fetched()
        return Replace(objects, version, self._reason, unreadable, incomplete)

    def _error_event(self, event: WatchEvent) -> Action:
        status = decode_status(event.object)
        problem = f"ERROR event: {status.code} {status.message}"
        self._observer.stream_failed(problem)
        self._watch_over()
        return self._failed(signal_of(status), problem)

    def _ended(self) -> Action:
        """Handle the end of a watch: the server ends one every few minutes."""
        stream, now = self._stream, self._now
        lifetime_s = now - stream.opened_at
        short = lifetime_s < SHORT_WATCH_S and not stream.events
        self._watch_over(short=short)
        filling = self.state is State.FILLING
        if not stream.events:
            self._suspect()
        if self._reset_if_healthy():
            return self._resume_at_once()
        if not stream.events and stream.bytes:
            problem, signal = "answered 200 with something else than watch events", Signal.NONSENSE
        elif filling:
            problem, signal = "the initial stream ended early", Signal.EMPTY
        elif not stream.events:
            problem, signal = f"a watch ended after {lifetime_s:.1f} s with no event", Signal.EMPTY
        elif now - self._resumed_at < SHORT_WATCH_S:
            problem, signal = "watches end within a second of each other", Signal.SHORT
        else:
            return self._resume_at_once()
        if filling or signal is Signal.NONSENSE:
            self._observer.stream_failed(problem)
        return self._failed(signal, problem)

    def _resume_at_once(self) -> Action:
        self._resumed_at = self._now
        self.progress = (self.progress[0], "")
        return self._rewatch()

    def _broke(self, failure: Broke) -> Action:
        """Handle no answer, or a stream that broke off or is ended here, as at a server's restart.

        The server may return as an older copy before the next try, so that no connection
        is ever refused; and a watch from a version in its future would stay silent.
        """
        self._suspect()
        if self.state in (State.FILLING, State.WATCHING):
            self._watch_over()
        elif self.state in (State.LIST, State.LISTING):
            self._report_list(0)
        self._observer.stream_failed(failure.cause)
        if self.state is State.FILLING and failure.signal is Signal.SILENT:
            return self._list_at_once(failure.signal, failure.cause)
        if failure.signal is Signal.BROKE and self._reset_if_healthy():
            return self._resume_at_once()
        return self._failed(failure.signal, failure.cause)

    def _suspect(self) -> None:
        if self._suspect_since is None:
            self._suspect_since = self._now

    def _watch_over(self, *, short: bool = False) -> None:
        stream = self._stream
        self._observer.watch_ended(self._now - stream.opened_at, stream.events, short=short)

    def _report_list(self, code: int) -> None:
        self._observer.listed(code, self._now - self._asked_at)

    # Lists and other answers

    def _piece(self, data: bytes) -> Action:
        self._observer.received(len(data))
        self._add_items(self._fill.body.feed(data))
        limit_s = self._timing.list_total_s
        if self._now - self._asked_at > limit_s:
            return self._broke(Broke(f"the list did not end within {limit_s:g} s", Signal.SILENT))
        return self._read()

    def _page(self) -> tuple[list[Output], Action]:
        """Handle the end of a list, or of a page of it."""
        fill = self._fill
        self._report_list(HTTPStatus.OK)
        try:
            self._add_items(fill.body.finish())
        except UndecodableError as error:
            self._observer.stream_failed(str(error))
            return [], self._failed(Signal.NONSENSE, str(error))
        token = fill.body.continue_token
        if token in fill.tokens:
            problem = "a page of the list leads back to one before it: the same continue token"
            self._observer.stream_failed(problem)
            return [], self._failed(Signal.NONSENSE, problem)
        if token:
            fill.tokens.add(token)
            query = self._scope.query() | {"limit": str(PAGE_LIMIT), "continue": token}
            fill.page = GetList(query, self._timing.list_s)
            return [], self._list()
        filled = self._filled(fill.body.resource_version)
        self.progress = (self._now, "")
        self._suspect_since = None
        return [filled], self._open()

    def _add_items(self, items: list[Item]) -> None:
        for item in items:
            try:
                if isinstance(item, UndecodableError):
                    raise item
                self._fill.put(self._transformed(item))
            except UndecodableError as error:
                self._observer.poisoned(str(error))
                self._fill.unreadable.add(error.key)

    def _checked(self, answer: Answered) -> Action:
        """Compare the server's version with ours: a lower one means that the server went back."""
        if answer.status == HTTPStatus.OK:
            try:
                version = list_version(answer.body)
            except UndecodableError as error:
                self._observer.stream_failed(str(error))
                return self._failed(Signal.NONSENSE, str(error))
            self._checks_refused = 0
            self._suspect_since = None
            if not older(version, self._version):
                if version == self._resume:
                    self.progress = (self._now, "")
                return self._open()
            problem = f"the server went back from version {self._version} to {version}"
            self._respond(Signal.BACKWARDS, problem)
            return self._fetch()
        if answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            # An API server that has just started refuses at first what it allows soon.
            self._checks_refused += 1
            if self._checks_refused >= MAX_REFUSED_CHECKS:
                self._checks_refused = 0
                self._suspect_since = None  # no permission to list: the watch continues without
                return self._open()
        return self._refused(answer)

    def _refused(self, answer: Answered) -> Action:
        """Handle a status other than 200."""
        status = decode_status(answer.body, answer.status)
        problem = f"{answer.status}: {status.message}"
        self._observer.refused(answer.status, status.message)
        signal = signal_of(status)
        fill, state = self._fill, self.state
        if state is State.LIST:
            self._report_list(answer.status)
        if state is State.LIST or answer.status == HTTPStatus.NOT_FOUND:
            self.refusal = (answer.status, self.refusal[1] + 1)
        if state is State.FILL and signal is Signal.INVALID:
            return self._list_at_once(signal, problem)
        if state is State.LIST and fill.page is not None:
            if signal is Signal.EXPIRED and not fill.unpaged:
                # The pages were too slow for etcd's compaction: list again, without pages.
                self._observer.restarted_paging()
                self._fill, self._latest = _Fill(unpaged=True), True
                return self._list()
            if signal is Signal.REFUSED:
                signal = Signal.BROKE  # as for a broken connection: keep the pages so far
            elif signal is Signal.EXPIRED:
                fill.page = None
        return self._failed(signal, problem, answer.retry_after_s)
