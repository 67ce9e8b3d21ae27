"""The API server is stopped in its tracks (SIGSTOP) and let go on (SIGCONT).

Connections stay open and new ones are taken by the kernel, but nothing is
answered: what a client sees when a node swaps, or a virtual machine is moved.
"""

import time

from bench.faults import Fault, FaultError, Scene
from bench.supervision.freezer import Freezer

BACKSTOP_S = 2.0
"""It thaws by itself so long after it should have been let go on."""


class Freeze(Fault):
    """SIGSTOP and SIGCONT."""

    what = "the API server was frozen"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._freezer = Freezer(lambda: scene.plane.apiserver.pid, scene.seconds + BACKSTOP_S)

    def begin(self) -> float:
        """Freeze it."""
        try:
            self._freezer.freeze()
        except ProcessLookupError as error:
            raise FaultError("the API server cannot be frozen: it has ended") from error
        return time.monotonic()

    def end(self) -> float:
        """Let it go on; what is answered from then on is answered after the fault."""
        over_s = time.monotonic()
        self._freezer.stop()
        return over_s


FAULT = Freeze
