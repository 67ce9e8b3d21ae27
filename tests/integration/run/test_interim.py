"""A run that its plan gives minutes, not rounds, to end in."""

from bench.model import RunState
from bench.store import Store
from tests.integration.run.bench_process import QUICK
from tests.integration.run.conftest import StartBench


def test_a_run_whose_minutes_are_over_ends_whole_and_says_so(start_run: StartBench) -> None:
    bench = start_run(("rounds = 1", "rounds = 9\nmost_minutes = 0.1"), *QUICK)
    assert 0 == bench.wait(), bench.text
    reader = Store(bench.results).open("latest")
    assert (RunState.COMPLETE, True) == (reader.record.state, reader.record.out_of_time)
    made = [one.trial.round for one in reader.trials()]
    assert made == [number for number in range(1, reader.record.plan.rounds + 1) for _ in range(2)]
    assert len(made) < 18
    said = " ".join(bench.text.split())
    assert "The 0.1 min of measuring that the plan allows were over" in said
