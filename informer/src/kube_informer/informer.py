"""A local, always current copy of a cluster's resource: reads from it send no request."""

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus

from kube_informer.backoff import Backoff, BackoffPolicy
from kube_informer.errors import LifecycleError, SyncError
from kube_informer.field_selector import METADATA_FIELDS, selectable_fields
from kube_informer.handlers import HandlerRegistration, Processor, ResourceEventHandler
from kube_informer.health import Health
from kube_informer.label_selector import parse_label_selector
from kube_informer.lister import Indexer, Lister
from kube_informer.machine import WatchMachine
from kube_informer.objects import CachedObject
from kube_informer.observer import Observer
from kube_informer.reflector import Reflector
from kube_informer.resource import Resource, Scope
from kube_informer.snapshot import IndexFunc, Snapshot
from kube_informer.source import Source
from kube_informer.steps import Output, Timing
from kube_informer.store import Store
from kube_informer.transform import Transform, transforming

log = logging.getLogger(__name__)

LASTING_CODES = frozenset(
    (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )
)
"""Status codes of a list that do not go away by waiting."""

MAX_NOT_FOUND = 4
"""Answers 404 in a row that count as lasting: a custom resource just defined appears late."""


def _scopes(resource: Resource, namespaces: Sequence[str] | None) -> list[str | None]:
    """Return the namespaces to watch, one watch each; ``None`` is all of them."""
    if namespaces is None:
        return [None]
    if isinstance(namespaces, str | bytes):
        raise TypeError(f"namespaces is {namespaces!r}; give a list: [{namespaces!r}]")
    if not namespaces:
        raise ValueError("namespaces is empty; give None for all of them")
    if not resource.namespaced:
        raise ValueError(f"{resource.plural} are in no namespace; leave namespaces out")
    for namespace in namespaces:
        if not isinstance(namespace, str):
            raise TypeError(f"a namespace is a string, not {namespace!r}")
        if not namespace or "/" in namespace:
            raise ValueError(f"{namespace!r} is no namespace's name")
    return [*dict.fromkeys(namespaces)]


