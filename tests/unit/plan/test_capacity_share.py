"""Rates that are shares of a capacity, and processors that a server has to itself."""

from dataclasses import replace

import pytest

from bench.model import NO_SERVER, Cpus
from bench.plan import PlanError, Vocabulary, parse_plan
from bench.plan.checks import allotted

VOCABULARY = Vocabulary(servers=("direct", "informer"), routes=("list-all",), processors=(0, 1))
HEAD = """\
name = "mine"
description = "A plan of my own."
seed = 7
servers = ["direct", "informer", "none"]
control = "direct"
rounds = 2
warmup_s = 1
duration_s = 2
"""
CLOSED = """
[[scenarios]]
name = "capacity"
route = "list-all"
users = 8
pods = 100
"""
HALF = CLOSED.replace("capacity", "half") + "capacity_share = 0.5\n"


def error_of(text: str) -> str:
    with pytest.raises(PlanError) as refused:
        parse_plan(text, "mine.toml", VOCABULARY)
    return str(refused.value)


def test_a_share_is_of_the_closed_scenario_before_it_and_has_neither_floor_nor_control() -> None:
    plan = parse_plan(HEAD + CLOSED + HALF, "mine.toml", VOCABULARY)
    half = plan.scenario("half")
    assert half.is_open
    assert "capacity" == plan.closed_like(half).name
    assert ("direct", "informer") == plan.arms(half)
    assert ("direct", "informer", NO_SERVER, "direct-again") == plan.arms(plan.scenario("capacity"))


@pytest.mark.parametrize(
    "text",
    [
        HALF,
        HALF + CLOSED,
        CLOSED + HALF.replace("pods = 100", "pods = 200"),
        CLOSED + HALF + 'apiserver_args = ["--feature-gates=WatchList=false"]\n',
    ],
)
def test_a_share_of_no_capacity_is_refused(text: str) -> None:
    assert "the scenario 'half' has no capacity to take a share of" in error_of(HEAD + text)


def test_a_share_and_a_rate_exclude_each_other() -> None:
    message = error_of(HEAD + CLOSED + HALF + "rate_rps = 5\n")
    assert "the scenario 'half' has a 'rate_rps' too" in message


def test_steps_that_the_machine_is_too_small_for_are_left_out_and_named() -> None:
    on_1, on_2 = (CLOSED.replace("capacity", f"on-{n}") + f"server_cpus = {n}\n" for n in (1, 2))
    plan = parse_plan(HEAD + on_1 + on_2, "mine.toml", VOCABULARY)
    assert (["on-1"], ("on-2",)) == ([s.name for s in plan.scenarios], plan.left_out)
    larger = replace(VOCABULARY, processors=(0, 1, 2))
    assert () == parse_plan(HEAD + on_1 + on_2, "mine.toml", larger).left_out


def test_where_every_step_needs_more_the_error_names_the_processors() -> None:
    message = error_of(HEAD + CLOSED + "server_cpus = 2\n")
    assert "2 processors for the server and one for all else take 3; there are 2 (0, 1)" in message


def test_the_server_has_the_last_processors_and_all_else_shares_the_others() -> None:
    assert Cpus(control_plane=(0, 2), server=(5,), load=(0, 2)) == allotted(1, (5, 0, 2))
