"""``python -m bench.microbench.fill``: time and memory of filling informers from a large cluster.

Each informer is its own process: kube-informer by a LIST, its default, and by a streamed
state; client-go's and the official client's with their defaults, client-go's with typed objects
and a streamed state in protobuf. Memory is the growth of a process since before its first request,
right after the fill and again after it released what it does not need.

The server ``direct`` is the server ``informer`` without a cache: the difference of the two, in
time to ready and in memory, is the cost of the cache.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.cluster.binaries import resolve
from bench.cluster.control_plane import ControlPlane
from bench.cluster.pods import draw_pods
from bench.cluster.populated import IDENTITY
from bench.cluster.population import populate
from bench.microbench.side_by_side import in_turn, line, options, ratios, say, supervised
from bench.probes.processes import cpu_s, usage
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import server_kinds
from bench.sut.server import ServerUnderTest
from informer.conformance.processes import (
    CLIENT_GO,
    KUBE_INFORMER,
    OFFICIAL,
    Subject,
    Watched,
    client_go_program,
)

STREAMED = "kube-informer, streamed"
"""kube-informer, filled by a streamed state (WatchList) in place of a LIST."""
RATIOS = (
    (KUBE_INFORMER, CLIENT_GO, "<= 1.3", "<= 0.6"),
    (STREAMED, CLIENT_GO, "", "<= 0.6"),
    (KUBE_INFORMER, OFFICIAL, "<= 0.2", ""),
)
"""Ratios of two fills: the target of the seconds, and of the settled memory."""
STOPS_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill: seconds from the first request on, and bytes of memory gained.

    Processor time is the process's own and the API server's; the API server's allocated bytes
    include a scrape of its metrics.
    """

    seconds: float
    gained_bytes: int
    settled_bytes: int = 0
    cpu_s: float = 0.0
    api_cpu_s: float = 0.0
    api_allocated_bytes: float = 0.0


def main() -> None:
    """Populate a cluster, fill each informer several times in turn, and print the costs."""
    arguments = options(
        "fill",
        "Time to write a large cluster and to fill informers from it, and their memory. "
        "About four minutes.",
        pods=(10_000, "pods in the cluster"),
        rounds=(3, "starts of each"),
    )
    with ExitStack() as stack:
        watchdog, folder = stack.enter_context(supervised())
        program = client_go_program(watchdog, say)
        plane = stack.enter_context(ControlPlane.start(resolve(say=say), watchdog))
        began = time.monotonic()
        populate(plane.api(IDENTITY), draw_pods(1, arguments.pods))
        took_s = time.monotonic() - began
        body = len(plane.api(IDENTITY).get_bytes("/api/v1/pods?resourceVersion=0"))
        informers = (KUBE_INFORMER, STREAMED, CLIENT_GO, OFFICIAL)
        fill = partial(_fill, plane=plane, program=program, log=folder / "log", pods=arguments.pods)
        fills = in_turn({name: partial(fill, name) for name in informers}, arguments.rounds)
        start = partial(_start, plane=plane, watchdog=watchdog, folder=folder)
        starts = in_turn({name: partial(start, name) for name in ("direct", "informer")}, 3)
    size = f"{body / arguments.pods / 1000:.1f} KB"
    print(f"{arguments.pods:,} pods of {size} written in {took_s:.1f} s; {arguments.rounds} rounds")
    _report_informers(fills, arguments.pods)
    _report_servers(starts, body)


def _fill(name: str, *, plane: ControlPlane, program: Path, log: Path, pods: int) -> Fill:
    """Fill the informer ``name`` from the cluster."""
    library = KUBE_INFORMER if name == STREAMED else name
    watched = Watched(plane.kubeconfig, "informer", objects="typed", quiet=True)
    with Subject(library, program, log) as subject:
        subject.begin(replace(watched, stream_initial=name == STREAMED))
        before, allocated = _pss_bytes(subject.pid, name), _allocated_bytes(plane)
        apiserver = plane.pids()["apiserver"]
        cpu, api_cpu = cpu_s(subject.pid), cpu_s(apiserver)
        seconds = subject.ask("start", "synced")["seconds"]
        cpu, api_cpu = cpu_s(subject.pid) - cpu, cpu_s(apiserver) - api_cpu
        gained = _pss_bytes(subject.pid, name) - before
        allocated = _allocated_bytes(plane) - allocated
        subject.ask("settle", "settled")
        settled = _pss_bytes(subject.pid, name) - before
        if (count := len(subject.cache())) != pods:
            raise SystemExit(f"{name} holds {count} pods of {pods}")
        # the official one would wait for the end of its watch, minutes later
        if name != OFFICIAL and not subject.stop(STOPS_WITHIN_S):
            raise SystemExit(f"{name} did not stop within {STOPS_WITHIN_S} s")
        return Fill(seconds, gained, settled, cpu, api_cpu, allocated)


def _start(name: str, *, plane: ControlPlane, watchdog: Watchdog, folder: Path) -> Fill:
    """Start the server ``name`` and wait until it is ready."""
    spec = ServerSpec.on(plane, server_kinds()[name], folder / f"{name}.log")
    with ServerUnderTest.start(spec, watchdog) as server:
        return Fill(server.ready_s or 0.0, _pss_bytes(server.pid, name))


def _allocated_bytes(plane: ControlPlane) -> float:
    metrics = plane.observer().get_bytes("/metrics")
    return float(metrics.partition(b"\ngo_memstats_alloc_bytes_total ")[2].partition(b"\n")[0])


def _pss_bytes(pid: int, name: str) -> int:
    used = usage(pid)
    if used is None or used.pss_bytes is None:
        raise SystemExit(f"the memory of {name} cannot be read here")
    return used.pss_bytes


def _report_informers(fills: dict[str, list[Fill]], pods: int) -> None:
    print(f"\n{'informers':48} median (lowest, highest)  target")
    for name, rounds in fills.items():
        for title, field, unit in (
            ("fill, s", "seconds", 1),
            ("memory a pod after it, KB", "gained_bytes", pods * 1e3),
            ("memory a pod, settled, KB", "settled_bytes", pods * 1e3),
            ("CPU of it, s", "cpu_s", 1),
            ("CPU of the API server, s", "api_cpu_s", 1),
            ("allocated by the API server, MB", "api_allocated_bytes", 1e6),
        ):
            line(f"{name}: {title}", [getattr(fill, field) / unit for fill in rounds])
    for above, below, of_seconds, of_memory in RATIOS:
        seconds = ([fill.seconds for fill in fills[name]] for name in (above, below))
        line(f"{above} / {below}: fill", ratios(*seconds), of_seconds)
        memory = ([fill.settled_bytes for fill in fills[name]] for name in (above, below))
        line(f"{above} / {below}: memory", ratios(*memory), of_memory)


def _report_servers(starts: dict[str, list[Fill]], body: int) -> None:
    print(f"\n{'server informer, beyond direct':48} median (lowest, highest)  target")
    pairs = list(zip(starts["informer"], starts["direct"], strict=True))
    line("seconds to ready", (ours.seconds - other.seconds for ours, other in pairs), "<= 2")
    gained = ((ours.gained_bytes - other.gained_bytes) / body for ours, other in pairs)
    line("memory over the pods' JSON", gained, "<= 1.5")


if __name__ == "__main__":
    main()
