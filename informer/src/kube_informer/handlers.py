"""Handlers of events: each has its own queue and its own thread.

A handler that is slow, raises or never returns delays neither the cache nor other
handlers. A handler gets the changes of one object in the order in which they
happened.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

from kube_informer.errors import HandlerError
from kube_informer.objects import CachedObject, DeletedFinalStateUnknown
from kube_informer.observer import Observer
from kube_informer.snapshot import Snapshot
from kube_informer.store import Delta, DeltaType, Store

log = logging.getLogger(__name__)

Value = TypeVar("Value")

MIN_RESYNC_S = 1.0
"""The shortest resync period, client-go's."""


class ResourceEventHandler(Protocol):
    """Handles each change. Calls of one handler never overlap."""

    def on_add(self, obj: CachedObject, is_in_initial_list: bool, /) -> None:
        """``obj`` exists; ``is_in_initial_list``: it existed before the first fill."""

    def on_update(self, old: CachedObject, new: CachedObject, /) -> None:
        """``old`` became ``new``; on a resync both are the same object."""

    def on_delete(self, obj: CachedObject, /) -> None:
        """``obj`` is gone; :class:`DeletedFinalStateUnknown` if its deletion was not seen."""


def _ignore(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class ResourceEventHandlerFuncs:
    """A handler made of functions; a function left out ignores its events."""

    add: Callable[[CachedObject, bool], None] = _ignore
    update: Callable[[CachedObject, CachedObject], None] = _ignore
    delete: Callable[[CachedObject], None] = _ignore

    def on_add(self, obj: CachedObject, is_in_initial_list: bool, /) -> None:
        """Call ``add``."""
        self.add(obj, is_in_initial_list)

    def on_update(self, old: CachedObject, new: CachedObject, /) -> None:
        """Call ``update``."""
        self.update(old, new)

    def on_delete(self, obj: CachedObject, /) -> None:
        """Call ``delete``."""
        self.delete(obj)


def on_any(change: Callable[[CachedObject], None]) -> ResourceEventHandlerFuncs:
    """Return a handler that calls ``change`` with the object of every notification."""
    return ResourceEventHandlerFuncs(lambda obj, _: change(obj), lambda _, new: change(new), change)


def check_handler(handler: object) -> None:
    """Raise :class:`HandlerError` if ``handler`` lacks one of the three methods."""
    methods = ("on_add", "on_update", "on_delete")
    missing = [name for name in methods if not callable(getattr(handler, name, None))]
    if missing:
        raise HandlerError(
            f"{type(handler).__name__} has no method {', '.join(missing)}; "
            "see ResourceEventHandler, or give functions to ResourceEventHandlerFuncs"
        )


class HandlerRegistration:
    """One handler at one informer: its queue, its thread and its progress."""

    def __init__(
        self,
        handler: ResourceEventHandler,
        store: Store,
        observer: Observer,
        *,
        name: str,
        resync_period_s: float = 0.0,
    ) -> None:
        check_handler(handler)
        if resync_period_s and resync_period_s < MIN_RESYNC_S:
            raise HandlerError(
                f"resync_period is {resync_period_s} s; at least {MIN_RESYNC_S} s, or 0 for none"
            )
        self.name = name
        self._handler = handler
        self._store = store
        self._observer = observer
        self._resync_s = resync_period_s
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()  # its thread calls them
        self._queued = 0
        self._done = 0
        self._synced = threading.Event()
        self._stopped = False
        self._resyncing = False
        self.failures = 0
        """How often the handler or its observer raised, or their thread was sent an exception."""
        self._thread = threading.Thread(target=self._run, name=f"handler {name}", daemon=True)

    @property
    def has_synced(self) -> bool:
        """Whether the handler has been notified of the whole initial set."""
        return self._synced.is_set()

    def wait_for_sync(self, timeout: float) -> bool:
        """Wait until the handler was notified of the whole initial set; return whether it was."""
        return self._synced.wait(timeout)

    @property
    def alive(self) -> bool:
        """Whether its thread runs; true before the start too."""
        return not self._thread.ident or self._thread.is_alive()

    @property
    def queue_depth(self) -> int:
        """Number of pending notifications, the one being handled included."""
        return self._queued - self._done

    def start(self) -> None:
        """Start to notify."""
        self._thread.start()

    def stop(self) -> None:
        """Stop notifying, drop what is pending, and return at once."""
        self._stopped = True
        self._queue.put(lambda: None)  # wakes the thread

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; return whether it did, and true on the thread itself."""
        if self._thread is threading.current_thread() or not self._thread.ident:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def push(self, deltas: list[Delta]) -> None:
        """Queue changes; one writer at a time calls it, in order."""
        self._queued += len(deltas)
        self._queue.put(partial(self._notify_all, deltas))

    def push_synced(self) -> None:
        """Mark the initial set as complete with the changes queued so far."""
        self._queue.put(self._synced.set)

    def _push_resync(self, snapshot: Snapshot) -> None:
        self._resyncing = True
        self._queued += len(snapshot)
        self._queue.put(partial(self._resync, snapshot))

    def _resync(self, snapshot: Snapshot) -> None:
        self._resyncing = False
        self._notify_all(Delta(DeltaType.UPDATED, obj, obj) for obj in snapshot)

    def _run(self) -> None:
        due = time.monotonic() + self._resync_s
        while not self._stopped:
            # Nothing raised may end the thread: not SystemExit in a handler, which would end it
            # silently, and not an exception sent to the thread from outside.
            try:
                due = self._next(due)
            except BaseException as error:  # noqa: BLE001 - see above
                self._failed("between two notifications", error)

    def _next(self, due: float) -> float:
        """Make one call, and queue a resync if one is due; return when the next one is."""
        now = time.monotonic()
        if self._resync_s and now >= due:
            due = now + self._resync_s
            if self.has_synced and not self._resyncing:
                # Under the store's lock nothing comes in between: every change in the snapshot
                # has been queued before it.
                self._store.read_and_listen(self._push_resync)
        try:
            call = self._queue.get(timeout=due - now if self._resync_s else None)
        except Empty:
            return due
        call()
        return due

    def _notify_all(self, deltas: Iterable[Delta]) -> None:
        rest = iter(deltas)
        while True:
            try:
                self._notify_rest(rest)
            except BaseException as error:  # noqa: BLE001 - as in _run
                self._failed("between two notifications", error)
            else:
                return

    def _notify_rest(self, deltas: Iterator[Delta]) -> None:
        for delta in deltas:
            if self._stopped:
                return
            started = time.perf_counter()
            try:
                self._notify(delta)
            except BaseException as error:  # noqa: BLE001 - as in _run
                self._failed(f"on {_key_of(delta)}", error)
            self._done += 1
            self._observe(self._observer.handler_called, time.perf_counter() - started)

    def _failed(self, where: str, error: BaseException) -> None:
        self._count("handler %s failed %s", self.name, where, error=error)
        self._observe(self._observer.handler_failed, error)

    def _observe(self, report: Callable[[str, Value], None], value: Value) -> None:
        try:
            report(self.name, value)
        except BaseException as error:  # noqa: BLE001 - as in _run
            self._count("the observer of handler %s failed", self.name, error=error)

    def _count(self, text: str, *values: str, error: BaseException) -> None:
        self.failures += 1
        with contextlib.suppress(BaseException):  # a log handler is the caller's too
            log.error(text, *values, exc_info=error)

    def _notify(self, delta: Delta) -> None:
        old, new = delta.old, delta.new
        if old is None and new is not None:
            self._handler.on_add(new, delta.initial)
        elif delta.type is DeltaType.UPDATED and old is not None and new is not None:
            self._handler.on_update(old, new)
        elif new is not None:
            self._handler.on_delete(new)
        elif old is not None:
            self._handler.on_delete(DeletedFinalStateUnknown.of(old))


def _key_of(delta: Delta) -> str:
    item = delta.new or delta.old
    return "" if item is None else item.key


class Processor:
    """Runs all handlers of an informer."""

    def __init__(self, store: Store, observer: Observer) -> None:
        self._store = store
        self._observer = observer
        self.registrations: tuple[HandlerRegistration, ...] = ()
        """The registered handlers."""
        self._lock = threading.Lock()
        self._running = False
        self._count = 0

    def add(
        self, handler: ResourceEventHandler, resync_period_s: float, name: str | None
    ) -> HandlerRegistration:
        """Add a handler; its first notifications are all present objects."""
        with self._lock:
            self._count += 1
            registration = HandlerRegistration(
                handler,
                self._store,
                self._observer,
                name=name or f"{type(handler).__name__}-{self._count}",
                resync_period_s=resync_period_s,
            )

            def join_in(snapshot: Snapshot) -> None:
                registration.push(
                    [Delta(DeltaType.ADDED, None, item, initial=True) for item in snapshot]
                )
                if snapshot.filled:
                    registration.push_synced()
                self.registrations = (*self.registrations, registration)

            self._store.read_and_listen(join_in)
            if self._running:
                registration.start()
            return registration

    def remove(self, registration: HandlerRegistration) -> None:
        """Remove a handler; raise :class:`HandlerError` if it is not at this informer."""
        with self._lock:
            if registration not in self.registrations:
                raise HandlerError(f"handler {registration.name} is not at this informer")

            def leave(_: Snapshot) -> None:
                self.registrations = tuple(
                    other for other in self.registrations if other is not registration
                )

            self._store.read_and_listen(leave)
        registration.stop()

    def start(self) -> None:
        """Start all threads."""
        with self._lock:
            self._running = True
            for registration in self.registrations:
                registration.start()

    def distribute(self, deltas: list[Delta], filled: bool) -> None:
        """Queue deltas for every handler; called under the store's lock."""
        for registration in self.registrations:
            if deltas:
                registration.push(deltas)
            if filled:
                registration.push_synced()

    def stop(self) -> None:
        """Stop notifying all handlers, and return at once."""
        for registration in self.registrations:
            registration.stop()
