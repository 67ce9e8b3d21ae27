"""A process of ours at the API server: who it is by its arguments, what it does by orders.

Orders come as JSON lines on standard input (``{"do": "resume", ...}``), each is
answered by one on standard output. The other end is ``bench.supervision.rpc``.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.cluster.api import Credentials

Order = Mapping[str, Any]
Figures = Mapping[str, Any]
Obey = Callable[[Order], tuple[str, Figures]]
"""From an order to the event it is answered with, and that event's figures."""


def account_parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser that takes where the API server is and as whom to speak to it."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--server", required=True, help="address of the API server")
    parser.add_argument("--authority", type=Path, help="its CA certificate (PEM)")
    parser.add_argument("--server-name", help="the name in its certificate")
    parser.add_argument("--token", type=Path, required=True, help="file with this account's token")
    return parser


def credentials_of(arguments: argparse.Namespace) -> Credentials:
    """Return the credentials that the arguments of ``account_parser`` name."""
    return Credentials(
        arguments.server,
        arguments.authority,
        token=arguments.token,
        server_name=arguments.server_name,
    )


def account_arguments(credentials: Credentials) -> list[str]:
    """Return what ``account_parser`` takes for ``credentials`` with a token in a file."""
    told = [f"--server={credentials.server}", f"--token={credentials.token}"]
    if credentials.authority is not None:
        told.append(f"--authority={credentials.authority}")
    if credentials.server_name is not None:
        told.append(f"--server-name={credentials.server_name}")
    return told


def obey(orders: Mapping[str, Obey]) -> None:
    """Say that we are ready, then obey until standard input ends.

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
