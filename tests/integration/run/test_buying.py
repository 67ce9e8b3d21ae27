"""A plan that wants its ratios surer than its rounds can make them, on the real things."""

import re

from bench.model import Outcome, RunState
from bench.store import Store
from tests.integration.run.bench_process import QUICK
from tests.integration.run.conftest import StartBench


def test_windows_are_bought_until_there_are_the_most_and_a_provisional_page_comes_before(
    start_run: StartBench,
) -> None:
    sure = "rounds = 5\nprecision = 0.01\nmost_rounds = 6"
    finished = start_run(("rounds = 1", sure), *QUICK)
    finished.wait_for("Provisional, after 1 of 5 rounds")
    (page,) = finished.reports.glob("*-tiny/index.html")
    assert f"Provisional, after 1 of 5 rounds: {page}" in finished.text
    assert re.search(r"(about \d+ min|less than a minute) left", finished.text)
    assert "  informer: " in finished.text
    assert "Provisional: the run had not ended when this was made" in page.read_text()
    finished.ends(0)
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
    assert "Provisional" not in page.read_text()
    assert not re.search(r"\bnan\b", page.read_text(), re.IGNORECASE)
