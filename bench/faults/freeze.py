"""Stop the API server (SIGSTOP) and continue it (SIGCONT).

Connections stay open and the kernel accepts new ones, but nothing is answered: a
client sees the same when a node swaps, or a virtual machine is migrated.
"""

import time

from bench.faults import Fault, FaultError, Scene
from bench.supervision.freezer import Freezer

BACKSTOP_S = 2.0
"""It thaws by itself this long after its intended end."""


class Freeze(Fault):
    """SIGSTOP and SIGCONT."""

    what = "the API server was frozen"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._freezer = Freezer(lambda: scene.plane.apiserver.pid, scene.seconds + BACKSTOP_S)

    def begin(self) -> float:
        """Freeze the API server."""
        try:
            self._freezer.freeze()
        except ProcessLookupError as error:
            raise FaultError("the API server cannot be frozen: it has ended") from error
        return time.monotonic()

    def end(self) -> float:
        """Continue the API server; answers from the returned time on are after the fault."""
        over_s = time.monotonic()
        self._freezer.stop()
        return over_s


FAULT = Freeze
