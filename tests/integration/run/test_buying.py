"""A plan that wants its ratios surer than its rounds can make them, on the real things."""

import re

from bench.model import Outcome, RunState
from bench.store import Store
from tests.integration.run.conftest import StartBench


def test_windows_of_one_second_are_bought_until_there_are_the_most_and_make_a_page(
    start_run: StartBench,
) -> None:
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
    assert {Outcome.OK} == {record.outcome for record in run.trials()}
    (page,) = finished.reports.glob("*-tiny/index.html")
    assert not re.search(r"\bnan\b", page.read_text(), re.IGNORECASE)
    assert [] == finished.left_behind()
