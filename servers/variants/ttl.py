"""``ttl``: caches an answer of the API server for a while.

Many services do this before they know of informers. An answer is up to ``ttl_s``
old, and the client cannot see that. Once it has expired, one request fetches it anew
while the others wait for that request (single flight), and share its answer or error.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
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
    """The last answer to one key; with single flight also the one under way, without expiry."""

    def __init__(self) -> None:
        self.answer: Future[V] = Future()
        self.expiry = -math.inf


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
        with self._lock:
            slot = self._slot(key)
            usable = self._clock() < slot.expiry  # a value, or a fetch in flight
            answer: Future[V] = slot.answer if usable else Future()
            if self._single_flight and not usable:
                slot.answer, slot.expiry = answer, math.inf
        return answer.result() if usable else self._fetch(slot, answer, fetch)

    def _slot(self, key: object) -> _Slot[V]:
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _Slot()
        self._slots.move_to_end(key)
        if len(self._slots) > self._size:
            self._slots.popitem(last=False)
        return slot

    def _fetch(self, slot: _Slot[V], answer: Future[V], fetch: Callable[[], V]) -> V:
        """Return the result of ``fetch``, and give it, or its error, to those who wait."""
        requested_at = self._clock()  # an answer is as old as its request
        try:
            value = fetch()
        except BaseException as error:
            with self._lock:
                if slot.answer is answer:
                    slot.expiry = -math.inf
            answer.set_exception(error)
            raise
        answer.set_result(value)
        with self._lock:
            slot.answer, slot.expiry = answer, requested_at + self._ttl_s
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
