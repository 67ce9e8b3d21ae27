"""The kube-apiserver and etcd binaries: found, fetched or built.

Duty: return the paths of both binaries and their source. Binaries on this machine are
returned at once; a download or build reports its progress. Each source has one file;
``resolution`` tries them in order.

What does not belong here: starting the binaries, and anything about a cluster.
"""

from bench.cluster.binaries.model import Binaries, BinariesUnavailable, Version
from bench.cluster.binaries.resolution import KUBERNETES_VERSION, resolve

__all__ = ["KUBERNETES_VERSION", "Binaries", "BinariesUnavailable", "Version", "resolve"]
