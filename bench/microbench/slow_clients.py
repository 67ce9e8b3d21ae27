"""``python -m bench.microbench.slow_clients``: what clients that do not read take from others.

One cluster, each server read by the same connections twice in a round: alone, and
beside idle connections, connections with one byte sent, and connections that ask
for all pods and read nothing. Meanwhile ``/healthz`` is asked again and again. The
ratio of the throughputs is a claim, and so is that each ``/healthz`` is answered.
"""

import argparse
import resource
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from bench.cluster.binaries import resolve
from bench.cluster.control_plane import ControlPlane
from bench.cluster.populated import PopulatedCluster
from bench.load.driver import Load, LoadDriver
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import server_kinds
from bench.sut.server import ServerUnderTest

SERVERS = ("direct", "informer")
LEAST_RATIO = 0.5
MOST_HEALTH_MS = 200.0
ASK_EVERY_S = 0.05

REQUEST = b"GET /pods HTTP/1.1\r\nHost: bench\r\n\r\n"
RECEIVE_BYTES = 4096
"""Receive buffer of a client that reads nothing: the rest of its answer waits at the server."""


@dataclass(slots=True)
class Readings:
    """One server's figures: answers per second alone and beside, ``/healthz`` in milliseconds."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    health_ms: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Median over rounds of beside / alone."""
        return statistics.median(
            beside / alone for beside, alone in zip(self.beside, self.alone, strict=True)
        )


def main() -> int:
    """Measure and print a table; 1 if a figure misses its target."""
    arguments = _parser().parse_args()
    _allow_connections(arguments.idle + arguments.half + arguments.stalled)
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print(f"filling a throwaway cluster with {arguments.pods} pods", file=sys.stderr)
        binaries = resolve(say=lambda text: print(text, file=sys.stderr))
        cluster = stack.enter_context(
            PopulatedCluster(
                partial(ControlPlane.start, binaries), watchdog, seed=1, pods=arguments.pods
            )
        )
        readings = {}
        for name in SERVERS:
            spec = ServerSpec.on(cluster.plane, server_kinds()[name], folder / f"{name}.log")
            spec = replace(spec, threads=arguments.connections)
            with ServerUnderTest.start(spec, watchdog) as server:
                load = Load("list-all", (server.url,), arguments.connections, cluster.targets)
                with LoadDriver(load, out=folder / "load", watchdog=watchdog) as driver:
                    readings[name] = _measure(driver, server.url, arguments)
    return _report(readings, arguments)


def _measure(driver: LoadDriver, url: str, arguments: argparse.Namespace) -> Readings:
    readings = Readings()
    driver.warm_up(1.0)
    for number in range(arguments.rounds):
        print(f"round {number + 1} of {arguments.rounds}: {url}", file=sys.stderr)
        readings.alone.append(_rate(driver, arguments.seconds))
        with _slow_clients(url, arguments), _health(url, readings.health_ms):
            readings.beside.append(_rate(driver, arguments.seconds))
    return readings


def _rate(driver: LoadDriver, seconds: float) -> float:
    measured = driver.measure(seconds)
    if measured.failed:
        raise SystemExit(f"requests failed: {'; '.join(measured.first_failures)}")
    return measured.achieved_rps


@contextmanager
def _slow_clients(url: str, arguments: argparse.Namespace) -> Iterator[None]:
    """Hold the connections open for as long as the block lasts."""
    address = (urlsplit(url).hostname, urlsplit(url).port)
    kinds = [(arguments.idle, b""), (arguments.half, REQUEST[:1]), (arguments.stalled, REQUEST)]
    with ExitStack() as stack:
        for count, sent in kinds:
            for _ in range(count):
                client = stack.enter_context(closing(socket.socket()))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
                client.connect(address)
                client.sendall(sent)
                if sent == REQUEST:  # its answer is made and waits: what it cost is spent
                    client.recv(1, socket.MSG_PEEK)
        yield


@contextmanager
def _health(url: str, times_ms: list[float]) -> Iterator[None]:
    """Ask ``/healthz`` while the block lasts, over a new connection each time."""
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(ASK_EVERY_S):
            begun = time.perf_counter()
            headers = {"Connection": "close"}
            urllib3.request("GET", f"{url}/healthz", retries=False, timeout=30, headers=headers)
            times_ms.append((time.perf_counter() - begun) * 1e3)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _report(readings: dict[str, Readings], arguments: argparse.Namespace) -> int:
    print(
        f"{arguments.pods} pods, {arguments.connections} connections, beside {arguments.idle} "
        f"idle, {arguments.half} of one byte and {arguments.stalled} that do not read; "
        f"{arguments.rounds} rounds of {arguments.seconds:g} s"
    )
    print(f"\n{'':12}{'alone/s':>9}{'beside/s':>9}{'ratio':>7}{'healthz ms: median':>20}{'p99':>7}")
    missed = 0
    for name, server in readings.items():
        alone, beside = statistics.median(server.alone), statistics.median(server.beside)
        middle = statistics.median(server.health_ms)
        high = statistics.quantiles(server.health_ms, n=100)[-1]
        print(f"{name:12}{alone:9.4g}{beside:9.4g}{server.ratio:7.2f}{middle:20.1f}{high:7.1f}")
        missed += server.ratio < LEAST_RATIO or middle > MOST_HEALTH_MS
    print(f"target: ratio >= {LEAST_RATIO:g}, median healthz <= {MOST_HEALTH_MS:g} ms")
    return 1 if missed else 0


def _allow_connections(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + 256
    if hard < needed:
        raise SystemExit(f"{count} connections need {needed} open files; the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.microbench.slow_clients",
        description="Throughput of both servers beside clients that do not read, measured on a "
        "throwaway cluster. Takes about a minute.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--pods", type=int, default=1000, help="pods in the cluster")
    parser.add_argument("--connections", type=int, default=8, help="connections of the readers")
    parser.add_argument("--idle", type=int, default=1000, help="connections that send nothing")
    parser.add_argument("--half", type=int, default=100, help="connections that send one byte")
    parser.add_argument("--stalled", type=int, default=100, help="connections that do not read")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2, help="how often each is measured")
    return parser


if __name__ == "__main__":
    sys.exit(main())
