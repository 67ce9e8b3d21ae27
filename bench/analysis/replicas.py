"""What each further replica costs: scenarios that differ in nothing but their replicas.

Within a round a cost is a straight line over the number of replicas, and its slope
is what one more costs. The replicate is a round: each gives a slope of its own, by
least squares, and the interval is Student's t over these. Whether a line is the
right shape, the cost model's test of its form tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.analysis.counters import Marks
from bench.analysis.intervals import CONFIDENCE, Interval, mean_interval
from bench.analysis.ledgers import OPEN_WATCHES
from bench.analysis.metrics import METRICS, Facts, Metric
from bench.model import AGAIN, NO_SERVER, Plan, Scenario

CONTROL_PLANE = ("apiserver_cpu", "etcd_cpu", "api_bytes")
APPLICATION = ("server_cpu", "memory_end", "ready", "ready_requests", "ready_bytes")


def _open_watches(facts: Facts) -> float | None:
    return None if facts.marks is None else _standing(facts.marks)


def _standing(marks: Marks) -> float | None:
    """Return how many watches of pods stood open at the end mark; ``None``: not told."""
    found = marks.at("apiserver", OPEN_WATCHES, "end")
    if found is None:
        return None
    wanted = {"verb": "WATCH", "resource": "pods"}
    return sum(one.value for one in found if wanted.items() <= one.labels.items())


WATCHES = Metric(
    key="open_watches",
    title="Watches of pods open at the end",
    unit="",
    source=f"scrapes.parquet: {OPEN_WATCHES} at the end mark, verb WATCH, resource pods; the same "
    "of the arm none subtracted, round by round",
    of=_open_watches,
    above=NO_SERVER,
    may_be_zero=True,
)


@dataclass(frozen=True, slots=True)
class ReplicaCost:
    """One metric of one arm, by the number of replicas, and what each further one adds.

    ``each`` is ``None`` where no round has the metric at two numbers of replicas.
    """

    metric: Metric
    arm: str
    means: Mapping[int, Interval]
    points: tuple[tuple[int, int, float], ...]
    """``(replicas, round, value)``."""
    each: Interval | None


@dataclass(frozen=True, slots=True)
class ReplicaGroup:
    """Scenarios alike but for their replicas: what these cost, metric by metric and arm by arm."""

    scenario: Scenario
    """One of them; its name and its replicas are not the others'."""
    replicas: tuple[int, ...]
    arms: tuple[str, ...]
    costs: tuple[ReplicaCost, ...]

    def of(self, key: str) -> list[ReplicaCost]:
        """Return the arms' costs in the metric ``key``."""
        return [cost for cost in self.costs if cost.metric.key == key]


def replica_groups(plan: Plan, facts: Sequence[Facts]) -> list[ReplicaGroup]:
    """Return the groups of ``plan`` whose replicas vary; ``facts`` are of good trials."""
    alike: dict[Scenario, list[Scenario]] = {}
    for scenario in plan.scenarios:
        alike.setdefault(replace(scenario, name="", replicas=1), []).append(scenario)
    found = [_group(plan, members, facts) for members in alike.values()]
    return [group for group in found if len(group.replicas) > 1 and group.costs]


def _group(plan: Plan, members: Sequence[Scenario], facts: Sequence[Facts]) -> ReplicaGroup:
    several = {scenario.name: scenario.replicas for scenario in members}
    own = [one for one in facts if one.record.trial.scenario in several]
    present = {one.record.trial.server for one in own}
    arms = [arm for arm in plan.servers if arm in present and arm != NO_SERVER]
    metrics = [one for one in METRICS if one.key in (*CONTROL_PLANE, *APPLICATION)]
    costs = [_cost(metric, arm, several, own) for metric in [*metrics, WATCHES] for arm in arms]
    return ReplicaGroup(
        scenario=members[0],
        replicas=tuple(sorted({n for cost in costs for n, _, _ in cost.points})),
        arms=tuple(arms),
        costs=tuple(cost for cost in costs if cost.means),
    )


def _cost(
    metric: Metric, arm: str, several: Mapping[str, int], facts: Sequence[Facts]
) -> ReplicaCost:
    by_place = {
        (one.record.trial.scenario, one.record.trial.round, one.record.trial.server): one
        for one in facts
        if not one.record.trial.server.endswith(AGAIN)
    }
    points = []
    for (name, number, server), one in by_place.items():
        value = _above_floor(metric, one, by_place.get((name, number, NO_SERVER)))
        if server == arm and value is not None:
            points.append((several[name], number, value))
    numbers = sorted({replicas for replicas, _, _ in points})
    means = {
        replicas: mean_interval([value for n, _, value in points if n == replicas], CONFIDENCE)
        for replicas in numbers
    }
    return ReplicaCost(
        metric=metric,
        arm=arm,
        means={replicas: mean for replicas, mean in means.items() if mean is not None},
        points=tuple(sorted(points)),
        each=mean_interval(_slopes(points), CONFIDENCE),
    )


def _above_floor(metric: Metric, one: Facts, floor: Facts | None) -> float | None:
    value = metric.of(one)
    if value is None or not metric.above_floor:
        return value
    below = metric.of(floor) if floor is not None else None
    return None if below is None else value - below


def _slopes(points: Sequence[tuple[int, int, float]]) -> list[float]:
    """Return the slope over the replicas of each round that has at least two numbers of them."""
    slopes = []
    for number in sorted({number for _, number, _ in points}):
        own = [(replicas, value) for replicas, round_, value in points if round_ == number]
        if len({replicas for replicas, _ in own}) > 1:
            across, up = np.array(own, dtype=np.float64).T
            slopes.append(float(np.polyfit(across, up, 1)[0]))
    return slopes
