"""Server registry: this project's servers, and those that a plan starts by a command."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import bench
from bench.cluster.identities import EXTERNAL
from bench.model import External

ROOT = Path(bench.__file__).parents[1]
READY_TIMEOUT_S = 120.0


class ServerError(Exception):
    """A server under test did not answer, or not as the routes promise."""


@dataclass(frozen=True, slots=True)
class ServerKind:
    """A server that can be started: its name and the identity that it reads as."""

    name: str
    identity: str
    summary: str
    contract: str = "bytes"
    """How far its answers are those of the others: bytes, content, or metadata (not compared)."""
    command: str | None = None
    """What starts a server that is not of this project; see ``bench.sut.launch``."""
    ready_timeout_s: float = READY_TIMEOUT_S

    @classmethod
    def of(cls, external: External) -> Self:
        """Return the kind of a server that is not of this project."""
        return cls(
            external.name,
            EXTERNAL,
            "started by a command of its own",
            command=external.command,
            ready_timeout_s=external.ready_timeout_s,
        )


@cache
def server_kinds() -> Mapping[str, ServerKind]:
    """Ask ``python -m servers --list`` which servers there are.

    Raises ``ServerError`` if it fails.
    """
    listed = subprocess.run(
        [sys.executable, "-m", "servers", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        raise ServerError(f"python -m servers --list failed:\n{listed.stderr.strip()}")
    kinds = [ServerKind(**entry) for entry in json.loads(listed.stdout)]
    return {kind.name: kind for kind in kinds}
