"""One server under test as a running process; which there are is told in ``bench.kinds``.

Servers are started by their command line and asked over HTTP, as any other
implementation of the routes would be.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import urllib3
from urllib3.exceptions import HTTPError

from bench.cluster.ground import Ground
from bench.external import external_server
from bench.kinds import ServerError, ServerKind, server_kinds
from bench.launch import Launch, own_server
from bench.supervision.process import BEFORE_READY, SupervisedProcess
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog

__all__ = ["Reply", "ServerError", "ServerKind", "ServerUnderTest", "await_all", "server_kinds"]

STOP_TIMEOUT_S = 5.0
READY_POLL_S = 0.02
VERSION_HEADER = "X-Resource-Version"
OK = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of a server under test."""

    status: int
    resource_version: str
    """Of the snapshot that was answered from; "" where the answer names none."""
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return the decoded body. Raises ``ServerError`` if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ServerError(f"not JSON: {self.body[:80]!r}") from error


class ServerUnderTest(Stoppable):
    """One server as a process of its own; use as a context manager."""

    def __init__(
        self, kind: ServerKind, launch: Launch, process: SupervisedProcess, began: float
    ) -> None:
        self.kind = kind
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
        ground: Ground = Ground(),  # noqa: B008 - frozen
        threads: int = 8,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> Self:
        """Start the server as its identity and return once it is ready.

        It serves what is on ``ground``. ``host`` is the address to listen on, for a server of
        ours; ``port`` 0 chooses one.
        Raises ``ProcessFailed`` with the end of its log if it dies or is not ready
        within the kind's ``ready_timeout_s``.
        """
        server = cls.launch(
            kind,
            kubeconfig=kubeconfig,
            ground=ground,
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
        ground: Ground = Ground(),  # noqa: B008 - frozen
        replica: int = 1,
    ) -> Self:
        """Start the process and return at once; it may be asked once ``await_all`` has returned.

        ``replica`` is which of several it is, from 1.
        """
        if kind.command is None:
            launch = own_server(
                kind.name,
                identity=kind.identity,
                kubeconfig=kubeconfig,
                namespace=ground.scope,
                host=host,
                port=port,
                threads=threads,
                log=log,
                replica=replica,
            )
        else:
            launch = external_server(
                kind.command, kubeconfig=kubeconfig, ground=ground, port=port, replica=replica
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
        elif passed_s > self.kind.ready_timeout_s:
            last = self._launch.readiness.last
            raise self._process.failure(
                f"was not ready within {self.kind.ready_timeout_s:g} s ({last})"
            )
        return ready

    @cached_property
    def url(self) -> str:
        """Where it listens. Raises ``ServerError`` while that is not known."""
        url = self._launch.url()
        if url is None:
            raise ServerError(f"{self._process.name} has not said yet where it listens")
        return url

    @cached_property
    def _pool(self) -> urllib3.HTTPConnectionPool:
        return urllib3.connectionpool.connection_from_url(
            self.url, retries=False, timeout=urllib3.Timeout(connect=3, read=60)
        )

    @property
    def pid(self) -> int:
        """Id of the server's first process."""
        return self._process.pid

    def check(self) -> None:
        """Raise ``ProcessFailed`` if the server has ended."""
        self._process.check()

    def get(self, path: str) -> Reply:
        """Ask for ``path``. Raises ``ServerError`` if no answer comes."""
        try:
            answer = self._pool.request("GET", path)
        except HTTPError as error:
            raise ServerError(f"{self._process.name} did not answer {path}: {error}") from error
        version = answer.headers.get(VERSION_HEADER, "")
        return Reply(answer.status, version if version.isdecimal() else "", answer.data)

    def metrics(self) -> str:
        """Return the server's own metrics as Prometheus text, "" where it shows none."""
        reply = self.get("/metrics")
        return reply.body.decode(errors="replace") if reply.status == OK else ""

    def names_versions(self, path: str) -> bool:
        """Ask for ``path`` and return whether the answer tells how old it is."""
        return self.get(path).resource_version != ""

    def wait_for_version(self, path: str, resource_version: str, *, timeout_s: float) -> bool:
        """Ask for ``path`` until its answer is no older than ``resource_version``; "" is at once.

        Returns whether it became so within ``timeout_s``.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            seen = self.get(path).resource_version
            if not resource_version or (seen and int(seen) >= int(resource_version)):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server."""
        if "_pool" in self.__dict__:
            self._pool.close()
        self._process.stop(STOP_TIMEOUT_S)


def await_all(servers: Sequence[ServerUnderTest]) -> None:
    """Return once each of the ``servers`` is ready. Raises ``ProcessFailed`` as ``look`` does."""
    waiting = list(servers)
    while waiting := [server for server in waiting if not server.look()]:
        time.sleep(READY_POLL_S)
