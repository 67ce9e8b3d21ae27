"""The servers there are, by name: three of our own, and each file of ``servers/variants``."""

from collections.abc import Iterator, Mapping
from functools import partial

from prometheus_client import CollectorRegistry

from servers.direct import over_api_server
from servers.informer_source import over_informer
from servers.server import Server, Settings
from servers.source import PodSource, ScopedSource
from servers.variants import load_variant, variant_names

OWN = {
    "direct": Server("direct", "asks the API server on every request", over_api_server),
    "direct-rv0": Server(
        "direct",
        'the same, content with what the API server has cached (resourceVersion "0")',
        partial(over_api_server, default_version="0"),
    ),
    "informer": Server("informer", "reads a local cache kept by list and watch", over_informer),
}


class _Servers(Mapping[str, Server]):
    """All of them; a variant is imported when it is looked up."""

    def __getitem__(self, name: str) -> Server:
        return OWN[name] if name in OWN else load_variant(name)

    def __iter__(self) -> Iterator[str]:
        yield from (*OWN, *variant_names())

    def __len__(self) -> int:
        return len(OWN) + len(variant_names())


SERVERS: Mapping[str, Server] = _Servers()


def build_source(name: str, settings: Settings, registry: CollectorRegistry) -> PodSource:
    """Build the source of the server called ``name``, confined to a namespace if one is set."""
    source = SERVERS[name].build(settings, registry)
    if settings.namespace is None:
        return source
    return ScopedSource(source, settings.namespace)
