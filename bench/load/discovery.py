"""Discover the targets of a manual load by asking the server for its pods."""

from collections import Counter

import msgspec

from bench.load.connection import Address, Connection, NoAnswerError
from bench.model import Targets

_PODS = 200
_SELECTORS = 10
_TIMEOUT_S = 30.0


class DiscoveryError(Exception):
    """Raised when a server does not answer with its pods, or has none."""


class _Metadata(msgspec.Struct):
    name: str
    namespace: str
    labels: dict[str, str] = {}


class _Pod(msgspec.Struct):
    metadata: _Metadata


class _List(msgspec.Struct):
    result: list[_Pod]


def discover(address: Address) -> Targets:
    """Ask the server at ``address`` for all pods once, and return targets among them.

    These are up to 200 pods evenly chosen, all namespaces, and the ten commonest labels.
    Pods may be deleted later: a read of such a pod gets a 404. Raises ``DiscoveryError``.
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
    """Return the targets in an answer to ``/pods``; raise ``DiscoveryError`` if it has none."""
    try:
        pods = [pod.metadata for pod in msgspec.json.decode(body, type=_List).result]
    except msgspec.DecodeError as error:
        raise DiscoveryError(
            f"{server}/pods did not answer with a list of pods: {error}"
        ) from error
    if not pods:
        raise DiscoveryError(f"{server} has no pods to ask for")
    labels = Counter(f"{key}={value}" for pod in pods for key, value in pod.labels.items())
    step = -(-len(pods) // _PODS)
    return Targets(
        namespaces=tuple(sorted({pod.namespace for pod in pods})),
        pods=tuple((pod.namespace, pod.name) for pod in pods[::step]),
        label_selectors=tuple(label for label, _ in labels.most_common(_SELECTORS)),
    )
