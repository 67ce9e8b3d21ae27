"""``python -m bench.microbench.servers``: throughput of the servers, and of their upper bounds.

One cluster; the same number of connections reads all pods from every contender,
in interleaved rounds: the API server itself (raw LIST over TLS), ``direct``, the
informer without and with churn, and nginx serving the informer's bytes from a
file. Only the ratios are claims.

Under churn the writer, the API server and etcd need processors too, and on a
small machine the server gets fewer: its CPU time per answer shows the cost of
events to the server itself, beside the throughput.
"""

import argparse
import os
import pwd
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path

import urllib3

from bench.cluster.control_plane import ControlPlane
from bench.cluster.populated import PopulatedCluster
from bench.load.driver import Load, LoadDriver
from bench.microbench.side_by_side import (
    in_turn,
    line,
    measure,
    options,
    populated,
    ratios,
    say,
    supervised,
)
from bench.probes.processes import cpu_s
from bench.supervision.ports import answers, usable_port
from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import server_kinds
from bench.sut.server import ServerUnderTest
from kube_informer import ClientConfig

WARM_UP_S = 1.0
READ_BYTES = 1 << 20

RAW = "API server, raw LIST"
DIRECT = "direct"
INFORMER = "informer"
CHURNED = "informer under churn"
NGINX = "nginx, sendfile"
NGINX_CHURNED = "nginx under churn"
NO_NGINX = "nginx is not installed (Debian: apt-get install nginx-light)"


@dataclass(frozen=True, slots=True)
class Ratio:
    """One contender's answers per second over another's, and the least that it should be.

    ``target`` is ``None`` for a ratio that only explains another.
    """

    above: str
    below: str
    target: float | None


RATIOS = (
    Ratio(DIRECT, RAW, 0.65),
    Ratio(INFORMER, DIRECT, 15.0),
    Ratio(INFORMER, NGINX, 1.0),
    Ratio(CHURNED, INFORMER, 0.9),
    # nginx takes no part in the churn: its loss is the share of writer and control plane
    Ratio(NGINX_CHURNED, NGINX, None),
)

CPU_UNDER_CHURN = 1.1
"""Largest ratio of the CPU time per answer: 20 events per second may cost 10%."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Answers per second, and the server's CPU seconds per answer if its process is known."""

    per_s: float
    cpu_s: float | None = None


Measure = Callable[[], Reading]


def main() -> None:
    """Measure and print a table of throughputs and one of ratios."""
    arguments = options(
        "servers",
        "Ratios of the servers' throughput, measured side by side on a throwaway cluster. Takes "
        "about two minutes.",
        pods=(1000, "pods in the cluster"),
        connections=(8, "connections of each reader"),
        seconds=(4.0, "length of each measurement"),
        rounds=(3, "measurements of each"),
        churn=(20.0, "writes per second under churn"),
    )
    with ExitStack() as stack:
        watchdog, folder = stack.enter_context(supervised())
        cluster = stack.enter_context(populated(arguments.pods, watchdog))
        contenders = _contenders(stack, cluster, arguments, watchdog, folder)
        _report(in_turn(contenders, arguments.rounds), arguments)


def _contenders(
    stack: ExitStack,
    cluster: PopulatedCluster[ControlPlane],
    arguments: argparse.Namespace,
    watchdog: Watchdog,
    folder: Path,
) -> dict[str, Measure]:
    """Start every contender and return a function that measures each."""
    urls, pids = {}, {}
    for name in (DIRECT, INFORMER):
        spec = ServerSpec.on(cluster.plane, server_kinds()[name], folder / f"{name}.log")
        server = ServerUnderTest.start(replace(spec, threads=arguments.connections), watchdog)
        urls[name] = stack.enter_context(server).url
        pids[urls[name]] = server.pid

    def load(url: str) -> Reading:
        reads = Load("list-all", (url,), arguments.connections, cluster.targets)
        with LoadDriver(reads, out=folder / "load", watchdog=watchdog) as driver:
            driver.warm_up(WARM_UP_S)
            before = cpu_s(pids[url]) if url in pids else None
            measured = measure(driver, arguments.seconds)
        if before is None:
            return Reading(measured.achieved_rps)
        spent = cpu_s(pids[url]) - before
        return Reading(measured.achieved_rps, spent / max(measured.answered, 1))

    def churned(url: str) -> Reading:
        cluster.churn.resume(arguments.churn)
        try:
            return load(url)
        finally:
            cluster.churn.pause()

    config = cluster.plane.client_config("direct")
    contenders: dict[str, Measure] = {
        RAW: lambda: Reading(raw_lists_per_s(config, arguments.connections, arguments.seconds)),
        DIRECT: lambda: load(urls[DIRECT]),
        INFORMER: lambda: load(urls[INFORMER]),
        CHURNED: lambda: churned(urls[INFORMER]),
    }
    program = find_nginx()
    if program is None:
        say(f"without nginx: {NO_NGINX}")
    else:
        body = urllib3.request("GET", f"{urls[INFORMER]}/pods", retries=False).data
        url = stack.enter_context(nginx(program, body, watchdog, folder))
        contenders[NGINX] = lambda: load(url)
        contenders[NGINX_CHURNED] = lambda: churned(url)
    return contenders


