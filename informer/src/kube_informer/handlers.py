"""Handlers of events: each has its own queue and its own thread.

A handler that is slow, raises or never returns holds up nobody: not the cache,
not its neighbours. For one object a handler is told of changes in the order in
which they happened.
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

Told = TypeVar("Told")

MIN_RESYNC_S = 1.0
"""The shortest resync period, client-go's."""


class ResourceEventHandler(Protocol):
    """What is called for each change. Calls for one handler never overlap."""

    def on_add(self, obj: CachedObject, is_in_initial_list: bool, /) -> None:
        """``obj`` is there; ``is_in_initial_list`` if it was before the informer looked."""

    def on_update(self, old: CachedObject, new: CachedObject, /) -> None:
        """``old`` became ``new``; on a resync both are the same object."""

    def on_delete(self, obj: CachedObject, /) -> None:
        """``obj`` is gone; :class:`DeletedFinalStateUnknown` if nobody saw how it ended."""


def _ignore(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class ResourceEventHandlerFuncs:
    """A handler made of functions; what is left out is ignored."""

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
    """Raise :class:`HandlerError` where ``handler`` lacks one of the three methods."""
    wanted = ("on_add", "on_update", "on_delete")
    missing = [name for name in wanted if not callable(getattr(handler, name, None))]
    if missing:
        raise HandlerError(
            f"{type(handler).__name__} has no method {', '.join(missing)}; "
            "see ResourceEventHandler, or give functions to ResourceEventHandlerFuncs"
        )


class HandlerRegistration:
    """One handler at one informer: its queue, its thread, how far it is."""

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
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()  # what its thread calls
        self._taken_in = 0
        self._done = 0
        self._synced = threading.Event()
        self._stopped = False
        self._resyncing = False
        self.failures = 0
        """How often the handler or its observer raised, or their thread was struck."""
        self._thread = threading.Thread(target=self._run, name=f"handler {name}", daemon=True)

    @property
    def has_synced(self) -> bool:
        """Whether the handler has been told of the whole initial set."""
        return self._synced.is_set()

    def wait_for_sync(self, timeout: float) -> bool:
        """Wait until the handler was told of the whole initial set; return whether it was."""
        return self._synced.wait(timeout)

    @property
    def alive(self) -> bool:
        """Whether its thread runs; also true before the start."""
        return not self._thread.ident or self._thread.is_alive()

    @property
    def queue_depth(self) -> int:
        """How many changes wait to be told, the one being told included."""
        return self._taken_in - self._done

    def start(self) -> None:
        """Start telling."""
        self._thread.start()

    def stop(self) -> None:
        """Tell no more; what waits is dropped. Returns at once."""
        self._stopped = True
        self._queue.put(lambda: None)  # wakes the thread

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread to end; return whether it did. True on the thread itself."""
        if self._thread is threading.current_thread() or not self._thread.ident:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def push(self, deltas: list[Delta]) -> None:
        """Queue changes. Called by one writer at a time, in order."""
        self._taken_in += len(deltas)
        self._queue.put(partial(self._tell_all, deltas))

    def push_synced(self) -> None:
        """Say that the initial set is complete with what was queued so far."""
        self._queue.put(self._synced.set)

    def _push_resync(self, snapshot: Snapshot) -> None:
        self._resyncing = True
        self._taken_in += len(snapshot)
        self._queue.put(partial(self._resync, snapshot))

    def _resync(self, snapshot: Snapshot) -> None:
        self._resyncing = False
        self._tell_all(Delta(DeltaType.UPDATED, obj, obj) for obj in snapshot)

    def _run(self) -> None:
        due = time.monotonic() + self._resync_s
        while not self._stopped:
            # Nothing raised may end the thread: not SystemExit in a handler, which would do so
            # in silence, and not an exception sent to the thread from outside.
            try:
                due = self._next(due)
            except BaseException as error:  # noqa: BLE001 - see above
                self._failed("between two notifications", error)

    def _next(self, due: float) -> float:
        """Make one call, and ask for a resync if one is due; return when the next one is."""
        now = time.monotonic()
        if self._resync_s and now >= due:
            due = now + self._resync_s
            if self.has_synced and not self._resyncing:
                # Under the store's lock nothing can slip in between: what the snapshot
                # holds has been queued before it.
                self._store.read_and_listen(self._push_resync)
        try:
            call = self._queue.get(timeout=due - now if self._resync_s else None)
        except Empty:
            return due
        call()
        return due

    def _tell_all(self, deltas: Iterable[Delta]) -> None:
        rest = iter(deltas)
        while True:
            try:
                self._tell_rest(rest)
            except BaseException as error:  # noqa: BLE001 - as in _run
                self._failed("between two notifications", error)
            else:
                return

    def _tell_rest(self, deltas: Iterator[Delta]) -> None:
        for delta in deltas:
            if self._stopped:
                return
            begun = time.perf_counter()
            try:
                self._tell(delta)
            except BaseException as error:  # noqa: BLE001 - as in _run
                self._failed(f"on {_key_of(delta)}", error)
            self._done += 1
            self._observe(self._observer.handler_called, time.perf_counter() - begun)

    def _failed(self, where: str, error: BaseException) -> None:
        self._count("handler %s failed %s", self.name, where, error=error)
        self._observe(self._observer.handler_failed, error)

    def _observe(self, note: Callable[[str, Told], None], what: Told) -> None:
        try:
            note(self.name, what)
        except BaseException as error:  # noqa: BLE001 - as in _run
            self._count("the observer of handler %s failed", self.name, error=error)

    def _count(self, text: str, *about: str, error: BaseException) -> None:
        self.failures += 1
        with contextlib.suppress(BaseException):  # a log handler is the caller's too
            log.error(text, *about, exc_info=error)

    def _tell(self, delta: Delta) -> None:
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
    """All handlers of an informer."""

    def __init__(self, store: Store, observer: Observer) -> None:
        self._store = store
        self._observer = observer
        self.registrations: tuple[HandlerRegistration, ...] = ()
        """The handlers there are."""
        self._lock = threading.Lock()
        self._running = False
        self._count = 0

    def add(
        self, handler: ResourceEventHandler, resync_period_s: float, name: str | None
    ) -> HandlerRegistration:
        """Add a handler; it is first told of all that is there."""
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
        """Tell this handler no more; raise :class:`HandlerError` if it is not one of ours."""
        with self._lock:
            if registration not in self.registrations:
                raise HandlerError(f"handler {registration.name} is not at this informer")

            def leave(_: Snapshot) -> None:
                self.registrations = tuple(
                    one for one in self.registrations if one is not registration
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
        """Tell nobody any more; returns at once."""
        for registration in self.registrations:
            registration.stop()
