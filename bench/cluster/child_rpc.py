"""Child process of the harness that uses the API server, and its commands as JSON lines.

The first argument is its ``Account``. Commands are lines on standard input
(``{"do": "resume", ...}``, ``{"do": "pause"}``); each is answered by one on standard output.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from bench.cluster.placement import Placement
from bench.cluster.plane import Plane
from bench.supervision.process import SupervisedProcess
from bench.supervision.rpc import RpcClient
from bench.supervision.watchdog import Watchdog
from kube_informer import ClientConfig

ANSWER_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Account:
    """API server, identity to use there, and placement of pods."""

    kubeconfig: str
    context: str
    placement: Placement

    @classmethod
    def read(cls) -> Self:
        """Read the account from this process's first argument."""
        return msgspec.json.decode(sys.argv[1], type=cls)

    def config(self) -> ClientConfig:
        """Return the client configuration; raises ``CredentialsError``."""
        return ClientConfig.load(self.kubeconfig, self.context)


def start_child(
    name: str,
    module: str,
    plane: Plane,
    identity: str,
    *arguments: object,
    log: Path,
    watchdog: Watchdog,
) -> RpcClient:
    """Start ``module`` as ``identity``, with further arguments; its first event is ``ready``."""
    account = Account(str(plane.kubeconfig), identity, plane.placement)
    account_json = msgspec.json.encode(account).decode()
    argv = [sys.executable, "-m", module, account_json, *map(str, arguments)]
    return RpcClient(
        SupervisedProcess.start(
            name, argv, log=log, watchdog=watchdog, pipe_stdin=True, pipe_stdout=True
        )
    )


def serve(resume: Callable[..., None], pause: Callable[[], Mapping[str, Any]]) -> None:
    """Send ``ready``, then serve commands until standard input ends.

    ``resume`` gets the command's fields, ``pause`` returns the figures of its answer. Raises
    ``SystemExit`` for an unknown command.
    """
    _answer("ready")
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        match command.pop("do"):
            case "resume":
                resume(**command)
                _answer("resumed")
            case "pause":
                _answer("paused", **pause())
            case unknown:
                raise SystemExit(f"unknown command {unknown!r}")


def _answer(event: str, **figures: object) -> None:
    print(json.dumps({"event": event, **figures}), flush=True)
