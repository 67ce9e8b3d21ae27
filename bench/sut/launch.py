"""How a server under test is started, and how one tells where it is and whether it is ready."""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3
from urllib3.exceptions import HTTPError

import bench

ROOT = Path(bench.__file__).parents[1]
ADDRESS = re.compile(r"http://\S+?(?=/pods)")
OK = 200
NOT_SERVED = 404
ASK_TIMEOUT_S = 5.0
"""How long a server that is not ready may keep silent before it is asked again."""


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


def own_server(
    name: str,
    *,
    identity: str,
    kubeconfig: Path,
    namespace: str | None = None,
    host: str = "127.0.0.1",
    port: int,
    threads: int,
    log: Path,
    replica: int = 1,
    workers: int = 1,
) -> Launch:
    """Return how a server of this project is started; it announces its address in ``log``.

    It is confined to ``namespace`` if one is given. ``replica`` is which of several it is,
    from 1: its User-Agent ends so. ``workers`` processes share its port.
    """
    log.touch()
    begin = log.stat().st_size
    argv = [sys.executable, "-m", "servers", name, "--kubeconfig", str(kubeconfig)]
    argv += ["--context", identity, "--threads", str(threads)]
    argv += ["--host", host, "--port", str(port), "--replica", str(replica)]
    argv += ["--workers", str(workers)]
    if namespace is not None:
        argv += ["--namespace", namespace]
    return Launch(argv, url=lambda: _announced(log, begin), readiness=Readiness(), folder=ROOT)


def _announced(log: Path, begin: int) -> str | None:
    with log.open("rb") as file:
        file.seek(begin)
        found = ADDRESS.search(file.read(65536).decode(errors="replace"))
    return found.group(0) if found else None
