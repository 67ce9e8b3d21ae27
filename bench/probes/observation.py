"""Run the observers' processes during a trial, and collect their rows."""

from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypeVar

from bench.cluster.child_rpc import ANSWER_TIMEOUT_S, start_child
from bench.cluster.identities import ADMIN
from bench.cluster.plane import Plane
from bench.probes.observers import Observer, observers
from bench.supervision.rpc import RpcClient
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog

Row = TypeVar("Row", bound=Any)


def shifted(row: Row, begin_us: int) -> Row:
    """Return a dataclass row with its times (fields named ``..._us``) counted from ``begin_us``."""
    times = {
        field.name: at_us - begin_us
        for field in fields(row)
        if field.name.endswith("_us") and (at_us := getattr(row, field.name)) is not None
    }
    return replace(row, **times)


@dataclass(frozen=True, slots=True)
class Seen:
    """Data of one observer since it was last resumed; times in us of the monotonic clock."""

    observer: type[Observer]
    rows: tuple[Any, ...]
    in_flight: int
    """Requests or threads that did not end within the bound of the pause."""
    reads: int = 0
    """Its reads of the server under test, in ``elapsed_s``."""
    elapsed_s: float = 0.0
    failed: int = 0
    """Its failed requests to the API server that are not in its rows."""
    first_failure: str | None = None
    resource_version: int = 0
    """Of the last pod that it wrote."""

    @property
    def reads_per_s(self) -> float:
        """Rate of its reads of the server under test."""
        return self.reads / self.elapsed_s if self.elapsed_s else 0.0

    def rows_within(self, begin_us: int, seconds: float) -> list[Any]:
        """Return the rows of a window, with times from its begin."""
        end_us = begin_us + round(seconds * 1e6)
        placed_by = self.observer.placed_by
        return [
            shifted(row, begin_us)
            for row in self.rows
            if begin_us <= getattr(row, placed_by) < end_us
        ]


class Observers(Stoppable):
    """The observers of one control plane, each in its process, paused at first."""

    def __init__(self, rpcs: dict[str, RpcClient]) -> None:
        self._rpcs = rpcs

    @classmethod
    def start(cls, plane: Plane, watchdog: Watchdog) -> Self:
        """Start all of them, each as its own identity.

        Raises ``ProcessFailed`` if one does not start, ``ApiError`` or
        ``ApiUnreachableError`` if its account or its objects cannot be created.
        """
        module, started = "bench.probes.observers", cls({})
        with started.stop_on_error():
            for name, observer in observers().items():
                plane.admit(observer.identity)
                observer.prepare(plane.api(ADMIN), plane.placement)
                account = observer.identity.name
                log = plane.folder / f"{account}.log"
                started._rpcs[name] = start_child(
                    account, module, plane, account, name, log=log, watchdog=watchdog
                )
            started._expect("ready")
        return started

    @property
    def pids(self) -> dict[str, int]:
        """Ids of the processes, by their names in the samples."""
        return {rpc.process.name: rpc.process.pid for rpc in self._rpcs.values()}

    def resume(self, server: str | None, *, seed: str) -> None:
        """Start observing; ``server`` is the address of a server under test, if one runs."""
        for rpc in self._rpcs.values():
            rpc.send({"do": "resume", "server": server, "seed": seed})
        self._expect("resumed")

    def pause(self) -> dict[str, Seen]:
        """Stop all, wait (bounded) until nothing is in flight, and return the data of each."""
        for rpc in self._rpcs.values():
            rpc.send({"do": "pause"})
        seen = {}
        for name, report in self._expect("paused").items():
            observer = observers()[name]
            rows = tuple(observer.row(**row) for row in report.pop("rows"))
            seen[name] = Seen(observer, rows, **report)
        return seen

    def check(self) -> None:
        """Raise ``ProcessFailed`` if one of them has ended."""
        for rpc in self._rpcs.values():
            rpc.process.check()

    def stop(self) -> None:
        """End all processes."""
        for rpc in self._rpcs.values():
            rpc.process.stop()

    def _expect(self, event: str) -> dict[str, dict[str, Any]]:
        return {name: rpc.expect(event, ANSWER_TIMEOUT_S) for name, rpc in self._rpcs.items()}
