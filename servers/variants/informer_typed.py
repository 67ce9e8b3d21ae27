"""``informer-typed``: this project's informer, answered through the official client's models.

The cache and its requests are the informer's. The difference between the two is the
cost of models in a server that already has the pods.
"""

from functools import partial

from kube_informer import CachedObject
from servers.cached import CachedSource
from servers.informer_source import over_informer
from servers.models import to_json
from servers.server import Contract, Server


def _through_model(pod: CachedObject) -> bytes:
    return to_json(pod.typed("V1Pod"))


SERVER = Server(
    "informer",
    "reads the informer's cache, and makes each pod a model of the official client",
    partial(over_informer, source=partial(CachedSource, encode=_through_model)),
    contract=Contract.CONTENT,
)
