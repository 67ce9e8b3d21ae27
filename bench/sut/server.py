"""One server or client under test as a running process; ``bench.sut.registry`` has which there are.

Servers are started by their command line and asked over HTTP, as any other
implementation of the routes would be. A client has no address, and is asked nothing.
"""

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

import psutil

from bench.supervision.groups import marked_processes
from bench.supervision.process import BEFORE_READY, SupervisedProcess
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog
from bench.sut.client import Endpoint
from bench.sut.launch import ARM, ServerSpec

STOP_TIMEOUT_S = 5.0
READY_POLL_S = 0.02


class ServerUnderTest(Endpoint, Stoppable):
    """One server as a process of its own; use as a context manager."""

    def __init__(self, spec: ServerSpec, watchdog: Watchdog) -> None:
        """Start the process and return at once; it may be asked once ``await_all`` has returned."""
        super().__init__(spec.kind, spec.title, "")
        self.ready_s: float | None = 0.0
        """From the start of the process to the first 200 on ``/readyz``, or to what else makes it
        ready; ``None``: it was to become quiet, and did not."""
        self._launch = spec.launch()
        self._began = time.monotonic()
        self._process = SupervisedProcess.start(
            spec.title,
            self._launch.argv,
            log=spec.log,
            watchdog=watchdog,
            env=self._launch.environment,
            cwd=self._launch.folder,
        )

    @classmethod
    def start(cls, spec: ServerSpec, watchdog: Watchdog) -> Self:
        """Start the server as its identity and return once it is ready.

        Raises ``ProcessFailed`` with the end of its log if it dies or is not ready
        within the kind's ``ready_timeout_s``.
        """
        server = cls(spec, watchdog)
        with server.stop_on_error():
            await_all([server])
        return server

    def look(self) -> bool:
        """Ask whether it is ready, once, and return it; keep when it was.

        Raises ``ProcessFailed`` if it has ended, or had the time to become ready.
        """
        ready = self._launch.is_ready()
        self._process.check(BEFORE_READY)  # a stranger on its port may have answered
        passed_s = time.monotonic() - self._began
        if ready:
            self.ready_s = self._launch.readiness.ready_s(passed_s)
            if self.kind.client is None:  # whose address is asked for its readiness alone
                self.url = self._launch.url() or ""
        elif passed_s > self.kind.ready_timeout_s:
            last = self._launch.readiness.last
            raise self._process.failure(
                f"was not ready within {self.kind.ready_timeout_s:g} s ({last})"
            )
        return ready

    @property
    def pid(self) -> int:
        """Id of the server's first process."""
        return self._process.pid

    def check(self) -> None:
        """Raise ``ProcessFailed`` if the server has ended."""
        self._process.check()

    def strays(self) -> set[int]:
        """Return what a command of others has started and let go of: it is nobody's child.

        Looked for twice, for a child may end between the two looks that one takes.
        """
        mark = (self._launch.environment or {}).get(ARM)
        return set() if mark is None else self._outside(mark) & self._outside(mark)

    def _outside(self, mark: str) -> set[int]:
        marked = marked_processes(mark, ARM)
        try:
            leader = psutil.Process(self.pid)
            return marked - {self.pid, *(one.pid for one in leader.children(recursive=True))}
        except psutil.NoSuchProcess:
            return marked

    def workers(self) -> list[Endpoint]:
        """Return the addresses at which each of several workers can be asked by itself.

        Empty where there is one worker, and of a server that is not of this project.
        """
        if self.kind.command is not None:
            return []
        told = self.get("/workers").json()
        return [
            Endpoint(self.kind, f"{self.name}, worker {number}", url)
            for number, url in enumerate(told["result"], 1)
        ]

    def stop(self) -> None:
        """Stop the server, and end what it let go of."""
        self.close()
        self._process.stop(STOP_TIMEOUT_S)
        for pid in self.strays():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def await_all(servers: Sequence[ServerUnderTest]) -> None:
    """Return once each of the ``servers`` is ready. Raises ``ProcessFailed`` as ``look`` does."""
    waiting = list(servers)
    while waiting := [server for server in waiting if not server.look()]:
        time.sleep(READY_POLL_S)
