"""One informer for each resource and selection, shared by all parts of a program."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from kube_informer.backoff import BackoffPolicy
from kube_informer.informer import SharedInformer
from kube_informer.observer import Observer
from kube_informer.resource import Resource
from kube_informer.source import Source
from kube_informer.steps import Timing
from kube_informer.transform import Transform


class SharedInformerFactory:
    """Makes informers over one transport and starts and stops them together.

    ``namespaces``, ``transform``, ``timing`` and ``backoff`` apply to every
    informer it makes; ``observe`` returns the observer for a resource.
    """

    def __init__(
        self,
        transport: Source,
        *,
        namespaces: Sequence[str] | None = None,
        transform: Transform | None = None,
        observe: Callable[[Resource], Observer] = lambda _: Observer(),
        timing: Timing | None = None,
        backoff: BackoffPolicy | None = None,
    ) -> None:
        self._make = partial(
            SharedInformer, transport, transform=transform, timing=timing, backoff=backoff
        )
        self._namespaces = namespaces
        self._observe = observe
        self._lock = threading.Lock()
        self._informers: dict[tuple[Resource, str, str, bool], SharedInformer] = {}
        self._started: set[SharedInformer] = set()

    def for_resource(
        self,
        resource: Resource,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> SharedInformer:
        """Return the informer of this resource and these selectors, the same at each call."""
        key = (resource, label_selector, field_selector, metadata_only)
        with self._lock:
            informer = self._informers.get(key)
            if informer is None:
                informer = self._informers[key] = self._make(
                    resource,
                    namespaces=self._namespaces if resource.namespaced else None,
                    label_selector=label_selector,
                    field_selector=field_selector,
                    metadata_only=metadata_only,
                    observer=self._observe(resource),
                )
            return informer

    @property
    def informers(self) -> tuple[SharedInformer, ...]:
        """The informers made so far."""
        with self._lock:
            return tuple(self._informers.values())

    def start(self) -> None:
        """Start the informers not started yet; may be called again once there are more."""
        with self._lock:
            for informer in self._informers.values():
                if informer not in self._started:
                    self._started.add(informer)
                    informer.start()

    def wait_for_cache_sync(self, timeout: float) -> bool:
        """Wait until every started informer is filled; return whether all are."""
        deadline = time.monotonic() + timeout
        return all(
            informer.wait_for_cache_sync(max(deadline - time.monotonic(), 0.0))
            for informer in tuple(self._started)
        )

    def shutdown(self, timeout_s: float = 2.0) -> bool:
        """Stop every informer; return whether all threads ended in time."""
        deadline = time.monotonic() + timeout_s
        ended = True
        for informer in self.informers:
            informer.signal_stop()
        for informer in self.informers:
            ended = informer.join(max(deadline - time.monotonic(), 0.0)) and ended
        return ended
