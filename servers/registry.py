"""The servers there are, by name: three of our own, and each file of ``servers/variants``."""

from collections.abc import Mapping
from functools import partial

from prometheus_client import CollectorRegistry

from servers.direct import over_api_server
from servers.informer_source import over_informer
from servers.server import Server, Settings
from servers.source import PodSource, ScopedSource
from servers.variants import discover

SERVERS: Mapping[str, Server] = {
    "direct": Server("direct", "asks the API server on every request", over_api_server),
    "direct-rv0": Server(
        "direct",
        'the same, content with what the API server has cached (resourceVersion "0")',
        partial(over_api_server, default_version="0"),
    ),
    "informer": Server("informer", "reads a local cache kept by list and watch", over_informer),
    **discover(),
}


def build_source(name: str, settings: Settings, registry: CollectorRegistry) -> PodSource:
    """Build the source of the server called ``name``, confined to a namespace if one is set."""
    source = SERVERS[name].build(settings, registry)
    if settings.namespace is None:
        return source
    return ScopedSource(source, settings.namespace)
