"""Child of the harness with an account at the API server, which resumes and pauses by JSON lines.

Its first argument tells it where and as whom. Orders come as lines on standard input
(``{"do": "resume", ...}``, ``{"do": "pause"}``), each is answered by one on standard output.
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


def start_child(
    name: str,
    module: str,
    plane: Plane,
    identity: str,
    *arguments: object,
    log: Path,
    watchdog: Watchdog,
) -> RpcClient:
    """Start ``module`` as ``identity``, with further arguments; what it says first is ``ready``."""
    account = Account(str(plane.kubeconfig), identity, plane.placement)
    told = msgspec.json.encode(account).decode()
    argv = [sys.executable, "-m", module, told, *map(str, arguments)]
    return RpcClient(
        SupervisedProcess.start(
            name, argv, log=log, watchdog=watchdog, pipe_stdin=True, pipe_stdout=True
        )
    )


def serve(resume: Callable[..., None], pause: Callable[[], Mapping[str, Any]]) -> None:
    """Say that we are ready, then serve until standard input ends.

    ``resume`` gets what its order says, ``pause`` returns the figures of its answer. Raises
    ``SystemExit`` for an order that is not known.
    """
    _answer("ready")
    for line in sys.stdin:
        told: dict[str, Any] = json.loads(line)
        match told.pop("do"):
            case "resume":
                resume(**told)
                _answer("resumed")
            case "pause":
                _answer("paused", **pause())
            case order:
                raise SystemExit(f"does not know the order {order!r}")


def _answer(event: str, **figures: object) -> None:
    print(json.dumps({"event": event, **figures}), flush=True)
