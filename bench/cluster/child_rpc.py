"""Child end of the JSON-lines RPC: a process with an account at the API server.

Its first argument tells it where and as whom. Orders come as JSON lines on standard input
(``{"do": "resume", ...}``), each is answered by one on standard output. The other end is
``bench.supervision.rpc``.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from bench.cluster.placement import Placement
from bench.cluster.plane import Plane
from kube_informer import ClientConfig

Order = Mapping[str, Any]
Figures = Mapping[str, Any]
Handler = Callable[[Order], tuple[str, Figures]]
"""From an order to the event it is answered with, and that event's figures."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the API server is, as whom to speak to it, and where pods are."""

    kubeconfig: str
    context: str
    placement: Placement

    @classmethod
    def read(cls) -> Self:
        """Read the account that this process was started with."""
        return msgspec.json.decode(sys.argv[1], type=cls)

    def config(self) -> ClientConfig:
        """Return how to connect; raises ``CredentialsError``."""
        return ClientConfig.load(self.kubeconfig, self.context)


def child_argv(module: str, plane: Plane, identity: str, *arguments: object) -> list[str]:
    """Return what starts ``module`` with an account of ``plane`` and further arguments."""
    account = Account(str(plane.kubeconfig), identity, plane.placement)
    told = msgspec.json.encode(account).decode()
    return [sys.executable, "-m", module, told, *map(str, arguments)]


def serve(orders: Mapping[str, Handler]) -> None:
    """Say that we are ready, then serve until standard input ends.

    Raises ``SystemExit`` for an order that is not known.
    """
    _answer("ready", {})
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] not in orders:
            raise SystemExit(f"does not know the order {order['do']!r}")
        _answer(*orders[order["do"]](order))


def _answer(event: str, figures: Figures) -> None:
    print(json.dumps({"event": event, **figures}), flush=True)
