"""Kill the API server (SIGKILL), and restart it later on its old address.

Every connection is cut, new ones are refused. Its watch cache is filled again from
etcd, so that a watch may resume only if nothing was written in between.
"""

import time

from bench.cluster.api import ApiError, ApiUnreachableError
from bench.cluster.populated import IDENTITY
from bench.faults import Fault, Scene


class Restart(Fault):
    """Kill it, and restart it with the same data; the fault ends when it answers a list of pods."""

    what = "the API server was killed and started anew"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._killed = False

    def begin(self) -> float:
        """Kill the API server."""
        killed_s = time.monotonic()
        self._killed = True
        self.scene.plane.kill_apiserver()
        return killed_s

    def end(self) -> float:
        """Restart the API server and wait until it answers.

        It answers before it reports ready, and clients do not check its readiness.
        """
        if self._killed:
            self.started_anew_s = time.monotonic()
            self.scene.plane.start_apiserver(ready=self._answers)
            self._killed = False
        return time.monotonic()

    def _answers(self) -> bool:
        try:
            self.scene.plane.api(IDENTITY).get_bytes("/api/v1/pods?limit=1")
        except (ApiError, ApiUnreachableError):
            return False
        return True


FAULT = Restart
