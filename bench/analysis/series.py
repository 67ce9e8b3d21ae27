"""One metric of each server over what a plan varies: its rate, or the processors it has.

A step is a scenario; its values are those of the rounds, as everywhere. Where rates are shares of
each server's own capacity, servers are not asked alike and nothing is compared between them.
"""

import math
from collections.abc import Iterator, Sequence

from bench.analysis.result import Axis, ScenarioAnalysis, Series, SeriesArm, Step
from bench.metrics import PERCENTILES, percentile_name
from bench.model import Scenario
from bench.stats import mean, pair_rounds, paired_ratio, sides_of

KNEE = 2.0
"""A latency this many times that at the lowest rate is past the knee: half of it is waiting."""
LATENCIES = tuple(percentile_name(q) for q in sorted(PERCENTILES)[:2])


def series_of(scenarios: Sequence[ScenarioAnalysis]) -> Iterator[Series]:
    """Yield what varies over at least two steps of scenarios that ask the same.

    ``scenarios`` are all of the run's, those of shares of a capacity among them.
    """
    for axis, metrics in ((Axis.CAPACITY, LATENCIES), (Axis.PROCESSORS, ("throughput",))):
        left = [one for one in scenarios if _place(one.scenario, axis) is not None]
        while left:
            alike = [one for one in left if one.scenario.asks_as(left[0].scenario)]
            left = [one for one in left if one not in alike]
            if len({_place(one.scenario, axis) for one in alike}) > 1:
                steps = sorted(alike, key=lambda one: _place(one.scenario, axis) or 0.0)
                yield from (_series(axis, metric, steps) for metric in metrics)


def _place(scenario: Scenario, axis: Axis) -> float | None:
    """Return where a scenario stands on an axis; ``None``: nowhere."""
    if axis is Axis.CAPACITY:
        return scenario.capacity_share
    return None if scenario.is_open else scenario.server_cpus or 0


def _series(axis: Axis, metric: str, scenarios: Sequence[ScenarioAnalysis]) -> Series:
    servers = dict.fromkeys(arm.server for one in scenarios for arm in one.contenders)
    arms = tuple(_arm(axis, metric, server, scenarios) for server in servers)
    return Series(axis, metric, tuple(one.scenario.name for one in scenarios), arms)


def _arm(axis: Axis, metric: str, server: str, scenarios: Sequence[ScenarioAnalysis]) -> SeriesArm:
    steps = []
    for one in scenarios:
        arm = one.arm(server)
        figure, reads = (arm.figure(key) if arm else None for key in (metric, "throughput"))
        if figure is not None and figure.rounds and reads is not None:
            value = mean(list(figure.rounds.values()))
            assert value is not None, "there are rounds"
            place = _place(one.scenario, axis) or 0.0
            steps.append(Step(place, reads.value or 0.0, value, figure.rounds))
    knee, has_none = _knee(steps) if axis is Axis.CAPACITY else (None, False)
    return SeriesArm(server, tuple(steps), knee, has_none)


def _knee(steps: Sequence[Step]) -> tuple[float | None, bool]:
    """Return the first place from which on all steps are past ``KNEE``, and whether none can be.

    A step is held against the first one of the same round, for both are shares of its capacity:
    where the machine's speed changes between rounds, that ratio need not.
    """
    bounds = [_times(step, steps[0]) for step in steps[1:]]
    place = None
    for step, (low, _) in zip(reversed(steps[1:]), reversed(bounds), strict=True):
        if low < KNEE:
            break
        place = step.place
    return place, all(high < KNEE for _, high in bounds)


def _times(step: Step, first: Step) -> tuple[float, float]:
    """Return the bounds of how many times the first step's value this one's is."""
    found = paired_ratio(*sides_of(pair_rounds(step.rounds, first.rounds)))
    return found.bounds if found is not None and found.bounds is not None else (0.0, math.inf)
