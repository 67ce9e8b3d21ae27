"""``metadata-only``: an informer of ``PartialObjectMetadata``, for who needs names, labels, owners.

Another contract: a pod is answered with its metadata alone, and selected by labels,
``metadata.name`` and ``metadata.namespace`` alone. Much less is sent and held.
"""

from http import HTTPStatus

from prometheus_client import CollectorRegistry

from servers.cached import CachedSource
from servers.informer import PODS, SelectorError, SharedInformer, parse_field_selector
from servers.informer_metrics import InformerMetrics
from servers.server import Contract, Server, Settings, connect
from servers.source import PodPage, PodQuery, PodSource, SourceError

FIELDS = ("metadata.name", "metadata.namespace")


class MetadataSource(CachedSource):
    """Pods' metadata from an informer; a field that is not there is refused, not compared."""

    def list_pods(self, query: PodQuery) -> PodPage:
        """List metadata; raise ``SourceError`` 400 for a field that is not held."""
        _check_fields(query.field_selector)
        return super().list_pods(query)


def _check_fields(selector: str) -> None:
    try:
        terms = parse_field_selector(selector).terms
    except SelectorError as error:
        raise SourceError(HTTPStatus.BAD_REQUEST, str(error)) from error
    for term in terms:
        if term.field not in FIELDS:
            raise SourceError(
                HTTPStatus.BAD_REQUEST,
                f"field label not supported: {term.field}: only metadata is held here",
            )


def _build(settings: Settings, registry: CollectorRegistry) -> PodSource:
    transport = connect(settings, registry, 2)
    metrics = InformerMetrics(registry)
    namespaces = None if settings.namespace is None else [settings.namespace]
    informer = SharedInformer(
        transport, PODS, namespaces=namespaces, metadata_only=True, observer=metrics
    )
    metrics.watch(informer)
    return MetadataSource(informer, transport, event_times=metrics.event_times)


SERVER = Server(
    "informer",
    "reads a cache of the pods' metadata alone (another contract: no spec, no status)",
    _build,
    contract=Contract.METADATA,
)
