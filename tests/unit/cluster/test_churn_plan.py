"""Churn's choice of what to write next."""

from collections import Counter

from bench.cluster.churn_plan import MIX, Flock
from bench.cluster.pods import draw_pods

PODS = draw_pods(1, 400)


def drive(flock: Flock, writes: int) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for _ in range(writes):
        drawn = flock.draw()
        assert drawn is not None
        flock.done(*drawn, succeeded=True)
        kinds[drawn[0]] += 1
    return kinds


def test_the_mix_of_writes_is_the_stated_one() -> None:
    kinds = drive(Flock(PODS, seed=1), 20_000)
    for kind, share in MIX.items():
        assert abs(kinds[kind] / 20_000 - share) < 0.02


def test_the_population_keeps_its_size_within_one() -> None:
    flock = Flock(PODS, seed=2)
    balance = 0
    for _ in range(5_000):
        drawn = flock.draw()
        assert drawn is not None
        balance += {"create": 1, "delete": -1}.get(drawn[0], 0)
        flock.done(*drawn, succeeded=True)
        assert balance in (-1, 0)


def test_stable_pods_are_never_deleted() -> None:
    flock = Flock(PODS, seed=3)
    for _ in range(5_000):
        drawn = flock.draw()
        assert drawn is not None
        kind, pod = drawn
        assert kind != "delete" or not pod.is_stable
        flock.done(kind, pod, succeeded=True)


def test_no_pod_is_written_twice_at_once() -> None:
    flock = Flock(PODS[:40], seed=4)
    outstanding = []
    while (drawn := flock.draw()) is not None:
        outstanding.append(drawn[1])
        if len(outstanding) > 100:
            break
    assert len(outstanding) == len(set(outstanding)) <= 40


def test_a_failed_deletion_leaves_the_pod_in_place() -> None:
    flock = Flock(PODS, seed=5)
    while (drawn := flock.draw()) is not None and drawn[0] != "delete":
        flock.done(*drawn, succeeded=True)
    assert drawn is not None
    flock.done(*drawn, succeeded=False)
    kinds = []
    while (following := flock.draw()) is not None and following[0] == "patch":
        flock.done(*following, succeeded=True)
        kinds.append(following)
    assert following is not None
    assert following[0] == "delete"


def test_a_failed_creation_is_tried_again() -> None:
    flock = Flock(PODS, seed=6)
    created = None
    while created is None:
        drawn = flock.draw()
        assert drawn is not None
        if drawn[0] == "create":
            created = drawn[1]
        flock.done(*drawn, succeeded=drawn[0] != "create")
    while True:
        drawn = flock.draw()
        assert drawn is not None
        flock.done(*drawn, succeeded=True)
        if drawn[0] == "create":
            assert created == drawn[1]
            return


def test_the_same_seed_writes_the_same() -> None:
    def history(seed: int) -> list[object]:
        flock, found = Flock(PODS, seed), []
        for _ in range(200):
            drawn = flock.draw()
            assert drawn is not None
            flock.done(*drawn, succeeded=True)
            found.append(drawn)
        return found

    assert history(1) == history(1)
    assert history(1) != history(2)
