"""How a server under test is started: what it is given, where it listens, when it is ready.

Any HTTP server that keeps the ``/pods`` routes can be measured, in any language. One that is
not of this project learns from its environment where to listen, whom to ask, and as whom:

- ``PORT``: the port to listen on, on 127.0.0.1;
- ``KUBECONFIG``: a kubeconfig of one context alone, its current one, so that a client
  library's defaults are right;
- ``CONTEXT``: the name of that context, and of the account behind it;
- ``NAMESPACE``: the namespace of that account;
- ``PODS_NAMESPACE``: the one namespace whose pods are to be served; empty for all, as it is
  but on a cluster that is somebody else's;
- ``REPLICA``: which of several replicas it is, from 1; all read as the same account, and the
  report tells them apart if their User-Agents end in ``informer-bench-server/$REPLICA``;
- ``WORKERS``: how many worker processes the scenario wants behind the port; that there are as
  many is the server's to see to, and that it tells of all of them in ``/metrics``;
- ``PYTHON``: the interpreter that this project runs on, for servers in Python.
"""

import os
import re
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import urllib3
import yaml
from urllib3.exceptions import HTTPError

from bench.cluster.placement import Placement
from bench.cluster.plane import Plane
from bench.sut.registry import ROOT, ServerKind

SHELL = "/bin/sh"
ADDRESS = re.compile(r"http://\S+?(?=/pods)")
OK = 200
NOT_SERVED = 404
ASK_TIMEOUT_S = 5.0
"""How long a server that is not ready may keep silent before it is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """Server to start: which one, what it reads from, and how it listens."""

    kind: ServerKind
    kubeconfig: Path
    log: Path
    placement: Placement = field(default_factory=Placement)
    """Where its pods are; it is confined to their namespace if they share one."""
    host: str = "127.0.0.1"
    """Address to listen on, for a server of this project."""
    port: int = 0
    """0 chooses one."""
    threads: int = 8
    workers: int = 1
    """Worker processes behind the port; a server of others is told and no more."""
    replica: int = 1
    """Which of several it is, from 1; its User-Agent ends so."""

    @classmethod
    def on(cls, plane: Plane, kind: ServerKind, log: Path, *, host: str = "127.0.0.1") -> Self:
        """Return the spec of a server that reads from ``plane``."""
        return cls(
            kind=kind, kubeconfig=plane.kubeconfig, placement=plane.placement, log=log, host=host
        )

    def for_replica(self, number: int) -> Self:
        """Return the spec of replica ``number``, which has a log of its own."""
        log = self.log.with_stem(f"{self.log.stem}-{number}")
        return replace(self, replica=number, log=log)

    @property
    def title(self) -> str:
        """What messages call it."""
        which = f", replica {self.replica}" if self.replica > 1 else ""
        return f"server {self.kind.name}{which}"

    def launch(self) -> "Launch":
        """Return how it is started."""
        return _own_server(self) if self.kind.command is None else _external_server(self)


@dataclass(frozen=True, slots=True)
class Launch:
    """What starts a server, and what is known of it meanwhile."""

    argv: list[str]
    url: Callable[[], str | None]
    """Where it listens; ``None`` until that is known."""
    readiness: "Readiness"
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    """Where it is started; ``None`` is where the person is."""

    def is_ready(self) -> bool:
        """Ask the server whether it may be asked."""
        url = self.url()
        return url is not None and self.readiness.ask(url)


class Readiness:
    """Asks for 200 on ``/readyz``; where that is not served, on ``/pods``."""

    def __init__(self) -> None:
        self.last = "it does not listen"
        """What came of the last question, in words."""

    def ask(self, url: str) -> bool:
        """Return whether the server at ``url`` is ready now."""
        status = self._status(url, "/readyz")
        if status == NOT_SERVED:
            status = self._status(url, "/pods")
        return status == OK

    def _status(self, url: str, path: str) -> int | None:
        timeout = urllib3.Timeout(connect=3, read=ASK_TIMEOUT_S)
        pool = urllib3.connectionpool.connection_from_url(url, retries=False, timeout=timeout)
        try:
            status = int(pool.request("GET", path).status)
        except HTTPError as error:
            self.last = f"{path} is not answered: {error}"
            return None
        finally:
            pool.close()
        self.last = f"{path} is answered {status}"
        return status


def _own_server(spec: ServerSpec) -> Launch:
    """Return how a server of this project is started; it announces its address in its log."""
    spec.log.touch()
    begin = spec.log.stat().st_size
    argv = [sys.executable, "-m", "servers", spec.kind.name, "--kubeconfig", str(spec.kubeconfig)]
    argv += ["--context", spec.kind.identity, "--threads", str(spec.threads)]
    argv += ["--host", spec.host, "--port", str(spec.port), "--replica", str(spec.replica)]
    argv += ["--workers", str(spec.workers)]
    if spec.placement.scope is not None:
        argv += ["--namespace", spec.placement.scope]
    return Launch(argv, url=lambda: _announced(spec.log, begin), readiness=Readiness(), folder=ROOT)


def _announced(log: Path, begin: int) -> str | None:
    with log.open("rb") as file:
        file.seek(begin)
        found = ADDRESS.search(file.read(65536).decode(errors="replace"))
    return found.group(0) if found else None


def _external_server(spec: ServerSpec) -> Launch:
    """Return how the command of a server of others, a line for the shell, is started."""
    port = spec.port or _free_port()
    url = f"http://127.0.0.1:{port}"
    given = {
        "PORT": str(port),
        "KUBECONFIG": str(_of_one_context(spec.kubeconfig, spec.kind.identity)),
        "CONTEXT": spec.kind.identity,
        "NAMESPACE": spec.placement.home,
        "PODS_NAMESPACE": spec.placement.scope or "",
        "REPLICA": str(spec.replica),
        "WORKERS": str(spec.workers),
        "PYTHON": sys.executable,
    }
    return Launch(
        [SHELL, "-c", spec.kind.command or ""],
        url=lambda: url,
        readiness=Readiness(),
        environment={**os.environ, **given},
    )


def _of_one_context(kubeconfig: Path, context: str) -> Path:
    """Write a kubeconfig beside ``kubeconfig`` that holds ``context`` alone; return its path.

    The whole one's current context is a person's, who may do everything: a client
    library that takes its defaults would be audited as somebody else.
    """
    whole = yaml.safe_load(kubeconfig.read_text())
    own = {
        part: [one for one in whole[part] if one["name"] == context]
        for part in ("contexts", "users")
    }
    path = kubeconfig.with_name(f"{kubeconfig.name}-{context}")
    fresh = path.with_name(f"{path.name}.new")  # another replica may be reading the present one
    fresh.touch(mode=0o600)
    fresh.write_text(yaml.safe_dump({**whole, **own, "current-context": context}, sort_keys=False))
    return fresh.replace(path)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
