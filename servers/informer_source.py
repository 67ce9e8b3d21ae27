"""A source over an informer, as each server has it that reads from this project's own."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from kube_informer import PODS, SharedInformer
from servers.cached import CachedSource
from servers.informer_metrics import InformerMetrics
from servers.server import Settings, connect


def over_informer(
    settings: Settings,
    registry: CollectorRegistry,
    *,
    source: Callable[..., CachedSource] = CachedSource,
    metadata_only: bool = False,
) -> CachedSource:
    """Return a ``source`` over an informer of its own, whose metrics go to ``registry``.

    Nothing is asked for before the source is started. Raises as ``Transport.from_kubeconfig``.
    """
    transport = connect(settings, registry, 2)
    metrics = InformerMetrics(registry)
    informer = SharedInformer(
        transport,
        PODS,
        namespaces=None if settings.namespace is None else [settings.namespace],
        metadata_only=metadata_only,
        observer=metrics,
    )
    metrics.watch(informer)
    return source(informer, transport, event_times=metrics.event_times)
