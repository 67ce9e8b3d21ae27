"""The thread that keeps one scope up to date: a thin loop around the state machine."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from kube_informer.connection import Cancel
from kube_informer.errors import TransportError
from kube_informer.events import decode_status
from kube_informer.machine import (
    Action,
    Answered,
    Broke,
    Chunk,
    Ended,
    GetList,
    Input,
    OpenWatch,
    Output,
    Read,
    WatchMachine,
    Woke,
)
from kube_informer.observer import Observer
from kube_informer.resource import Resource
from kube_informer.source import EventStream, Source

log = logging.getLogger(__name__)

Clock = Callable[[], float]


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds the server asks to wait, 0 if it does not; dates are not used by Kubernetes."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0


def _accept(partial: str) -> str:
    """Return the media type to ask for; ``partial`` is a kind of meta.k8s.io/v1."""
    return f"application/json;as={partial};g=meta.k8s.io;v=v1" if partial else "application/json"


class Reflector:
    """Lists and watches one scope of a resource and hands on what changed."""

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
        on_refusal: Callable[[], None] = lambda: None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._transport = transport
        self._resource = resource
        self.path = resource.path(namespace)
        self.last_error: str | None = None
        self.refused_with = 0
        self._on_refusal = on_refusal
        self._list_accept = _accept("PartialObjectMetadataList" if metadata_only else "")
        self._watch_accept = _accept("PartialObjectMetadata" if metadata_only else "")
        self._machine = machine
        self._deliver = deliver
        self._observer = observer or Observer()
        self._clock = clock
        self._cancel = Cancel()
        self._stopped = threading.Event()
        self._stream: EventStream | None = None
        self._contact: float | None = None
        where = f"{resource.plural}{'' if namespace is None else '/' + namespace}"
        self._name = where
        self._thread = threading.Thread(target=self._run, name=f"reflector {where}", daemon=True)

    @property
    def machine(self) -> WatchMachine:
        """The state machine, to be looked at only."""
        return self._machine

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def signal_stop(self) -> None:
        """Ask the thread to end, whatever it is doing; returns at once."""
        self._stopped.set()
        self._cancel.cancel()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; return whether it did."""
        if self._thread is threading.current_thread() or not self._thread.ident:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def seconds_since_contact(self) -> float:
        """How long ago the server last sent anything; infinite before it ever did."""
        return float("inf") if self._contact is None else self._clock() - self._contact

    def _run(self) -> None:
        action = self._machine.start()
        try:
            while not self._stopped.is_set():
                action = self._next(action)
        finally:
            self._close_stream()

    def _next(self, action: Action) -> Action:
        """Carry out one action and return the next one.

        Nothing raised here may end the thread: a cache that follows no more looks
        like one of a quiet cluster.
        """
        try:
            came = self._perform(action)
            if self._stopped.is_set():
                return action
            outputs, action = self._machine.step(came, self._clock())
            if outputs:
                self._deliver(outputs)
        except Exception as error:
            log.exception("%s: everything is fetched anew", self._name)
            self.last_error = f"{type(error).__name__}: {error}"
            with contextlib.suppress(Exception):
                self._observer.faulted(error)
            action = self._machine.fault(self._clock())
        return action

    def _perform(self, action: Action) -> Input:
        if not isinstance(action, Read):
            self._close_stream()
        try:
            match action:
                case Read(timeout_s=timeout_s):
                    return self._read(timeout_s)
                case OpenWatch(query=query, timeout_s=timeout_s):
                    return self._open(query, timeout_s)
                case GetList(query=query, timeout_s=timeout_s):
                    return self._list(query, timeout_s)
            self._stopped.wait(action.delay_s)
            return Woke()
        except TransportError as error:
            if not self._stopped.is_set():
                log.warning("%s: %s", self._name, error)
                self.last_error = str(error)
            return Broke(str(error))

    def _read(self, timeout_s: float) -> Input:
        stream = self._stream
        if stream is None:
            return Broke("there is no open watch")
        stream.set_timeout(timeout_s)
        data = stream.read()
        if not data:
            return Ended()
        self._contact = self._clock()
        return Chunk(data)

    def _open(self, query: dict[str, str], timeout_s: float) -> Input:
        stream = self._transport.stream(
            self.path,
            query,
            timeout=timeout_s,
            resource=self._resource.plural,
            accept=self._watch_accept,
            cancel=self._cancel,
        )
        self._contact = self._clock()
        self._stream = stream
        if stream.status == HTTPStatus.OK:
            self.last_error, self.refused_with = None, 0
            return Answered(stream.status)
        body = stream.read_all()
        self._note_refusal(stream.status, body, listed=False)
        return Answered(stream.status, body, _retry_after_s(stream.headers))

    def _list(self, query: dict[str, str], timeout_s: float) -> Input:
        code, begun = 0, self._clock()
        try:
            answer = self._transport.get(
                self.path,
                query,
                timeout=timeout_s,
                verb="list",
                resource=self._resource.plural,
                accept=self._list_accept,
                cancel=self._cancel,
            )
            code = answer.status
        finally:
            self._observer.listed(code, self._clock() - begun)
        self._contact = self._clock()
        if answer.status == HTTPStatus.OK:
            self.last_error, self.refused_with = None, 0
        else:
            self._note_refusal(answer.status, answer.body, listed=True)
        return Answered(answer.status, answer.body, _retry_after_s(answer.headers))

    def _note_refusal(self, code: int, body: bytes, *, listed: bool) -> None:
        """Keep what the server said; only its word on a list is final for those who wait.

        A watch may be refused for asking to be filled by the stream, which a list mends.
        """
        message = decode_status(body, code).message
        log.warning("%s: answered %d: %s", self._name, code, message)
        self.last_error = f"{code}: {message}"
        if listed or code == HTTPStatus.NOT_FOUND:
            self.refused_with = code
            self._on_refusal()

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(TransportError):
                stream.close()
