"""A run that is interrupted or killed, or runs beside another: its messages and its remains."""

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack

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
    TINY,
    BenchProcess,
    changed,
    folders,
    often,
    only_run,
    seldom,
)
from tests.integration.run.conftest import StartBench

NINE_ROUNDS = ("rounds = 1", "rounds = 9")
IMPATIENT = (signal.SIGINT, signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize(
    ("stage", "changes"),
    [
        often("Plan tiny"),
        often("starting etcd and kube-apiserver"),
        seldom("writing pods", MANY_PODS),
        often("comparing the servers' answers", ONLY_INFORMER),
        seldom("starting informer", ONLY_INFORMER),
        seldom("warming up", LONG_WARM_UP),
        seldom("measuring", LONG_WINDOW),
        seldom("[2/3] all,"),
    ],
)
def test_ctrl_c_in_any_phase_ends_it_in_order(
    start_run: StartBench, stage: str, changes: tuple[tuple[str, str], ...]
) -> None:
    bench = start_run(*changes)
    bench.wait_for(stage)
    for number in IMPATIENT if stage.startswith("comparing") else (signal.SIGINT,):
        bench.signal(number)
    bench.ends(130)
    assert "interrupted by SIGINT" in bench.text
    record = only_run(bench).record
    assert RunState.INCOMPLETE is record.state
    assert "interrupted by SIGINT" == record.reason
    assert f"python -m bench run --resume {record.run} " in bench.text.splitlines()[-1]


def test_a_harness_killed_outright_leaves_no_process_and_no_folder_and_still_makes_a_report(
    start_run: StartBench, binaries: Binaries
) -> None:
    bench = start_run(('"direct", "informer", "none"', '"informer", "none"'), NINE_ROUNDS)
    bench.wait_for("[2/18]")
    bench.wait_for_child("-m bench.load")
    bench.process.kill()
    bench.wait()
    bench.wait_until_nothing_is_left()
    assert RunState.RUNNING is only_run(bench).record.state
    report = BenchProcess(bench.folder, ("report", *folders(bench.folder)), binaries)
    assert 0 == report.wait(), report.text
    (page,) = bench.reports.glob("*-tiny/index.html")
    assert re.search(r"provisional, [1-3] of 18 trials", page.read_text())


@pytest.fixture(scope="module")
def two(
    tmp_path_factory: pytest.TempPathFactory, binaries: Binaries
) -> Iterator[tuple[BenchProcess, BenchProcess]]:
    """A run that measures, and one beside it whose API server died in its second trial."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        cache = tmp_path_factory.mktemp("cache")  # apart from other tests' runs
        patch.setenv("XDG_CACHE_HOME", str(cache))

        def start(*changes: tuple[str, str]) -> BenchProcess:
            folder = tmp_path_factory.mktemp("run")
            (folder / "tiny.toml").write_text(changed(TINY, *changes))
            words = ("run", str(folder / "tiny.toml"), *folders(folder))
            return stack.enter_context(BenchProcess(folder, words, binaries))

        first = start(ONLY_INFORMER, LONG_WINDOW)
        first.wait_for("measuring")
        second = start(ONLY_DIRECT, NINE_ROUNDS)
        second.wait_for("[2/9]")
        second.child("kube-apiserver", "--etcd-servers").kill()
        second.ends(1)
        yield first, second


def test_two_runs_at_once_name_each_other(two: tuple[BenchProcess, BenchProcess]) -> None:
    first, second = two
    name = only_run(first).record.run
    assert f"beside it  the run {name}: both will be noisy" in second.text
    caveats = Store(second.results).open("latest").trials()[0].caveats
    texts = [caveat.text for caveat in caveats if caveat.kind is CaveatKind.NOISY_MACHINE]
    assert any(f"the run {name}" in text for text in texts)


def test_an_api_server_that_dies_ends_the_run_and_its_trials_are_kept(
    two: tuple[BenchProcess, BenchProcess],
) -> None:
    _, bench = two
    assert "kube-apiserver was killed by SIGKILL" in bench.text
    reader = Store(bench.results).open("latest")
    assert RunState.INCOMPLETE is reader.record.state
    assert "kube-apiserver" in (reader.record.reason or "")
    assert Outcome.OK is reader.trials()[0].outcome
    assert list(bench.reports.glob("*-tiny/index.html"))


def test_clean_ends_the_processes_of_a_run_that_was_killed_with_its_watchdog(
    two: tuple[BenchProcess, BenchProcess], binaries: Binaries
) -> None:
    bench, _ = two
    guardian = bench.child("bench.supervision.guardian")
    guardian.suspend()
    bench.process.kill()
    bench.wait()
    guardian.kill()
    assert [] != bench.left_behind()
    clean = BenchProcess(bench.folder, ("clean",), binaries)
    assert 0 == clean.wait(), clean.text
    assert [] == bench.left_behind()
    assert "killed together with its watchdog" in clean.text
