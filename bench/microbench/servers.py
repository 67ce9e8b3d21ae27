"""``python -m bench.microbench.servers``: what the servers reach, against what bounds them.

One cluster, every contender asked for all pods by the same number of connections,
in interleaved rounds: the API server itself (raw LIST over TLS), ``direct``, the
informer without and with churn, and nginx serving the informer's bytes from a
file. Only the ratios are claims.

Under churn the writer, the API server and etcd want processors too, and on a
small machine the server gets the less of them: what events cost the server
itself shows in its CPU time an answer, which is set beside the throughput.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import urllib3

from bench.cluster.binaries import resolve
from bench.cluster.control_plane import ControlPlane
from bench.cluster.populated import PopulatedCluster
from bench.load.driver import Load, LoadDriver
from bench.microbench.nginx import NO_NGINX, find_nginx, nginx
from bench.microbench.rawlists import raw_lists_per_s
from bench.probes.processes import cpu_s
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import server_kinds
from bench.sut.server import ServerUnderTest

WARM_UP_S = 1.0

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

CPU_UNDER_CHURN = 1.1
"""At most so many times the CPU time an answer: 20 events a second may cost 10%."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Answers a second, and the server's CPU seconds for each where its process is known."""

    per_s: float
    cpu_s: float | None = None


Measure = Callable[[], Reading]


def main() -> None:
    """Measure and print a table of throughputs and one of ratios."""
    arguments = _parser().parse_args()
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
        contenders = _contenders(stack, cluster, arguments, watchdog, folder)
        _report(_rounds(contenders, arguments.rounds), arguments)


def _contenders(
    stack: ExitStack,
    cluster: PopulatedCluster[ControlPlane],
    arguments: argparse.Namespace,
    watchdog: Watchdog,
    folder: Path,
) -> dict[str, Measure]:
    """Start every contender and return how each is measured."""
    urls, pids = {}, {}
    for name in (DIRECT, INFORMER):
        spec = ServerSpec.on(cluster.plane, server_kinds()[name], folder / f"{name}.log")
        server = ServerUnderTest.start(replace(spec, threads=arguments.connections), watchdog)
        urls[name] = stack.enter_context(server).url
        pids[urls[name]] = server.pid

    def load(url: str) -> Reading:
        asked = Load("list-all", (url,), arguments.connections, cluster.targets)
        with LoadDriver(asked, out=folder / "load", watchdog=watchdog) as driver:
            driver.warm_up(WARM_UP_S)
            before = cpu_s(pids[url]) if url in pids else None
            measured = driver.measure(arguments.seconds)
        if measured.failed:
            raise SystemExit(f"{url}: requests failed: {'; '.join(measured.first_failures)}")
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
        print(f"without nginx: {NO_NGINX}", file=sys.stderr)
    else:
        body = urllib3.request("GET", f"{urls[INFORMER]}/pods", retries=False).data
        url = stack.enter_context(nginx(program, body, watchdog, folder))
        contenders[NGINX] = lambda: load(url)
        contenders[NGINX_CHURNED] = lambda: churned(url)
    return contenders


def _rounds(contenders: Mapping[str, Measure], rounds: int) -> dict[str, list[Reading]]:
    """Measure all, round by round, each second round in the opposite order."""
    seen: dict[str, list[Reading]] = {name: [] for name in contenders}
    for number in range(rounds):
        names = list(contenders)
        if number % 2:
            names.reverse()
        for name in names:
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr)
            seen[name].append(contenders[name]())
    return seen


def _report(seen: Mapping[str, list[Reading]], arguments: argparse.Namespace) -> None:
    shape = f"{arguments.pods} pods, {arguments.connections} connections"
    print(f"{shape}, {arguments.rounds} rounds of {arguments.seconds:g} s")
    print(f"\n{'answers a second':42} median (lowest, highest)")
    for name, readings in seen.items():
        values = [reading.per_s for reading in readings]
        print(f"{name:42} {statistics.median(values):.4g} ({min(values):.4g}, {max(values):.4g})")
    print(f"\n{'ratio, paired by round':42} median (lowest, highest)  wanted")
    for ratio in RATIOS:
        title = f"{ratio.above} / {ratio.below}"
        if ratio.above not in seen or ratio.below not in seen:
            print(f"{title:42} skipped: {NO_NGINX}")
            continue
        pairs = zip(seen[ratio.above], seen[ratio.below], strict=True)
        _line(
            title,
            [above.per_s / below.per_s for above, below in pairs],
            "" if ratio.target is None else f">= {ratio.target:g}",
        )
    pairs = zip(seen[CHURNED], seen[INFORMER], strict=True)
    costs = [above.cpu_s / below.cpu_s for above, below in pairs if above.cpu_s and below.cpu_s]
    _line(f"{CHURNED} / alone, CPU an answer", costs, f"<= {CPU_UNDER_CHURN:g}")


def _line(title: str, values: list[float], wanted: str) -> None:
    middle = f"{statistics.median(values):.2f} ({min(values):.2f}, {max(values):.2f})"
    print(f"{title:42} {middle:24} {wanted}".rstrip())


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