class SharedInformer:
    """Keeps a store of one resource up to date from a list and a watch.

    ``namespaces`` are the namespaces to watch, with one watch each; ``None`` is
    all of them with one watch. Selectors are written as in a query and narrow the
    fetch. ``metadata_only`` fetches ``PartialObjectMetadata``. An informer starts
    once; make a new one to start again.

    Raise :class:`SelectorError` for a label selector that does not parse, and
    ``TypeError`` or ``ValueError`` for invalid namespaces. The server checks
    the field selector, for it alone knows the fields it supports.
    """

    def __init__(
        self,
        transport: Source,
        resource: Resource,
        *,
        namespaces: Sequence[str] | None = None,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        transform: Transform | None = None,
        indexers: Mapping[str, IndexFunc] | None = None,
        observer: Observer | None = None,
        timing: Timing | None = None,
        backoff: BackoffPolicy | None = None,
        stream_initial: bool = False,
    ) -> None:
        parse_label_selector(label_selector)
        self.resource = resource
        self._observer = observer or Observer()
        self._fields = METADATA_FIELDS if metadata_only else selectable_fields(resource)
        scopes = _scopes(resource, namespaces)
        self._store = Store(scopes, self._observer)
        self._process = os.getpid()
        if indexers:
            self.add_indexers(indexers)
        self._processor = Processor(self._store, self._observer)
        self._lock = threading.Lock()
        self._started = False
        self._stopped = False
        apply = None if transform is None else transforming(transform)
        self._reflectors = [
            Reflector(
                transport,
                resource,
                scope,
                WatchMachine(
                    Scope(scope, label_selector, field_selector),
                    self._observer,
                    backoff=Backoff(backoff or BackoffPolicy()),
                    timing=timing,
                    stream_initial=stream_initial,
                    transform=apply,
                ),
                partial(self._deliver, scope),
                observer=self._observer,
                metadata_only=metadata_only,
                on_trouble=self._store.wake,
            )
            for scope in scopes
        ]

    def _deliver(self, scope: str | None, outputs: list[Output]) -> None:
        self._store.apply(scope, outputs, self._processor.distribute)

    # Life

    def start(self) -> None:
        """Start to fill and watch; raise :class:`LifecycleError` if ever started or stopped."""
        with self._lock:
            if self._started or self._stopped:
                raise LifecycleError("an informer is started once; make a new one")
            self._started = True
            self._process = os.getpid()
            self._processor.start()
            for reflector in self._reflectors:
                reflector.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Stop all threads and drop pending notifications. Any thread may call it, a handler's too.

        Return whether all threads but the calling one ended within ``timeout_s``.
        A handler that does not return keeps its thread (a daemon) and makes this
        false.
        """
        self.signal_stop()
        return self.join(timeout_s)

    def signal_stop(self) -> None:
        """Ask all threads to end, and return at once. :meth:`join` waits for them."""
        if os.getpid() != self._process:
            return  # a fork has none of the threads, and maybe locks that nothing releases
        with self._lock:
            self._stopped = True
        for reflector in self._reflectors:
            reflector.signal_stop()
        self._processor.stop()
        self._store.close()

    def join(self, timeout_s: float) -> bool:
        """Wait until all threads but the calling one have ended; return whether they have."""
        deadline = time.monotonic() + timeout_s
        threads: list[Reflector | HandlerRegistration] = [*self._reflectors]
        threads += self._processor.registrations
        # A list, not a generator: all() would skip the threads after the first that has not ended.
        ended = [thread.join(max(deadline - time.monotonic(), 0.0)) for thread in threads]
        return all(ended)

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopped

    # Following the server

    @property
    def has_synced(self) -> bool:
        """Whether the first fill is complete."""
        return self._store.snapshot().filled

    def wait_for_cache_sync(self, timeout: float) -> bool:
        """Wait until the first fill is complete; return whether it is.

        Raise :class:`SyncError` when the server rejects the selectors, or keeps
        answering that it has no such resource: waiting would not help. Return false
        at once when the informer was stopped.
        """
        self._check_process()
        self._store.wait_for(lambda: self.has_synced or self._refusal() is not None, timeout)
        error = self._refusal(waited=True)
        if error is not None and not self.has_synced and not self._stopped:
            raise error
        return self.has_synced

    def wait_until(self, resource_version: str, timeout: float) -> bool:
        """Wait until the cache includes the write of this version; return whether it does."""
        self._check_process()
        return self._store.wait_until(resource_version, timeout)

    @property
    def health(self) -> Health:
        """Whether the cache follows the server; if not, since when and why."""
        parts = [reflector.health() for reflector in self._reflectors]
        worst = Health.worst(parts)
        if os.getpid() != self._process:
            return Health(
                "this process was forked off; the cache is fed in its parent", worst.seconds
            )
        if worst.following:
            dead = [handler.name for handler in self._processor.registrations if not handler.alive]
            if dead:
                return Health(f"the thread of handler {dead[0]} has ended", worst.seconds)
        return worst

    @property
    def last_error(self) -> str | None:
        """Why the cache does not follow the server; ``None`` while it does."""
        return self.health.why or None

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise LifecycleError(
                "this process was forked off after the informer was made, and nothing feeds the "
                "cache here; make and start informers after the fork"
            )

    def _refusal(self, *, waited: bool = False) -> SyncError | None:
        for reflector in self._reflectors:
            code, times = reflector.machine.refusal
            patient = code == HTTPStatus.NOT_FOUND and times < MAX_NOT_FOUND and not waited
            if code in LASTING_CODES and not patient:
                return SyncError(f"{reflector.path}: {reflector.machine.progress[1]}", code)
        return None

    # Reading

    def snapshot(self) -> Snapshot:
        """Return the present state: immutable; empty, with version "", before the first fill."""
        return self._store.snapshot()

    def lister(self) -> Lister:
        """Return a lister over the latest state."""
        return Lister(self._store.snapshot, self.resource.plural, self._fields)

    @property
    def indexer(self) -> Indexer:
        """The store by key and by index."""
        return Indexer(self._store.snapshot, self.resource.plural)

    def add_indexers(self, indexers: Mapping[str, IndexFunc]) -> None:
        """Add indexers: functions that return any number of values for an object.

        An object over which a function raises has no value in its index; the informer
        calls the observer's ``poisoned``.
        """
        guarded = {name: self._guarded(name, function) for name, function in indexers.items()}
        self._store.add_indexers(guarded)

    def _guarded(self, name: str, function: IndexFunc) -> IndexFunc:
        def values(item: CachedObject) -> Sequence[str]:
            try:
                return _values_of(item, function)
            except Exception as error:
                log.exception("indexer %s failed on %s", name, item.key)
                self._observer.poisoned(f"indexer {name} raised {error!r} on {item.key}")
                return ()

        return values

    @property
    def raw_bytes(self) -> int:
        """Bytes of JSON in the cache."""
        return self._store.raw_bytes

    # Notifications

    def add_event_handler(
        self,
        handler: ResourceEventHandler,
        *,
        resync_period: float = 0.0,
        name: str | None = None,
    ) -> HandlerRegistration:
        """Notify ``handler`` of every object, then of each change, on its own thread.

        Every ``resync_period`` seconds, at least 1, the handler is notified of every
        object again, from the cache and without a request; 0 means never. Raise
        :class:`HandlerError` for a handler that lacks a method,
        :class:`LifecycleError` once stopped.
        """
        with self._lock:
            if self._stopped:
                raise LifecycleError("this informer was stopped; it notifies no handlers any more")
            return self._processor.add(handler, resync_period, name)

    def remove_event_handler(self, registration: HandlerRegistration) -> None:
        """Stop notifying a handler; raise :class:`HandlerError` if it is not at this informer."""
        self._processor.remove(registration)

    @property
    def handlers(self) -> tuple[HandlerRegistration, ...]:
        """The registered handlers."""
        return self._processor.registrations


def _values_of(item: CachedObject, function: IndexFunc) -> tuple[str, ...]:
    values = function(item)
    if isinstance(values, str):  # it would be indexed letter by letter
        raise TypeError(f"it returned the str {values!r} in place of values")
    return tuple(values)
