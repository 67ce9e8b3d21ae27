"""A kube-apiserver and an etcd to run: found, fetched or built.

Duty: give the paths of both binaries and say where they came from, quickly when
they are at hand, and with a plain account of what is being done when they are
not. One file a source; ``resolution`` asks them in order.

Starting the binaries does not belong here, nor does anything of a cluster.
"""

from bench.cluster.binaries.model import Binaries, BinariesUnavailable, Version
from bench.cluster.binaries.resolution import KUBERNETES_VERSION, resolve

__all__ = ["KUBERNETES_VERSION", "Binaries", "BinariesUnavailable", "Version", "resolve"]
