"""Scenarios with a fault: what a plan may say of them, and what an error says."""

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


def error_of(old: str, new: str) -> str:
    assert old in VALID
    with pytest.raises(PlanError) as caught:
        parse(VALID.replace(old, new))
    return str(caught.value)


def test_a_fault_lasts_five_seconds_if_nothing_else_is_said() -> None:
    scenario = parse(VALID).scenario("frozen")
    assert ("freeze", 4.0, 5.0) == (scenario.fault, scenario.fault_at_s, scenario.fault_s)
    longer = parse(VALID.replace("fault_at_s = 4", "fault_at_s = 2\nfault_s = 8"))
    assert 8.0 == longer.scenario("frozen").fault_s


def test_an_unknown_fault_is_refused_with_those_there_are() -> None:
    found = error_of('"freeze"', '"meteorite"')
    assert "mine.toml:15: 'fault' takes one of freeze, restart, not 'meteorite'" == found


def test_a_fault_is_for_the_open_model() -> None:
    assert "no 'rate_rps'" in error_of("rate_rps = 10\n", "")


def test_a_fault_needs_its_moment() -> None:
    assert "needs 'fault_at_s'" in error_of("fault_at_s = 4\n", "")


def test_a_fault_needs_the_probe() -> None:
    assert "no probe" in error_of("fault_at_s = 4\n", "fault_at_s = 4\nprobe = false\n")


def test_a_fault_has_neither_floor_nor_control() -> None:
    text = VALID.replace('"informer"]', '"informer", "none"]\ncontrol = "direct"')
    plan = parse(text)
    assert ("direct", "informer") == plan.arms(plan.scenario("frozen"))


def test_a_moment_needs_its_fault() -> None:
    assert "has no 'fault'" in error_of('fault = "freeze"\n', "")


@pytest.mark.parametrize("moment", ["fault_at_s = 6", "fault_at_s = 3\nfault_s = 8"])
def test_the_window_must_go_on_after_the_fault(moment: str) -> None:
    found = error_of("fault_at_s = 4", moment)
    assert "ends its fault at second 11" in found
    assert "duration_s is 20, and must be 21 at least" in found


@pytest.mark.parametrize("moment", ["fault_at_s = 0", "fault_at_s = 4\nfault_s = 31"])
def test_moments_and_lengths_have_bounds(moment: str) -> None:
    assert "takes seconds" in error_of("fault_at_s = 4", moment)


def test_the_plan_that_comes_along_has_every_fault_once() -> None:
    names = vocabulary()
    plan = read_plan("faults", names)
    assert sorted(names.faults) == sorted(str(one.fault) for one in plan.scenarios)
    assert predicted_s(plan) <= 10.5 * 60
