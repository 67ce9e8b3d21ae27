"""Runs with processes that die or stand still, and with a full disk."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.cluster.binaries import Binaries
from bench.model import CaveatKind, Outcome, RunState
from bench.store import Store
from tests.integration.run.bench_process import (
    LONG_WARM_UP,
    LONG_WINDOW,
    MANY_PODS,
    ONLY_DIRECT,
    ONLY_INFORMER,
    QUICK,
    ROOT,
    TIMEOUT_S,
    TINY,
    changed,
    often,
    only_run,
    seldom,
)
from tests.integration.run.conftest import StartBench

STOPPED_S = 3.5
"""Longer than the window in which a process is stopped."""


@pytest.mark.parametrize(
    ("stage", "changes"),
    [
        often("writing pods", MANY_PODS),
        seldom("comparing the servers' answers"),
        seldom("starting informer", ONLY_INFORMER),
        seldom("starting direct", ONLY_DIRECT),
        seldom("warming up", LONG_WARM_UP),
        often("measuring", ONLY_INFORMER, LONG_WINDOW),
    ],
)
def test_an_etcd_that_dies_ends_the_run_with_that_reason(
    start_run: StartBench, stage: str, changes: tuple[tuple[str, str], ...]
) -> None:
    bench = start_run(*changes)
    bench.wait_for(stage)
    bench.child("etcd", "--data-dir").kill()
    bench.ends(1)
    assert "etcd was killed by SIGKILL" in bench.text
    assert "etcd" in (only_run(bench).record.reason or "")


def test_an_etcd_that_dies_while_the_api_server_starts_is_named(start_run: StartBench) -> None:
    bench = start_run()
    bench.wait_for("starting etcd and kube-apiserver")
    bench.wait_for_child("kube-apiserver", "--etcd-servers")
    bench.child("etcd", "--data-dir").kill()
    bench.ends(1)
    assert "etcd was killed by SIGKILL" in bench.text


@pytest.mark.parametrize(
    ("stage", "changes"),
    [seldom("writing pods", MANY_PODS), often("measuring", ONLY_INFORMER, LONG_WINDOW)],
)
def test_a_watchdog_that_dies_ends_the_run_with_that_reason_and_nothing_left(
    start_run: StartBench, stage: str, changes: tuple[tuple[str, str], ...]
) -> None:
    bench = start_run(*changes)
    bench.wait_for(stage)
    bench.child("bench.supervision.guardian").kill()
    bench.ends(1)
    assert "the watchdog process was killed by SIGKILL" in bench.text
    assert RunState.INCOMPLETE is only_run(bench).record.state


def test_a_fault_of_a_process_fails_its_trial_with_a_reason_and_the_run_continues(
    start_run: StartBench,
) -> None:
    """The server dies; the harness, then the load generator is stopped for longer than a window."""
    bench = start_run(
        ONLY_INFORMER, ("rounds = 1", "rounds = 4"), ("duration_s = 1.5", "duration_s = 3")
    )
    bench.wait_for("[1/4] all, informer, round 1: measuring")
    bench.child("-m servers", "--kubeconfig").kill()
    for measuring in (
        "[2/4] all, informer, round 2: measuring",
        "[3/4] all, informer, round 3: measuring",
    ):
        bench.wait_for(measuring)
        harness = psutil.Process(bench.process.pid)
        process = harness if "[2/4]" in measuring else bench.child("-m bench.load")
        process.suspend()
        time.sleep(STOPPED_S)
        process.resume()
    bench.ends(1)
    assert "3 trial(s) failed" in bench.text
    reader = Store(bench.results).open("latest")
    assert RunState.COMPLETE is reader.record.state
    died, harness_stopped, load_stopped, went_well = reader.trials()
    assert "was killed by SIGKILL" in (died.failure or "")
    assert CaveatKind.TRIAL_FAILED in {caveat.kind for caveat in died.caveats}
    for stopped in (harness_stopped, load_stopped):
        assert "stood still for" in (stopped.failure or "")
    assert [Outcome.FAILED] * 3 == [died.outcome, harness_stopped.outcome, load_stopped.outcome]
    assert Outcome.OK is went_well.outcome
    (page,) = bench.reports.glob("*-tiny/index.html")
    assert not re.search(r"\bnan\b", page.read_text(), re.IGNORECASE)


@pytest.mark.soak  # requests are given 30 s each before they are given up
def test_a_server_without_any_complete_answer_fails_its_trial_and_the_run_continues(
    start_run: StartBench,
) -> None:
    bench = start_run()
    bench.wait_for("measuring")
    frozen = [bench.child("-m servers", "--kubeconfig")]
    frozen += frozen[0].children(recursive=True)
    for process in frozen:
        process.suspend()
    bench.ends(1, 300)
    reader = Store(bench.results).open("latest")
    outcomes = [record.outcome for record in reader.trials()]
    assert [Outcome.FAILED, Outcome.OK, Outcome.OK] == sorted(outcomes)
    (failed,) = [trial for trial in reader.trials() if trial.outcome is Outcome.FAILED]
    assert "did not answer" in (failed.failure or "")
    (page,) = bench.reports.glob("*-tiny/index.html")
    assert not re.search(r"\bnan\b", page.read_text(), re.IGNORECASE)


def test_a_full_disk_ends_the_run_and_leaves_finished_trials(
    tmp_path: Path, binaries: Binaries
) -> None:
    if not _may_mount():
        pytest.skip("needs a small file system of its own: unshare --mount is not permitted here")
    (tmp_path / "tiny.toml").write_text(
        changed(TINY, ONLY_INFORMER, ("rounds = 1", "rounds = 9"), *QUICK)
    )
    small = tmp_path / "small"
    small.mkdir()
    kept = tmp_path / "kept"
    script = f"""
        mount -t tmpfs -o size=140k none {small}
        {sys.executable} -m bench run {tmp_path}/tiny.toml \\
            --results {small} --reports {tmp_path}/reports 2>{tmp_path}/messages
        code=$?
        cp -r {small} {kept}
        exit $code
    """
    done = subprocess.run(
        [*_UNSHARE, "sh", "-c", script],
        cwd=ROOT,
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "TMPDIR": str(tmp_path),
            "TEST_ASSET_KUBE_APISERVER": str(binaries.kube_apiserver),
            "TEST_ASSET_ETCD": str(binaries.etcd),
        },
        timeout=TIMEOUT_S,
        check=False,
    )
    messages = (tmp_path / "messages").read_text()
    assert 1 == done.returncode, messages
    assert "disk full while writing" in messages
    assert "Traceback" not in messages
    trials = Store(kept).open("latest").trials()
    assert trials
    assert {Outcome.OK} == {record.outcome for record in trials}


_UNSHARE = ("unshare", "--mount", "--map-root-user")


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = [*_UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0
