"""``python -m informer.conformance``: play the same histories to three informers and compare.

The exit code is 1 where this library differs from client-go without a stated reason.
"""

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from bench.cluster.binaries import resolve
from bench.cluster.control_plane import ControlPlane
from bench.supervision.watchdog import Watchdog
from informer.conformance import cluster_histories, scripted_histories
from informer.conformance.cluster_histories import Cluster, ClusterHistory
from informer.conformance.findings import Findings, observe
from informer.conformance.processes import (
    CLIENT_GO,
    KUBE_INFORMER,
    OFFICIAL,
    Pool,
    SubjectFailed,
    Watched,
    client_go_program,
)
from informer.conformance.scripted_histories import ScriptedHistory
from informer.conformance.scripted_server import SourceServer
from informer.conformance.table import Outcome, differences, markdown, unexplained

SUBJECTS = (CLIENT_GO, KUBE_INFORMER, OFFICIAL)
AT_ONCE = 4
"""Histories played at the same time: most of a history is waiting."""

DOCUMENT = Path(__file__).parents[1] / "docs" / "conformance.md"


def main() -> int:
    """Play, print, and write the document if asked to."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder, Watchdog() as watchdog:
        program = client_go_program(watchdog, lambda text: print(text, file=sys.stderr))
        outcomes = play(program, watchdog, Path(folder), short=options.short, only=options.only)
    text = markdown(outcomes)
    print(text)
    if options.write:
        DOCUMENT.write_text(text)
    return 1 if unexplained(outcomes) else 0


def play(
    program: Path,
    watchdog: Watchdog,
    folder: Path,
    *,
    short: bool = False,
    only: str = "",
    subjects: Sequence[str] = SUBJECTS,
    plane: ControlPlane | None = None,
) -> list[Outcome]:
    """Play the histories whose name contains ``only``; return what each subject showed.

    Without a ``plane`` one is started if a history needs it.
    """
    histories: tuple[ClusterHistory | ScriptedHistory, ...] = (
        *cluster_histories.HISTORIES,
        *scripted_histories.HISTORIES,
    )
    chosen = [one for one in histories if only in one.name and (one.short or not short)]
    numbers = itertools.count()
    with ExitStack() as stack:
        pool = Pool(program, folder)
        stack.callback(pool.close)
        if plane is None and any(isinstance(one, ClusterHistory) for one in chosen):
            ttl = f"--event-ttl={cluster_histories.EVENT_TTL_S}s"
            binaries = resolve(say=lambda text: print(text, file=sys.stderr))
            plane = stack.enter_context(ControlPlane.start(binaries, watchdog, extra_args=(ttl,)))

        def one_history(history: ClusterHistory | ScriptedHistory) -> Outcome:
            begun = time.monotonic()
            if isinstance(history, ScriptedHistory):
                place = folder / str(next(numbers))
                place.mkdir()
                found = _scripted(history, subjects, pool, place)
            else:
                assert plane is not None, "it was started for this"
                found = _on_cluster(history, plane, subjects, pool)
            took = time.monotonic() - begun
            outcome = Outcome(history.name, found)
            print(f"{took:5.0f} s: {history.name}", file=sys.stderr, flush=True)
            for one in differences([outcome]):
                print(f"        {one.thing}: {one.values}", file=sys.stderr, flush=True)
            return outcome

        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(one_history, chosen))


def _scripted(
    history: ScriptedHistory, names: Sequence[str], pool: Pool, folder: Path
) -> dict[str, Findings]:
    """Play to each subject alone, all at the same time."""
    names = [name for name in names if name != OFFICIAL or not history.streams]

    def to_one(name: str) -> Findings:
        server = SourceServer(
            scripted_histories.some_pods(),
            folder / f"{name}.kubeconfig",
            http_1_0=history.http_1_0,
            closing=history.closing,
        )
        server.script = history.script()
        try:
            with pool.take(name) as subject:
                subject.begin(Watched(server.kubeconfig, stream_initial=history.streams))
                subject.order("start")
                played = history.play(server, subject)
                return observe(subject, played.truth, played.fault_requests)
        except SubjectFailed as error:
            return {"synced": f"failed: {error}"}
        finally:
            server.close()

    with ThreadPoolExecutor(len(names)) as threads:
        return dict(zip(names, threads.map(to_one, names), strict=True))


_namespaces = itertools.count()


def _on_cluster(
    history: ClusterHistory, plane: ControlPlane, names: Sequence[str], pool: Pool
) -> dict[str, Findings]:
    """Play once, to all subjects together."""
    api = plane.api("admin")
    cluster = Cluster(plane, api, f"conformance-{next(_namespaces)}")
    api.post("/api/v1/namespaces", {"metadata": {"name": cluster.namespace}})
    history.before(cluster)
    watched = Watched(
        plane.kubeconfig,
        "admin",
        history.resource,
        cluster.namespace if history.resource.namespaced else "",
        history.objects,
    )
    found: dict[str, Findings] = {}
    with ExitStack() as stack:
        subjects = [stack.enter_context(pool.take(name)) for name in names]
        offered = [one for one in subjects if one.begin(watched)]
        found = {one.name: {"synced": "not offered"} for one in subjects if one not in offered}
        for subject in offered:
            subject.order("start")
        history.play(cluster, offered)
        truth = cluster_histories.truth(cluster, history.resource)
        with ThreadPoolExecutor(len(offered)) as threads:
            observed = threads.map(lambda one: observe(one, truth), offered)
            found |= dict(zip([one.name for one in offered], observed, strict=True))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m informer.conformance",
        description="Play the same histories to client-go, kube-informer and the official "
        "informer, and print where they differ. Takes about five minutes.",
    )
    parser.add_argument("--short", action="store_true", help="only what `make test` plays")
    parser.add_argument("--only", default="", help="only histories whose name contains this")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name} too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
