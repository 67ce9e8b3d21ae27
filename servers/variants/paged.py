"""``paged``: a LIST in pages of 500, as client-go's pager and ``kubectl get`` do it.

Each request of a client becomes as many requests to the API server as there are
pages. A page costs the API server less memory at once; the pods are the same.
"""

from dataclasses import replace
from http import HTTPStatus

from prometheus_client import CollectorRegistry

from servers.direct import over_api_server
from servers.server import Server, Settings
from servers.source import PodPage, PodQuery, PodSource, SourceError, WrappedSource

PAGE_LIMIT = 500
"""client-go's default page size (tools/pager)."""


class PagedSource(WrappedSource):
    """Lists through ``source`` in pages and returns the whole list.

    A query with its own limit, token or version is passed on unchanged: a limit with a
    version would mean that exact old state.
    """

    def list_pods(self, query: PodQuery) -> PodPage:
        """List in pages; see :class:`servers.source.PodSource`."""
        if query.limit or query.continue_token or query.resource_version:
            return self._source.list_pods(query)
        page = self._source.list_pods(replace(query, limit=PAGE_LIMIT))
        first, parts = page, list(page.parts)
        while page.continue_token:
            next_query = replace(query, limit=PAGE_LIMIT, continue_token=page.continue_token)
            try:
                page = self._source.list_pods(next_query)
            except SourceError as error:
                if error.code != HTTPStatus.GONE:
                    raise
                # The pages were too slow for etcd's compaction: the rest would be of another
                # state. List again without pages, as client-go does.
                return self._source.list_pods(query)
            if page.parts:
                parts += [b",", *page.parts] if parts else page.parts
        return PodPage(parts, first.resource_version)


def _build(settings: Settings, registry: CollectorRegistry) -> PodSource:
    return PagedSource(over_api_server(settings, registry))


SERVER = Server("direct", f"asks the API server in pages of {PAGE_LIMIT}", _build)
