"""Freshness probe and bystander, the harness's end of both: two processes, led together.

They run in every arm, ``none`` included, so that what they cost the control
plane is the same in all and cancels in differences.
"""

import sys
from dataclasses import dataclass
from typing import Any, Self

from bench.cluster.api import ApiError
from bench.cluster.child_rpc import account_arguments
from bench.cluster.identities import ADMIN
from bench.cluster.plane import Plane
from bench.probes.bystander_row import BystanderRow
from bench.probes.staleness import FreshnessRow
from bench.supervision.process import SupervisedProcess
from bench.supervision.rpc import RpcClient
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog

PROBE = "probe"
BYSTANDER = "bystander"
ANSWER_TIMEOUT_S = 30.0
SMALL_OBJECT = "bystander"
"""The ConfigMap that the bystander asks for."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What both saw since they were last resumed; times in us of the monotonic clock.

    ``reads`` are the probe's, of the server under test; ``in_flight`` is what did
    not end within the bound of the pause.
    """

    freshness: tuple[FreshnessRow, ...]
    bystander: tuple[BystanderRow, ...]
    reads: int
    elapsed_s: float
    writes_failed: int
    first_failure: str | None
    in_flight: int
    resource_version: int

    def within(
        self, begin_us: int, seconds: float
    ) -> tuple[list[FreshnessRow], list[BystanderRow]]:
        """Return the rows whose write or intended start lies in the window, counted from it."""
        end_us = begin_us + round(seconds * 1e6)
        return (
            [row.shifted(begin_us) for row in self.freshness if begin_us <= row.acked_us < end_us],
            [
                row.shifted(begin_us)
                for row in self.bystander
                if begin_us <= row.intended_us < end_us
            ],
        )

    @property
    def reads_per_s(self) -> float:
        """The load that the probe added to the server."""
        return self.reads / self.elapsed_s if self.elapsed_s else 0.0


class Observers(Stoppable):
    """The two processes of one control plane, paused at first."""

    def __init__(self, probe: SupervisedProcess, bystander: SupervisedProcess) -> None:
        self._processes = {PROBE: probe, BYSTANDER: bystander}
        self._dialogues = {name: RpcClient(process) for name, process in self._processes.items()}

    @classmethod
    def start(cls, plane: Plane, watchdog: Watchdog) -> Self:
        """Start both, each as its own identity.

        Raises ``ProcessFailed`` if one does not come up, ``ApiError`` or
        ``ApiUnreachableError`` if the bystander's object cannot be made.
        """
        module = "bench.probes.freshness_process"
        probe = _start(plane, watchdog, PROBE, module, *plane.placement.arguments())
        try:
            path = _make_small_object(plane)
            arguments = (f"--path={path}",)
            module = "bench.probes.bystander_process"
            bystander = _start(plane, watchdog, BYSTANDER, module, *arguments)
        except BaseException:
            probe.stop()
            raise
        observers = cls(probe, bystander)
        try:
            observers._expect("ready")
        except BaseException:
            observers.stop()
            raise
        return observers

    @property
    def pids(self) -> dict[str, int]:
        """Ids of the two processes, by the names they have among the samples."""
        return {name: process.pid for name, process in self._processes.items()}

    def resume(self, server: str | None, *, seed: str) -> None:
        """Observe from now on; ``server`` is what the probe reads from, if there is one."""
        self._dialogues[PROBE].say({"do": "resume", "server": server, "seed": seed})
        self._dialogues[BYSTANDER].say({"do": "resume", "seed": seed})
        self._expect("resumed")

    def pause(self) -> Observed:
        """Stop both, wait (bounded) until nothing is in flight, and tell what they saw."""
        for rpc in self._dialogues.values():
            rpc.say({"do": "pause"})
        heard = self._expect("paused")
        probed, stood_by = heard[PROBE], heard[BYSTANDER]
        return Observed(
            freshness=tuple(FreshnessRow(**row) for row in probed["rows"]),
            bystander=tuple(BystanderRow(**row) for row in stood_by["rows"]),
            reads=probed["reads"],
            elapsed_s=probed["elapsed_s"],
            writes_failed=probed["failed"],
            first_failure=probed["first_failure"],
            in_flight=probed["in_flight"] + stood_by["in_flight"],
            resource_version=probed["resource_version"],
        )

    def check(self) -> None:
        """Raise ``ProcessFailed`` if one of the two has ended."""
        for process in self._processes.values():
            process.check()

    def stop(self) -> None:
        """End both processes."""
        for process in self._processes.values():
            process.stop()

    def _expect(self, event: str) -> dict[str, dict[str, Any]]:
        answers = {}
        for name, rpc in self._dialogues.items():
            heard = answers[name] = rpc.hear(ANSWER_TIMEOUT_S)
            if heard.get("event") != event:
                raise RuntimeError(f"the {name} said {heard!r} instead of {event!r}")
        return answers


def _start(
    plane: Plane, watchdog: Watchdog, identity: str, module: str, *arguments: str
) -> SupervisedProcess:
    argv = [
        sys.executable,
        "-m",
        module,
        *account_arguments(plane, identity),
        *arguments,
    ]
    return SupervisedProcess.start(
        identity,
        argv,
        log=plane.folder / f"{identity}.log",
        watchdog=watchdog,
        pipe_stdin=True,
        pipe_stdout=True,
    )


def _make_small_object(plane: Plane) -> str:
    """Make the ConfigMap that the bystander asks for, and return its path."""
    folder = f"/api/v1/namespaces/{plane.placement.home}/configmaps"
    content = {"metadata": {"name": SMALL_OBJECT}, "data": {"for": "the bystander to ask for"}}
    try:
        plane.api(ADMIN).post(folder, content)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
    return f"{folder}/{SMALL_OBJECT}"
