"""A local, always current copy of a resource of a cluster, to read from instead of asking."""

import threading
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from kube_informer.backoff import Backoff, BackoffPolicy
from kube_informer.errors import LifecycleError, SyncError
from kube_informer.handlers import HandlerRegistration, Processor, ResourceEventHandler
from kube_informer.lister import Indexer, Lister
from kube_informer.machine import Output, Timing, WatchMachine
from kube_informer.observer import Observer
from kube_informer.reflector import Reflector
from kube_informer.resource import Resource, Scope
from kube_informer.selectors import parse_label_selector
from kube_informer.snapshot import IndexFunc, Snapshot
from kube_informer.source import Source
from kube_informer.store import Store
from kube_informer.transform import Transform, transforming

HOPELESS = frozenset(
    (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )
)
"""Answers to a list that waiting alone does not mend."""


class SharedInformer:
    """Keeps a store of one resource up to date from a list and a watch.

    ``namespaces`` names those wanted, each with a watch of its own; ``None`` is
    all of them with one. Selectors are given as in a query and narrow what is
    fetched. ``metadata_only`` fetches ``PartialObjectMetadata``. Started once;
    a new one is made to start again.

    Raise :class:`SelectorError` for a label selector that does not parse. Field
    selectors are checked by the server, which alone knows what it supports.
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
        stream_initial: bool = True,
    ) -> None:
        parse_label_selector(label_selector)
        if namespaces is not None and not namespaces:
            raise ValueError("namespaces is empty; give None for all of them")
        self.resource = resource
        self._observer = observer or Observer()
        scopes: list[str | None] = [None] if namespaces is None else [*dict.fromkeys(namespaces)]
        self._store = Store(scopes)
        if indexers:
            self._store.add_indexers(indexers)
        self._processor = Processor(self._store, self._observer)
        self._lock = threading.Lock()
        self._started = False
        self._stopped = False
        apply = None if transform is None else transforming(transform)
        self._reflectors = [
            self._reflector(
                transport,
                WatchMachine(
                    Scope(scope, label_selector, field_selector),
                    self._observer,
                    backoff=Backoff(backoff or BackoffPolicy()),
                    timing=timing or Timing(),
                    stream_initial=stream_initial,
                    transform=apply,
                ),
                scope,
                metadata_only=metadata_only,
            )
            for scope in scopes
        ]

    def _reflector(
        self,
        transport: Source,
        machine: WatchMachine,
        namespace: str | None,
        *,
        metadata_only: bool,
    ) -> Reflector:
        def deliver(outputs: list[Output]) -> None:
            self._store.apply(namespace, outputs, self._processor.distribute)

        return Reflector(
            transport,
            self.resource,
            namespace,
            machine,
            deliver,
            observer=self._observer,
            metadata_only=metadata_only,
            on_refusal=self._store.wake,
        )

    # Life

    def start(self) -> None:
        """Begin to fill and to watch; raise :class:`LifecycleError` if ever started or stopped."""
        with self._lock:
            if self._started or self._stopped:
                raise LifecycleError("an informer is started once; make a new one")
            self._started = True
            self._processor.start()
            for reflector in self._reflectors:
                reflector.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """End everything, from any thread, a handler's too; what handlers have not seen is dropped.

        Return whether all threads ended within ``timeout_s``, the calling one
        apart. A handler that does not return keeps its thread (a daemon) and
        makes this false.
        """
        with self._lock:
            self._stopped = True
        for reflector in self._reflectors:
            reflector.signal_stop()
        self._processor.stop()
        self._store.close()
        deadline = time.monotonic() + timeout_s
        joins = [one.join for one in self._reflectors]
        joins += [one.join for one in self._processor.registrations]
        ended = True
        for join in joins:
            ended = join(max(deadline - time.monotonic(), 0.0)) and ended
        return ended

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopped

    # Being in step with the server

    @property
    def has_synced(self) -> bool:
        """Whether the first fill is complete."""
        return bool(self._store.snapshot().resource_version)

    def wait_for_cache_sync(self, timeout: float) -> bool:
        """Wait until the first fill is complete; return whether it is.

        Raise :class:`SyncError` as soon as the server says that it has no such
        resource or does not understand the selectors, instead of waiting for
        what will not come. False at once when the informer was stopped.
        """
        self._store.wait_for(lambda: self.has_synced or self._hopeless() is not None, timeout)
        error = self._hopeless()
        if error is not None and not self.has_synced:
            raise error
        return self.has_synced

    def wait_until(self, resource_version: str, timeout: float) -> bool:
        """Wait until the cache is at least of this version; return whether it is."""
        return self._store.wait_until(resource_version, timeout)

    def seconds_since_contact(self) -> float:
        """How long ago the server last sent anything, of the watch that has waited longest."""
        return max(reflector.seconds_since_contact() for reflector in self._reflectors)

    @property
    def last_error(self) -> str | None:
        """The last list or watch that failed, until one succeeds; ``None`` while all is well."""
        return next((r.last_error for r in self._reflectors if r.last_error), None)

    def _hopeless(self) -> SyncError | None:
        for reflector in self._reflectors:
            if reflector.refused_with in HOPELESS:
                return SyncError(
                    f"{reflector.path}: {reflector.last_error}", reflector.refused_with
                )
        return None

    # Reading

    def snapshot(self) -> Snapshot:
        """Return the state now: immutable, and empty with version "" before the first fill."""
        return self._store.snapshot()

    def lister(self) -> Lister:
        """Return a lister over the latest state."""
        return Lister(self._store.snapshot, self.resource.plural)

    @property
    def indexer(self) -> Indexer:
        """The store by key and by index."""
        return Indexer(self._store.snapshot, self.resource.plural)

    def add_indexers(self, indexers: Mapping[str, IndexFunc]) -> None:
        """Index by further functions of an object, each giving any number of values."""
        self._store.add_indexers(indexers)

    @property
    def raw_bytes(self) -> int:
        """Bytes of JSON held."""
        return self._store.raw_bytes

    # Being told

    def add_event_handler(
        self,
        handler: ResourceEventHandler,
        *,
        resync_period: float = 0.0,
        name: str | None = None,
    ) -> HandlerRegistration:
        """Tell ``handler`` of all that is there, then of each change, on a thread of its own.

        ``resync_period`` in seconds, at least 1, tells it of every object again
        that often, from the cache and without a request; 0 does not. Raise
        :class:`HandlerError` for a handler that lacks a method,
        :class:`LifecycleError` once stopped.
        """
        with self._lock:
            if self._stopped:
                raise LifecycleError("this informer was stopped; it tells nobody anything any more")
            return self._processor.add(handler, resync_period, name)

    def remove_event_handler(self, registration: HandlerRegistration) -> None:
        """Tell this handler no more. Raise :class:`HandlerError` if it is not one of ours."""
        self._processor.remove(registration)

    @property
    def handlers(self) -> tuple[HandlerRegistration, ...]:
        """The handlers there are."""
        return self._processor.registrations
