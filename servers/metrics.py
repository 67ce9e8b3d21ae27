"""What every server shows on ``/metrics``, whatever its source."""

from prometheus_client import CollectorRegistry, Counter, GCCollector, ProcessCollector


class UpstreamRequests:
    """Counts each HTTP request sent to the API server, by the audit log's own words.

    ``code`` is 0 for a request that was sent and brought no status.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "informer_bench_upstream_requests",
            "HTTP requests sent to the API server; code 0: no status came.",
            ("verb", "resource", "subresource", "code"),
            registry=registry,
        )

    def __call__(self, verb: str, resource: str, subresource: str, code: int) -> None:
        """Count one request."""
        self._requests.labels(verb, resource, subresource, str(code)).inc()


class UpstreamBytes:
    """Counts the bytes of bodies that came from the API server, as they came off the wire."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._bytes = Counter(
            "informer_bench_upstream_received_bytes",
            "Bytes of bodies received from the API server, answers and watches alike.",
            registry=registry,
        )

    def __call__(self, size: int) -> None:
        """Count ``size`` bytes."""
        self._bytes.inc(size)


def new_registry() -> CollectorRegistry:
    """Return a registry that already shows this process's CPU, memory and collector."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
