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


def new_registry() -> CollectorRegistry:
    """Return a registry that already shows this process's CPU, memory and collector."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
