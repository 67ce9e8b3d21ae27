"""``python -m bench.microbench.fill``: a large cluster written, and taken in by the informer.

The server ``direct`` is the same process without a cache: what the informer's
server needs beyond it, in time to ready and in memory, is the cache's. Last, the informer
and the official client's fill their caches from the same cluster, in a process
of their own.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.cluster.binaries import resolve
from bench.cluster.control_plane import ControlPlane
from bench.cluster.pods import draw_pods
from bench.cluster.populated import IDENTITY
from bench.cluster.population import populate
from bench.probes.processes import usage
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import server_kinds
from bench.sut.server import ServerUnderTest

OFFICIAL = "bench.microbench.informer_fill"
READY_WITHIN_S = 2.0
MEMORY_FACTOR = 1.5


def main() -> None:
    """Fill, start both servers some times in turn, and print what they needed."""
    arguments = _parser().parse_args()
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        binaries = resolve(say=lambda text: print(text, file=sys.stderr))
        plane = stack.enter_context(ControlPlane.start(binaries, watchdog))
        began = time.monotonic()
        populate(plane.api(IDENTITY), draw_pods(1, arguments.pods))
        filled_s = time.monotonic() - began
        body = len(plane.api(IDENTITY).get_bytes("/api/v1/pods?resourceVersion=0"))
        seen: dict[str, list[tuple[float, int]]] = {"direct": [], "informer": []}
        for number in range(arguments.rounds):
            for name, found in seen.items():
                print(f"round {number + 1} of {arguments.rounds}: {name}", file=sys.stderr)
                found.append(_start(name, plane, watchdog, folder))
        _report(arguments.pods, filled_s, body, seen)
        _beside_the_official_informer(plane)


def _start(name: str, plane: ControlPlane, watchdog: Watchdog, folder: Path) -> tuple[float, int]:
    """Return seconds to ready and PSS in bytes then."""
    spec = ServerSpec.on(plane, server_kinds()[name], folder / f"{name}.log")
    with ServerUnderTest.start(spec, watchdog) as server:
        used = usage(server.pid)
        if used is None or used.pss_bytes is None:
            raise SystemExit(f"the memory of {name} cannot be read here")
        return server.ready_s, used.pss_bytes


def _beside_the_official_informer(plane: ControlPlane) -> None:
    command = [sys.executable, "-m", OFFICIAL, "--kubeconfig", str(plane.kubeconfig)]
    subprocess.run([*command, "--context", "informer"], check=True)


def _report(
    pods: int, filled_s: float, body: int, seen: dict[str, list[tuple[float, int]]]
) -> None:
    pairs = list(zip(seen["informer"], seen["direct"], strict=True))
    seconds = sorted(ours[0] - theirs[0] for ours, theirs in pairs)
    factors = sorted((ours[1] - theirs[1]) / body for ours, theirs in pairs)
    print(f"{pods} pods of {body / pods / 1000:.1f} KB written in {filled_s:.1f} s")
    print(f"{'informer, against direct':44} median (lowest, highest)  wanted")
    for title, values, wanted in (
        ("seconds to ready beyond direct", seconds, READY_WITHIN_S),
        ("memory beyond direct, over the pods' JSON", factors, MEMORY_FACTOR),
    ):
        middle = f"{values[len(values) // 2]:.2f} ({values[0]:.2f}, {values[-1]:.2f})"
        print(f"{title:44} {middle:24} <= {wanted:g}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.microbench.fill",
        description="How long a large cluster takes to write, and what an informer needs to take "
        "it in. Takes about two minutes.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--pods", type=int, default=10_000, help="pods in the cluster")
    parser.add_argument("--rounds", type=int, default=3, help="how often each server is started")
    return parser


if __name__ == "__main__":
    main()
