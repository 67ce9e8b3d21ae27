"""What a run shows before it has ended, and how it ends: by its plan's minutes, or by a person."""

import signal

from bench.model import RunState
from bench.store import Store
from tests.integration.run.conftest import StartBench

QUICK = (
    ('"direct", "informer", "none"', '"direct", "informer"'),
    ("warmup_s = 0.5\nduration_s = 1.5", "warmup_s = 0\nduration_s = 1"),
    ("[[scenarios]]", "[[scenarios]]\nprobe = false"),
)


def test_after_a_round_there_is_a_provisional_report_and_ctrl_c_leaves_one_of_all_there_is(
    start_run: StartBench,
) -> None:
    bench = start_run(("rounds = 1", "rounds = 50"), *QUICK)
    bench.wait_for("Provisional, after 1 of 50 rounds")
    (page,) = bench.reports.glob("*-tiny/index.html")
    assert f"Provisional, after 1 of 50 rounds: {page}" in bench.text
    assert " min left" in bench.text
    assert "  informer: " in bench.text
    assert "Provisional: the run had not ended when this was made" in page.read_text()
    bench.wait_for("[4/100] all,")
    bench.signal(signal.SIGINT)
    assert 130 == bench.wait(), bench.text
    record = Store(bench.results).open("latest").record
    command = f"python -m bench run --resume {record.run} --results {bench.results}"
    assert bench.text.splitlines()[-1] == f"resume it with: {command} --reports {bench.reports}"
    assert "Provisional" not in page.read_text()
    assert "This run is incomplete" in page.read_text()
    assert [] == bench.left_behind()


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
