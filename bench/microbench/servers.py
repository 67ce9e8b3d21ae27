"""``python -m bench.microbench.servers``: what the servers reach, against what bounds them.

One cluster, every contender asked for all pods by the same number of connections,
in interleaved rounds: the API server itself (raw LIST over TLS), ``direct``, the
informer without and with churn, and nginx serving the informer's bytes from a
file. Only the ratios are claims.
"""

import argparse
import http.client
import os
import pwd
import shutil
import socket
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from bench.cluster.api import Credentials
from bench.cluster.binaries import resolve
from bench.cluster.populated import PopulatedCluster
from bench.fleet import ServerUnderTest, server_kinds
from bench.load.driver import Load, LoadDriver
from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog

WARM_UP_S = 1.0
READ_BYTES = 1 << 20
NO_NGINX = "nginx is not installed (Debian: apt-get install nginx-light)"

RAW = "API server, raw LIST"
DIRECT = "direct"
INFORMER = "informer"
CHURNED = "informer under churn"
NGINX = "nginx, sendfile"
NGINX_CHURNED = "nginx under churn"


@dataclass(frozen=True, slots=True)
class Ratio:
    """One contender's answers a second over another's, and what it should be at least.

    ``target`` is ``None`` for a ratio that is shown to read another by.
    """

    above: str
    below: str
    target: float | None


RATIOS = (
    Ratio(DIRECT, RAW, 0.65),
    Ratio(INFORMER, DIRECT, 15.0),
    Ratio(INFORMER, NGINX, 1.0),
    Ratio(CHURNED, INFORMER, 0.9),
    # nginx takes no part in the churn: what it loses, the writer and the control plane took
    Ratio(NGINX_CHURNED, NGINX, None),
)

Measure = Callable[[], float]


def main() -> None:
    """Measure and print a table of throughputs and one of ratios."""
    arguments = _parser().parse_args()
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print(f"filling a throwaway cluster with {arguments.pods} pods", file=sys.stderr)
        binaries = resolve(say=lambda text: print(text, file=sys.stderr))
        cluster = stack.enter_context(
            PopulatedCluster(binaries, watchdog, seed=1, pods=arguments.pods)
        )
        contenders = _contenders(stack, cluster, arguments, watchdog, folder)
        _report(_rounds(contenders, arguments.rounds), arguments)


def _contenders(
    stack: ExitStack,
    cluster: PopulatedCluster,
    arguments: argparse.Namespace,
    watchdog: Watchdog,
    folder: Path,
) -> dict[str, Measure]:
    """Start every contender and return how each is measured, in answers a second."""
    urls = {}
    for name in (DIRECT, INFORMER):
        server = ServerUnderTest.start(
            server_kinds()[name],
            kubeconfig=cluster.plane.kubeconfig,
            watchdog=watchdog,
            log=folder / f"{name}.log",
            threads=arguments.connections,
        )
        urls[name] = stack.enter_context(server).url

    def load(url: str) -> float:
        asked = Load("list-all", url, arguments.connections, cluster.targets)
        with LoadDriver(asked, out=folder / "load", watchdog=watchdog) as driver:
            driver.warm_up(WARM_UP_S)
            measured = driver.measure(arguments.seconds)
        if measured.failed:
            raise SystemExit(f"{url}: requests failed: {'; '.join(measured.first_failures)}")
        return measured.achieved_rps

    def churned(url: str) -> float:
        cluster.churn.resume(arguments.churn)
        try:
            return load(url)
        finally:
            cluster.churn.pause()

    credentials = cluster.plane.credentials("direct")
    contenders: dict[str, Measure] = {
        RAW: lambda: raw_lists_per_s(credentials, arguments.connections, arguments.seconds),
        DIRECT: lambda: load(urls[DIRECT]),
        INFORMER: lambda: load(urls[INFORMER]),
        CHURNED: lambda: churned(urls[INFORMER]),
    }
    program = find_nginx()
    if program is None:
        print(f"without nginx: {NO_NGINX}", file=sys.stderr)
    else:
        body = urllib3.request("GET", f"{urls[INFORMER]}/pods", retries=False).data
        url = stack.enter_context(nginx(program, body, watchdog, folder))
        contenders[NGINX] = lambda: load(url)
        contenders[NGINX_CHURNED] = lambda: churned(url)
    return contenders


