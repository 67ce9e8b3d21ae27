"""Registry of arms: this project's servers, and the servers and clients of a plan's commands.

An arm is a process with an identity. A server also serves ``/pods``: it can be put under load,
and its answers can be checked. A client cannot.
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
    """Raised when a server under test does not answer, or not as the routes promise."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout to start servers from, and the interpreter of its environment."""

    folder: Path
    python: str

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which the informer is this checkout's, whichever one is installed.

        Bytecode is kept: a checkout that compiles at each start would become ready later.
        """
        more = {"PYTHONPATH": str(self.folder / "informer" / "src"), "PYTHONDONTWRITEBYTECODE": ""}
        return os.environ | more


HERE = Checkout(ROOT, sys.executable)


@dataclass(frozen=True, slots=True)
class ServerKind:
    """A server or client that can be started, with the identity that it reads as."""

    name: str
    identity: str
    summary: str
    contract: str = "bytes"
    """How far its answers equal the others': bytes, content, or metadata (not compared)."""
    command: str | None = None
    """Command of a server that is not ``python -m servers``; see ``bench.sut.launch``."""
    ready_timeout_s: float = READY_TIMEOUT_S
    checkout: Checkout | None = None
    """The other checkout to start it from; ``None``: this one."""
    client: Client | None = None
    """The client, if it is one and serves nothing."""

    @classmethod
    def of(cls, program: External | Client) -> Self:
        """Return the kind of a server that is not of this project, or of a client."""
        client = program if isinstance(program, Client) else None
        return cls(
            program.name,
            identity=f"client-{program.name}" if client else EXTERNAL,
            summary="a client of the API" if client else "started by a command of its own",
            command=program.command,
            ready_timeout_s=program.ready_timeout_s,
            client=client,
        )

    def account(self, readable: Sequence[Rule]) -> Identity:
        """Return a client's account; without its own rules it gets those of ``readable``."""
        client_rules = self.client.rules if self.client is not None else ()
        rules = ({key: list(values) for key, values in rule.items()} for rule in client_rules)
        return Identity(self.identity, tuple(rules) or tuple(readable))


def commanded_kinds(plan: Plan) -> dict[str, ServerKind]:
    """Return the servers and clients that a plan starts by a command."""
    commanded: tuple[External | Client, ...] = (*plan.external, *plan.clients)
    return {program.name: ServerKind.of(program) for program in commanded}


@cache
def server_kinds(checkout: Checkout = HERE) -> Mapping[str, ServerKind]:
    """Return a checkout's servers by ``python -m servers --list``; ``ServerError`` if it fails."""
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
