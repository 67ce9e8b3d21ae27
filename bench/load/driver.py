"""Driver of the load process: starts it and leads it through its phases."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypeVar

import msgspec

import bench
from bench.load.protocol import (
    DRAIN_BOUND_S,
    Awaiting,
    Drained,
    Listening,
    Lost,
    Measured,
    Message,
    Order,
    Progress,
    Ready,
    Refused,
)
from bench.load.spec import (
    FILE,
    DistributedLoad,
    Load,
    LoadFailed,
    WorkersMissing,
    write_spec,
)
from bench.supervision.process import ProcessFailed, SupervisedProcess
from bench.supervision.rpc import RpcClient, RpcTimeoutError
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog

__all__ = [
    "DistributedLoad",
    "Drained",
    "Load",
    "LoadDriver",
    "LoadFailed",
    "Measured",
    "Progress",
    "WorkersMissing",
]

_START_TIMEOUT_S = 60.0
"""Importing Locust takes 2 s of a free processor."""
_SILENCE_S = 20.0
"""The process reports every second within a phase; this allows for a busy machine, for
writing the rows, and for ending outstanding requests."""
_MORE_SILENCE_S = 50.0
"""Added for workers, whose rows come over the network."""
_STOP_TIMEOUT_S = 5.0

Kind = TypeVar("Kind", bound=Message)
OnProgress = Callable[[Progress], None]


class LoadDriver(Stoppable):
    """A load process, and its workers if the load is distributed; use as a context manager.

    ``out`` is a folder for the request rows and the process's log; it is made if missing.
    ``on_awaiting`` receives a text on the workers that have joined, until all have.
    Any exception, Ctrl-C included, ends the process.
    """

    def __init__(
        self,
        load: Load,
        *,
        out: Path,
        watchdog: Watchdog,
        on_awaiting: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._load = load
        self._on_awaiting = on_awaiting
        self._out = out.resolve()
        self._watchdog = watchdog
        self._rpc: RpcClient | None = None
        self._workers: dict[str, SupervisedProcess] = {}

    @property
    def log(self) -> Path:
        """The load process's log."""
        return self._out / "load.log"

    @property
    def pid(self) -> int:
        """Id of the load process, for samplers."""
        return self._running_rpc().process.pid

    @property
    def worker_pids(self) -> dict[str, int]:
        """Ids of the workers started on this machine, by their names."""
        return {name: process.pid for name, process in self._workers.items()}

    def __enter__(self) -> Self:
        """Start the process and return once its users are ready.

        Raises ``LoadFailed`` if it ends instead, or is not ready in time, and
        ``WorkersMissing`` if workers do not join.
        """
        self._out.mkdir(parents=True, exist_ok=True)
        write_spec(self._out / FILE, self._load)
        process = self._start_process("load", [self._out], piped=True)
        self._rpc = RpcClient(process)
        try:
            self._await_users(self._load.distributed)
        except BaseException:
            self.stop()
            raise
        return self

    def warm_up(self, seconds: float, on_progress: OnProgress | None = None) -> Drained:
        """Load for ``seconds`` without recording, then pause and drain. Raises ``LoadFailed``."""
        self._send(Order("warmup", seconds))
        return self._await(Drained, seconds + DRAIN_BOUND_S + _SILENCE_S, on_progress)

    def measure(self, seconds: float, on_progress: OnProgress | None = None) -> Measured:
        """Load and record for ``seconds``, then await open requests. Raises ``LoadFailed``."""
        self._send(Order("measure", seconds))
        silence_s = _SILENCE_S + (_MORE_SILENCE_S if self._load.distributed else 0.0)
        return self._await(Measured, seconds + self._load.timeout_s + silence_s, on_progress)

    def stop(self) -> None:
        """End the load process; safe at any time, and more than once."""
        rpc, self._rpc = self._rpc, None
        if rpc is not None:
            rpc.process.stop(_STOP_TIMEOUT_S)  # which dismisses its workers
        for worker in self._workers.values():
            worker.stop(_STOP_TIMEOUT_S)

    def _await_users(self, distributed: DistributedLoad | None) -> None:
        if distributed is None:
            self._await(Ready, _START_TIMEOUT_S)
            return
        master = f"{distributed.host}:{self._await(Listening, _START_TIMEOUT_S).port}"
        for number in range(1, distributed.workers.here + 1):
            name = f"worker-{number}"
            argv = ["worker", "--once", "--master", master, "--name", name]
            self._workers[name] = self._start_process(f"load {name}", argv)
        try:
            self._await(Ready, distributed.within_s + _START_TIMEOUT_S)
        except _LostError as lost:
            raise WorkersMissing(str(lost)) from lost

    def _start_process(
        self, name: str, argv: Sequence[str | Path], *, piped: bool = False
    ) -> SupervisedProcess:
        return SupervisedProcess.start(
            name,
            [sys.executable, "-m", "bench.load", *argv],
            log=self._out / f"{name.replace(' ', '-')}.log",
            watchdog=self._watchdog,
            cwd=Path(bench.__file__).parents[1],
            pipe_stdin=piped,
            pipe_stdout=piped,
        )

    def _running_rpc(self) -> RpcClient:
        if self._rpc is None:
            raise LoadFailed("the load process is not running; use LoadDriver in a with block")
        return self._rpc

    def _send(self, order: Order) -> None:
        rpc = self._running_rpc()
        with _as_load_failure():
            rpc.send(order)

    def _await(
        self, kind: type[Kind], bound_s: float, on_progress: OnProgress | None = None
    ) -> Kind:
        """Return the next message of ``kind``; pass progress to ``on_progress`` meanwhile."""
        deadline = time.monotonic() + bound_s
        while True:
            message = self._next_message(deadline, bound_s)
            if isinstance(message, kind):
                return message
            if isinstance(message, Lost):
                raise _LostError(self._cause(message.why))
            if isinstance(message, Refused):
                raise LoadFailed(f"the load process refused: {message.why}")
            if isinstance(message, Awaiting):
                self._on_awaiting(message.text)
            if isinstance(message, Progress) and on_progress is not None:
                on_progress(message)

    def _cause(self, text: str) -> str:
        """Return the failure of a local worker, if there is one, since it caused ``text``."""
        try:
            self._check_workers()
        except ProcessFailed as failure:
            return str(failure)
        return text

    def _check_workers(self) -> None:
        for worker in self._workers.values():
            worker.check()

    def _next_message(self, deadline: float, bound_s: float) -> Message:
        rpc = self._running_rpc()
        try:
            with _as_load_failure():
                self._check_workers()
                message: Message = rpc.receive(max(0.0, deadline - time.monotonic()), Message)
                return message
        except RpcTimeoutError as silence:
            raise LoadFailed(
                f"the load process did not finish within {bound_s:g} s: {silence}"
            ) from silence
        except msgspec.DecodeError as error:
            raise LoadFailed(f"not a message of the load process: {error}") from error


class _LostError(LoadFailed):
    """Raised when the master reports missing workers."""


@contextmanager
def _as_load_failure() -> Iterator[None]:
    """Raise ``LoadFailed`` for a process that ended, with its log's tail."""
    try:
        yield
    except ProcessFailed as failure:
        raise LoadFailed(str(failure)) from failure