def _rounds(contenders: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """Measure all, round by round, each second round in the opposite order."""
    seen: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        names = list(contenders)
        if number % 2:
            names.reverse()
        for name in names:
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            seen[name].append(contenders[name]())
    return seen


def _report(seen: Mapping[str, list[float]], arguments: argparse.Namespace) -> None:
    shape = f"{arguments.pods} pods, {arguments.connections} connections"
    print(f"{shape}, {arguments.rounds} rounds of {arguments.seconds:g} s")
    print(f"\n{'answers a second':42} median (lowest, highest)")
    for name, values in seen.items():
        print(f"{name:42} {statistics.median(values):.4g} ({min(values):.4g}, {max(values):.4g})")
    print(f"\n{'ratio, paired by round':42} median (lowest, highest)  wanted")
    for ratio in RATIOS:
        title = f"{ratio.above} / {ratio.below}"
        if ratio.above not in seen or ratio.below not in seen:
            print(f"{title:42} skipped: {NO_NGINX}")
            continue
        pairs = zip(seen[ratio.above], seen[ratio.below], strict=True)
        found = sorted(above / below for above, below in pairs)
        middle = f"{statistics.median(found):.2f} ({found[0]:.2f}, {found[-1]:.2f})"
        wanted = "" if ratio.target is None else f">= {ratio.target:g}"
        print(f"{title:42} {middle:24} {wanted}".rstrip())


def raw_lists_per_s(credentials: Credentials, connections: int, seconds: float) -> float:
    """LISTs of all pods a second from the API server itself, bodies read and thrown away.

    ``connections`` threads, each with a TLS connection of its own that it keeps.
    """
    address = urlsplit(credentials.server)
    tls = ssl.create_default_context(cafile=str(credentials.authority))
    token = credentials.token.read_text() if credentials.token else ""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    gate = threading.Barrier(connections + 1)
    counts = [0] * connections
    deadline = 0.0

    def read(number: int) -> None:
        connection = http.client.HTTPSConnection(address.netloc, timeout=60, context=tls)
        buffer = memoryview(bytearray(READ_BYTES))
        try:
            _list_once(connection, headers, buffer)
            gate.wait()
            gate.wait()
            while time.monotonic() < deadline:
                _list_once(connection, headers, buffer)
                counts[number] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=read, args=(n,), daemon=True) for n in range(connections)]
    for thread in threads:
        thread.start()
    gate.wait(timeout=60)  # every connection has been used once
    began = time.monotonic()
    deadline = began + seconds
    gate.wait(timeout=60)
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began)


def _list_once(
    connection: http.client.HTTPSConnection, headers: Mapping[str, str], buffer: memoryview
) -> None:
    connection.request("GET", "/api/v1/pods", headers=headers)
    response = connection.getresponse()
    if response.status != http.client.OK:
        raise SystemExit(f"the API server answered {response.status} to a LIST of pods")
    while response.readinto(buffer):
        pass


def find_nginx() -> str | None:
    """Return the path of nginx, also where only root has its folder on the path."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def nginx(program: str, body: bytes, watchdog: Watchdog, folder: Path) -> Iterator[str]:
    """Serve ``body`` at ``/pods`` from a file, by sendfile, a worker a processor; give the URL."""
    root = folder / "nginx"
    root.mkdir()
    (root / "pods").write_bytes(body)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = root / "nginx.conf"
    configuration.write_text(_nginx_configuration(root, port))
    url = f"http://127.0.0.1:{port}"
    with SupervisedProcess.start(
        "nginx",
        [program, "-e", root / "error.log", "-p", root, "-c", configuration],
        log=root / "nginx.log",
        watchdog=watchdog,
        ready=lambda: _accepts(port),
    ):
        yield url


def _nginx_configuration(root: Path, port: int) -> str:
    # started by root it would serve as nobody, who may not read a temporary folder
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


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.microbench.servers",
        description="Ratios of the servers' throughput, measured side by side on a throwaway "
        "cluster. Takes about two minutes.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--pods", type=int, default=1000, help="pods in the cluster")
    parser.add_argument("--connections", type=int, default=8, help="connections of each reader")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--churn", type=float, default=20.0, help="writes a second, where churned")
    return parser


if __name__ == "__main__":
    main()
