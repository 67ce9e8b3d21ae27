"""Churn plan: choose the next pod to write, and the kind of write. Pure state, no effects."""

import random

from bench.cluster.objects import ObjectKey
from bench.cluster.pods import PodKey

MIX = {"patch": 0.8, "delete": 0.1, "create": 0.1}
"""Share of each kind of write; every deletion is followed by the creation of a replacement."""


class ChurnPlan:
    """State of the pods for churn: existing ones, those free to be written, the next write.

    A pod that is being written is in neither list, so that no two writes to one
    pod overlap. Not thread-safe.
    """

    def __init__(
        self, pods: tuple[PodKey, ...], seed: int, objects: tuple[ObjectKey, ...] = ()
    ) -> None:
        self._objects = list(objects)
        self._share = len(objects) / (len(pods) + len(objects)) if objects else 0.0
        self._rng = random.Random(f"churn/{seed}")
        self._free = [pod for pod in pods if not pod.is_stable]
        self._stable = [pod for pod in pods if pod.is_stable]
        self._missing: list[PodKey] = []
        self._deleting = False
        self._restarts: dict[PodKey | ObjectKey, int] = {}
        self.at_least = self.at_most = len(pods)
        """Bounds of the number of existing pods, whatever the outcome of writes in flight."""

    def draw(self) -> tuple[str, PodKey | ObjectKey] | None:
        """Return the next write and its pod, ``None`` if every pod is being written.

        Objects of other kinds are only patched, in proportion to their share of all.
        """
        if self._objects and self._rng.random() < self._share:
            return "patch", self._objects.pop(self._rng.randrange(len(self._objects)))
        kind = self._rng.choices(list(MIX), list(MIX.values()))[0]
        if kind == "create" and not self._missing:
            kind = "delete"
        elif kind == "delete" and self._missing:
            kind = "create"
        if kind == "delete" and self._deleting:
            kind = "patch"  # a second pod missing at once would change the cluster's size
        if kind == "create":
            self.at_most += 1
            return kind, self._missing.pop(0)
        pools = [self._free] if kind == "delete" else [self._free, self._stable]
        drawn = self._take(kind, [pool for pool in pools if pool])
        self._deleting |= kind == "delete" and drawn is not None
        return drawn

    def _take(self, kind: str, pools: list[list[PodKey]]) -> tuple[str, PodKey] | None:
        if not pools:
            return None
        pool = self._rng.choices(pools, [len(pool) for pool in pools])[0]
        index = self._rng.randrange(len(pool))
        pool[index], pool[-1] = pool[-1], pool[index]
        self.at_least -= kind == "delete"
        return kind, pool.pop()

    def next_restarts(self, pod: PodKey | ObjectKey) -> int:
        """Return the restart count that the next status of ``pod`` shows."""
        self._restarts[pod] = self._restarts.get(pod, 0) + 1
        return self._restarts[pod]

    def done(self, kind: str, pod: PodKey | ObjectKey, *, succeeded: bool) -> None:
        """Return the pod to the plan after its write."""
        if isinstance(pod, ObjectKey):
            self._objects.append(pod)
            return
        self.at_least += (kind, succeeded) in {("create", True), ("delete", False)}
        self.at_most -= (kind, succeeded) in {("delete", True), ("create", False)}
        self._deleting &= kind != "delete"
        if kind == "delete" and succeeded:
            self._restarts.pop(pod, None)
            self._missing.append(pod.replacement())
        elif kind == "create" and not succeeded:
            self._missing.append(pod)
        elif pod.is_stable:
            self._stable.append(pod)
        else:
            self._free.append(pod)
