"""Real gunicorn servers, and load processes against them."""

import itertools
import json
import os
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from bench.load.driver import Load, LoadDriver
from bench.load.protocol import Measured
from bench.model import Targets
from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog

HERE = Path(__file__).parent
TARGETS = Targets(
    namespaces=("ns-0", "ns-1", "ns-2"),
    pods=tuple((f"ns-{number % 3}", f"{'web'[number % 3]}-{number}") for number in range(30)),
    label_selectors=("app=w", "app=e", "app=b"),
)


class Server:
    """A gunicorn with the settings of the servers under test."""

    def __init__(self, port: int, log: Path, watchdog: Watchdog, **behaviour: object) -> None:
        self._seen = 0
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        argv = [sys.executable, "-m", "gunicorn", "app_under_load:application"]
        argv += ["--worker-class", "gthread", "--workers", "1", "--threads", "16"]
        argv += ["--bind", f"127.0.0.1:{port}", "--keep-alive", "1", "--graceful-timeout", "1"]
        self.process = SupervisedProcess.start(
            "server",
            argv,
            log=log,
            watchdog=watchdog,
            cwd=HERE,
            env={**os.environ, "APP_BEHAVIOUR": json.dumps(behaviour)},
            ready=self._listens,
        )

    def _listens(self) -> bool:
        try:
            self.count()
        except OSError:
            return False
        return True

    def begin_anew(self) -> None:
        """Count from now on, once nothing comes any more of what was asked before."""
        self._seen, before = self.count() + self._seen, -1
        while self._seen != before:
            time.sleep(0.05)
            before, self._seen = self._seen, self.count() + self._seen

    def count(self) -> int:
        """How many requests came since it was begun with, these questions left out."""
        with urllib.request.urlopen(f"{self.url}/count", timeout=5) as response:
            return int(response.read()) - self._seen

    def addresses(self) -> list[str]:
        """From which address each request came, in order, these questions left out."""
        with urllib.request.urlopen(f"{self.url}/addresses", timeout=5) as response:
            addresses: list[str] = json.loads(response.read())
        return addresses[self._seen :]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def targets() -> Targets:
    """What the application has, whatever its behaviour."""
    return TARGETS


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    return free_port()


@pytest.fixture
def dead_url() -> str:
    """The URL of a server that is not there."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def good_servers() -> Iterator[list[Server]]:
    """Servers that do nothing wrong, kept for the next test that wants one; stopped at the end."""
    kept: list[Server] = []
    yield kept
    for server in kept:
        server.process.stop(1.0)


@pytest.fixture
def start_server(
    good_servers: list[Server], watchdog: Watchdog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Server]]:
    """Starts servers that behave as told; a good one may be there already, and counts anew.

    One at a ``port`` of its own, or told how to behave, is stopped after the test.
    """
    own: list[Server] = []
    lent = itertools.count()

    def started(port: int, **behaviour: object) -> Server:
        log = tmp_path_factory.mktemp("server") / "log"
        return Server(port, log, watchdog, **behaviour)

    def start(port: int | None = None, **behaviour: object) -> Server:
        if port is not None or behaviour:
            own.append(started(port or free_port(), **behaviour))
            return own[-1]
        number = next(lent)
        if number == len(good_servers):
            good_servers.append(started(free_port()))
        good_servers[number].begin_anew()
        return good_servers[number]

    yield start
    for server in own:
        server.process.stop(1.0)


@pytest.fixture
def driver(watchdog: Watchdog, tmp_path: Path) -> Callable[..., LoadDriver]:
    """Makes drivers, each with a folder of its own."""
    made: list[LoadDriver] = []

    def make(*urls: str, route: str = "list-all", users: int = 4, **more: object) -> LoadDriver:
        load = Load(route, urls, users, TARGETS, **more)
        made.append(LoadDriver(load, out=tmp_path / f"load-{len(made)}", watchdog=watchdog))
        return made[-1]

    return make


@pytest.fixture
def measure(driver: Callable[..., LoadDriver]) -> Callable[..., tuple[Measured, pd.DataFrame]]:
    """Runs one window and returns what was measured, and its rows by intended start."""

    def run(url: str, seconds: float, **load: object) -> tuple[Measured, pd.DataFrame]:
        with driver(url, **load) as running:
            measured = running.measure(seconds)
        return measured, rows_of(measured)

    return run


def rows_of(measured: Measured) -> pd.DataFrame:
    frame = pd.read_parquet(measured.requests_file)
    return frame.sort_values("intended_us", kind="stable", ignore_index=True)
