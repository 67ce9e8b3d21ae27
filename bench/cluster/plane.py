"""The protocol of a control plane, local or existing.

The local one (``bench.cluster.control_plane``) fills all of it. One that is somebody
else's has no processes of ours, and what it does not show is ``None`` here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bench.cluster.api import Api
from bench.cluster.identities import Identity
from bench.cluster.placement import Placement
from kube_informer import ClientConfig


class Plane(Protocol):
    """An API server with this project's accounts on it.

    ``folder`` is a private one for logs and the like, ``kubeconfig`` a file in it with one
    context an identity.
    """

    @property
    def folder(self) -> Path:
        """A folder of this control plane's own, removed with it."""

    @property
    def kubeconfig(self) -> Path:
        """Has a context for each identity that the plane starts with, named as it is."""

    @property
    def placement(self) -> Placement:
        """Where accounts and pods are, and what pods may look like there."""

    @property
    def audit_log(self) -> Path | None:
        """The API server's audit log, ``None`` where it cannot be read."""

    @property
    def etcd_url(self) -> str | None:
        """Where etcd shows its metrics, ``None`` where it does not."""

    @property
    def private_words(self) -> tuple[str, ...]:
        """Names of this cluster that may not be kept in results."""

    def admit(self, identity: Identity) -> None:
        """Make an account for ``identity``, one of those that the plane does not start with."""

    def client_config(self, identity: str) -> ClientConfig:
        """Return how to connect as ``identity``."""

    def api(self, identity: str) -> Api:
        """Return a connection as ``identity``, kept until the control plane stops."""

    def observer(self) -> Api | None:
        """Return the connection to ask for the API server's metrics, ``None`` if it must not be."""

    def pids(self) -> Mapping[str, int]:
        """Return the processes to account for, by their names in the samples; none is empty."""

    def check(self) -> None:
        """Raise if what is measured cannot go on: a process ended, the time is up."""

    def stop(self) -> None:
        """Take away what was started or made; safe to call again."""
