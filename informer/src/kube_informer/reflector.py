"""The thread that keeps one scope up to date: a thin loop around the state machine."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from weakref import WeakKeyDictionary

from kube_informer.connection import Cancel
from kube_informer.errors import TransportError, TransportTimeoutError
from kube_informer.health import Health
from kube_informer.ladder import Signal
from kube_informer.machine import WatchMachine
from kube_informer.observer import Observer
from kube_informer.resource import Resource
from kube_informer.source import BodyStream, Source
from kube_informer.steps import (
    Action,
    Answered,
    Broke,
    CheckVersion,
    Chunk,
    Ended,
    GetList,
    Input,
    OpenWatch,
    Output,
    Read,
    Woke,
)

log = logging.getLogger(__name__)

Clock = Callable[[], float]

STOP_CHECK_S = 0.1
"""Seconds until a wait for another reflector's request notices a stop."""

MAX_RETRY_AFTER_S = 600.0
"""The longest ``Retry-After`` that is obeyed."""


@dataclass(slots=True)
class _Check:
    """The last version check of a resource that was answered 200: its start and its answer.

    The reflector that sends the check holds ``flight``; if it fails, the next one sends it.
    """

    started: float = float("-inf")
    answer: Answered = field(default_factory=lambda: Answered(0))
    flight: threading.Lock = field(default_factory=threading.Lock)


_checks: WeakKeyDictionary[Source, dict[Resource, _Check]] = WeakKeyDictionary()
"""The check of each resource.

After an API server's restart every watch of a program is in doubt at once. A
version is that of the whole resource, so one answer serves all watches.
"""
os.register_at_fork(after_in_child=_checks.clear)  # a fork lacks the thread that held a lock


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """Return the seconds that the server asks to wait, else 0; Kubernetes sends no dates."""
    text = headers.get("Retry-After", "")
    return min(float(text), MAX_RETRY_AFTER_S) if text.isdecimal() else 0.0


def _accept(partial: str) -> str:
    """Return the media type to accept; ``partial`` is a kind of meta.k8s.io/v1."""
    return f"application/json;as={partial};g=meta.k8s.io;v=v1" if partial else "application/json"


def _signal_of(error: TransportError) -> Signal:
    if not error.sent:
        return Signal.UNREACHABLE
    return Signal.SILENT if isinstance(error, TransportTimeoutError) else Signal.BROKE