def raw_lists_per_s(config: ClientConfig, connections: int, seconds: float) -> float:
    """Return the LISTs of all pods per second of the API server itself; bodies are discarded.

    ``connections`` threads, each with a persistent TLS connection.
    """
    pool = config.pools(maxsize=connections, block=True)
    headers = config.credentials.headers({"Accept": "application/json"})

    def read_on(until: float) -> int:
        count = 0
        while count == 0 or time.monotonic() < until:
            response = pool.request(
                "GET", f"{config.server}/api/v1/pods", headers=headers, preload_content=False
            )
            if response.status != HTTPStatus.OK:
                raise SystemExit(f"the API server answered {response.status} to a LIST of pods")
            while response.read(READ_BYTES):
                pass
            response.release_conn()
            count += 1
        return count

    with ThreadPoolExecutor(connections) as threads:
        list(threads.map(read_on, [0.0] * connections))  # every connection has been used once
        began = time.monotonic()
        count = sum(threads.map(read_on, [began + seconds] * connections))
        return count / (time.monotonic() - began)


def _report(results: Mapping[str, list[Reading]], arguments: argparse.Namespace) -> None:
    shape = f"{arguments.pods} pods, {arguments.connections} connections"
    print(f"{shape}, {arguments.rounds} rounds of {arguments.seconds:g} s")
    print(f"\n{'answers a second':48} median (lowest, highest)")
    for name, readings in results.items():
        line(name, (reading.per_s for reading in readings))
    print(f"\n{'ratio, paired by round':48} median (lowest, highest)  target")
    for ratio in RATIOS:
        title = f"{ratio.above} / {ratio.below}"
        if ratio.above not in results or ratio.below not in results:
            print(f"{title:48} skipped: {NO_NGINX}")
            continue
        rates = (
            [reading.per_s for reading in results[name]] for name in (ratio.above, ratio.below)
        )
        line(title, ratios(*rates), "" if ratio.target is None else f">= {ratio.target:g}")
    costs = ([reading.cpu_s or 0.0 for reading in results[name]] for name in (CHURNED, INFORMER))
    line(f"{CHURNED} / alone, CPU an answer", ratios(*costs), f"<= {CPU_UNDER_CHURN:g}")


def find_nginx() -> str | None:
    """Return the path of nginx, also from folders that only root has on its PATH."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def nginx(program: str, body: bytes, watchdog: Watchdog, folder: Path) -> Iterator[str]:
    """Serve ``body`` at ``/pods`` by sendfile from a file, a worker per processor; give the URL."""
    root = folder / "nginx"
    root.mkdir()
    (root / "pods").write_bytes(body)
    port = usable_port()
    configuration = root / "nginx.conf"
    configuration.write_text(_nginx_configuration(root, port))
    url = f"http://127.0.0.1:{port}"
    with SupervisedProcess.start(
        "nginx",
        [program, "-e", root / "error.log", "-p", root, "-c", configuration],
        log=root / "nginx.log",
        watchdog=watchdog,
        ready=lambda: answers(f"{url}/pods"),
    ):
        yield url


def _nginx_configuration(root: Path, port: int) -> str:
    # started by root it would serve as nobody, which may not read a temporary folder
    user = f"user {pwd.getpwuid(os.geteuid()).pw_name};" if os.geteuid() == 0 else ""
    bodies = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "\n  ".join(f"{name}_temp_path {root}/{name};" for name in bodies)
    return f"""{user}
worker_processes auto;
daemon off;
pid {root}/nginx.pid;
error_log {root}/error.log;
events {{ worker_connections 256; }}
http {{
  {paths}
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  default_type application/json;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


if __name__ == "__main__":
    main()
