"""The servers under test: which there are, and one of them as a running process.

Servers are started by their command line and asked over HTTP, as any other
implementation of the routes would be.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import urllib3
from urllib3.exceptions import HTTPError

from bench.cluster.ground import Ground
from bench.cluster.identities import EXTERNAL
from bench.external import external_server
from bench.launch import ROOT, Launch, own_server
from bench.model import External
from bench.supervision.process import ProcessFailed, SupervisedProcess
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog

READY_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 5.0
VERSION_HEADER = "X-Resource-Version"
OK = 200


class ServerError(Exception):
    """A server under test did not answer, or not as the routes promise."""


@dataclass(frozen=True, slots=True)
class ServerKind:
    """A server that can be started: its name and the identity that it reads as."""

    name: str
    identity: str
    summary: str
    contract: str = "bytes"
    """How far its answers are those of the others: bytes, content, or metadata (not compared)."""
    command: str | None = None
    """What starts a server that is not of this project; see ``bench.external``."""
    ready_timeout_s: float = READY_TIMEOUT_S

    @classmethod
    def of(cls, external: External) -> Self:
        """Return the kind of a server that is not of this project."""
        return cls(
            external.name,
            EXTERNAL,
            "started by a command of its own",
            command=external.command,
            ready_timeout_s=external.ready_timeout_s,
        )


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


@cache
def server_kinds() -> Mapping[str, ServerKind]:
    """Ask ``python -m servers --list`` which servers there are.

    Raises ``ServerError`` if it fails.
    """
    listed = subprocess.run(
        [sys.executable, "-m", "servers", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        raise ServerError(f"python -m servers --list failed:\n{listed.stderr.strip()}")
    kinds = [ServerKind(**entry) for entry in json.loads(listed.stdout)]
    return {kind.name: kind for kind in kinds}


class ServerUnderTest(Stoppable):
    """One server as a process of its own, ready to be asked; use as a context manager."""

    def __init__(self, kind: ServerKind, process: SupervisedProcess, url: str) -> None:
        self.kind = kind
        self.url = url
        self.ready_s = 0.0
        """From the start of the process to the first 200 on ``/readyz``."""
        self._process = process
        self._pool = _pool(url)

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
        began = time.monotonic()
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
            )
        else:
            launch = external_server(kind.command, kubeconfig=kubeconfig, ground=ground, port=port)
        process = _started(kind, launch, log, watchdog)
        url = launch.url()
        assert url is not None, "it was asked whether it is ready"
        server = cls(kind, process, url)
        server.ready_s = time.monotonic() - began
        return server

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
            raise ServerError(f"{self.kind.name} did not answer {path}: {error}") from error
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
        self._pool.close()
        self._process.stop(STOP_TIMEOUT_S)


def _pool(url: str) -> urllib3.HTTPConnectionPool:
    return urllib3.connectionpool.connection_from_url(
        url, retries=False, timeout=urllib3.Timeout(connect=3, read=60)
    )


def _started(kind: ServerKind, launch: Launch, log: Path, watchdog: Watchdog) -> SupervisedProcess:
    try:
        return SupervisedProcess.start(
            f"server {kind.name}",
            launch.argv,
            log=log,
            watchdog=watchdog,
            env=launch.environment,
            cwd=launch.folder,
            ready=launch.is_ready,
            ready_timeout_s=kind.ready_timeout_s,
        )
    except ProcessFailed as failed:
        if failed.returncode is not None:
            raise
        what = f"was not ready within {kind.ready_timeout_s:g} s ({launch.readiness.last})"
        raise ProcessFailed(failed.name, what, None, failed.log_tail) from failed
