"""Runs whose load several Locust processes make: begun, interrupted, gone on with, bought for."""

import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.analysis import analyse
from bench.cluster.binaries import Binaries
from bench.model import CaveatKind, LoadWorkers, Outcome, RunState
from bench.store import RunReader, Store
from tests.integration.load.elsewhere import ByHand
from tests.integration.run.bench_process import TIMEOUT_S, TINY, BenchProcess, changed, folders
from tests.integration.run.conftest import StartBench

SHARED = changed(TINY, ("users = 2", "users = 4"))
MASTER, WORKER = "127.0.0.2", "127.0.0.3"
"""Two addresses of this machine that stand for two machines."""
RULES = """\
name = "counted"
description = "One request for each read."
looks = [2]

[[rules]]
name = "direct asks once for each read"
scenario = "all"
arm = "direct"
metric = "api_requests"
per_1000 = true
at_most = 2000
"""
StartWorker = Callable[[str], ByHand]


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """Starts a worker by the command that a run printed, with an address of its own."""
    workers: list[ByHand] = []

    def start(command: str) -> ByHand:
        words = command.split()
        assert ["python", "-m", "bench.load", "worker"] == words[:4]
        worker = ByHand(tmp_path / f"worker-{len(workers)}.log", *words[4:], "--from", WORKER)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.end()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> BenchProcess:
    """A run of two workers, interrupted after its first trial."""
    folder = tmp_path_factory.mktemp("begun")
    (folder / "tiny.toml").write_text(SHARED)
    words = ("run", str(folder / "tiny.toml"), "--load-workers", "2", *folders(folder))
    with BenchProcess(folder, words, binaries) as process:
        process.wait_for("[2/3] all,")
        process.signal(signal.SIGINT)
        process.ends(130)
    return process


@pytest.fixture(scope="module")
def refusal(begun: BenchProcess, binaries: Binaries) -> str:
    """What is said when the same run is to be gone on with by three workers."""
    words = ("run", "--resume", "--load-workers", "3", *folders(begun.folder))
    with BenchProcess(begun.folder, words, binaries) as process:
        process.ends(2)
    return process.text


@pytest.fixture(scope="module")
def whole(begun: BenchProcess, refusal: str, binaries: Binaries) -> BenchProcess:
    """The same run, which was not harmed by the refusal, gone on with to its end by its own."""
    assert refusal
    words = ("run", "--resume", *folders(begun.folder))
    with BenchProcess(begun.folder, words, binaries) as process:
        process.ends(0)
    return process


def run_of(process: BenchProcess) -> RunReader:
    return Store(process.results).open("latest")


def test_another_number_of_workers_is_refused_with_the_way_out(refusal: str) -> None:
    assert (
        "made by 2 Locust workers (2 here); it cannot be resumed with 3 Locust workers" in refusal
    )
    assert "Leave out --load-workers and --expect-load-workers" in refusal


def test_the_run_is_complete_and_says_who_made_its_load(whole: BenchProcess) -> None:
    run = run_of(whole)
    assert (RunState.COMPLETE, LoadWorkers(here=2)) == (run.record.state, run.record.load_workers)
    assert [Outcome.OK] * 3 == [record.outcome for record in run.trials()]
    assert 1 == len(run.record.resumptions)
    assert () == run.record.resumptions[0].unlike


def test_both_workers_made_their_share_of_every_trial(whole: BenchProcess) -> None:
    run = run_of(whole)
    for record in run.trials():
        rows = run.requests(record.trial)
        if record.trial.server == "none":
            assert () == record.load_workers
            assert rows.empty
            continue
        assert ["worker-1", "worker-2"] == [each.name for each in record.load_workers]
        shares = rows.groupby("worker").size().to_dict()
        assert {each.name: each.sent for each in record.load_workers} == shares
        assert min(shares.values()) > 0
        assert record.sent == sum(shares.values())
        sampled = set(run.samples(record.trial).process)
        assert {"load", "load-worker-1", "load-worker-2"} <= sampled


def test_each_workers_clock_was_compared_with_the_masters(whole: BenchProcess) -> None:
    """They are one clock here: the offset that was found is within what it was said to be."""
    clocks = [each for record in run_of(whole).trials() for each in record.load_workers]
    assert 4 == len(clocks)
    for each in clocks:
        assert 0 < each.clock_uncertainty_us
        assert abs(each.clock_offset_us) <= each.clock_uncertainty_us


def test_the_three_ledgers_agree(whole: BenchProcess) -> None:
    analysis = analyse(run_of(whole))
    assert [True] * 3 == [line.ledgers.agree for line in analysis.trials]
    kinds = {caveat.kind for caveat in analysis.caveats}
    assert not {CaveatKind.LEDGERS_DISAGREE, CaveatKind.NOT_DRAINED} & kinds


