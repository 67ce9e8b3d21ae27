"""Prometheus metrics of an informer; needs the extra ``kube-informer[prometheus]``.

Metrics that client-go has too carry client-go's name and labels: ``reflector_*``
by ``name``; ``informer_queued_items``, ``informer_processing_latency_seconds``
and ``informer_store_resource_version`` by ``name``, ``group``, ``version`` and
``resource``. The others are this library's. README.md lists all of them.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from kube_informer.informer import SharedInformer
from kube_informer.observer import Observer
from kube_informer.resource import PODS, Resource

LATENCY_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""client-go's, of ``informer_processing_latency_seconds``."""

LIST_BUCKETS_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60)
WATCH_BUCKETS_S = (1, 10, 60, 300, 600, 1200)
ITEM_BUCKETS = (0, 1, 10, 100, 1000, 10_000, 100_000)

EXACT = 10**15
"""A version's 15 last digits are what a sample holds exactly; client-go cuts it so too."""

INFORMER_LABELS = ("name", "group", "version", "resource")


class InformerMetrics(Observer):
    """Counts what an informer tells; :meth:`watch` adds what can be read from it."""

    def __init__(self, registry: CollectorRegistry, resource: Resource = PODS) -> None:
        self._registry = registry
        self._names = (resource.plural, resource.group, resource.version, resource.plural)
        self._count_as_client_go()
        self._count_the_rest()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _of_reflector(self, name: str, text: str) -> Counter:
        return self._counter(f"reflector_{name}", text, "name").labels(self._names[0])

    def _spread(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        name = f"reflector_{name}"
        made = Histogram(name, text, ("name",), buckets=buckets, registry=self._registry)
        return made.labels(self._names[0])

    def _count_as_client_go(self) -> None:
        self._lists = self._of_reflector("lists", "LISTs sent.")
        self._list_s = self._spread("list_duration_seconds", "Time of a LIST.", LIST_BUCKETS_S)
        self._items = self._spread(
            "items_per_list", "Objects of a whole state, listed or streamed.", ITEM_BUCKETS
        )
        self._watches = self._of_reflector("watches", "Watches answered 200.")
        self._short = self._of_reflector("short_watches", "Watches over at once, with no event.")
        self._watch_s = self._spread("watch_duration_seconds", "Life of a watch.", WATCH_BUCKETS_S)
        self._watch_items = self._spread("items_per_watch", "Events of a watch.", ITEM_BUCKETS)
        self._handler_s = Histogram(
            "informer_processing_latency_seconds",
            "Time of a handler over one notification.",
            INFORMER_LABELS,
            buckets=LATENCY_BUCKETS_S,
            registry=self._registry,
        ).labels(*self._names)

    def _count_the_rest(self) -> None:
        counter = self._counter
        self._answers = counter("informer_list_answers", "LISTs by code; 0: no answer.", "code")
        self._fills = counter("informer_fills", "Whole states fetched.", "reason")
        self._fallbacks = counter("informer_stream_fallbacks", "Falls back to filling by LIST.")
        self._climbs = counter(
            "informer_remedies", "Trouble met, and what was done.", "signal", "remedy"
        )
        self._restarts = counter("informer_paging_restarts", "Lists in pages begun again.")
        self._events = counter("informer_events", "Watch events taken in.", "type")
        self._stale = counter("informer_stale_events", "Events dropped as known already.", "type")
        self._poisoned = counter("informer_poisoned", "Objects and events not to be decoded.")
        self._bytes = counter("informer_received_bytes", "Bytes of bodies received.")
        self._refused = counter("informer_refusals", "Lists and watches refused.", "code")
        self._failures = counter("informer_stream_failures", "Lists and watches that broke off.")
        self._faults = counter("informer_faults", "Errors of our own that cost a whole fetch.")
        self._backoff = counter("informer_backoff_seconds", "Time waited before asking again.")
        self._raised = counter("informer_handler_failures", "Calls that raised.", "handler")

    def watch(self, informer: SharedInformer) -> None:
        """Show the size, bytes, version, queues and staleness of ``informer`` at each scrape."""

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"informer_{name}", text, labels, registry=self._registry)

        def version() -> float:
            text = informer.snapshot().resource_version
            return float(int(text) % EXACT) if text.isdecimal() else 0.0

        queued = gauge("queued_items", "Notifications that wait.", *INFORMER_LABELS)
        queued.labels(*self._names).set_function(
            lambda: sum(one.queue_depth for one in informer.handlers)
        )
        stored = gauge("store_resource_version", "Last 15 digits, 0: not filled.", *INFORMER_LABELS)
        stored.labels(*self._names).set_function(version)
        Gauge(
            "reflector_last_resource_version",
            "Last version seen.",
            ("name",),
            registry=self._registry,
        ).labels(self._names[0]).set_function(version)
        gauge("objects", "Objects held.").set_function(lambda: len(informer.snapshot()))
        gauge("object_bytes", "Bytes of JSON held.").set_function(lambda: informer.raw_bytes)
        gauge("synced", "1 once the first fill is complete.").set_function(
            lambda: informer.has_synced
        )
        gauge("following", "1 while nothing keeps it from following.").set_function(
            lambda: informer.health.following
        )
        gauge("staleness_seconds", "Time since the cache was known to be current.").set_function(
            lambda: informer.health.seconds
        )

    def listed(self, code: int, seconds: float) -> None:  # noqa: D102 - here and below: as in Observer
        self._lists.inc()
        self._list_s.observe(seconds)
        self._answers.labels(str(code)).inc()

    def watch_started(self) -> None:  # noqa: D102
        self._watches.inc()

    def watch_ended(self, lifetime_s: float, events: int, *, short: bool) -> None:  # noqa: D102
        self._watch_s.observe(lifetime_s)
        self._watch_items.observe(events)
        if short:
            self._short.inc()

    def filled(self, reason: str, objects: int) -> None:  # noqa: D102
        self._items.observe(objects)
        self._fills.labels(reason).inc()

    def fell_back(self, cause: str) -> None:  # noqa: ARG002, D102
        self._fallbacks.inc()

    def climbed(self, signal: str, remedy: str) -> None:  # noqa: D102
        self._climbs.labels(signal, remedy).inc()

    def restarted_paging(self) -> None:  # noqa: D102
        self._restarts.inc()

    def event(self, kind: str, version: str = "") -> None:  # noqa: ARG002, D102
        self._events.labels(kind).inc()

    def stale(self, kind: str) -> None:  # noqa: D102
        self._stale.labels(kind).inc()

    def poisoned(self, cause: str) -> None:  # noqa: ARG002, D102
        self._poisoned.inc()

    def received(self, size: int) -> None:  # noqa: D102
        self._bytes.inc(size)

    def refused(self, code: int, message: str) -> None:  # noqa: ARG002, D102
        self._refused.labels(str(code)).inc()

    def stream_failed(self, cause: str) -> None:  # noqa: ARG002, D102
        self._failures.inc()

    def backed_off(self, delay_s: float) -> None:  # noqa: D102
        self._backoff.inc(delay_s)

    def faulted(self, error: BaseException) -> None:  # noqa: ARG002, D102
        self._faults.inc()

    def handler_called(self, handler: str, seconds: float) -> None:  # noqa: ARG002, D102
        self._handler_s.observe(seconds)

    def handler_failed(self, handler: str, error: BaseException) -> None:  # noqa: ARG002, D102
        self._raised.labels(handler).inc()
