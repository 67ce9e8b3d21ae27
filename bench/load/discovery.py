"""Discover targets by asking the server itself, for manually started load."""

from collections import Counter

import msgspec

from bench.load.connection import Address, Connection, NoAnswerError
from bench.model import Targets

_PODS = 200
_SELECTORS = 10
_TIMEOUT_S = 30.0


class DiscoveryError(Exception):
    """The server could not be asked for its pods, or has none."""


class _Metadata(msgspec.Struct):
    name: str
    namespace: str
    labels: dict[str, str] = {}


class _Pod(msgspec.Struct):
    metadata: _Metadata


class _List(msgspec.Struct):
    result: list[_Pod]


def discover(address: Address) -> Targets:
    """Ask the server at ``address`` for all pods once, and name some of what it has.

    Up to 200 pods evenly chosen, all their namespaces, and the ten commonest labels.
    Nothing keeps these pods from being deleted later: such a read is a 404 then.
    Raises ``DiscoveryError``.
    """
    connection = Connection(address)
    try:
        response = connection.get(address.request("/pods"), _TIMEOUT_S, keep=True)
    except NoAnswerError as error:
        raise DiscoveryError(f"cannot ask {address.url}/pods for what there is: {error}") from error
    finally:
        connection.close()
    if response.status != 200 or response.body is None:
        raise DiscoveryError(f"{address.url}/pods answered with status {response.status}")
    return targets_in(response.body, address.url)


def targets_in(body: bytes, server: str) -> Targets:
    """Return the targets that an answer to ``/pods`` shows; raise ``DiscoveryError`` if none."""
    try:
        found = [pod.metadata for pod in msgspec.json.decode(body, type=_List).result]
    except msgspec.DecodeError as error:
        raise DiscoveryError(
            f"{server}/pods did not answer with a list of pods: {error}"
        ) from error
    if not found:
        raise DiscoveryError(f"{server} has no pods to ask for")
    labels = Counter(f"{key}={value}" for each in found for key, value in each.labels.items())
    step = -(-len(found) // _PODS)
    return Targets(
        namespaces=tuple(sorted({each.namespace for each in found})),
        pods=tuple((each.namespace, each.name) for each in found[::step]),
        label_selectors=tuple(label for label, _ in labels.most_common(_SELECTORS)),
    )
