"""Churn: start and command the process that changes pods at a set rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.cluster.child_rpc import ANSWER_TIMEOUT_S, start_child
from bench.cluster.objects import objects_argument
from bench.cluster.plane import Plane
from bench.model import Objects
from bench.supervision.rpc import RpcClient
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog

IDENTITY = "churn"


@dataclass(frozen=True, slots=True)
class ChurnReport:
    """Writes of the churn since it was last resumed.

    Rates and counts are of writes; the write that creates a pod is two requests, of which
    the second sets its status. ``resource_version`` is the newest of all acknowledged
    writes since its start, "" before the first. ``fewest`` and ``most`` bound how many of
    its pods existed at any time, except for failed writes.
    """

    requested_per_s: float
    achieved_per_s: float
    written: int
    failed: int
    dropped: int
    elapsed_s: float
    resource_version: str
    first_failure: str | None
    fewest: int
    most: int
    in_flight: int = 0
    """Writes that had no answer within the bound of the pause."""


class Churn(Stoppable):
    """The churn writer of one populated control plane, paused at first."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc

    @classmethod
    def start(
        cls,
        plane: Plane,
        watchdog: Watchdog,
        *,
        seed: int,
        pods: int,
        log: Path,
        objects: Sequence[Objects] = (),
    ) -> Self:
        """Start the writer for the population drawn from ``seed`` and ``pods``, and ``objects``.

        Raises ``ProcessFailed`` if it does not start.
        """
        population = (seed, pods, *map(objects_argument, objects))
        module = "bench.cluster.churn_writer"
        churn = cls(
            start_child(
                "churn writer", module, plane, IDENTITY, *population, log=log, watchdog=watchdog
            )
        )
        with churn.stop_on_error():
            churn._rpc.expect("ready", ANSWER_TIMEOUT_S)
        return churn

    @property
    def pid(self) -> int:
        """Id of the writer's process."""
        return self._rpc.process.pid

    def resume(self, rate_per_s: float) -> None:
        """Start writing at ``rate_per_s``; 0 writes nothing."""
        self._rpc.send({"do": "resume", "rate_per_s": rate_per_s})
        self._rpc.expect("resumed", ANSWER_TIMEOUT_S)

    def pause(self) -> ChurnReport:
        """Stop writing, wait (bounded) until nothing is in flight, and return the report."""
        self._rpc.send({"do": "pause"})
        return ChurnReport(**self._rpc.expect("paused", ANSWER_TIMEOUT_S))

    def check(self) -> None:
        """Raise ``ProcessFailed`` if the writer has ended."""
        self._rpc.process.check()

    def stop(self) -> None:
        """End the process."""
        self._rpc.process.stop()
