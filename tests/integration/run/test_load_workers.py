"""A run with several Locust workers: started, interrupted, resumed, and extended by a gate.

One of them is elsewhere, and stays all the time. Resuming works the same for a run whose load
one process makes.
"""

import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.analysis import analyse
from bench.cluster.binaries import Binaries
from bench.model import CaveatKind, LoadWorkers, Outcome, RunState
from bench.store import RunReader, Store
from bench.supervision.waiting import wait_until
from tests.integration.load.elsewhere import ByHand
from tests.integration.run.bench_process import TIMEOUT_S, TINY, BenchProcess, changed, folders
from tests.integration.run.conftest import StartBench

SHARED = changed(
    TINY,
    ('"direct", "informer", "none"', '"direct", "none"'),
    ("duration_s = 1.5\ncooldown_s = 0.5", "duration_s = 1\ncooldown_s = 0"),
    ("users = 40\nrate_rps = 10", "users = 4\nprobe = false"),
)
"""Its first round begins with the arm without load."""
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


@dataclass
class Shared:
    """The run, the worker elsewhere, and ``say``, which runs ``python -m bench``."""

    bench: BenchProcess
    worker: ByHand
    bind: tuple[str, str]
    say: Callable[..., str]

    @property
    def run(self) -> RunReader:
        return Store(self.bench.results).open("latest")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> Iterator[Shared]:
    """A run of a worker here and one elsewhere, interrupted in its second trial."""
    folder = tmp_path_factory.mktemp("begun")
    (folder / "tiny.toml").write_text(SHARED)

    def start(*words: str) -> BenchProcess:
        return BenchProcess(folder, (*words, *folders(folder)), binaries)

    def say(*words: str, code: int = 0) -> str:
        with start(*words) as process:
            process.ends(code)
        return process.text

    workers = ("--load-workers", "1", "--expect-load-workers", "1", "--load-bind", f"{MASTER}:0")
    with start("run", str(folder / "tiny.toml"), *workers) as bench:
        command, port = printed_command(bench)
        words = command.split()
        assert ["python", "-m", "bench.load", "worker"] == words[:4]
        worker = ByHand(folder / "worker.log", *words[4:], "--from", WORKER)
        try:
            assert wait_until(lambda: "joined as" in worker.output, TIMEOUT_S, 0.02), bench.text
            bench.signal(signal.SIGINT)
            bench.ends(130)
            bench.messages = bench.messages.rename(folder / "begun.txt")
            yield Shared(bench, worker, ("--load-bind", f"{MASTER}:{port}"), say)
        finally:
            worker.end()


@pytest.fixture(scope="module")
def refusal(begun: Shared) -> str:
    """The error of resuming the same run with three workers."""
    return begun.say("run", "--resume", "--load-workers", "3", code=2)


@pytest.fixture(scope="module")
def whole(begun: Shared, refusal: str) -> Shared:
    """The same run, unharmed by the refusal, resumed to its end with its own workers."""
    assert refusal
    (first,) = begun.run.trials()
    begun.say("run", "--resume", *begun.bind)
    assert first == begun.run.trials()[0]
    return begun


def test_an_interrupted_run_says_so_and_how_to_resume_it(begun: Shared) -> None:
    bench, record = begun.bench, begun.run.record
    assert begun.worker.process.poll() is None, begun.worker.output
    assert "interrupted by SIGINT" in bench.text
    assert (RunState.INCOMPLETE, "interrupted by SIGINT") == (record.state, record.reason)
    assert 1 == len(begun.run.trials())
    command = f"python -m bench run --resume {record.run} --results {bench.results}"
    assert bench.text.splitlines()[-1] == f"resume it with: {command} --reports {bench.reports}"
    (page,) = bench.reports.glob("*-tiny/index.html")
    assert "This run is incomplete" in page.read_text()


def test_another_number_of_workers_is_refused_with_the_way_out(refusal: str) -> None:
    assert (
        "made by 2 Locust workers (1 here, 1 from elsewhere); it cannot be resumed with 3 Locust "
        "workers (3 here)" in " ".join(refusal.split())
    )
    assert "Leave out --load-workers and --expect-load-workers" in refusal


def test_a_worker_elsewhere_needs_an_address_again(begun: Shared) -> None:
    error = begun.say("run", "--resume", code=2)
    assert "(1 here, 1 from elsewhere): name an address" in error


def test_the_run_is_complete_and_records_its_workers(whole: Shared) -> None:
    record = whole.run.record
    assert (RunState.COMPLETE, LoadWorkers(here=1, elsewhere=1)) == (
        record.state,
        record.load_workers,
    )
    assert [Outcome.OK] * 2 == [trial.outcome for trial in whole.run.trials()]
    assert [(1, 1, (), ())] == [
        (part.rounds, part.trials, part.failed, part.unlike) for part in record.resumptions
    ]


