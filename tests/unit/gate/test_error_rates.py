"""How often the rules for pull requests are wrong, simulated on a machine that drifts.

Each trial has a noise of its own, and costs more the later it comes in the order that the plan ci
gives with a base; looks and bought rounds are those of the rules. ``python -m
tests.unit.gate.test_error_rates`` prints the figures that README.md states.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from bench.gate.judge import Outcome, Verdict, judge
from bench.gate.rules import read_rules
from bench.model import Base, Plan
from bench.plan import Vocabulary, read_plan, trials
from tests.unit.gate.summaries import a_summary

RULES = read_rules("pull-request")
DRIFTS = (0.0, 0.1, 0.2)
"""Over the six planned rounds; the tests are of the two ends."""
ENDS = (DRIFTS[0], DRIFTS[-1])
NOISES = (0.03, 0.1)
"""Of a trial, relative; twice as much is more than any metric of the rules has on two processors
that are shared by everything."""
TRUE = {"service_p50": 8.0, "server_cpu": 1900.0, "memory_end": 75e6, "ready": 0.6}
REQUESTS = {"direct": 1000.0, "informer": 0.0}
REQUESTS_NOISE = 0.002
RUNS, STATED_RUNS = 100, 2000
CHANGED = 1.3


def the_plan() -> Plan:
    vocabulary = Vocabulary(servers=("direct", "informer"), routes=("list-all",))
    plan = read_plan("ci", vocabulary)
    arms = (*plan.servers, *(f"{server}@base" for server in plan.servers))
    return replace(plan, servers=arms, base=Base("../base"), rounds=RULES.looks[-1])


PLAN = the_plan()
ORDERS = {(trial.server, trial.round): trial.order for trial in trials(PLAN)}
PLANNED = len(trials(replace(PLAN, rounds=RULES.looks[0])))


def measured(random: np.random.Generator, drift: float, noise: float, change: float):
    """Return arm -> metric -> a value a round, of as many rounds as can be bought."""
    values: dict[str, dict[str, list[float]]] = {}
    for (arm, _), order in ORDERS.items():
        metrics = values.setdefault(arm, {key: [] for key in (*TRUE, "api_requests")})
        head = 1.0 if arm.endswith("@base") else change
        late = 1 + drift * order / PLANNED
        for key, true in TRUE.items():
            metrics[key].append(true * head * late * random.lognormal(0, noise))
        server = arm.removesuffix("@base").removesuffix("-again")
        asked = REQUESTS[server] * head * random.normal(1, REQUESTS_NOISE)
        metrics["api_requests"].append(asked)
    return values


def decided(values) -> Verdict:
    """Judge at each look of the rules, until no more rounds are bought."""
    rounds = RULES.looks[0]
    while True:
        seen = {
            arm: {key: numbers[:rounds] for key, numbers in metrics.items()}
            for arm, metrics in values.items()
        }
        run = a_summary(seen)
        verdict = judge(RULES, replace(run, plan=replace(PLAN, scenarios=run.plan.scenarios)))
        if verdict.buys is None:
            return verdict
        rounds = verdict.buys


def rates(drift: float, noise: float, change: float, runs: int) -> dict[str, Counter[Outcome]]:
    """Count the outcomes of each rule and server over so many runs."""
    random, outcomes = np.random.default_rng(17), dict[str, Counter[Outcome]]()
    for _ in range(runs):
        for row in decided(measured(random, drift, noise, change)).rows:
            outcomes.setdefault(f"{row.rule.name}: {row.rule.arm}", Counter())[row.outcome] += 1
    return outcomes


def most(outcomes: dict[str, Counter[Outcome]], outcome: Outcome) -> float:
    return max(counts[outcome] / counts.total() for counts in outcomes.values())


@pytest.mark.parametrize("drift", ENDS)
@pytest.mark.parametrize("noise", NOISES)
def test_unchanged_code_does_not_fail(drift, noise):
    outcomes = rates(drift, noise, 1.0, RUNS)
    assert 10 == len(outcomes)
    assert most(outcomes, Outcome.FAIL) <= 0.03


@pytest.mark.parametrize("drift", ENDS)
@pytest.mark.parametrize("noise", NOISES)
def test_a_true_change_of_30_per_cent_does_not_pass(drift, noise):
    outcomes = rates(drift, noise, CHANGED, RUNS)
    none_to_change = "it sends no more requests: informer"
    assert RUNS == outcomes.pop(none_to_change)[Outcome.PASS]
    assert most(outcomes, Outcome.PASS) <= 0.03


def table() -> None:
    """Print the figures over more runs than a test has time for."""
    for noise in NOISES:
        for drift in DRIFTS:
            same = rates(drift, noise, 1.0, STATED_RUNS)
            more = rates(drift, noise, CHANGED, STATED_RUNS)
            del more["it sends no more requests: informer"]
            wrong = f"{most(same, Outcome.FAIL):.1%}", f"{most(more, Outcome.PASS):.1%}"
            print(f"noise {noise:.0%}, drift {drift:.0%}: unchanged fails {wrong[0]}, ", end="")
            print(f"is not decided in {most(same, Outcome.INCONCLUSIVE):.1%}, ", end="")
            print(f"+{CHANGED - 1:.0%} passes {wrong[1]} at the most")


if __name__ == "__main__":
    table()
