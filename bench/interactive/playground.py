"""Playground: a populated throwaway cluster, and servers that read from it."""

from dataclasses import dataclass
from functools import partial

from bench.cluster.binaries import KUBERNETES_VERSION, resolve
from bench.cluster.control_plane import ControlPlane
from bench.cluster.populated import PopulatedCluster
from bench.supervision.progress import Progress
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import server_kinds

SERVERS = ("informer", "direct")
WATCH_EVERY_S = 0.5
"""Interval of the checks that all processes still run."""


@dataclass(frozen=True, slots=True)
class Playground:
    """Size of the cluster, and its writes per second."""

    pods: int
    churn_per_s: float
    seed: int
    kubernetes: str = KUBERNETES_VERSION

    def __str__(self) -> str:
        return f"{self.pods:,} pods, {self.churn_per_s:g} writes per second, seed {self.seed}"


def cluster_of(
    playground: Playground, watchdog: Watchdog, progress: Progress
) -> PopulatedCluster[ControlPlane]:
    """Return the cluster, which starts on entry. Raises ``BinariesUnavailable``."""
    binaries = resolve(kubernetes=playground.kubernetes, say=progress.say)
    progress.move("starting etcd and kube-apiserver", 0.0)
    return PopulatedCluster(
        partial(ControlPlane.start, binaries),
        watchdog,
        seed=playground.seed,
        pods=playground.pods,
        progress=progress.counting("writing pods"),
    )


def server_spec(name: str, plane: ControlPlane, *, host: str = "127.0.0.1") -> ServerSpec:
    """Return the spec of a server whose log is kept with the control plane's."""
    return ServerSpec.on(plane, server_kinds()[name], plane.folder / f"{name}.log", host=host)
