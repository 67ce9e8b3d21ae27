"""Real gunicorn servers, and load processes against them."""

import itertools
import json
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

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

    def __init__(self, port: int, log: Path, watchdog: Watchdog) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        argv = [sys.executable, "-m", "gunicorn", "app_under_load:application"]
        argv += ["--worker-class", "gthread", "--workers", "1", "--threads", "64"]
        argv += ["--bind", f"127.0.0.1:{port}", "--keep-alive", "1", "--graceful-timeout", "1"]
        self.process = SupervisedProcess.start(
            "server", argv, log=log, watchdog=watchdog, cwd=HERE, ready=self._listens
        )

    def _listens(self) -> bool:
        try:
            self.count()
        except OSError:
            return False
        return True

    def behave(self, **behaviour: object) -> None:
        """Set the behaviour and count anew, once no earlier request arrives any more."""
        before = -1
        while before != (before := self.count()):
            time.sleep(0.05)
        self._ask(f"/behave?{quote(json.dumps(behaviour))}")

    def count(self) -> int:
        """Return the number of requests since the behaviour was set."""
        return int(self._ask("/count"))

    def addresses(self) -> list[str]:
        """Return the address of each of these requests, in order."""
        addresses: list[str] = json.loads(self._ask("/addresses"))
        return addresses

    def _ask(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as response:
            content: bytes = response.read()
        return content


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def targets() -> Targets:
    """The targets in the application, whatever its behaviour."""
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
def kept_servers() -> Iterator[list[Server]]:
    """Servers kept for the next test that needs one; stopped at the end."""
    kept: list[Server] = []
    yield kept
    for server in kept:
        server.process.stop(1.0)


@pytest.fixture
def start_server(
    kept_servers: list[Server], watchdog: Watchdog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Server]]:
    """Starts servers with a behaviour; they may run already, and count anew.

    A server at a given ``port`` may be stopped and killed, and is stopped after the test.
    """
    not_shared: list[Server] = []
    lent = itertools.count()

    def started(port: int) -> Server:
        return Server(port, tmp_path_factory.mktemp("server") / "log", watchdog)

    def start(port: int | None = None, **behaviour: object) -> Server:
        if port is not None:
            not_shared.append(server := started(port))
        elif (number := next(lent)) < len(kept_servers):
            server = kept_servers[number]
        else:
            kept_servers.append(server := started(free_port()))
        server.behave(**behaviour)
        return server

    yield start
    for server in not_shared:
        server.process.stop(1.0)


def load_of(*urls: str, route: str = "list-all", users: int = 4, **more: object) -> Load:
    return Load(route, urls, users, TARGETS, **more)


@pytest.fixture
def driver(watchdog: Watchdog, tmp_path: Path) -> Callable[..., LoadDriver]:
    """Makes drivers of load processes that have not started, each with its own folder."""
    number = itertools.count()

    def make(*urls: str, **load: object) -> LoadDriver:
        out = tmp_path / f"load-{next(number)}"
        return LoadDriver(load_of(*urls, **load), out=out, watchdog=watchdog)

    return make


@pytest.fixture(scope="session")
def standing_by(
    watchdog: Watchdog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., LoadDriver]]:
    """Gives the driver of a load, the same one for equal loads; use no ``with``."""
    kept: dict[Load, LoadDriver] = {}
    with ExitStack() as stack:

        def stand_by(*urls: str, **more: object) -> LoadDriver:
            load = load_of(*urls, **more)
            if load not in kept:
                made = LoadDriver(load, out=tmp_path_factory.mktemp("load"), watchdog=watchdog)
                kept[load] = stack.enter_context(made)
            return kept[load]

        yield stand_by


@pytest.fixture
def measure(
    standing_by: Callable[..., LoadDriver],
) -> Callable[..., tuple[Measured, pd.DataFrame]]:
    """Runs one window and returns its measurements, and its rows by intended start."""

    def run(url: str, seconds: float, **load: object) -> tuple[Measured, pd.DataFrame]:
        measured = standing_by(url, **load).measure(seconds)
        return measured, rows_of(measured)

    return run


def rows_of(measured: Measured) -> pd.DataFrame:
    frame = pd.read_parquet(measured.requests_file)
    return frame.sort_values("intended_us", kind="stable", ignore_index=True)
