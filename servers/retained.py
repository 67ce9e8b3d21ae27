"""Snapshots kept for clients that read a list in pages.

A snapshot is immutable and shares its objects with its neighbours, so keeping it
costs only the changes since; its size is counted as if it shared nothing.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from kube_informer import Snapshot

MAX_SNAPSHOTS = 8
MAX_AGE_S = 300.0
"""etcd keeps its history, and so the API server's own tokens, for 5 minutes by default."""
MAX_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class _Kept:
    snapshot: Snapshot
    size: int
    expiry: float


class RetainedSnapshots:
    """Keeps snapshots up to a number, an age and a size; drops the oldest first.

    The newest one stays at any size: while it is the present state it costs
    nothing, and without it no list could be read in pages.
    """

    def __init__(
        self,
        *,
        max_snapshots: int = MAX_SNAPSHOTS,
        max_age_s: float = MAX_AGE_S,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_snapshots = max_snapshots
        self._max_age_s = max_age_s
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: list[_Kept] = []

    def keep(self, snapshot: Snapshot) -> None:
        """Keep ``snapshot`` from now on, in place of another of the same version."""
        with self._lock:
            version = snapshot.resource_version
            same = next((k for k in self._kept if k.snapshot.resource_version == version), None)
            if same is None:
                size = sum(len(item.raw) for item in snapshot)
            else:
                size = same.size
                self._kept.remove(same)
            self._kept.append(_Kept(snapshot, size, self._clock() + self._max_age_s))
            self._drop()

    def at_version(self, resource_version: str) -> Snapshot | None:
        """Return the kept snapshot of that version, if any."""
        with self._lock:
            self._drop()
            for kept in self._kept:
                if kept.snapshot.resource_version == resource_version:
                    return kept.snapshot
            return None

    def expire(self) -> None:
        """Drop the snapshots that are too old."""
        if self._kept:
            with self._lock:
                self._drop()

    def _drop(self) -> None:
        now = self._clock()
        self._kept = [kept for kept in self._kept if now < kept.expiry]
        while len(self._kept) > 1 and (
            len(self._kept) > self._max_snapshots
            or sum(kept.size for kept in self._kept) > self._max_bytes
        ):
            del self._kept[0]
