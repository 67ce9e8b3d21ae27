"""Prometheus metrics of an informer; needs the extra ``kube-informer[prometheus]``.

Metrics that client-go also has carry its names and labels: ``reflector_*``
by ``name``; ``informer_queued_items``, ``informer_processing_latency_seconds``
and ``informer_store_resource_version`` by ``name``, ``group``, ``version`` and
``resource``. The others are this library's. README.md lists all of them.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from kube_informer.informer import SharedInformer
from kube_informer.observer import Observer
from kube_informer.resource import PODS, Resource
from kube_informer.resource_version import is_number

LATENCY_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""client-go's buckets of ``informer_processing_latency_seconds``."""

LIST_BUCKETS_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60)
WATCH_BUCKETS_S = (1, 10, 60, 300, 600, 1200)
ITEM_BUCKETS = (0, 1, 10, 100, 1000, 10_000, 100_000)

EXACT_DIGITS = 15
"""Last digits of a version that a sample holds exactly; client-go cuts it likewise."""

INFORMER_LABELS = ("name", "group", "version", "resource")


_Family = TypeVar("_Family", Counter, Gauge, Histogram)

_families: WeakKeyDictionary[CollectorRegistry, dict[str, Any]] = WeakKeyDictionary()
"""Metrics by registry, then by name. The informers of one registry share them."""


