"""``python -m bench.microbench.slow_clients``: throughput beside clients that do not read.

One cluster; the same connections read from each server twice in a round: alone, and
beside idle connections, connections with one byte sent, and connections that request
all pods and read nothing. Meanwhile ``/healthz`` is requested repeatedly. The
ratio of the throughputs is a claim, and so is the answer to each ``/healthz``.
"""

import argparse
import resource
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import urllib3

from bench.load.driver import Load, LoadDriver
from bench.microbench.side_by_side import measure, options, populated, ratios, say, supervised
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
        return statistics.median(ratios(self.beside, self.alone))


def main() -> int:
    """Measure and print a table; return 1 if a figure misses its target."""
    arguments = options(
        "slow_clients",
        "Throughput of both servers beside clients that do not read, measured on a throwaway "
        "cluster. Takes about a minute.",
        pods=(1000, "pods in the cluster"),
        connections=(8, "connections of the readers"),
        idle=(1000, "connections that send nothing"),
        half=(100, "connections that send one byte"),
        stalled=(100, "connections that do not read"),
        seconds=(4.0, "length of each measurement"),
        rounds=(2, "measurements of each"),
    )
    _allow_connections(arguments.idle + arguments.half + arguments.stalled)
    with supervised() as (watchdog, folder), populated(arguments.pods, watchdog) as cluster:
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
        say(f"round {number + 1} of {arguments.rounds}: {url}")
        readings.alone.append(measure(driver, arguments.seconds).achieved_rps)
        with _slow_clients(url, arguments), _health(url, readings.health_ms):
            readings.beside.append(measure(driver, arguments.seconds).achieved_rps)
    return readings


@contextmanager
def _slow_clients(url: str, arguments: argparse.Namespace) -> Iterator[None]:
    """Hold the connections open for the length of the block."""
    address = (urlsplit(url).hostname, urlsplit(url).port)
    kinds = [(arguments.idle, b""), (arguments.half, REQUEST[:1]), (arguments.stalled, REQUEST)]
    with ExitStack() as stack:
        for count, sent in kinds:
            for _ in range(count):
                client = stack.enter_context(closing(socket.socket()))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
                client.connect(address)
                client.sendall(sent)
                if sent == REQUEST:  # its answer waits at the server: its cost is spent
                    client.recv(1, socket.MSG_PEEK)
        yield


@contextmanager
def _health(url: str, times_ms: list[float]) -> Iterator[None]:
    """Request ``/healthz`` while the block lasts, over a new connection each time."""
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


if __name__ == "__main__":
    sys.exit(main())