def test_both_workers_made_their_share_of_every_trial(whole: Shared) -> None:
    floor, record = whole.run.trials()
    assert () == floor.load_workers
    assert whole.run.requests(floor.trial).empty
    assert ["elsewhere-1", "worker-1"] == sorted(worker.name for worker in record.load_workers)
    shares = whole.run.requests(record.trial).groupby("worker").size().to_dict()
    assert {worker.name: worker.sent for worker in record.load_workers} == shares
    assert min(shares.values()) > 0
    assert record.sent == sum(shares.values())
    sampled = set(whole.run.samples(record.trial).process)
    assert {"load", "load-worker-1"} == {name for name in sampled if name.startswith("load")}


def test_each_workers_clock_was_compared_with_the_masters(whole: Shared) -> None:
    """It is one clock here: the measured offset is within its stated uncertainty."""
    workers = [worker for record in whole.run.trials() for worker in record.load_workers]
    assert 2 == len(workers)
    for worker in workers:
        assert 0 < worker.clock_uncertainty_us
        assert abs(worker.clock_offset_us) <= worker.clock_uncertainty_us


def test_the_three_ledgers_agree(whole: Shared) -> None:
    analysis = analyse(whole.run)
    assert [True] * 2 == [line.ledgers.agree for line in analysis.trials]
    kinds = {caveat.kind for caveat in analysis.caveats}
    assert not {CaveatKind.LEDGERS_DISAGREE, CaveatKind.NOT_DRAINED} & kinds


def test_the_report_shows_every_worker_of_every_trial(whole: Shared) -> None:
    folder = whole.bench.reports / whole.run.record.run
    page = (folder / "index.html").read_text()
    (section,) = re.findall(r'<section id="load-workers">.*?</section>', page, re.DOTALL)
    assert "its workers (1 here, 1 from elsewhere)" in section
    assert [1, 1] == [section.count(f">{name}-1<") for name in ("worker", "elsewhere")]
    summary = json.loads((folder / "summary.json").read_text())
    assert {"here": 1, "elsewhere": 1} == summary["load_workers"]


def test_a_complete_run_is_extended_by_a_gate_and_by_hand_and_its_failed_trial_repeated(
    whole: Shared,
) -> None:
    """Last in this file: bought rounds, then a failed trial in another environment."""
    assert "is complete" in whole.say("run", "--resume", *whole.bind, code=2)
    rules = whole.bench.folder / "counted.toml"
    rules.write_text(RULES)
    gate = ("gate", "latest", "--rules", str(rules), "--buy")
    assert "(1 here, 1 from elsewhere): name an address" in whole.say(*gate, code=2)
    assert "after 1 rounds: extending to 2" in whole.say(*gate, *whole.bind)
    reader = whole.run
    assert [1, 1, 2, 2] == [record.trial.round for record in reader.trials()]

    trial = reader.trials()[0]
    change(reader.trial_folder(trial) / "trial.json", outcome="failed")
    environment = json.loads((reader.folder / "run.json").read_text())["environment"]
    change(reader.folder / "run.json", environment=environment | {"kernel": "another"})
    resume = ("run", "--resume", "--rounds", "3", *whole.bind)
    refusal = whole.say(*resume, code=2)
    assert "kernel: another then" in refusal.replace("\n", " ")
    assert "--force" in refusal
    whole.say(*resume, "--force")
    reader = whole.run
    assert [1, 1, 2, 2, 3, 3] == [record.trial.round for record in reader.trials()]
    assert 3 == reader.record.plan.rounds
    assert reader.equality is not None
    assert reader.equality.equal
    (again,) = (new for new in reader.trials() if new.trial.folder == trial.trial.folder)
    assert (Outcome.OK, 2) == (again.outcome, again.attempt)
    assert (reader.folder / "set-aside" / f"{trial.trial.folder}-attempt1" / "trial.json").exists()
    assert (trial.trial.folder,) == reader.record.resumptions[-1].failed
    assert CaveatKind.UNLIKE_ENVIRONMENT in {caveat.kind for caveat in reader.record.caveats}

    for record in (new for new in reader.trials() if new.trial.server == "direct"):
        assert {"worker-1", "elsewhere-1"} == set(reader.requests(record.trial).worker)
    assert [True] * 6 == [line.ledgers.agree for line in analyse(reader).trials]
    texts = "\n".join(path.read_text() for path in whole.bench.results.rglob("*.json"))
    assert not re.search(r"127\.0\.0\.", texts)
    whole.worker.process.send_signal(signal.SIGTERM)
    assert 128 + signal.SIGTERM == whole.worker.process.wait(20)


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_run_whose_workers_do_not_come_ends_with_the_command_that_starts_one(
    start_bench: StartBench, tmp_path: Path
) -> None:
    (tmp_path / "tiny.toml").write_text(changed(SHARED, ('["direct", "none"]', '["direct"]')))
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
    """Return the printed command that starts a worker elsewhere, and the master's port."""
    pattern = rf"^ *(python -m bench\.load worker --master {MASTER}:(\d+))$"
    deadline = time.monotonic() + TIMEOUT_S
    while (match := re.search(pattern, bench.text, re.MULTILINE)) is None:
        assert time.monotonic() < deadline, bench.text
        time.sleep(0.05)
    return match[1], match[2]
