"""A run that was interrupted, or is to have more rounds, is gone on with."""

import json
import signal

from bench.cluster.binaries import Binaries
from bench.model import CaveatKind, Outcome, RunState
from bench.store import Store
from tests.integration.run.bench_process import QUICK, BenchProcess, folders
from tests.integration.run.conftest import StartBench


def resume(bench: BenchProcess, binaries: Binaries, *more: str, code: int = 0) -> str:
    arguments = ("run", "--resume", *more, *folders(bench.folder))
    again = BenchProcess(bench.folder, arguments, binaries)
    again.ends(code)
    return again.text


def test_a_run_is_completed_extended_and_mended_each_only_by_what_it_lacks(
    start_run: StartBench, binaries: Binaries
) -> None:
    """After an interruption, for another round, for a failed trial in another environment."""
    bench = start_run(*QUICK)
    bench.wait_for("[2/2] all,")
    bench.signal(signal.SIGINT)
    bench.ends(130)
    assert "interrupted by SIGINT" in bench.text
    reader = Store(bench.results).open("latest")
    assert RunState.INCOMPLETE is reader.record.state
    assert "interrupted by SIGINT" == reader.record.reason
    (first,) = reader.trials()
    command = f"python -m bench run --resume {reader.record.run} --results {bench.results}"
    assert bench.text.splitlines()[-1] == f"resume it with: {command} --reports {bench.reports}"
    (page,) = bench.reports.glob("*-tiny/index.html")
    assert "This run is incomplete" in page.read_text()

    resume(bench, binaries)
    reader = Store(bench.results).open("latest")
    assert RunState.COMPLETE is reader.record.state
    assert (2, first) == (len(reader.trials()), reader.trials()[0])
    assert [(1, 1, ())] == [
        (one.rounds, one.trials, one.failed) for one in reader.record.resumptions
    ]
    assert "is complete" in resume(bench, binaries, code=2)

    trial = reader.trials()[1]
    change(reader.trial_folder(trial) / "trial.json", outcome="failed")
    environment = json.loads((reader.folder / "run.json").read_text())["environment"]
    change(reader.folder / "run.json", environment=environment | {"kernel": "another"})

    refusal = resume(bench, binaries, "--rounds", "2", code=2)
    assert "kernel: another then" in refusal.replace("\n", " ")
    assert "--force" in refusal

    resume(bench, binaries, "--rounds", "2", "--force")
    reader = Store(bench.results).open("latest")
    assert [1, 1, 2, 2] == [record.trial.round for record in reader.trials()]
    assert 2 == reader.record.plan.rounds
    assert reader.equality is not None
    assert reader.equality.equal
    (again,) = (one for one in reader.trials() if one.trial.folder == trial.trial.folder)
    assert (Outcome.OK, 2) == (again.outcome, again.attempt)
    assert (reader.folder / "set-aside" / f"{trial.trial.folder}-attempt1" / "trial.json").exists()
    assert (trial.trial.folder,) == reader.record.resumptions[-1].failed
    assert CaveatKind.UNLIKE_ENVIRONMENT in {caveat.kind for caveat in reader.record.caveats}


def change(path, **values) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_resuming_takes_no_plan_and_a_new_run_no_rounds(start_bench: StartBench) -> None:
    both = start_bench("run", "smoke", "--resume", "latest")
    assert 2 == both.wait()
    assert "takes no 'smoke'" in both.text
    rounds = start_bench("run", "smoke", "--rounds", "3")
    assert 2 == rounds.wait()
    assert "belong to --resume" in rounds.text
