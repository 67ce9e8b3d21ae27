"""Start of a server or client: its arguments and environment, its address, its readiness.

Any HTTP server that serves the ``/pods`` routes can be measured, in any language. One that is
not of this project gets its address, its API server and its account from the environment:

- ``HOST`` and ``PORT``: the address and port to listen on; ``HOST`` is 127.0.0.1, except for
  the peers in Go while load workers are elsewhere;
- ``KUBECONFIG``: a kubeconfig of one context alone, its current one, so that a client
  library's defaults are right;
- ``CONTEXT``: the name of that context, and of the account behind it;
- ``NAMESPACE``: the namespace of that account;
- ``PODS_NAMESPACE``: the only namespace whose pods to serve; empty for all, except on an
  existing cluster;
- ``REPLICA``: the number of the replica, from 1; all read as the same account, and the
  report separates them if their User-Agents end in ``informer-bench-server/$REPLICA``;
- ``WORKERS``: the number of worker processes that the scenario wants behind the port; the
  server must start as many, and count all of them in ``/metrics``;
- ``PYTHON``: the interpreter that this project runs on, for servers in Python.

It starts in the folder where the run was started, or for the arm ``<server>@base`` in that
of the other checkout.

A client does not listen, and gets all of these except ``HOST`` and ``PORT``.
"""

import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import urlsplit

import urllib3
import yaml
from urllib3.exceptions import HTTPError

from bench.cluster.certificates import write_private
from bench.cluster.placement import Placement
from bench.cluster.plane import Plane
from bench.model import BASE
from bench.supervision.ports import usable_port
from bench.sut.registry import HERE, ServerKind
from kube_informer.redaction import register_secret

SHELL = "/bin/sh"
ARM = "INFORMER_BENCH_ARM"
"""Environment variable of a command; its value identifies the processes that it leaves."""
ADDRESS = re.compile(r"http://\S+?(?=/pods)")
OK = 200
NOT_SERVED = 404
ASK_TIMEOUT_S = 5.0
"""How long to wait for the answer of a server that is not ready, before the next request."""


class Readiness(Protocol):
    """Check of whether a process is ready."""

    @property
    def last(self) -> str:
        """Result of the last check, as text."""

    def ask(self, url: str) -> bool:
        """Return whether the process at ``url``, "" for no address, is ready now."""

    def ready_s(self, passed_s: float) -> float | None:
        """Return its ready time, if the check at ``passed_s`` succeeded; ``None``: never ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """Server or client to start: its kind, its API server, and its address."""

    kind: ServerKind
    kubeconfig: Path
    log: Path
    placement: Placement = field(default_factory=Placement)
    """Namespaces of its pods; it is confined to their namespace if they share one."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 0
    """0 chooses one."""
    threads: int = 8
    workers: int = 1
    """Worker processes behind the port; others' servers only get the number."""
    replica: int = 1
    """Number of the replica, from 1; its User-Agent ends with it."""
    quiet: Readiness | None = None
    """Check of whether a client is quiet, for one that is ready then."""

    @classmethod
    def on(cls, plane: Plane, kind: ServerKind, log: Path, *, host: str = "127.0.0.1") -> Self:
        """Return the spec of a server that reads from ``plane``."""
        return cls(
            kind=kind, kubeconfig=plane.kubeconfig, placement=plane.placement, log=log, host=host
        )

    def for_replica(self, number: int) -> Self:
        """Return the spec of replica ``number``, with its own log."""
        log = self.log.with_stem(f"{self.log.stem}-{number}")
        return replace(self, replica=number, log=log)

    @property
    def title(self) -> str:
        """Its name in messages."""
        suffix = f", replica {self.replica}" if self.replica > 1 else ""
        return f"{'server' if self.kind.client is None else 'client'} {self.kind.name}{suffix}"

    def launch(self) -> "Launch":
        """Return the command that starts it, with its address and readiness."""
        return _own_server(self) if self.kind.command is None else _commanded(self)


@dataclass(frozen=True, slots=True)
class Launch:
    """Command that starts a server, with its address and readiness."""

    argv: list[str]
    url: Callable[[], str | None]
    """Its address; ``None`` until that is known."""
    readiness: Readiness
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    """Its working directory; ``None`` is the present one."""

    def is_ready(self) -> bool:
        """Return whether the server accepts requests."""
        url = self.url()
        return url is not None and self.readiness.ask(url)


