"""Plans: valid ones, errors, and the order of the trials."""

from dataclasses import replace

import pytest

from bench.cli.plans import vocabulary
from bench.model import AGAIN, NO_SERVER, Arrivals, Plan
from bench.plan import (
    PlanError,
    Vocabulary,
    on_kubernetes,
    parse_plan,
    plan_names,
    predicted_s,
    read_plan,
    trials,
)

VOCABULARY = Vocabulary(
    servers=("direct", "direct-rv0", "informer"), routes=("list-all", "one-pod")
)
VALID = """\
name = "mine"
description = "A plan of my own."
seed = 7
servers = ["direct", "informer", "none"]
rounds = 4
warmup_s = 1
duration_s = 2.5

[[scenarios]]
name = "closed"
route = "list-all"
users = 8
pods = 100

[[scenarios]]
name = "open"
route = "one-pod"
users = 16
rate_rps = 10
pods = 100
churn_per_s = 5
"""


def parse(text: str) -> Plan:
    return parse_plan(text, "mine.toml", VOCABULARY)


def error_of(text: str) -> str:
    with pytest.raises(PlanError) as caught:
        parse(text)
    return str(caught.value)


def test_a_valid_plan_is_read_with_its_units() -> None:
    plan = parse(VALID)
    assert ("mine", 7, 4, 1.0, 2.5) == (
        plan.name,
        plan.seed,
        plan.rounds,
        plan.warmup_s,
        plan.duration_s,
    )
    assert [False, True] == [scenario.is_open for scenario in plan.scenarios]
    assert 5.0 == plan.scenario("open").churn_per_s


@pytest.mark.parametrize("name", plan_names())
def test_every_plan_of_the_project_is_valid(name: str) -> None:
    assert name == read_plan(name, vocabulary()).name


@pytest.mark.parametrize(("name", "minutes"), [("default", 15), ("smoke", 1.5)])
def test_the_plans_that_people_start_with_keep_their_time(name: str, minutes: float) -> None:
    assert predicted_s(read_plan(name, VOCABULARY)) <= minutes * 60


def test_the_default_plan_has_a_control_and_rounds_for_an_interval() -> None:
    plan = read_plan("default", VOCABULARY)
    assert {"direct", "direct-rv0", "informer", NO_SERVER} == set(plan.servers)
    assert any(trial.server.endswith(AGAIN) for trial in trials(plan))
    assert plan.rounds >= 6


def test_the_error_of_an_unknown_plan_names_the_nearest_and_all_others() -> None:
    with pytest.raises(PlanError, match=r"no plan 'smok' \(the nearest is 'smoke'\).*default"):
        read_plan("smok", VOCABULARY)


def test_a_plan_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(PlanError, match=r"cannot read the plan nowhere\.toml"):
        read_plan("nowhere.toml", VOCABULARY)


def test_text_that_is_no_toml_is_an_error_with_its_line() -> None:
    assert "mine.toml: not valid TOML" in error_of("name = \n")
    assert "line 1" in error_of("name = \n")


@pytest.mark.parametrize(
    ("valid", "wrong"),
    [
        ("rounds = 4", "rounds = 0"),
        ("rounds = 4", "rounds = 2.5"),
        ("rounds = 4", "rounds = true"),
        ("seed = 7", "seed = -1"),
        ("duration_s = 2.5", "duration_s = nan"),
        ("duration_s = 2.5", "duration_s = inf"),
        ("rate_rps = 10", "rate_rps = 0"),
        ("rate_rps = 10", "rate_rps = -3"),
        ("users = 16", "users = 0"),
        ('route = "one-pod"', 'route = "one-pot"'),
        ('name = "open"', 'name = "Open !"'),
        ('name = "mine"', 'name = "../mine"'),
    ],
)
def test_a_value_out_of_range_is_an_error_with_its_line(valid: str, wrong: str) -> None:
    line = VALID[: VALID.rindex(valid)].count("\n") + 1
    key = wrong.split(" ", maxsplit=1)[0]
    assert error_of(VALID.replace(valid, wrong)).startswith(f"mine.toml:{line}: {key!r} takes ")


FEWER = "'replicas' takes a whole number from 1 to 20"
VERSION = "'kubernetes' takes a version of Kubernetes as text: 1.34 or 1.34.4"


