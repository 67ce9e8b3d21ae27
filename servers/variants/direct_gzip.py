"""``direct-gzip``: asks for compressed lists, as Go's clients do by default, and unpacks them.

The API server packs what is larger than 128 KB (k8s.io/apiserver,
pkg/endpoints/handlers/responsewriters). Far fewer bytes go over the wire; the API server pays
for packing, this server for unpacking.
"""

from prometheus_client import CollectorRegistry

from servers.direct import DirectSource
from servers.server import Server, Settings, connect
from servers.source import PodSource


def _build(settings: Settings, registry: CollectorRegistry) -> PodSource:
    transport = connect(settings, registry, settings.threads, gzip=True)
    return DirectSource(transport, namespace=settings.namespace)


SERVER = Server("direct", "asks the API server on every request, for compressed lists", _build)
