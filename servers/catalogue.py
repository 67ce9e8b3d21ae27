"""The servers there are, by name: which source each is made of, and as whom it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from servers.cached import CachedSource
from servers.direct import DirectSource
from servers.informer import PODS, SharedInformer, Transport
from servers.informer_metrics import InformerMetrics
from servers.metrics import UpstreamBytes, UpstreamRequests
from servers.source import PodSource, ScopedSource


@dataclass(frozen=True, slots=True)
class Settings:
    """What a source is built from. ``namespace`` is ``None`` for all namespaces."""

    kubeconfig: Path
    context: str
    namespace: str | None
    threads: int


@dataclass(frozen=True, slots=True)
class Server:
    """A server by its parts; ``identity`` is the kubeconfig context it prefers."""

    identity: str
    summary: str
    build: Callable[[Settings, CollectorRegistry], PodSource]


def _connect(settings: Settings, registry: CollectorRegistry, connections: int) -> Transport:
    return Transport.from_kubeconfig(
        settings.kubeconfig,
        settings.context,
        pool_maxsize=connections,
        on_request=UpstreamRequests(registry),
        on_received=UpstreamBytes(registry),
        user_agent="informer-bench-server",
    )


def _direct(
    settings: Settings, registry: CollectorRegistry, *, default_version: str = ""
) -> PodSource:
    transport = _connect(settings, registry, settings.threads)
    return DirectSource(transport, default_version=default_version, namespace=settings.namespace)


def _informer(settings: Settings, registry: CollectorRegistry) -> PodSource:
    transport = _connect(settings, registry, 2)
    metrics = InformerMetrics(registry)
    namespaces = None if settings.namespace is None else [settings.namespace]
    informer = SharedInformer(transport, PODS, namespaces=namespaces, observer=metrics)
    metrics.watch(informer)
    return CachedSource(informer, transport, event_times=metrics.event_times)


SERVERS: Mapping[str, Server] = {
    "direct": Server("direct", "asks the API server on every request", _direct),
    "direct-rv0": Server(
        "direct",
        'the same, content with what the API server has cached (resourceVersion "0")',
        partial(_direct, default_version="0"),
    ),
    "informer": Server("informer", "reads a local cache kept by list and watch", _informer),
}


def build_source(name: str, settings: Settings, registry: CollectorRegistry) -> PodSource:
    """Build the source of the server called ``name``, confined to a namespace if one is set."""
    source = SERVERS[name].build(settings, registry)
    if settings.namespace is None:
        return source
    return ScopedSource(source, settings.namespace)
