"""Limits of a plan on an existing cluster."""

from dataclasses import replace

import pytest

from bench.load.routes import names as route_names
from bench.model import Plan, Scenario
from bench.plan import Vocabulary, predicted_s, read_plan
from bench.sites.limits import SLOWER, UNLIMITED, Limits, exceeded, impossible, longest_s
from bench.sites.preflight import _plan_summary

FITTING = Scenario("s", 500, "one-namespace", users=8, rate_rps=40.0, churn_per_s=10.0, probe=False)
PLAN = Plan("p", "", 1, ("direct", "informer"), 2, 1.0, 5.0, (FITTING,))


def with_scenario(**changes: object) -> Plan:
    return replace(PLAN, scenarios=(replace(FITTING, **changes),))


def test_a_plan_at_the_caps_is_not_beyond_them() -> None:
    assert [] == exceeded(PLAN, Limits())


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"pods": 501}, "--max-pods"),
        ({"rate_rps": 40.1}, "--max-rps"),
        ({"churn_per_s": 10.1}, "--max-rps"),
        ({"probe": True}, "--max-rps"),
        ({"rate_rps": None}, "--uncapped"),
    ],
)
def test_each_cap_names_the_option_that_lifts_it(changes: dict, option: str) -> None:
    (text,) = exceeded(with_scenario(**changes), Limits())
    assert option in text
    assert [] == exceeded(with_scenario(**changes), UNLIMITED)


NO_LOAD = {"route": "", "users": 0, "rate_rps": None}


def test_servers_without_load_are_limited_by_their_churn_and_observers() -> None:
    assert [] == exceeded(with_scenario(**NO_LOAD), Limits())
    (text,) = exceeded(with_scenario(**NO_LOAD, churn_per_s=51.0), Limits())
    assert "asks for 0 reads and 51 writes a second: 51, more than 50 (--max-rps)" in text
    summary = _plan_summary(with_scenario(**NO_LOAD), "n", Limits(), is_handed_over=False)
    assert "at most 0 reads/s, 10 writes/s" in summary


def test_a_share_of_a_capacity_is_refused_as_such() -> None:
    (text,) = exceeded(with_scenario(rate_rps=None, capacity_share=0.5), Limits())
    assert "offers each server a share of its rate at full speed, which no cap can limit" in text


def test_rounds_that_may_be_bought_count_towards_the_time() -> None:
    assert [] == exceeded(replace(PLAN, rounds=20), Limits())
    (text,) = exceeded(replace(PLAN, precision=0.05, most_rounds=100), Limits())
    assert "with all rounds that it may buy, more than 15 (--max-minutes)" in text
    assert [text] == exceeded(replace(PLAN, rounds=100, precision=0.05, most_rounds=12), Limits())


@pytest.mark.parametrize("rounds", [2, 40])
def test_without_a_cap_rounds_that_may_be_bought_count_towards_the_longest_time(
    rounds: int,
) -> None:
    plan = replace(PLAN, rounds=rounds, precision=0.05, most_rounds=30)
    longest = replace(PLAN, rounds=max(rounds, 30))
    assert SLOWER * predicted_s(longest) == longest_s(plan, UNLIMITED)
    assert 15 * 60 == longest_s(plan, Limits())


@pytest.mark.parametrize(
    ("changes", "feature"),
    [
        ({"fresh_control_plane": True}, "a fresh control plane for each trial"),
        ({"kubernetes": "1.36"}, "Kubernetes 1.36"),
        ({"fault": "freeze", "fault_at_s": 1.0}, "the API server to fail (freeze)"),
    ],
)
def test_a_feature_that_needs_our_own_control_plane_is_refused_with_any_caps(
    changes: dict, feature: str
) -> None:
    (text,) = impossible(with_scenario(**changes))
    assert f"wants {feature}: " in text
    assert "leave out --context" in text
    assert [] == impossible(PLAN)


def test_the_plan_that_is_named_as_fitting_fits() -> None:
    known = Vocabulary(("direct", "direct-rv0", "informer"), route_names())
    plan = read_plan("namespaced", known)
    assert [] == impossible(plan) + exceeded(plan, Limits())