class InformerMetrics(Observer):
    """Counts the events of an informer; :meth:`watch` adds gauges of its state.

    ``name``, by default the resource's plural, is the label that distinguishes the
    informers of one registry. Raise ``ValueError`` if it is taken.
    """

    def __init__(
        self, registry: CollectorRegistry, resource: Resource = PODS, name: str | None = None
    ) -> None:
        self._registry = registry
        self._name = resource.plural if name is None else name
        self._names = (self._name, resource.group, resource.version, resource.plural)
        self._known = _families.setdefault(registry, {})
        taken: set[str] = self._known.setdefault("", set())
        if self._name in taken:
            raise ValueError(
                f"an informer named {self._name!r} has metrics in this registry; give another name"
            )
        taken.add(self._name)
        self._count_as_client_go()
        self._count_the_rest()

    def _family(
        self,
        kind: type[_Family],
        name: str,
        text: str,
        labels: tuple[str, ...],
        **options: Any,  # noqa: ANN401 - those of the kind
    ) -> _Family:
        family: _Family | None = self._known.get(name)
        if family is None:
            family = self._known[name] = kind(
                name, text, labels, registry=self._registry, **options
            )
        return family

    def _counters(self, name: str, text: str, *labels: str) -> Counter:
        return self._family(Counter, name, text, ("name", *labels))

    def _counter(self, name: str, text: str) -> Counter:
        return self._counters(name, text).labels(self._name)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        self._family(Gauge, name, text, ("name",)).labels(self._name).set_function(value)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        name = f"reflector_{name}"
        return self._family(Histogram, name, text, ("name",), buckets=buckets).labels(self._name)

    def _count_as_client_go(self) -> None:
        self._lists = self._counter("reflector_lists", "LISTs sent.")
        self._list_s = self._histogram("list_duration_seconds", "Time of a LIST.", LIST_BUCKETS_S)
        self._items = self._histogram(
            "items_per_list", "Objects of a whole state, listed or streamed.", ITEM_BUCKETS
        )
        self._watches = self._counter("reflector_watches", "Watches answered 200.")
        self._short = self._counter("reflector_short_watches", "Watches over at once, no event.")
        self._watch_s = self._histogram("watch_duration_seconds", "Watch length.", WATCH_BUCKETS_S)
        self._watch_items = self._histogram("items_per_watch", "Events of a watch.", ITEM_BUCKETS)
        self._handler_s = self._family(
            Histogram,
            "informer_processing_latency_seconds",
            "Time of a handler over one notification.",
            INFORMER_LABELS,
            buckets=LATENCY_BUCKETS_S,
        ).labels(*self._names)

    def _count_the_rest(self) -> None:
        counter, counters = self._counter, self._counters
        self._answers = counters("informer_list_answers", "LISTs by code; 0: no answer.", "code")
        self._fills = counters("informer_fills", "Whole states fetched.", "reason")
        self._fallbacks = counter("informer_stream_fallbacks", "Falls back to filling by LIST.")
        self._climbs = counters(
            "informer_remedies", "Trouble by signal and remedy.", "signal", "remedy"
        )
        self._restarts = counter("informer_paging_restarts", "Lists in pages restarted.")
        self._events = counters("informer_events", "Watch events that came.", "type")
        self._stale = counters("informer_stale_events", "Events dropped as known.", "type")
        self._poisoned = counter("informer_poisoned", "Objects and events not decodable.")
        self._bytes = counter("informer_received_bytes", "Bytes of bodies received.")
        self._refused = counters("informer_refusals", "Lists and watches refused.", "code")
        self._failures = counter("informer_stream_failures", "Lists and watches that broke off.")
        self._faults = counter("informer_faults", "Internal errors; each costs a whole fetch.")
        self._backoff = counter("informer_backoff_seconds", "Time waited before retries.")
        self._raised = counters("informer_handler_failures", "Calls that raised.", "handler")

    def watch(self, informer: SharedInformer) -> None:
        """Export the size, bytes, version, queues and health of ``informer`` at each scrape."""

        def queued() -> int:
            return sum(handler.queue_depth for handler in informer.handlers)

        def version() -> float:
            text = informer.snapshot().resource_version
            return float(text[-EXACT_DIGITS:]) if is_number(text) else 0.0

        for name, text, value in (
            ("queued_items", "Notifications waiting.", queued),
            ("store_resource_version", "Last 15 digits, 0: not filled.", version),
        ):
            family = self._family(Gauge, f"informer_{name}", text, INFORMER_LABELS)
            family.labels(*self._names).set_function(value)
        gauge = self._gauge
        gauge("reflector_last_resource_version", "Last version seen.", version)
        gauge("informer_objects", "Objects held.", lambda: len(informer.snapshot()))
        gauge("informer_object_bytes", "Bytes of JSON held.", lambda: informer.raw_bytes)
        gauge("informer_synced", "1 once the first fill is complete.", lambda: informer.has_synced)
        gauge(
            "informer_following",
            "1 while the cache follows the server.",
            lambda: informer.health.following,
        )
        gauge(
            "informer_staleness_seconds",
            "Time since the cache was last known to be current.",
            lambda: informer.health.seconds,
        )

    def listed(self, code: int, seconds: float) -> None:  # noqa: D102 - here and below: as in Observer
        self._lists.inc()
        self._list_s.observe(seconds)
        self._answers.labels(self._name, str(code)).inc()

    def watch_started(self) -> None:  # noqa: D102
        self._watches.inc()

    def watch_ended(self, lifetime_s: float, events: int, *, short: bool) -> None:  # noqa: D102
        self._watch_s.observe(lifetime_s)
        self._watch_items.observe(events)
        if short:
            self._short.inc()

    def filled(self, reason: str, objects: int) -> None:  # noqa: D102
        self._items.observe(objects)
        self._fills.labels(self._name, reason).inc()

    def fell_back(self, cause: str) -> None:  # noqa: ARG002, D102
        self._fallbacks.inc()

    def climbed(self, signal: str, remedy: str) -> None:  # noqa: D102
        self._climbs.labels(self._name, signal, remedy).inc()

    def restarted_paging(self) -> None:  # noqa: D102
        self._restarts.inc()

    def event(self, kind: str, version: str = "") -> None:  # noqa: ARG002, D102
        self._events.labels(self._name, kind).inc()

    def stale(self, kind: str) -> None:  # noqa: D102
        self._stale.labels(self._name, kind).inc()

    def poisoned(self, cause: str) -> None:  # noqa: ARG002, D102
        self._poisoned.inc()

    def received(self, size: int) -> None:  # noqa: D102
        self._bytes.inc(size)

    def refused(self, code: int, message: str) -> None:  # noqa: ARG002, D102
        self._refused.labels(self._name, str(code)).inc()

    def stream_failed(self, cause: str) -> None:  # noqa: ARG002, D102
        self._failures.inc()

    def backed_off(self, delay_s: float) -> None:  # noqa: D102
        self._backoff.inc(delay_s)

    def faulted(self, error: BaseException) -> None:  # noqa: ARG002, D102
        self._faults.inc()

    def handler_called(self, handler: str, seconds: float) -> None:  # noqa: ARG002, D102
        self._handler_s.observe(seconds)

    def handler_failed(self, handler: str, error: BaseException) -> None:  # noqa: ARG002, D102
        self._raised.labels(self._name, handler).inc()
