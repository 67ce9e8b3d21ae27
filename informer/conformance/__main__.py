"""``python -m informer.conformance``: play the same histories to three informers and compare.

The exit code is 1 if this library differs from client-go without a stated reason.
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
PARALLEL = 4
"""Histories played at the same time: most of a history is waiting."""

DOCUMENT = Path(__file__).parents[1] / "docs" / "conformance.md"


def main() -> int:
    """Play the histories, print the table, and write the document with ``--write``."""
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
    """Play the histories whose name contains ``only``; return the findings of each subject.

    Start a control plane if a history needs one and ``plane`` is ``None``.
    """
    histories: tuple[ClusterHistory | ScriptedHistory, ...] = (
        *cluster_histories.HISTORIES,
        *scripted_histories.HISTORIES,
    )
    chosen = [item for item in histories if only in item.name and (item.short or not short)]
    numbers = itertools.count()
    with ExitStack() as stack:
        pool = Pool(program, folder)
        stack.callback(pool.close)
        if plane is None and any(isinstance(history, ClusterHistory) for history in chosen):
            ttl = f"--event-ttl={cluster_histories.EVENT_TTL_S}s"
            binaries = resolve(say=lambda text: print(text, file=sys.stderr))
            plane = stack.enter_context(ControlPlane.start(binaries, watchdog, extra_args=(ttl,)))

        def play_history(history: ClusterHistory | ScriptedHistory) -> Outcome:
            started = time.monotonic()
            if isinstance(history, ScriptedHistory):
                own_folder = folder / str(next(numbers))
                own_folder.mkdir()
                findings = _play_scripted(history, subjects, pool, own_folder)
            else:
                assert plane is not None, "it was started for this"
                findings = _play_on_cluster(history, plane, subjects, pool)
            duration_s = time.monotonic() - started
            outcome = Outcome(history.name, findings)
            print(f"{duration_s:5.0f} s: {history.name}", file=sys.stderr, flush=True)
            for item in differences([outcome]):
                print(f"        {item.aspect}: {item.values}", file=sys.stderr, flush=True)
            return outcome

        with ThreadPoolExecutor(PARALLEL) as threads:
            return list(threads.map(play_history, chosen))


def _play_scripted(
    history: ScriptedHistory, names: Sequence[str], pool: Pool, folder: Path
) -> dict[str, Findings]:
    """Play a history to each subject alone, all subjects at the same time."""
    names = [name for name in names if name != OFFICIAL or not history.streams]

    def play_to(name: str) -> Findings:
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
                subject.send("start")
                played = history.play(server, subject)
                return observe(subject, played.truth, played.fault_requests)
        except SubjectFailed as error:
            return {"synced": f"failed: {error}"}
        finally:
            server.close()

    with ThreadPoolExecutor(len(names)) as threads:
        return dict(zip(names, threads.map(play_to, names), strict=True))


_namespaces = itertools.count()


def _play_on_cluster(
    history: ClusterHistory, plane: ControlPlane, names: Sequence[str], pool: Pool
) -> dict[str, Findings]:
    """Play a history once, to all subjects together."""
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
    findings: dict[str, Findings] = {}
    with ExitStack() as stack:
        subjects = [stack.enter_context(pool.take(name)) for name in names]
        offered = [subject for subject in subjects if subject.begin(watched)]
        findings = {s.name: {"synced": "not offered"} for s in subjects if s not in offered}
        for subject in offered:
            subject.send("start")
        history.play(cluster, offered)
        truth = cluster_histories.truth(cluster, history.resource)
        with ThreadPoolExecutor(len(offered)) as threads:
            observed = threads.map(lambda subject: observe(subject, truth), offered)
            findings |= dict(zip([subject.name for subject in offered], observed, strict=True))
    return findings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m informer.conformance",
        description="Play the same histories to client-go, kube-informer and the official "
        "informer, and print where they differ. Takes about five minutes.",
    )
    parser.add_argument("--short", action="store_true", help="only the histories of `make test`")
    parser.add_argument("--only", default="", help="only histories whose name contains this")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name} too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
