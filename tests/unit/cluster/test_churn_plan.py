"""Churn's choice of the next write."""

from collections import Counter

from bench.cluster.churn_plan import MIX, ChurnPlan
from bench.cluster.pods import PodKey, draw_pods

PODS = draw_pods(1, 400)


def drive(plan: ChurnPlan, writes: int) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for _ in range(writes):
        drawn = plan.draw()
        assert drawn is not None
        plan.done(*drawn, succeeded=True)
        kinds[drawn[0]] += 1
    return kinds


def test_the_mix_of_writes_is_the_stated_one() -> None:
    kinds = drive(ChurnPlan(PODS, seed=1), 20_000)
    for kind, share in MIX.items():
        assert abs(kinds[kind] / 20_000 - share) < 0.02


def test_the_population_keeps_its_size_within_one() -> None:
    plan = ChurnPlan(PODS, seed=2)
    balance = 0
    for _ in range(5_000):
        drawn = plan.draw()
        assert drawn is not None
        balance += {"create": 1, "delete": -1}.get(drawn[0], 0)
        plan.done(*drawn, succeeded=True)
        assert balance in (-1, 0)


def test_the_bounds_of_the_population_hold_for_every_outcome_of_writes_in_flight() -> None:
    plan = ChurnPlan(PODS, seed=2)
    assert (400, 400) == (plan.at_least, plan.at_most)
    while (drawn := plan.draw()) is not None and drawn[0] != "delete":
        plan.done(*drawn, succeeded=True)
    assert drawn is not None
    assert (399, 400) == (plan.at_least, plan.at_most)
    plan.done(*drawn, succeeded=True)
    assert (399, 399) == (plan.at_least, plan.at_most)
    while (drawn := plan.draw()) is not None and drawn[0] != "create":
        plan.done(*drawn, succeeded=True)
    assert drawn is not None
    assert (399, 400) == (plan.at_least, plan.at_most)
    plan.done(*drawn, succeeded=False)
    assert (399, 399) == (plan.at_least, plan.at_most)


def test_writes_in_flight_leave_at_most_one_pod_missing() -> None:
    plan = ChurnPlan(PODS, seed=2)
    in_flight: list[tuple[str, PodKey]] = []
    size = len(PODS)
    for _ in range(5_000):
        drawn = plan.draw()
        assert drawn is not None
        in_flight.append(drawn)
        if len(in_flight) == 20:
            for kind, pod in in_flight:
                size += {"create": 1, "delete": -1}.get(kind, 0)
                plan.done(kind, pod, succeeded=True)
            in_flight = []
            assert size in (len(PODS) - 1, len(PODS))


def test_stable_pods_are_never_deleted() -> None:
    plan = ChurnPlan(PODS, seed=3)
    for _ in range(5_000):
        drawn = plan.draw()
        assert drawn is not None
        kind, pod = drawn
        assert kind != "delete" or not pod.is_stable
        plan.done(kind, pod, succeeded=True)


def test_no_pod_is_written_twice_at_once() -> None:
    plan = ChurnPlan(PODS[:40], seed=4)
    outstanding = []
    while (drawn := plan.draw()) is not None:
        outstanding.append(drawn[1])
        if len(outstanding) > 100:
            break
    assert len(outstanding) == len(set(outstanding)) <= 40


def test_a_failed_deletion_leaves_the_pod_in_place() -> None:
    plan = ChurnPlan(PODS, seed=5)
    while (drawn := plan.draw()) is not None and drawn[0] != "delete":
        plan.done(*drawn, succeeded=True)
    assert drawn is not None
    plan.done(*drawn, succeeded=False)
    kinds = []
    while (following := plan.draw()) is not None and following[0] == "patch":
        plan.done(*following, succeeded=True)
        kinds.append(following)
    assert following is not None
    assert following[0] == "delete"


def test_a_failed_creation_is_tried_again() -> None:
    plan = ChurnPlan(PODS, seed=6)
    created = None
    while created is None:
        drawn = plan.draw()
        assert drawn is not None
        if drawn[0] == "create":
            created = drawn[1]
        plan.done(*drawn, succeeded=drawn[0] != "create")
    while True:
        drawn = plan.draw()
        assert drawn is not None
        plan.done(*drawn, succeeded=True)
        if drawn[0] == "create":
            assert created == drawn[1]
            return


def test_the_same_seed_writes_the_same() -> None:
    def history(seed: int) -> list[object]:
        plan, writes = ChurnPlan(PODS, seed), []
        for _ in range(200):
            drawn = plan.draw()
            assert drawn is not None
            plan.done(*drawn, succeeded=True)
            writes.append(drawn)
        return writes

    assert history(1) == history(1)
    assert history(1) != history(2)
