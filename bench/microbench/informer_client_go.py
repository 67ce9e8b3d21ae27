"""Filling from a large cluster and the memory it takes, ours against client-go's informer.

python -m bench.microbench.informer_client_go [--pods N] [--rounds R]

client-go runs as it does by default: typed objects, protobuf on the wire. Each round starts both,
in turn, as processes of their own; memory is what a process gained from before its first request,
at once after the fill and again after it gave back what it does not need.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.cluster.binaries import resolve
from bench.cluster.control_plane import ControlPlane
from bench.cluster.pods import draw_pods
from bench.cluster.populated import IDENTITY
from bench.cluster.population import populate
from bench.probes.processes import usage
from bench.supervision.watchdog import Watchdog
from informer.conformance.go_program import client_go_program
from informer.conformance.processes import CLIENT_GO, KUBE_INFORMER, Subject, Watched

if TYPE_CHECKING:
    from collections.abc import Callable

BY_LIST = "by LIST"
"""kube-informer, filled by a LIST in place of a streamed state."""
FILL_FACTOR = 1.3
MEMORY_FACTOR = 0.6
STOPS_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill: seconds from the first request on, and bytes of memory gained."""

    seconds: float
    gained_bytes: int
    settled_bytes: int


def main() -> None:
    """Populate, fill in turn, and print figures and ratios."""
    options = _parser().parse_args()
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        program = client_go_program(watchdog, _say)
        plane = stack.enter_context(ControlPlane.start(resolve(say=_say), watchdog))
        populate(plane.api(IDENTITY), draw_pods(1, options.pods))
        fills: dict[str, list[Fill]] = {CLIENT_GO: [], KUBE_INFORMER: [], BY_LIST: []}
        streamed = Watched(plane.kubeconfig, "informer", objects="typed", quiet=True)
        for number in range(options.rounds):
            order = list(fills) if number % 2 == 0 else list(reversed(fills))
            for name in order:
                _say(f"round {number + 1} of {options.rounds}: {name}")
                library = CLIENT_GO if name == CLIENT_GO else KUBE_INFORMER
                with Subject(library, program, folder / "log") as subject:
                    subject.begin(replace(streamed, stream_initial=name != BY_LIST))
                    fills[name].append(_filled(subject, options.pods))
        _report(options.pods, fills)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _filled(subject: Subject, pods: int) -> Fill:
    before = _pss(subject)
    seconds = subject.ask("start", "synced")["seconds"]
    gained = _pss(subject) - before
    subject.ask("settle", "settled")
    settled = _pss(subject) - before
    held = len(subject.cache())
    if held != pods:
        raise SystemExit(f"{subject.name} holds {held} pods of {pods}")
    if not subject.stop(STOPS_WITHIN_S):
        raise SystemExit(f"{subject.name} did not stop within {STOPS_WITHIN_S} s")
    return Fill(seconds, gained, settled)


def _pss(subject: Subject) -> int:
    used = usage(subject.pid)
    if used is None or used.pss_bytes is None:
        raise SystemExit(f"the memory of {subject.name} cannot be read here")
    return used.pss_bytes


def _report(pods: int, fills: dict[str, list[Fill]]) -> None:
    rows: tuple[tuple[str, float | None, Callable[[Fill], float]], ...] = (
        ("fill, s", FILL_FACTOR, lambda fill: fill.seconds),
        ("memory a pod after the fill, KB", None, lambda fill: fill.gained_bytes / pods / 1000),
        ("memory a pod, settled, KB", MEMORY_FACTOR, lambda fill: fill.settled_bytes / pods / 1000),
    )
    print(f"{pods:,} pods; medians of {len(fills[CLIENT_GO])} rounds")
    print(f"{'':34}" + "".join(f"{name:>15}" for name in fills))
    for title, wanted, of in rows:
        values = {name: [of(fill) for fill in taken] for name, taken in fills.items()}
        shown = "".join(f"{median(each):15.2f}" for each in values.values())
        bound = "" if wanted is None else f"  wanted <= {wanted:g}"
        print(f"{title:34}{shown}")
        for name in (KUBE_INFORMER, BY_LIST):
            pairs = zip(values[name], values[CLIENT_GO], strict=True)
            ratios = sorted(mine / peer for mine, peer in pairs)
            spread = f"{median(ratios):.2f} ({ratios[0]:.2f}, {ratios[-1]:.2f})"
            print(f"{'':34}{name:>15} / {CLIENT_GO}: {spread}{bound}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.microbench.informer_client_go",
        description="How long an informer takes to fill and what it holds, beside client-go's.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--pods", type=int, default=10_000, help="pods in the cluster")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is started")
    return parser


if __name__ == "__main__":
    main()
