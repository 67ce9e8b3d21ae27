"""``metadata-only``: an informer of ``PartialObjectMetadata``: names, labels and owners.

Another contract: an answer has only a pod's metadata, and only labels, ``metadata.name``
and ``metadata.namespace`` select. Much less is sent and cached.
"""

from functools import partial
from http import HTTPStatus

from kube_informer import SelectorError, parse_field_selector
from servers.cached import CachedSource
from servers.informer_source import over_informer
from servers.server import Contract, Server
from servers.source import PodPage, PodQuery, SourceError

FIELDS = ("metadata.name", "metadata.namespace")


class MetadataSource(CachedSource):
    """Pods' metadata from an informer; a field that is not cached is refused, not compared."""

    def list_pods(self, query: PodQuery) -> PodPage:
        """List metadata; raise ``SourceError`` 400 for a field that is not cached."""
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


SERVER = Server(
    "informer",
    "reads a cache of the pods' metadata alone (another contract: no spec, no status)",
    partial(over_informer, source=MetadataSource, metadata_only=True),
    contract=Contract.METADATA,
)
