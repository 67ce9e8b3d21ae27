"""One server under test as a running process; which there are is told in ``bench.sut.registry``.

Servers are started by their command line and asked over HTTP, as any other
implementation of the routes would be.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from bench.cluster.placement import Placement
from bench.supervision.process import BEFORE_READY, SupervisedProcess
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog
from bench.sut.client import Endpoint
from bench.sut.external import external_server
from bench.sut.launch import Launch, own_server
from bench.sut.registry import ServerKind

STOP_TIMEOUT_S = 5.0
READY_POLL_S = 0.02


class ServerUnderTest(Endpoint, Stoppable):
    """One server as a process of its own; use as a context manager."""

    def __init__(
        self, kind: ServerKind, launch: Launch, process: SupervisedProcess, began: float
    ) -> None:
        super().__init__(kind, process.name, "")
        self.ready_s = 0.0
        """From the start of the process to the first 200 on ``/readyz``; 0 until then."""
        self._launch = launch
        self._process = process
        self._began = began

    @classmethod
    def start(
        cls,
        kind: ServerKind,
        *,
        kubeconfig: Path,
        watchdog: Watchdog,
        log: Path,
        placement: Placement = Placement(),  # noqa: B008 - frozen
        threads: int = 8,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> Self:
        """Start the server as its identity and return once it is ready.

        It serves what is on ``placement``. ``host`` is the address to listen on, for a server of
        ours; ``port`` 0 chooses one.
        Raises ``ProcessFailed`` with the end of its log if it dies or is not ready
        within the kind's ``ready_timeout_s``.
        """
        server = cls.launch(
            kind,
            kubeconfig=kubeconfig,
            placement=placement,
            watchdog=watchdog,
            log=log,
            threads=threads,
            host=host,
            port=port,
        )
        try:
            await_all([server])
        except BaseException:
            server.stop()
            raise
        return server

    @classmethod
    def launch(
        cls,
        kind: ServerKind,
        *,
        kubeconfig: Path,
        watchdog: Watchdog,
        log: Path,
        threads: int = 8,
        host: str = "127.0.0.1",
        port: int = 0,
        placement: Placement = Placement(),  # noqa: B008 - frozen
        replica: int = 1,
        workers: int = 1,
    ) -> Self:
        """Start the process and return at once; it may be asked once ``await_all`` has returned.

        ``replica`` is which of several it is, from 1; ``workers`` how many worker processes
        it has, which a server that is not of this project is told and no more.
        """
        if kind.command is None:
            launch = own_server(
                kind.name,
                identity=kind.identity,
                kubeconfig=kubeconfig,
                namespace=placement.scope,
                host=host,
                port=port,
                threads=threads,
                log=log,
                replica=replica,
                workers=workers,
            )
        else:
            launch = external_server(
                kind.command,
                kubeconfig=kubeconfig,
                placement=placement,
                port=port,
                replica=replica,
                workers=workers,
            )
        began = time.monotonic()
        process = SupervisedProcess.start(
            f"server {kind.name}" if replica == 1 else f"server {kind.name}, replica {replica}",
            launch.argv,
            log=log,
            watchdog=watchdog,
            env=launch.environment,
            cwd=launch.folder,
        )
        return cls(kind, launch, process, began)

    def look(self) -> bool:
        """Ask whether it is ready, once, and return it; keep when it was.

        Raises ``ProcessFailed`` if it has ended, or had the time to become ready.
        """
        ready = self._launch.is_ready()
        self._process.check(BEFORE_READY)  # a stranger on its port may have answered
        passed_s = time.monotonic() - self._began
        if ready:
            self.ready_s = passed_s
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
        """Stop the server."""
        self.close()
        self._process.stop(STOP_TIMEOUT_S)


def await_all(servers: Sequence[ServerUnderTest]) -> None:
    """Return once each of the ``servers`` is ready. Raises ``ProcessFailed`` as ``look`` does."""
    waiting = list(servers)
    while waiting := [server for server in waiting if not server.look()]:
        time.sleep(READY_POLL_S)
