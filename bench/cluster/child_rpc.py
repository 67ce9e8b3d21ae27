"""Child end of the JSON-lines RPC: a process with an account at the API server.

Orders come as JSON lines on standard input (``{"do": "resume", ...}``), each is
answered by one on standard output. The other end is ``bench.supervision.rpc``.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.cluster.plane import Plane
from kube_informer import ClientConfig

Order = Mapping[str, Any]
Figures = Mapping[str, Any]
Handler = Callable[[Order], tuple[str, Figures]]
"""From an order to the event it is answered with, and that event's figures."""


def account_parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser that takes where the API server is and as whom to speak to it."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--kubeconfig", type=Path, required=True, metavar="FILE")
    parser.add_argument("--context", required=True, help="the account, by its context")
    return parser


def client_config_of(arguments: argparse.Namespace) -> ClientConfig:
    """Return how to connect, by what ``account_parser`` took; raises ``CredentialsError``."""
    return ClientConfig.load(arguments.kubeconfig, arguments.context)


def account_arguments(plane: Plane, identity: str) -> list[str]:
    """Return what ``account_parser`` takes for an account of ``plane``."""
    return [f"--kubeconfig={plane.kubeconfig}", f"--context={identity}"]


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