class Reflector:
    """Lists and watches one scope of a resource and delivers its changes.

    ``on_trouble`` is called when there is a new reason why the scope is behind.
    """

    def __init__(
        self,
        transport: Source,
        resource: Resource,
        namespace: str | None,
        machine: WatchMachine,
        deliver: Callable[[list[Output]], None],
        *,
        observer: Observer | None = None,
        metadata_only: bool = False,
        on_trouble: Callable[[], None] = lambda: None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._transport = transport
        self._resource = resource
        self.path = resource.path(namespace)
        self._on_trouble = on_trouble
        self._list_accept = _accept("PartialObjectMetadataList" if metadata_only else "")
        self._watch_accept = _accept("PartialObjectMetadata" if metadata_only else "")
        self.machine = machine
        """The state machine; only to be read."""
        self._deliver = deliver
        self._observer = observer or Observer()
        self._clock = clock
        self._cancel = Cancel()
        self._stopped = threading.Event()
        self._stream: BodyStream | None = None
        self._name = f"{resource.plural}{'' if namespace is None else '/' + namespace}"
        self._thread = threading.Thread(
            target=self._run, name=f"reflector {self._name}", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def signal_stop(self) -> None:
        """Ask the thread to end at any stage, and return at once."""
        self._stopped.set()
        self._cancel.cancel()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; return whether it did."""
        if self._thread is threading.current_thread() or not self._thread.ident:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def health(self) -> Health:
        """Return whether this scope follows the server."""
        proven_at, problem = self.machine.progress
        if not self._thread.ident:
            problem = "not started: call start()"
        elif self._stopped.is_set():
            problem = "stopped"
        elif not self._thread.is_alive():
            problem = f"its thread has ended; {problem}" if problem else "its thread has ended"
        seconds = float("inf") if proven_at is None else max(self._clock() - proven_at, 0.0)
        return Health(problem, seconds)

    def _run(self) -> None:
        action: Action | None = None
        while not self._stopped.is_set():
            # An exception that ends the loop, such as one sent to this thread, restarts it.
            try:
                action = self.machine.start(self._clock()) if action is None else action
                while not self._stopped.is_set():
                    action = self._next(action)
            except BaseException as error:  # noqa: BLE001 - see above
                action = self._fault(error)
        self._close_stream()

    def _next(self, action: Action) -> Action:
        """Carry out one action and return the next one.

        Nothing raised here may end the thread: a cache that no longer follows looks
        like that of a quiet cluster.
        """
        before = self.machine.progress[1]
        try:
            result = self._perform(action)
            if self._stopped.is_set():
                return action
            outputs, action = self.machine.step(result, self._clock())
            if outputs:
                self._deliver(outputs)
        except BaseException as error:  # noqa: BLE001 - see above
            action = self._fault(error)
        problem = self.machine.progress[1]
        if problem and problem is not before:
            log.warning("%s: %s", self._name, problem)
            self._on_trouble()
        return action

    def _fault(self, error: BaseException) -> Action:
        with contextlib.suppress(BaseException):  # a log handler is the caller's too
            log.error("%s: everything is fetched anew", self._name, exc_info=error)
        with contextlib.suppress(BaseException):
            self._observer.faulted(error)
        return self.machine.fault(error)

    def _perform(self, action: Action) -> Input:
        if not isinstance(action, Read):
            self._close_stream()
        try:
            match action:
                case Read(timeout_s=timeout_s):
                    return self._read(timeout_s)
                case OpenWatch(query=query, timeout_s=timeout_s):
                    return self._send("watch", self._watch_accept, query, timeout_s)
                case GetList(query=query, timeout_s=timeout_s):
                    return self._send("list", self._list_accept, query, timeout_s)
                case CheckVersion(since=since, timeout_s=timeout_s):
                    return self._check(since, timeout_s)
            self._stopped.wait(action.delay_s)
            return Woke()
        except TransportError as error:
            return Broke(str(error), _signal_of(error))

    def _read(self, timeout_s: float) -> Input:
        if self._stream is None:
            return Broke("there is no open watch")
        data = self._stream.read(timeout_s)
        return Chunk(data) if data else Ended()

    def _send(self, verb: str, accept: str, query: dict[str, str], timeout_s: float) -> Answered:
        """Send a request; leave the body of an answer 200 unread."""
        stream = self._stream = self._transport.stream(
            self.path,
            query,
            timeout=timeout_s,
            verb=verb,
            resource=self._resource.plural,
            accept=accept,
            cancel=self._cancel,
        )
        if stream.status == HTTPStatus.OK:
            return Answered(stream.status)
        return Answered(stream.status, stream.read_all(), _retry_after_s(stream.headers))

    def _check(self, since: float, timeout_s: float) -> Answered:
        """Return a list of one object, or another reflector's if requested after ``since``."""
        check = _checks.setdefault(self._transport, {}).setdefault(self._resource, _Check())
        while not check.flight.acquire(timeout=STOP_CHECK_S):
            if self._stopped.is_set():
                return Answered(0)
        try:
            if check.started < since:
                started = self._clock()
                answer = self._list_version(started, timeout_s)
                if answer.status != HTTPStatus.OK:
                    return answer
                check.started, check.answer = started, answer
            return check.answer
        finally:
            check.flight.release()

    def _list_version(self, started: float, timeout_s: float) -> Answered:
        code = 0
        try:
            answer = self._send("list", self._list_accept, {"limit": "1"}, timeout_s)
            if answer.status == HTTPStatus.OK and self._stream is not None:
                answer = Answered(answer.status, self._stream.read_all())
            code = answer.status
            return answer
        finally:
            self._observer.listed(code, self._clock() - started)

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(TransportError):
                stream.close()
