"""Site of a run: a local control plane, or an existing cluster."""

from dataclasses import dataclass
from typing import Protocol

from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import ControlPlane
from bench.cluster.plane import Plane
from bench.model import Caveat, Environment
from bench.sites.provenance import describe
from bench.supervision.watchdog import Watchdog


class Site(Protocol):
    """What a run must know of where it takes place, before and when it starts."""

    @property
    def introduction(self) -> str:
        """What it is, in a line for the person at the terminal."""

    @property
    def beginning(self) -> str:
        """What is said while ``start`` is under way."""

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What limits every figure that is measured here."""

    @property
    def private_words(self) -> tuple[str, ...]:
        """Names that may not be kept."""

    def environment(self) -> Environment:
        """Look at this machine and at the site."""

    def start(self, watchdog: Watchdog) -> Plane:
        """Return a control plane with this project's accounts; it is taken away by ``stop``."""


@dataclass(frozen=True, slots=True)
class LocalSite:
    """The machine that we are on: kube-apiserver and etcd of our own, thrown away afterwards."""

    binaries: Binaries
    caveats: tuple[Caveat, ...] = ()
    private_words: tuple[str, ...] = ()
    beginning: str = "starting etcd and kube-apiserver"
    apiserver_args: tuple[str, ...] = ()
    """Further flags of kube-apiserver."""

    @property
    def introduction(self) -> str:
        """Versions, and where the binaries are from."""
        ours = self.binaries
        return f"Kubernetes {ours.kubernetes}, etcd {ours.etcd_version}, from: {ours.source}"

    def environment(self) -> Environment:
        """Look at this machine."""
        return describe(self.binaries)

    def start(self, watchdog: Watchdog) -> Plane:
        """Start both processes. Raises ``ProcessFailed`` if one does not come up."""
        return ControlPlane.start(self.binaries, watchdog, extra_args=self.apiserver_args)
