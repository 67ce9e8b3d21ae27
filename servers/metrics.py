"""The metrics that every server shows on ``/metrics``."""

from prometheus_client import CollectorRegistry, Counter, GCCollector, ProcessCollector

from kube_informer.transport import OnReceived, OnRequest


def upstream_requests(registry: CollectorRegistry) -> OnRequest:
    """Return a counter of the HTTP requests sent to the API server, labelled as in the audit log.

    ``code`` is 0 for a request that was sent and got no status.
    """
    requests = Counter(
        "informer_bench_upstream_requests",
        "HTTP requests sent to the API server; code 0: no status came.",
        ("verb", "resource", "subresource", "code"),
        registry=registry,
    )
    return lambda *labels: requests.labels(*map(str, labels)).inc()


def upstream_bytes(registry: CollectorRegistry) -> OnReceived:
    """Return a counter of the bytes of bodies from the API server, as they came off the wire."""
    return Counter(
        "informer_bench_upstream_received_bytes",
        "Bytes of bodies received from the API server, answers and watches alike.",
        registry=registry,
    ).inc


def new_registry() -> CollectorRegistry:
    """Return a registry that already shows this process's CPU, memory and collector."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