def test_the_report_shows_every_worker_of_every_trial(whole: BenchProcess) -> None:
    folder = whole.reports / run_of(whole).record.run
    page = (folder / "index.html").read_text()
    (section,) = re.findall(r'<section id="load-workers">.*?</section>', page, re.DOTALL)
    assert "its workers (2 here, 0 from elsewhere)" in section
    assert [2, 2] == [section.count(f">worker-{number}<") for number in (1, 2)]
    summary = json.loads((folder / "summary.json").read_text())
    assert {"here": 2, "elsewhere": 0} == summary["load_workers"]


def test_a_worker_elsewhere_stays_through_an_interruption_and_for_bought_rounds(
    start_bench: StartBench, start_worker: StartWorker, tmp_path: Path
) -> None:
    plan = changed(
        SHARED,
        ('"direct", "informer", "none"', '"direct", "informer"'),
        ("[[scenarios]]", "[[scenarios]]\nprobe = false"),
    )
    (tmp_path / "tiny.toml").write_text(plan)
    (tmp_path / "counted.toml").write_text(RULES)
    bench = start_bench(
        "run",
        str(tmp_path / "tiny.toml"),
        *("--load-workers", "1", "--expect-load-workers", "1", "--load-bind", f"{MASTER}:0"),
        *folders(tmp_path),
    )
    command, port = printed_command(bench)
    worker = start_worker(command)
    bench.wait_for("[2/2] all,")
    bench.signal(signal.SIGINT)
    bench.ends(130)
    assert worker.process.poll() is None, worker.said

    nowhere = start_bench("run", "--resume", *folders(tmp_path))
    assert 2 == nowhere.wait()
    assert "(1 here, 1 from elsewhere): name an address" in nowhere.text
    again = start_bench("run", "--resume", "--load-bind", f"{MASTER}:{port}", *folders(tmp_path))
    again.ends(0)
    run = run_of(again)
    assert (RunState.COMPLETE, LoadWorkers(here=1, elsewhere=1)) == (
        run.record.state,
        run.record.load_workers,
    )

    gate = ("gate", "latest", "--rules", str(tmp_path / "counted.toml"), *folders(tmp_path))
    nowhere = start_bench(*gate, "--buy")
    assert 2 == nowhere.wait()
    assert "(1 here, 1 from elsewhere): name an address" in nowhere.text
    bought = start_bench(*gate, "--buy", "--load-bind", f"{MASTER}:{port}")
    bought.ends(0)
    assert "after 1 rounds: extending to 2" in bought.text
    run = run_of(bought)
    assert [1, 1, 2, 2] == [record.trial.round for record in run.trials()]
    for record in run.trials():
        assert {"worker-1", "elsewhere-1"} == set(run.requests(record.trial).worker)
    assert [True] * 4 == [line.ledgers.agree for line in analyse(run).trials]
    kept = "\n".join(path.read_text() for path in bought.results.rglob("*.json"))
    assert not re.search(r"127\.0\.0\.", kept)
    worker.process.send_signal(signal.SIGTERM)
    assert 128 + signal.SIGTERM == worker.process.wait(20)


def test_a_run_whose_workers_do_not_come_ends_with_the_command_that_starts_one(
    start_bench: StartBench, tmp_path: Path
) -> None:
    (tmp_path / "tiny.toml").write_text(SHARED)
    bench = start_bench(
        "run",
        str(tmp_path / "tiny.toml"),
        *("--expect-load-workers", "1", "--load-bind", f"{MASTER}:0", "--load-within", "2"),
        *folders(tmp_path),
    )
    bench.ends(1)
    command, _ = printed_command(bench)
    assert "0 of 1 load workers came within 2 s" in bench.text
    assert f"1 from elsewhere missing; each is started with: {command}" in bench.text
    store = Store(bench.results)
    (run,) = store.runs()
    assert RunState.INCOMPLETE is store.open(run).record.state


@pytest.mark.soak
def test_ctrl_c_while_workers_are_awaited_ends_it_in_order(
    start_bench: StartBench, tmp_path: Path
) -> None:
    (tmp_path / "tiny.toml").write_text(SHARED)
    bench = start_bench(
        "run",
        str(tmp_path / "tiny.toml"),
        *("--load-workers", "1", "--expect-load-workers", "1", "--load-bind", f"{MASTER}:0"),
        *folders(tmp_path),
    )
    bench.wait_for("1 of 2 load workers are here (worker-1)")
    bench.signal(signal.SIGINT)
    bench.ends(130)


def printed_command(bench: BenchProcess) -> tuple[str, str]:
    """Return what the run says a worker elsewhere is started with, and the master's port."""
    pattern = rf"^ *(python -m bench\.load worker --master {MASTER}:(\d+))$"
    deadline = time.monotonic() + TIMEOUT_S
    while (found := re.search(pattern, bench.text, re.MULTILINE)) is None:
        assert time.monotonic() < deadline, bench.text
        time.sleep(0.05)
    return found[1], found[2]