@pytest.mark.parametrize(
    ("valid", "wrong", "message"),
    [
        ("duration_s = 2.5", "duration = 2.5", "7: a plan has no key 'duration' (the nearest is"),
        (
            "churn_per_s = 5",
            "churn_per_minute = 5",
            "21: a scenario has no key 'churn_per_minute' (the nearest is 'churn_per_s')",
        ),
        (
            "duration_s = 2.5",
            'duration_s = "2500 ms"',
            "7: 'duration_s' takes seconds as a number from 1 to 3600, not '2500 ms'",
        ),
        ("rounds = 4\n", "", "1: a plan needs 'rounds': a whole number from 1 to 100"),
        ("users = 16\n", "", "15: a scenario needs 'users'"),
        ('"informer"', '"informr"', "4: there is no server 'informr' (the nearest is 'informer')"),
        ('["direct", "informer", "none"]', '["none"]', "4: 'none' alone measures nothing"),
        ('"informer", "none"', '"informer", "direct"', "4: the server 'direct' is named twice"),
        ('name = "open"', 'name = "closed"', "the scenario 'closed' is named twice"),
        (
            "rounds = 4",
            'rounds = 4\ncontrol = "informr"',
            "6: the control 'informr' is not among the plan's servers (the nearest is 'informer')",
        ),
        ("rounds = 4", 'rounds = 4\ncontrol = "none"', "6: the control 'none' is not among"),
        ("rounds = 4", "rounds = 6\nprecision = 0.07", "6: 'precision' and 'most_rounds' belong"),
        ("rounds = 4", "rounds = 6\nmost_rounds = 9", "6: 'precision' and 'most_rounds' belong"),
        (
            "rounds = 4",
            "rounds = 6\nprecision = 0.07\nmost_rounds = 5",
            "7: 5 are fewer than the 6 planned",
        ),
        (
            "rounds = 4",
            "rounds = 4\nprecision = 0.07\nmost_rounds = 12",
            "6: an interval over fewer than 5 rounds",
        ),
        ("users = 8", 'users = 8\narrivals = "poisson"', "the scenario 'closed' has no 'rate_rps'"),
        ("users = 8", "users = 8\nreplicas = 9", "has fewer users (8) than replicas (9)"),
        (
            "rate_rps = 10",
            "rate_rps = 10\nworkers = 9",
            "'workers' takes a whole number from 1 to 8",
        ),
        *(
            ("rate_rps = 10", f"rate_rps = 10\nreplicas = {wrong}", f"20: {FEWER}")
            for wrong in ("0", "21", "1.5", "true", '"3"')
        ),
        *(
            ("users = 8", f"users = 8\nkubernetes = {wrong}", f"13: {VERSION}")
            for wrong in ('"latest"', '"1"', "1.30", '"1.30.x"')
        ),
    ],
)
def test_an_invalid_key_is_an_error_with_its_line(valid: str, wrong: str, message: str) -> None:
    error = error_of(VALID.replace(valid, wrong))
    assert message in error
    assert error.startswith("mine.toml:")


def test_a_plan_without_scenarios_has_no_trials_and_is_refused() -> None:
    assert "no trials" in error_of(VALID[: VALID.index("[[scenarios]]")])


CONTROLLED = VALID.replace("rounds = 4", 'rounds = 4\ncontrol = "direct"')


def test_a_control_is_one_more_arm_of_every_round_and_scenario() -> None:
    plan = parse(CONTROLLED)
    arms = [trial.server for trial in trials(plan)]
    assert 4 * 2 == arms.count(f"direct{AGAIN}") == arms.count("direct")
    assert "direct" == plan.server_of(f"direct{AGAIN}")
    assert ["direct", "none"] == [plan.server_of(arm) for arm in ("direct", "none")]


def test_a_scenario_may_do_without_the_control() -> None:
    plan = parse(CONTROLLED.replace("users = 8", "users = 8\ncontrol = false"))
    with_control = {trial.scenario for trial in trials(plan) if trial.server.endswith(AGAIN)}
    assert {"open"} == with_control


def test_the_ending_of_a_control_is_taken() -> None:
    vocabulary = Vocabulary(servers=("direct-again",), routes=("list-all", "one-pod"))
    text = VALID.replace('["direct", "informer", "none"]', '["direct-again"]')
    with pytest.raises(PlanError, match="the ending '-again' is that of a control"):
        parse_plan(text, "mine.toml", vocabulary)


def test_more_rounds_begin_with_the_trials_of_fewer() -> None:
    plan = parse(CONTROLLED)
    assert trials(plan) == trials(replace(plan, rounds=9))[: len(trials(plan))]


def test_arrivals_are_of_the_open_model_only() -> None:
    plan = parse(VALID.replace("rate_rps = 10", 'rate_rps = 10\narrivals = "poisson"'))
    assert [Arrivals.CONSTANT, Arrivals.POISSON] == [case.arrivals for case in plan.scenarios]


def test_a_control_plane_for_each_trial_takes_its_time() -> None:
    text = VALID.replace("users = 8", "users = 8\nfresh_control_plane = true")
    fresh, shared = parse(text), parse(VALID)
    assert [True, False] == sorted(
        (scenario.fresh_control_plane for scenario in fresh.scenarios), reverse=True
    )
    assert 4 * 3 * 8.0 == predicted_s(fresh) - predicted_s(shared)


