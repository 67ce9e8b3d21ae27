"""``ttl``: caches an answer of the API server for a while.

Many services do this before they know of informers. An answer is up to ``ttl_s``
old, and the client cannot see that. Once it has expired, one request fetches it anew
while the others wait for that request (single flight).
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry

from servers.direct import over_api_server
from servers.server import Option, Server, Settings
from servers.source import Pod, PodPage, PodQuery, PodSource, WrappedSource

TTL = Option("ttl_s", default=5.0, unit="s", least=0.0)
MAX_LISTS = 64
MAX_PODS = 4096
"""The most answers to cache; the least recently used is dropped first."""

V = TypeVar("V")


class _Slot(Generic[V]):
    """One answer, and the lock of the thread that fetches it."""

    def __init__(self) -> None:
        self.fetching = threading.Lock()
        self.value: V | None = None
        self.expiry = 0.0


class TtlCache(Generic[V]):
    """Caches the results of ``fetch`` for ``ttl_s`` seconds. Errors are not cached."""

    def __init__(
        self,
        ttl_s: float,
        size: int,
        *,
        single_flight: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl_s = ttl_s
        self._size = size
        self._single_flight = single_flight
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: OrderedDict[object, _Slot[V]] = OrderedDict()

    def get(self, key: object, fetch: Callable[[], V]) -> V:
        """Return the cached value of ``key``, or the result of ``fetch``; raise as ``fetch``."""
        slot = self._slot(key)
        value = self._fresh(slot)
        if value is not None:
            return value
        if not self._single_flight:
            return self._fetch(slot, fetch)
        with slot.fetching:
            value = self._fresh(slot)  # another may have fetched it while we waited
            return value if value is not None else self._fetch(slot, fetch)

    def _slot(self, key: object) -> _Slot[V]:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            if len(self._slots) > self._size:
                self._slots.popitem(last=False)
            return slot

    def _fresh(self, slot: _Slot[V]) -> V | None:
        return slot.value if self._clock() < slot.expiry else None

    def _fetch(self, slot: _Slot[V], fetch: Callable[[], V]) -> V:
        requested_at = self._clock()  # an answer is as old as its request
        value = fetch()
        slot.value, slot.expiry = value, requested_at + self._ttl_s
        return value


class TtlSource(WrappedSource):
    """Caches the answers of ``source``, except those with a version or a continue token."""

    def __init__(self, source: PodSource, ttl_s: float, *, single_flight: bool) -> None:
        super().__init__(source)
        self._lists = TtlCache[PodPage](ttl_s, MAX_LISTS, single_flight=single_flight)
        self._pods = TtlCache[Pod](ttl_s, MAX_PODS, single_flight=single_flight)

    def list_pods(self, query: PodQuery) -> PodPage:
        """List, from the cache if possible; see :class:`servers.source.PodSource`."""
        if query.continue_token or query.resource_version:
            return self._source.list_pods(query)
        return self._lists.get(query, lambda: self._source.list_pods(query))

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        """Get one pod, from the cache if possible; see :class:`servers.source.PodSource`."""
        if resource_version:
            return self._source.get_pod(namespace, name, resource_version)
        return self._pods.get((namespace, name), lambda: self._source.get_pod(namespace, name, ""))


def over_kept_answers(
    settings: Settings, registry: CollectorRegistry, *, single_flight: bool
) -> PodSource:
    """Build a source that caches the API server's answers; see ``servers.server.Server``."""
    ttl_s = settings.options.get(TTL.name, TTL.default)
    return TtlSource(over_api_server(settings, registry), ttl_s, single_flight=single_flight)


SERVER = Server(
    "direct",
    f"keeps an answer for {TTL.default:g} s; one request at a time fetches it anew",
    partial(over_kept_answers, single_flight=True),
    options=(TTL,),
)
