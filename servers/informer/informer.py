"""A local, always current copy of a resource of a cluster, to read from instead of asking."""

import random
import threading
import time
from collections.abc import Sequence

from servers.informer.backoff import Backoff, BackoffPolicy
from servers.informer.errors import LifecycleError
from servers.informer.machine import Output, Timing, WatchMachine
from servers.informer.observer import Observer
from servers.informer.reflector import Reflector
from servers.informer.resource import Resource, Scope
from servers.informer.selectors import parse_label_selector
from servers.informer.snapshot import Snapshot
from servers.informer.store import Delta, Store
from servers.informer.transport import Transport


class SharedInformer:
    """Keeps a store of one resource up to date from a list and a watch.

    ``namespaces`` names those wanted, each with a watch of its own; ``None``
    is all of them with one. Started once; a new one is made to start again.
    """

    def __init__(
        self,
        transport: Transport,
        resource: Resource,
        *,
        namespaces: Sequence[str] | None = None,
        label_selector: str = "",
        field_selector: str = "",
        observer: Observer | None = None,
        timing: Timing | None = None,
        backoff: BackoffPolicy | None = None,
        stream_initial: bool = True,
    ) -> None:
        parse_label_selector(label_selector)
        self.resource = resource
        self._observer = observer or Observer()
        scopes: list[str | None] = [None] if namespaces is None else [*dict.fromkeys(namespaces)]
        self._store = Store(scopes)
        self._lock = threading.Lock()
        self._started = False
        self._stopped = threading.Event()
        self._reflectors = [
            self._reflector(
                transport,
                Scope(scope, label_selector, field_selector),
                timing or Timing(),
                backoff or BackoffPolicy(),
                stream_initial=stream_initial,
            )
            for scope in scopes
        ]

    def _reflector(
        self,
        transport: Transport,
        scope: Scope,
        timing: Timing,
        policy: BackoffPolicy,
        *,
        stream_initial: bool,
    ) -> Reflector:
        machine = WatchMachine(
            scope,
            self._observer,
            backoff=Backoff(policy),
            timing=timing,
            random_source=random.Random(),
            stream_initial=stream_initial,
        )

        def deliver(outputs: list[Output]) -> None:
            self._store.apply(scope.namespace, outputs, self._distribute)

        return Reflector(
            transport, self.resource, scope.namespace, machine, deliver, observer=self._observer
        )

    def start(self) -> None:
        """Begin to fill and to watch. Raise :class:`LifecycleError` if started before."""
        with self._lock:
            if self._started:
                raise LifecycleError("this informer was started before; make a new one")
            self._started = True
        for reflector in self._reflectors:
            reflector.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """End the watches, from any thread; return whether all threads ended in time."""
        with self._lock:
            self._stopped.set()
        self._store.close()
        for reflector in self._reflectors:
            reflector.signal_stop()
        deadline = time.monotonic() + timeout_s
        ended = True
        for reflector in self._reflectors:
            ended = reflector.join(max(deadline - time.monotonic(), 0)) and ended
        return ended

    @property
    def has_synced(self) -> bool:
        """Whether the first fill is complete."""
        return bool(self._store.snapshot().resource_version)

    def wait_for_cache_sync(self, timeout: float) -> bool:
        """Wait until the first fill is complete; return whether it is."""
        return self._store.wait_until_filled(timeout)

    def wait_until(self, resource_version: str, timeout: float) -> bool:
        """Wait until the cache is at least of this version; return whether it is."""
        return self._store.wait_until(resource_version, timeout)

    def snapshot(self) -> Snapshot:
        """Return the state now: immutable, and empty with version "" before the first fill."""
        return self._store.snapshot()

    def seconds_since_contact(self) -> float:
        """How long ago the server last sent anything, of the watch that has waited longest."""
        return max(reflector.seconds_since_contact() for reflector in self._reflectors)

    @property
    def raw_bytes(self) -> int:
        """Bytes of JSON held."""
        return self._store.raw_bytes

    def _distribute(self, deltas: list[Delta]) -> None:
        """Hand deltas to the handlers."""
