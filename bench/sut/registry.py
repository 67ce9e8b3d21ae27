"""Registry of arms: this project's servers, and servers and clients that a plan has commands of.

An arm is a process with an identity. What serves ``/pods`` besides can be given load, and its
answers can be checked; a client cannot.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import bench
from bench.cluster.identities import EXTERNAL, Identity, Rule
from bench.model import Client, External, Plan

ROOT = Path(bench.__file__).parents[1]
READY_TIMEOUT_S = 120.0


class ServerError(Exception):
    """A server under test did not answer, or not as the routes promise."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout that servers are started from, and the interpreter of its environment."""

    folder: Path
    python: str

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which the informer is this checkout's, whichever one is installed.

        Bytecode is kept: a checkout that compiles at each start would be ready later than another.
        """
        own = {"PYTHONPATH": str(self.folder / "informer" / "src"), "PYTHONDONTWRITEBYTECODE": ""}
        return os.environ | own


HERE = Checkout(ROOT, sys.executable)


@dataclass(frozen=True, slots=True)
class ServerKind:
    """A server or client that can be started: its name and the identity that it reads as."""

    name: str
    identity: str
    summary: str
    contract: str = "bytes"
    """How far its answers are those of the others: bytes, content, or metadata (not compared)."""
    command: str | None = None
    """What starts a server that is not ``python -m servers``; see ``bench.sut.launch``."""
    ready_timeout_s: float = READY_TIMEOUT_S
    checkout: Checkout | None = None
    """The other checkout that it is started from; ``None``: this one."""
    client: Client | None = None
    """What it is, where it serves nothing."""

    @classmethod
    def of(cls, one: External | Client) -> Self:
        """Return the kind of a server that is not of this project, or of a client."""
        client = one if isinstance(one, Client) else None
        return cls(
            one.name,
            identity=f"client-{one.name}" if client else EXTERNAL,
            summary="a client of the API" if client else "started by a command of its own",
            command=one.command,
            ready_timeout_s=one.ready_timeout_s,
            client=client,
        )

    def account(self, readable: Sequence[Rule]) -> Identity:
        """Return a client's account; without rules of its own it may do what is ``readable``."""
        own = self.client.rules if self.client is not None else ()
        rules = ({key: list(words) for key, words in rule.items()} for rule in own)
        return Identity(self.identity, tuple(rules) or tuple(readable))


def commanded_kinds(plan: Plan) -> dict[str, ServerKind]:
    """Return the servers and clients that a plan starts by a command."""
    commanded: tuple[External | Client, ...] = (*plan.external, *plan.clients)
    return {one.name: ServerKind.of(one) for one in commanded}


@cache
def server_kinds(checkout: Checkout = HERE) -> Mapping[str, ServerKind]:
    """Ask ``python -m servers --list`` which servers a checkout has.

    Raises ``ServerError`` if it fails.
    """
    listed = subprocess.run(
        [checkout.python, "-m", "servers", "--list"],
        cwd=checkout.folder,
        env=checkout.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        raise ServerError(f"python -m servers --list failed:\n{listed.stderr.strip()}")
    kinds = [ServerKind(**entry) for entry in json.loads(listed.stdout)]
    return {kind.name: kind for kind in kinds}
