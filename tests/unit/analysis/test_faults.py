"""Made-up trials with a fault from second 4 to 9, whose true figures are known."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from bench.analysis import analyse
from bench.analysis.caveats import VOIDING
from bench.analysis.counters import Marks
from bench.analysis.faults import AgeBy, FaultArm, FaultRound, fault_trial
from bench.model import CaveatKind, FaultRecord, Outcome
from bench.store import Store
from tests.unit.analysis.synthetic import EPOCH_S, SCENARIO, write_run
from tests.unit.store.builders import a_trial

FAULT = FaultRecord("freeze", "the API server was frozen", 4.0, 9.0)
RECORD = a_trial(
    window_begin_epoch_s=EPOCH_S, window_s=24.0, request_timeout_s=30.0, identity="direct"
)
FAULTY = replace(SCENARIO, name="frozen", fault="freeze", fault_at_s=4.0)
EVERY_S = 0.1


def requests(answer) -> pd.DataFrame:
    """Ask every tenth of a second; ``answer(at_s)`` gives (done_s, outcome)."""
    rows = []
    for index in range(240):
        at_s = index * EVERY_S + 0.001
        done_s, outcome = answer(at_s)
        rows.append((at_s * 1e6, at_s * 1e6, done_s * 1e6, outcome))
    return pd.DataFrame(rows, columns=["intended_us", "sent_us", "done_us", "outcome"])


def writes(*rows: tuple[float, float | None, float | None, float | None]) -> pd.DataFrame:
    """Rows of acknowledged, first read sent, last stale read sent, fresh answer in: seconds."""
    columns = ["acked_us", "first_sent_us", "stale_sent_us", "fresh_done_us"]
    frame = pd.DataFrame(rows, columns=columns, dtype="float64") * 1e6
    return frame.assign(reads=1)


def audit(*at_s: float, user: str = "direct", name: str = "") -> pd.DataFrame:
    received = [(EPOCH_S + at) * 1e6 for at in at_s]
    users = [f"system:serviceaccount:informer-bench:{user}"] * len(at_s)
    return pd.DataFrame({"user": users, "name": [name] * len(at_s), "received_us": received})


QUIET = audit(1.0, user="churn")
FRESH_AGAIN = (10.0, 10.1, None, 10.2)


def trial(**tables: Any) -> FaultRound:
    given = {
        "requests": requests(lambda at: (at + 0.002, "ok")),
        "freshness": writes(FRESH_AGAIN),
        "audit": QUIET,
        "marks": None,
    }
    fault = tables.pop("fault", FAULT)
    return fault_trial(replace(RECORD, fault=fault), **(given | tables)).round


def counts(figures: FaultRound) -> tuple[int, int, int]:
    return figures.reads_meanwhile, figures.answered_meanwhile, figures.answered_late


def herd(figures: FaultRound) -> tuple[int | None, int | None, int | None]:
    return figures.requests_after, figures.requests_busiest_second, figures.requests_meanwhile


def held(at_s: float) -> tuple[float, str]:
    return (max(at_s, 9.0) if 4 <= at_s < 9 else at_s) + 0.05, "ok"


def refused(at_s: float) -> tuple[float, str]:
    return at_s + 0.001, "failed" if 4 <= at_s < 9.35 else "ok"


def test_who_went_on_was_answered_meanwhile() -> None:
    figures = trial()
    assert (49, 49, 0) == counts(figures)
    assert (None, 0) == (figures.errors_stop_s, figures.failed)


def test_who_waited_for_the_api_server_was_answered_late() -> None:
    figures = trial(requests=requests(held))
    assert (49, 0, 49) == counts(figures)
    assert 5_049 == round(figures.longest_ms or 0)
    assert figures.oldest_answer_s is None


def test_who_refused_failed_until_some_time_after() -> None:
    figures = trial(requests=requests(refused))
    assert 49 == figures.failed_meanwhile
    assert 0.3 == pytest.approx(figures.errors_stop_s, abs=0.01)
    assert not figures.still_failing
    assert 54 == figures.failed


def test_errors_that_never_stop_are_told_so() -> None:
    figures = trial(requests=requests(lambda at: (at, "ok" if at < 4 else "failed")))
    assert figures.still_failing


def test_errors_before_the_fault_are_not_its_doing() -> None:
    figures = trial(requests=requests(lambda at: (at, "failed" if at < 1 else "ok")))
    assert (0, None) == (figures.failed, figures.errors_stop_s)


def test_where_nothing_could_be_written_an_answer_is_as_old_as_the_last_write() -> None:
    figures = trial(freshness=writes((3.0, 3.1, None, 3.2), (3.5, 3.6, None, 3.7), FRESH_AGAIN))
    assert AgeBy.LAST_WRITE is figures.oldest_answer_by
    assert 8.903 - 3.5 == pytest.approx(figures.oldest_answer_s)


def test_a_single_write_that_was_on_its_way_does_not_mean_that_one_could_write() -> None:
    figures = trial(freshness=writes((4.1, 9.5, None, 9.6), FRESH_AGAIN))
    assert AgeBy.LAST_WRITE is figures.oldest_answer_by
    assert 4.803 == pytest.approx(figures.oldest_answer_s)


def test_where_it_could_be_written_the_probe_tells_how_long_a_write_was_lacking() -> None:
    figures = trial(
        freshness=writes(
            (5.0, 5.01, 7.5, 7.6), (6.0, 6.01, 7.5, 7.6), (8.0, 8.01, None, 8.02), FRESH_AGAIN
        )
    )
    assert (2.5, AgeBy.PROBE) == (figures.oldest_answer_s, figures.oldest_answer_by)


def test_what_was_asked_after_the_fault_does_not_age_its_answers() -> None:
    figures = trial(freshness=writes((5.0, 5.01, 14.0, 14.1), (6.0, 6.01, 14.0, 14.1), FRESH_AGAIN))
    assert (4.0, AgeBy.PROBE) == (figures.oldest_answer_s, figures.oldest_answer_by)


def test_a_server_that_answered_no_read_of_the_probe_has_no_age() -> None:
    figures = trial(freshness=writes((5.0, 9.1, None, 9.2), (6.0, 9.1, None, 9.2), FRESH_AGAIN))
    assert figures.oldest_answer_s is None


def test_fresh_again_is_the_first_read_of_a_write_made_after() -> None:
    rows = ((3.0, 3.1, None, 9.01), (9.5, 9.6, 12.0, 12.5), (10.0, 10.1, 12.0, 12.4))
    assert 3.4 == pytest.approx(trial(freshness=writes(*rows)).fresh_s)


def test_never_fresh_is_not_a_number_and_the_rest_of_the_window_is_told() -> None:
    figures = trial(freshness=writes((9.5, 9.6, 23.0, None)))
    assert (None, 15.0) == (figures.fresh_s, figures.window_left_s)


def test_the_herd_is_what_reached_the_api_server_when_it_was_over() -> None:
    calm = [0.5 + at for at in range(4)]
    came = [9.1, 9.2, 9.3, 9.4, 12.0, 18.9]
    strangers = audit(9.1, 9.2, user="informer")
    of_the_probe = audit(9.1, 9.2, name="freshness-probe")
    rows = pd.concat([audit(*calm, 5.0, *came, 19.5), strangers, of_the_probe])
    figures = trial(audit=rows)
    assert (6, 4, 1) == herd(figures)
    assert 10.0 == pytest.approx(figures.requests_usual)


def test_after_a_restart_the_herd_is_counted_from_the_process_start() -> None:
    fault = replace(FAULT, started_anew_s=7.5)
    figures = trial(audit=audit(5.0, 7.6, 9.1), fault=fault)
    assert (2, 1) == (figures.requests_after, figures.requests_meanwhile)


def test_without_an_audit_log_there_is_no_herd() -> None:
    assert (None, None, None) == herd(trial(audit=None))


def test_rounds_are_pooled_and_the_worst_is_told() -> None:
    names = ["mark", "source", "name", "labels", "value"]
    filled = ("server", "informer_fills_total", 'reason="expired"')
    scraped = pd.DataFrame([("begin", *filled, 0.0), ("end", *filled, 1.0)], columns=names)
    slow = trial(freshness=writes((9.5, 9.6, 12.0, 12.5)), marks=Marks(scraped))
    arm = FaultArm("informer", (trial(), slow, trial(requests=requests(refused))))
    assert (147, 98, 0, 49) == (arm.asked, arm.in_time, arm.late, arm.failed)
    assert {"expired": 1} == arm.refills


FAILING = {
    "scenarios": (SCENARIO, FAULTY),
    "seconds": 24.0,
    "upstream": {"direct": 0.9},
    "unanswered": {"direct": {"failed": 40}},
}


@pytest.fixture
def run(tmp_path):
    """A run with a fault in each trial, with wrong answers and disagreeing ledgers."""

    def make(**options: Any):
        return analyse(write_run(Store(tmp_path / "results"), **(FAILING | options)))

    return make


def test_a_trial_with_a_fault_is_in_no_figure_and_voids_nothing(run) -> None:
    analysis = run(scenarios=(FAULTY,), fault=FAULT)
    assert () == analysis.scenarios
    assert all(line.ledgers is None for line in analysis.trials)
    assert [FAULTY] == [fault.scenario for fault in analysis.faults]
    assert () == analysis.void
    kinds = {caveat.kind for caveat in analysis.caveats}
    assert not kinds & {*VOIDING, CaveatKind.API_SERVER_RESTARTED, CaveatKind.STALE_ANSWERS}


def test_ledgers_that_differ_are_told_with_the_fault_that_made_them(run) -> None:
    analysis = run(scenarios=(FAULTY,), fault=FAULT)
    (text, *_) = [
        caveat.text for caveat in analysis.caveats if caveat.kind is CaveatKind.LEDGER_MISSING
    ]
    assert "the API server was frozen on purpose" in text
    assert "counts differ, the first: list pods" in text


def test_scenarios_beside_it_keep_their_figures(run) -> None:
    analysis = run(fault=FAULT, unanswered=None, upstream=None)
    assert [SCENARIO] == [scenario.scenario for scenario in analysis.scenarios]
    arms = analysis.faults[0].arms
    assert ["direct", "direct-rv0", "informer"] == [arm.server for arm in arms]
    assert [3, 3, 3] == [len(arm.rounds) for arm in arms]


def test_a_server_whose_trials_failed_is_named(run) -> None:
    analysis = run(scenarios=(FAULTY,), outcome=Outcome.FAILED, failure="it died")
    assert ("direct", "direct-rv0", "informer") == analysis.faults[0].missing


def test_waits_of_a_stretch_are_pooled_over_rounds_and_censored_where_unanswered(run) -> None:
    analysis = run(scenarios=(FAULTY,), fault=FAULT, unanswered={"direct": {"failed": 400}})
    (direct, *_) = analysis.faults[0].arms
    assert direct.meanwhile is not None
    assert (15.0, 750) == (direct.meanwhile.seconds, direct.meanwhile.asked)
    assert direct.meanwhile.median.at_least
    assert direct.after is not None
    assert not direct.after.median.at_least
