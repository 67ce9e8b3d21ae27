"""The informer's own account of itself, as Prometheus metrics."""

import time
from collections import deque
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge

from servers.informer import Observer, SharedInformer

TIMES_KEPT = 2048
"""Events whose time of arrival is kept: a minute and more of a busy cluster."""


class InformerMetrics(Observer):
    """Counts what an informer tells; :meth:`watch` adds what can be read from it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"informer_{name}", text, labels, registry=registry)

        self._registry = registry
        self._lists = counter("lists", "LISTs answered; code 0: no answer.", "code")
        self._watches = counter("watches", "Watches answered 200.")
        self._short = counter("short_watches", "Watches that ended at once, without an event.")
        self._fills = counter("fills", "Times the whole state was fetched.", "reason")
        self._fallbacks = counter("stream_fallbacks", "Falls back from streamed fills to LIST.")
        self._restarts = counter("paging_restarts", "Lists in pages begun again.")
        self._events = counter("events", "Watch events taken in.", "type")
        self._stale = counter("stale_events", "Watch events dropped as known already.", "type")
        self._poisoned = counter("poisoned", "Objects and events that could not be decoded.")
        self._bytes = counter("received_bytes", "Bytes of bodies received.")
        self._refused = counter("refusals", "Lists and watches answered with an error.", "code")
        self._failures = counter("stream_failures", "Lists and watches that broke or got nothing.")
        self._backoff = counter("backoff_seconds", "Time spent waiting before asking again.")
        self._times: deque[tuple[str, int]] = deque(maxlen=TIMES_KEPT)

    def watch(self, informer: SharedInformer) -> None:
        """Show the size, bytes, version and staleness of ``informer`` at each scrape."""

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"informer_{name}", text, registry=self._registry)

        gauge("objects", "Objects held.").set_function(lambda: len(informer.snapshot()))
        gauge("object_bytes", "Bytes of JSON held.").set_function(lambda: informer.raw_bytes)
        gauge("synced", "1 once the first fill is complete.").set_function(
            lambda: informer.has_synced
        )
        gauge("resource_version", "Version of the cache, 0 before the first fill.").set_function(
            lambda: float(informer.snapshot().resource_version or 0)
        )
        gauge("seconds_since_contact", "Time since the API server sent anything.").set_function(
            informer.seconds_since_contact
        )

    def listed(self, code: int) -> None:  # noqa: D102 - here and below: as in Observer
        self._lists.labels(str(code)).inc()

    def watch_started(self) -> None:  # noqa: D102
        self._watches.inc()

    def watch_ended(self, lifetime_s: float, *, short: bool) -> None:  # noqa: ARG002, D102
        if short:
            self._short.inc()

    def filled(self, reason: str) -> None:  # noqa: D102
        self._fills.labels(reason).inc()

    def fell_back(self, cause: str) -> None:  # noqa: ARG002, D102
        self._fallbacks.inc()

    def restarted_paging(self) -> None:  # noqa: D102
        self._restarts.inc()

    def event(self, kind: str, version: str = "") -> None:  # noqa: D102
        if version:
            self._times.append((version, time.monotonic_ns() // 1000))
        self._events.labels(kind).inc()

    def event_times(self, since: int) -> Sequence[tuple[int, int]]:
        """Return version and arrival of the latest events; see ``PodSource.event_times``."""
        kept = [(int(version), at_us) for version, at_us in self._times.copy()]
        return [(version, at_us) for version, at_us in kept if version >= since]

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
