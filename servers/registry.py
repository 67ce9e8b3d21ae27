"""The available servers by name: three main ones, and each file of ``servers/variants``."""

from collections.abc import Iterator, Mapping
from functools import partial

from prometheus_client import CollectorRegistry

from servers.direct import over_api_server
from servers.informer_source import over_informer
from servers.server import Server, Settings
from servers.source import PodSource, ScopedSource
from servers.variants import load_variant, variant_names

MAIN = {
    "direct": Server("direct", "asks the API server on every request", over_api_server),
    "direct-rv0": Server(
        "direct",
        'as direct, from the cache of the API server (resourceVersion "0")',
        partial(over_api_server, default_version="0"),
    ),
    "informer": Server("informer", "reads a local cache kept by list and watch", over_informer),
}


class _Servers(Mapping[str, Server]):
    """All servers; a variant is imported when it is looked up."""

    def __getitem__(self, name: str) -> Server:
        return MAIN[name] if name in MAIN else load_variant(name)

    def __iter__(self) -> Iterator[str]:
        yield from (*MAIN, *variant_names())

    def __len__(self) -> int:
        return len(MAIN) + len(variant_names())


SERVERS: Mapping[str, Server] = _Servers()


def build_source(name: str, settings: Settings, registry: CollectorRegistry) -> PodSource:
    """Build the source of the server ``name``, confined to the namespace in ``settings`` if set."""
    source = SERVERS[name].build(settings, registry)
    if settings.namespace is None:
        return source
    return ScopedSource(source, settings.namespace)