def test_a_plan_may_buy_rounds_until_its_ratios_are_sure_enough() -> None:
    plan = parse(VALID.replace("rounds = 4", "rounds = 6\nprecision = 0.07\nmost_rounds = 12"))
    assert (6, 0.07, 12) == (plan.rounds, plan.precision, plan.most_rounds)


def test_a_plan_may_bound_its_minutes_and_takes_no_longer() -> None:
    bounded = parse(VALID.replace("rounds = 4", "rounds = 100\nmost_minutes = 3"))
    assert 3.0 == bounded.most_minutes
    assert 3 * 60 < predicted_s(bounded) < 4 * 60
    assert predicted_s(parse(VALID)) == predicted_s(
        parse(VALID.replace("rounds = 4", "rounds = 4\nmost_minutes = 30"))
    )


def test_a_scenario_may_do_without_probe_and_bystander() -> None:
    plan = parse(VALID.replace("users = 8", "users = 8\nprobe = false"))
    assert [False, True] == [scenario.probe for scenario in plan.scenarios]


def test_every_round_has_every_server_in_every_scenario() -> None:
    plan = parse(VALID)
    cells = {(trial.round, trial.scenario, trial.server) for trial in trials(plan)}
    assert 4 * 2 * 3 == len(cells) == len(trials(plan))
    assert list(range(24)) == [trial.order for trial in trials(plan)]


def test_every_second_round_goes_backwards() -> None:
    plan = parse(VALID)
    orders = {
        number: [t.server for t in trials(plan) if t.round == number and t.scenario == "closed"]
        for number in range(1, 5)
    }
    assert orders[2] == orders[1][::-1]
    assert orders[4] == orders[3][::-1]


def test_a_server_and_the_same_of_the_base_follow_each_other_and_take_turns() -> None:
    arms = ("direct", "informer", "direct@base", "informer@base")
    plan = replace(parse(VALID), servers=arms)
    for number in range(1, plan.rounds + 1):
        order = [t.server for t in trials(plan) if t.round == number and t.scenario == "closed"]
        pairs = [order[:2], order[2:4]]
        heads, bases = zip(*(pair if number % 2 else pair[::-1] for pair in pairs), strict=True)
        assert [f"{head}@base" for head in heads] == list(bases)


def test_the_order_comes_from_the_seed() -> None:
    def order(seed: int) -> list[str]:
        plan = parse(VALID.replace("seed = 7", f"seed = {seed}"))
        return [trial.server for trial in trials(plan)]

    assert order(7) == order(7)
    assert len({tuple(order(seed)) for seed in range(20)}) > 1


def test_the_prediction_counts_every_trial() -> None:
    once = predicted_s(parse(VALID.replace("rounds = 4", "rounds = 1")))
    thrice = predicted_s(parse(VALID.replace("rounds = 4", "rounds = 3")))
    assert thrice - once > 2 * 2 * 3 * (1 + 2.5)


def test_a_scenario_has_a_number_of_replicas() -> None:
    plan = parse(VALID.replace("rate_rps = 10", "rate_rps = 10\nreplicas = 20"))
    assert [1, 20] == [scenario.replicas for scenario in plan.scenarios]
    assert predicted_s(plan) > predicted_s(parse(VALID))


def test_a_scenario_has_a_number_of_workers_for_each_replica() -> None:
    plan = parse(VALID.replace("rate_rps = 10", "rate_rps = 10\nreplicas = 2\nworkers = 8"))
    assert [1, 8] == [scenario.workers for scenario in plan.scenarios]


def test_every_second_round_takes_versions_backwards():
    text = VALID.replace('route = "list-all"', 'route = "list-all"\nkubernetes = "1.30"')
    plan = parse_plan(text, "mine.toml", VOCABULARY)
    assert "1.30" == plan.scenario("closed").kubernetes
    order = [(trial.round, trial.scenario) for trial in trials(plan)]
    by_round = [list(dict.fromkeys(s for r, s in order if r == number)) for number in (1, 2, 3)]
    assert [["closed", "open"], ["open", "closed"], ["closed", "open"]] == by_round


def test_without_versions_scenarios_keep_their_order():
    plan = parse_plan(VALID, "mine.toml", VOCABULARY)
    order = [(trial.round, trial.scenario) for trial in trials(plan)]
    assert ["closed", "open"] == list(dict.fromkeys(s for r, s in order if r == 2))


def test_a_version_for_all_leaves_those_that_are_named():
    text = VALID.replace('route = "list-all"', 'route = "list-all"\nkubernetes = "1.30"')
    plan = on_kubernetes(parse_plan(text, "mine.toml", VOCABULARY), "1.36")
    assert ["1.30", "1.36"] == [scenario.kubernetes for scenario in plan.scenarios]
