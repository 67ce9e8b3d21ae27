"""``informer-typed``: this project's informer, answered through the official client's models.

The cache and its requests are the informer's. What is left between the two is what
models cost a server that has the pods already.
"""

from prometheus_client import CollectorRegistry

from servers.cached import CachedSource
from servers.informer import PODS, CachedObject, SharedInformer
from servers.informer_metrics import InformerMetrics
from servers.models import to_json
from servers.server import Contract, Server, Settings, connect
from servers.source import PodSource


def _through_model(pod: CachedObject) -> bytes:
    return to_json(pod.typed("V1Pod"))


def _build(settings: Settings, registry: CollectorRegistry) -> PodSource:
    transport = connect(settings, registry, 2)
    metrics = InformerMetrics(registry)
    namespaces = None if settings.namespace is None else [settings.namespace]
    informer = SharedInformer(transport, PODS, namespaces=namespaces, observer=metrics)
    metrics.watch(informer)
    return CachedSource(informer, transport, event_times=metrics.event_times, encode=_through_model)


SERVER = Server(
    "informer",
    "reads the informer's cache, each pod made a model of the official client",
    _build,
    contract=Contract.CONTENT,
)
