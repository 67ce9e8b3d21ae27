"""A plan that wants its ratios surer than its rounds can make them, on the real things."""

from bench.model import RunState
from bench.store import Store
from tests.integration.run.conftest import StartBench


def test_a_run_buys_rounds_until_there_are_the_most_and_says_why(start_run: StartBench) -> None:
    finished = start_run(
        ('"direct", "informer", "none"', '"direct", "informer"'),
        ("rounds = 1", "rounds = 5\nprecision = 0.01\nmost_rounds = 6"),
        ("warmup_s = 0.5\nduration_s = 1.5", "warmup_s = 0\nduration_s = 1"),
        ("[[scenarios]]", "[[scenarios]]\nprobe = false"),
    )
    assert 0 == finished.wait(), finished.text
    assert "after 5 rounds, not 1.0%: extending to 6 rounds" in finished.text
    assert "After 6 rounds, all that the plan allows" in " ".join(finished.text.split())
    run = Store(finished.results).open("latest")
    assert (RunState.COMPLETE, 6, 12, ()) == (
        run.record.state,
        run.record.plan.rounds,
        len(run.trials()),
        run.record.resumptions,
    )
    assert [] == finished.left_behind()
