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
    """Place of a run, as the run needs it before and at its start."""

    @property
    def introduction(self) -> str:
        """Description of the site, in a line for the person at the terminal."""

    @property
    def beginning(self) -> str:
        """Progress text while ``start`` runs."""

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """Limits of every figure that is measured here."""

    @property
    def private_words(self) -> tuple[str, ...]:
        """Names that must not be stored."""

    def environment(self) -> Environment:
        """Describe this machine and the site."""

    def start(self, watchdog: Watchdog) -> Plane:
        """Return a control plane with this project's accounts; its ``stop`` removes it."""


@dataclass(frozen=True, slots=True)
class LocalSite:
    """Local machine, with our own kube-apiserver and etcd, which are removed afterwards."""

    binaries: Binaries
    caveats: tuple[Caveat, ...] = ()
    private_words: tuple[str, ...] = ()
    beginning: str = "starting etcd and kube-apiserver"
    apiserver_args: tuple[str, ...] = ()
    """Further flags of kube-apiserver."""

    @property
    def introduction(self) -> str:
        """Versions and source of the binaries."""
        ours = self.binaries
        return f"Kubernetes {ours.kubernetes}, etcd {ours.etcd_version}, from: {ours.source}"

    def environment(self) -> Environment:
        """Describe this machine."""
        return describe(self.binaries)

    def start(self, watchdog: Watchdog) -> Plane:
        """Start both processes. Raises ``ProcessFailed`` if one does not start."""
        return ControlPlane.start(self.binaries, watchdog, extra_args=self.apiserver_args)
