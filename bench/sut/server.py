"""One server or client under test as a running process; ``bench.sut.registry`` lists them.

A server is started by its command line and gets requests over HTTP, as any other
implementation of the routes would. A client has no address, and gets no requests.
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
    """One server as a process; use as a context manager."""

    def __init__(self, spec: ServerSpec, watchdog: Watchdog) -> None:
        """Start the process and return at once; ``await_all`` returns once it is ready."""
        super().__init__(spec.kind, spec.title, "")
        self.ready_s: float | None = 0.0
        """Time from the start of the process to the first 200 on ``/readyz``, or to another sign
        of readiness; ``None``: it should have become quiet, and did not."""
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
        """Return whether it is ready now; record when it became ready.

        Raises ``ProcessFailed`` if it has ended, or is not ready after its time-out.
        """
        ready = self._launch.is_ready()
        self._process.check(BEFORE_READY)  # a stranger on its port may have answered
        passed_s = time.monotonic() - self._began
        if ready:
            self.ready_s = self._launch.readiness.ready_s(passed_s)
            if self.kind.client is None:  # a client's address serves its readiness alone
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
        """Return the processes that others' command has started and orphaned.

        Searches twice: a child may end between the two process lists of one search.
        """
        mark = (self._launch.environment or {}).get(ARM)
        return set() if mark is None else self._outside(mark) & self._outside(mark)

    def _outside(self, mark: str) -> set[int]:
        marked = marked_processes(mark, ARM)
        try:
            leader = psutil.Process(self.pid)
            return marked - {self.pid, *(child.pid for child in leader.children(recursive=True))}
        except psutil.NoSuchProcess:
            return marked

    def workers(self) -> list[Endpoint]:
        """Return the separate address of each of several workers.

        Empty for one worker, and for a server that is not of this project.
        """
        if self.kind.command is not None:
            return []
        answer = self.get("/workers").json()
        return [
            Endpoint(self.kind, f"{self.name}, worker {number}", url)
            for number, url in enumerate(answer["result"], 1)
        ]

    def stop(self) -> None:
        """Stop the server, and kill the processes that it orphaned."""
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
