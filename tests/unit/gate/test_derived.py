"""Rules about derived figures: unit costs, break-even rates, replica slopes."""

from dataclasses import replace

import pytest

from bench.analysis import analyse
from bench.gate.judge import Outcome, judge
from bench.gate.rules import Of, Rule, Rules
from bench.store import Store
from tests.unit.analysis.sweeps import Truth, write_sweep
from tests.unit.analysis.synthetic import write_run

CELLS = [("p100", 100, 20.0, 12.0), ("p400", 400, 40.0, 5.0)]


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A read costs 2 + 0.05 a pod, an event 0.4 a replica, in ms of the API server's CPU."""
    folder = tmp_path_factory.mktemp("results")
    truth = Truth(noise=0.005)
    return analyse(write_sweep(Store(folder), truth, cells=CELLS, replicas=(1, 3), rounds=4))


def judged(run, **rule):
    values = {"name": "a", "arm": "direct", "metric": "apiserver_cpu"} | rule
    rules = Rules("mine", "", (Rule(**values),), looks=(4,), error_budget=0.05)
    (row,) = judge(rules, run).rows
    return row


@pytest.mark.parametrize(("limit", "outcome"), [(0.055, Outcome.PASS), (0.045, Outcome.FAIL)])
def test_a_unit_cost_is_held_against_its_limit(swept, limit, outcome):
    row = judged(swept, of=Of.UNIT_COST, per="pod in a read", at_most=limit)
    assert (outcome, "ms", 4) == (row.outcome, row.observed.unit, row.observed.rounds)
    assert row.observed.estimate.value == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize(("limit", "outcome"), [(1.0, Outcome.PASS), (0.3, Outcome.FAIL)])
def test_a_break_even_rate_is_held_against_its_limit(swept, limit, outcome):
    # 40 writes per second at 0.4 ms, and reads of 400 pods at 22 ms
    row = judged(swept, of=Of.BREAK_EVEN, at_most=limit)
    assert (outcome, "/s") == (row.outcome, row.observed.unit)
    assert row.observed.estimate.value == pytest.approx(40 * 0.4 / 22, rel=0.1)


@pytest.mark.parametrize(("limit", "outcome"), [(9.0, Outcome.PASS), (7.0, Outcome.FAIL)])
def test_what_a_further_replica_costs_is_held_against_its_limit(swept, limit, outcome):
    row = judged(swept, of=Of.PER_REPLICA, arm="informer", scenario="p100-x1", at_most=limit)
    assert (outcome, "ms/s") == (row.outcome, row.observed.unit)


def test_a_rate_without_an_upper_end_is_not_decided_by_an_upper_limit(tmp_path):
    truth = Truth(read=0.02, read_pod=0.0002, event=3.0, noise=0.1)
    run = analyse(write_sweep(Store(tmp_path), truth, cells=CELLS, rounds=4))
    assert Outcome.PASS is not judged(run, of=Of.BREAK_EVEN, at_most=1e9).outcome


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (
            {"of": Of.UNIT_COST, "per": "write"},
            "no unit cost of a write of direct; there are: r",
        ),
        ({"of": Of.BREAK_EVEN, "arm": "typed"}, "no break-even rate against 'typed'; there are: d"),
        ({"of": Of.PER_REPLICA, "scenario": "p9"}, "no scenarios with p9 that differ"),
        ({"of": Of.PER_REPLICA, "arm": "typed"}, "no round has apiserver_cpu of typed at two"),
    ],
)
def test_what_the_run_does_not_have_is_invalid_and_named(swept, rule, reason):
    row = judged(swept, at_most=1.0, **rule)
    assert Outcome.INVALID is row.outcome
    assert reason in row.why


@pytest.mark.parametrize("arm", ["direct", "informer"])
@pytest.mark.parametrize(
    "rule",
    [{"of": Of.BREAK_EVEN}, {"of": Of.PER_REPLICA, "scenario": "p100-x1", "arm": "informer"}],
)
def test_figures_of_an_arm_whose_reads_failed_are_invalid(swept, arm, rule):
    failed = [
        replace(trial, failed=trial.answered) for trial in swept.trials if trial.server == arm
    ]
    row = judged(replace(swept, trials=tuple(failed)), at_most=1.0, **rule)
    assert (f"reads of {arm} failed" in row.why) is (arm == rule.get("arm", arm))


def test_a_run_without_a_model_says_what_it_lacks(tmp_path):
    run = analyse(write_run(Store(tmp_path), servers=("direct", "informer")))
    row = judged(run, of=Of.BREAK_EVEN, at_most=1.0)
    assert "this run has no cost model of apiserver_cpu: the plan has no arm 'none'" in row.why
