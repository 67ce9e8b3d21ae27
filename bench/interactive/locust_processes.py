"""Locust's processes: the master with the page, and its workers on this machine."""

import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import bench
from bench.interactive.restarter import Part
from bench.supervision.ports import answers
from bench.supervision.process import SupervisedProcess
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog

ROOT = Path(bench.__file__).parents[1]
LOCUSTFILE = Path("bench/load/webui/locustfile.py")
SOCKET = "INFORMER_BENCH_UI_SOCKET"
READY_TIMEOUT_S = 60.0
MASTER_PORT = 5557


@dataclass(frozen=True, slots=True)
class LocustOptions:
    """Addresses of Locust's page and master, and the numbers of workers."""

    host: str
    port: int
    workers: int
    expect_workers: int
    master_bind_host: str
    master_bind_port: int

    @property
    def distributed(self) -> bool:
        """Whether a master leads workers; otherwise one process does all."""
        return self.workers > 0 or self.expect_workers > 0

    @property
    def url(self) -> str:
        """Address of the page."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


class LocustProcesses(Stoppable):
    """Locust's processes, started one after the other."""

    def __init__(
        self,
        options: LocustOptions,
        servers: Mapping[str, str],
        targets: Path,
        *,
        folder: Path,
        watchdog: Watchdog,
    ) -> None:
        self._options = options
        self._servers = servers
        self._targets = targets
        self._folder = folder
        self._watchdog = watchdog
        self._workers: dict[str, SupervisedProcess] = {}
        self.page: SupervisedProcess

    def start(self, socket: Path) -> None:
        """Start all. Raises ``ProcessFailed``; ``stop`` then stops those that have started."""
        options = self._options
        argv = [*_locust(), "--class-picker", "--users", "2", "--spawn-rate", "2"]
        argv += ["--web-host", options.host, "--web-port", str(options.port)]
        argv += ["--targets", str(self._targets)]
        for name, url in self._servers.items():
            argv += [f"--{name}", url]
        if options.distributed:
            argv += ["--master", "--master-bind-host", options.master_bind_host]
            argv += ["--master-bind-port", str(options.master_bind_port)]
            argv += ["--expect-workers", str(options.workers + options.expect_workers)]
        self.page = SupervisedProcess.start(
            "Locust",
            argv,
            log=self._folder / "locust.log",
            watchdog=self._watchdog,
            cwd=ROOT,
            env={**os.environ, SOCKET: str(socket)},
            ready=lambda: answers(f"{options.url}/api-server/page.js"),
            ready_timeout_s=READY_TIMEOUT_S,
        )
        for number in range(1, options.workers + 1):
            self._start_worker(f"worker {number}", number)

    def parts(self) -> list[Part]:
        """Return the workers as parts to keep running; without the page all of it ends."""
        return [self._part(name) for name in self._workers]

    def stop(self) -> None:
        """Stop all of them."""
        for worker in self._workers.values():
            worker.stop()
        if hasattr(self, "page"):
            self.page.stop()

    def _part(self, name: str) -> Part:
        def restart() -> None:
            self._workers[name].stop()
            self._start_worker(name, 1)

        return Part(name, lambda: self._workers[name], restart)

    def _start_worker(self, name: str, count: int) -> None:
        """Start a worker and return once the master knows ``count`` of them."""
        options = self._options
        argv = [*_locust(), "--worker", "--master-host", options.master_bind_host]
        argv += ["--master-port", str(options.master_bind_port)]
        self._workers[name] = SupervisedProcess.start(
            name,
            argv,
            log=self._folder / f"{name.replace(' ', '-')}.log",
            watchdog=self._watchdog,
            cwd=ROOT,
            ready=lambda: _workers(options.url) >= count,
            ready_timeout_s=READY_TIMEOUT_S,
        )


def _locust() -> list[str]:
    return [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE)]


def _workers(url: str) -> int:
    try:
        with urllib.request.urlopen(f"{url}/worker-count", timeout=2) as answer:
            return int(json.load(answer)["worker_count"])
    except (OSError, ValueError):
        return 0
