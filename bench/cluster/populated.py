"""Populated cluster: a control plane with its pods and churn."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Generic, Protocol, Self, TypeVar

from bench.cluster.churn import IDENTITY as CHURN
from bench.cluster.churn import Churn
from bench.cluster.existing.rights import is_granted
from bench.cluster.identities import ADMIN, HARNESS, NAMESPACE, grant
from bench.cluster.objects import object_rules
from bench.cluster.plane import Plane
from bench.cluster.pods import draw_pods, targets
from bench.cluster.population import Progress, create_objects, populate
from bench.model import Objects, Targets
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog

IDENTITY = HARNESS

P = TypeVar("P", bound=Plane)


class Checked(Protocol):
    """A cluster that reports the end of one of its processes."""

    def check(self) -> None:
        """Raise if one of its processes has ended."""


@contextmanager
def explained_by(cluster: Checked) -> Iterator[None]:
    """Raise the end of a process of the cluster in place of an error that follows from it."""
    try:
        yield
    except Exception:
        cluster.check()
        raise


class PopulatedCluster(Stoppable, Generic[P]):
    """Start everything on entry and stop it on exit; churn is paused at first.

    ``start`` starts the control plane, of either kind.
    """

    def __init__(
        self,
        start: Callable[[Watchdog], P],
        watchdog: Watchdog,
        *,
        seed: int,
        pods: int,
        objects: Sequence[Objects] = (),
        progress: Progress = lambda _done, _all: None,
    ) -> None:
        self.pods = pods
        self.objects = objects
        self._start = start
        self._watchdog = watchdog
        self._seed = seed
        self._progress = progress
        self._stack = ExitStack()
        self.plane: P
        self.churn: Churn
        self.targets = Targets((), (), ())

    def __enter__(self) -> Self:
        """Start, populate, and start the churn writer.

        Raises ``ProcessFailed`` if a process does not start, ``ApiError`` or
        ``ApiUnreachableError`` if a write fails; an error leaves nothing behind.
        """
        with self.stop_on_error():
            self.plane = self._start(self._watchdog)
            self._stack.callback(self.plane.stop)
            with explained_by(self.plane):
                self._populate()
        return self

    def _populate(self) -> None:
        placement = self.plane.placement
        drawn = draw_pods(self._seed, self.pods, namespace=placement.scope)
        populate(self.plane.api(IDENTITY), drawn, placement, progress=self._progress)
        if self.objects:
            self._populate_objects()
        self.targets = targets(drawn)
        self.churn = self._stack.enter_context(
            Churn.start(
                self.plane,
                self._watchdog,
                seed=self._seed,
                pods=self.pods,
                log=self.plane.folder / "churn.log",
                objects=self.objects,
            )
        )

    def _populate_objects(self) -> None:
        admin, rules = self.plane.api(ADMIN), object_rules(self.objects, "patch")
        grant(admin, CHURN, rules, "objects")
        for objects in self.objects:
            create_objects(admin, objects, progress=self._progress)
        for rule in rules:
            if not is_granted(self.plane.api(CHURN), rule, NAMESPACE):
                raise TimeoutError(f"the churn writer was not allowed to change {rule}")

    def stop(self) -> None:
        """Stop churn and control plane."""
        self._stack.close()

    def check(self) -> None:
        """Raise if one of the cluster's processes has ended, or its plane cannot continue."""
        self.plane.check()
        self.churn.check()
