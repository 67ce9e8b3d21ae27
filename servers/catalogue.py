"""The servers there are, by name: three of our own, and each file of ``servers/variants``."""

from collections.abc import Mapping
from functools import partial

from prometheus_client import CollectorRegistry

from servers.cached import CachedSource
from servers.direct import DirectSource
from servers.informer import PODS, SharedInformer
from servers.informer_metrics import InformerMetrics
from servers.server import Server, Settings, connect
from servers.source import PodSource, ScopedSource
from servers.variants import discover


def _direct(
    settings: Settings, registry: CollectorRegistry, *, default_version: str = ""
) -> PodSource:
    transport = connect(settings, registry, settings.threads)
    return DirectSource(transport, default_version=default_version, namespace=settings.namespace)


def _informer(settings: Settings, registry: CollectorRegistry) -> PodSource:
    transport = connect(settings, registry, 2)
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
    **discover(),
}


def build_source(name: str, settings: Settings, registry: CollectorRegistry) -> PodSource:
    """Build the source of the server called ``name``, confined to a namespace if one is set."""
    source = SERVERS[name].build(settings, registry)
    if settings.namespace is None:
        return source
    return ScopedSource(source, settings.namespace)
