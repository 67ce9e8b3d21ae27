"""A source over this project's informer, for all servers that read from one."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from kube_informer import PODS, SharedInformer
from kube_informer.prometheus import InformerMetrics
from servers.cached import CachedSource
from servers.server import Settings, connect

TIMES_KEPT = 2048
"""Events whose arrival times are kept: at least a minute of a busy cluster."""


LONGEST_VERSION = 19
"""Digits of a version of etcd, a 64-bit number; longer text is no version."""


class _TimedMetrics(InformerMetrics):
    """The library's metrics, and the arrival times that the freshness probe reads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self._times: deque[tuple[str, int]] = deque(maxlen=TIMES_KEPT)

    def event(self, kind: str, version: str = "") -> None:
        """Count the event and record its arrival."""
        super().event(kind, version)
        if len(version) <= LONGEST_VERSION and version.isdecimal():
            self._times.append((version, time.monotonic_ns() // 1000))

    def event_times(self, since: int) -> Sequence[tuple[int, int]]:
        """Return version and arrival of the latest events; see ``PodSource.event_times``."""
        times = [(int(version), at_us) for version, at_us in self._times.copy()]
        return [(version, at_us) for version, at_us in times if version >= since]


def over_informer(
    settings: Settings,
    registry: CollectorRegistry,
    *,
    source: Callable[..., CachedSource] = CachedSource,
    metadata_only: bool = False,
) -> CachedSource:
    """Return a ``source`` over its own informer, whose metrics go to ``registry``.

    It sends no request before the source is started. Raise as ``Transport``.
    """
    transport = connect(settings, registry, 2)
    metrics = _TimedMetrics(registry)
    informer = SharedInformer(
        transport,
        PODS,
        namespaces=None if settings.namespace is None else [settings.namespace],
        metadata_only=metadata_only,
        observer=metrics,
    )
    metrics.watch(informer)
    return source(informer, transport, event_times=metrics.event_times)