class HttpReadiness:
    """Ready when the first of ``paths`` that is served answers 200."""

    def __init__(self, *paths: str) -> None:
        self._paths = paths
        self.last = "it does not listen"

    def ask(self, url: str) -> bool:
        """Return whether it is ready now."""
        statuses = (self._status(url, path) for path in self._paths)
        return next((status for status in statuses if status != NOT_SERVED), None) == OK

    def ready_s(self, passed_s: float) -> float | None:
        """Return ``passed_s``: it became ready just now."""
        return passed_s

    def _status(self, url: str, path: str) -> int | None:
        timeout = urllib3.Timeout(connect=3, read=ASK_TIMEOUT_S)
        pool = urllib3.connectionpool.connection_from_url(url, retries=False, timeout=timeout)
        try:
            status = int(pool.request("GET", path or "/").status)
        except HTTPError as error:
            self.last = f"{path} is not answered: {error}"
            return None
        finally:
            pool.close()
        self.last = f"{path} is answered {status}"
        return status


class LineReadiness(HttpReadiness):
    """Ready when its log, from ``begin`` on, has a line that holds ``text``."""

    def __init__(self, log: Path, text: str) -> None:
        super().__init__()
        self._log, self._text = log, text.encode()
        self._begin = log.stat().st_size if log.exists() else 0
        self.last = f"it did not write {text!r}"

    def ask(self, url: str) -> bool:
        """Return whether the line is there."""
        del url
        with self._log.open("rb") as file:
            file.seek(self._begin)
            return self._text in file.read()


def _own_server(spec: ServerSpec) -> Launch:
    """Return the launch of a server of this project, which writes its address to its log."""
    spec.log.touch()
    begin = spec.log.stat().st_size
    name, checkout = spec.kind.name.removesuffix(BASE), spec.kind.checkout or HERE
    argv = [checkout.python, "-m", "servers", name, "--kubeconfig", str(spec.kubeconfig)]
    argv += ["--context", spec.kind.identity, "--threads", str(spec.threads)]
    argv += ["--host", spec.host, "--port", str(spec.port), "--replica", str(spec.replica)]
    argv += ["--workers", str(spec.workers)]
    if spec.placement.scope is not None:
        argv += ["--namespace", spec.placement.scope]
    return Launch(
        argv,
        url=lambda: _announced(spec.log, begin),
        readiness=HttpReadiness("/readyz", "/pods"),
        environment=checkout.environment,
        folder=checkout.folder,
    )


def _announced(log: Path, begin: int) -> str | None:
    with log.open("rb") as file:
        file.seek(begin)
        match = ADDRESS.search(file.read(65536).decode(errors="replace"))
    return match.group(0) if match else None


def _commanded(spec: ServerSpec) -> Launch:
    """Return the launch of the command of others' server or client, a line for the shell.

    A client gets no requests, so it has no address to listen on.
    """
    client, address, url, readiness = spec.kind.client, {}, "", spec.quiet
    if client is None:
        port = str(spec.port or usable_port(spec.host))
        address = {"HOST": spec.host, "PORT": port}
        host = f"[{spec.host}]" if ":" in spec.host else spec.host
        url, readiness = f"http://{host}:{port}", HttpReadiness("/readyz", "/pods")
    elif client.ready_url is not None:
        parts = urlsplit(client.ready_url)
        url = f"{parts.scheme}://{parts.netloc}"
        readiness = HttpReadiness(client.ready_url.removeprefix(url))
    elif client.ready_line is not None:
        readiness = LineReadiness(spec.log, client.ready_line)
    assert readiness is not None, "a client's starter watches its requests"
    variables = {
        **address,
        "KUBECONFIG": str(_write_single_context(spec.kubeconfig, spec.kind.identity)),
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
        readiness=readiness,
        environment={**os.environ, **variables, ARM: secrets.token_hex(8)},
        folder=spec.kind.checkout.folder if spec.kind.checkout else None,
    )


def _write_single_context(kubeconfig: Path, context: str) -> Path:
    """Write a kubeconfig beside ``kubeconfig`` that holds ``context`` alone; return its path.

    The current context of the whole one is a person's, with all rights: a client library
    that uses its defaults would be audited as somebody else. The new one has the token and its
    file: not every library reads the file, which takes precedence in those that do.
    """
    whole = yaml.safe_load(kubeconfig.read_text())
    narrowed = {
        part: [entry for entry in whole[part] if entry["name"] == context]
        for part in ("contexts", "users")
    }
    for user in narrowed["users"]:
        if "tokenFile" in user["user"]:
            token = user["user"]["token"] = Path(user["user"]["tokenFile"]).read_text()
            register_secret(token)
    path = kubeconfig.with_name(f"{kubeconfig.name}-{context}")
    document = {**whole, **narrowed, "current-context": context}
    write_private(path, yaml.safe_dump(document, sort_keys=False).encode())
    return path
