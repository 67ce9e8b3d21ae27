"""A control plane with its pods and its churn: the cluster that a trial reads from."""

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from bench.cluster.binaries import Binaries
from bench.cluster.churn import Churn
from bench.cluster.control_plane import ControlPlane
from bench.cluster.pods import draw_pods, targets
from bench.cluster.population import Progress, populate
from bench.model import Targets
from bench.supervision.watchdog import Watchdog

IDENTITY = "harness"


class PopulatedCluster:
    """Starts everything on entry and stops it on exit; churn is paused at first."""

    def __init__(
        self,
        binaries: Binaries,
        watchdog: Watchdog,
        *,
        seed: int,
        pods: int,
        progress: Progress = lambda _done, _all: None,
    ) -> None:
        self.pods = pods
        self._binaries = binaries
        self._watchdog = watchdog
        self._seed = seed
        self._progress = progress
        self._stack = ExitStack()
        self.plane: ControlPlane
        self.churn: Churn
        self.targets = Targets((), (), ())

    def __enter__(self) -> Self:
        """Start, populate, and start the churn writer.

        Raises ``ProcessFailed`` if a process does not come up, ``ApiError`` or
        ``ApiUnreachableError`` if a write fails; nothing is left behind then.
        """
        with ExitStack() as stack:
            self.plane = stack.enter_context(ControlPlane.start(self._binaries, self._watchdog))
            drawn = draw_pods(self._seed, self.pods)
            populate(self.plane.api(IDENTITY), drawn, progress=self._progress)
            self.targets = targets(drawn)
            self.churn = stack.enter_context(
                Churn.start(
                    self.plane,
                    self._watchdog,
                    seed=self._seed,
                    pods=self.pods,
                    log=self.plane.folder / "churn.log",
                )
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def check(self) -> None:
        """Raise ``ProcessFailed`` if one of the cluster's processes has ended."""
        self.plane.check()
        self.churn.check()
