"""Scenarios with a fault: their keys, and their errors."""

import pytest

from bench.cli.plans import vocabulary
from bench.model import Plan
from bench.plan import PlanError, Vocabulary, parse_plan, predicted_s, read_plan

VOCABULARY = Vocabulary(("direct", "informer"), ("list-all",), ("freeze", "restart"))
VALID = """\
name = "mine"
description = "A fault."
seed = 7
servers = ["direct", "informer"]
rounds = 2
warmup_s = 1
duration_s = 20

[[scenarios]]
name = "frozen"
route = "list-all"
users = 16
rate_rps = 10
pods = 100
fault = "freeze"
fault_at_s = 4
"""


def parse(text: str) -> Plan:
    return parse_plan(text, "mine.toml", VOCABULARY)


def test_a_fault_lasts_five_seconds_by_default() -> None:
    scenario = parse(VALID).scenario("frozen")
    assert ("freeze", 4.0, 5.0) == (scenario.fault, scenario.fault_at_s, scenario.fault_s)
    longer = parse(VALID.replace("fault_at_s = 4", "fault_at_s = 2\nfault_s = 8"))
    assert 8.0 == longer.scenario("frozen").fault_s


LATE = "ends its fault at second 11"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"freeze"', '"meteorite"', "15: 'fault' takes one of freeze, restart, not 'meteorite'"),
        ("rate_rps = 10\n", "", "no 'rate_rps'"),
        ("fault_at_s = 4\n", "", "needs 'fault_at_s'"),
        ("fault_at_s = 4\n", "fault_at_s = 4\nprobe = false\n", "no probe"),
        ('fault = "freeze"\n', "", "15: the scenario 'frozen' has 'fault_at_s', but no 'fault'"),
        ('fault = "freeze"\nfault_at_s = 4', "fault_s = 5", "has 'fault_s', but no 'fault'"),
        ("fault_at_s = 4", "fault_at_s = 6", LATE),
        ("fault_at_s = 4", "fault_at_s = 3\nfault_s = 8", LATE),
        ("fault_at_s = 4", "fault_at_s = 6", "duration_s is 20, and must be 21 at least"),
        ("fault_at_s = 4", "fault_at_s = 0", "'fault_at_s' takes seconds"),
        ("fault_at_s = 4", "fault_at_s = 4\nfault_s = 31", "'fault_s' takes seconds"),
    ],
)
def test_a_key_that_does_not_fit_a_fault_is_an_error(old: str, new: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        parse(VALID.replace(old, new))


def test_a_fault_has_neither_floor_nor_control() -> None:
    text = VALID.replace('"informer"]', '"informer", "none"]\ncontrol = "direct"')
    plan = parse(text)
    assert ("direct", "informer") == plan.arms(plan.scenario("frozen"))


def test_the_plan_that_comes_along_has_every_fault_once() -> None:
    names = vocabulary()
    plan = read_plan("faults", names)
    assert sorted(names.faults) == sorted(str(scenario.fault) for scenario in plan.scenarios)
    assert predicted_s(plan) <= 10.5 * 60
