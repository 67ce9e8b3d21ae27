"""One metric of each server over the axis that a plan varies: its rate, or its processors.

A step is a scenario; its values are those of the rounds. If rates are shares of each server's own
capacity, servers have different loads and are not compared with each other.
"""

import math
from collections.abc import Iterator, Sequence

from bench.analysis.result import Axis, ScenarioAnalysis, Series, SeriesArm, Step
from bench.metrics import PERCENTILES, percentile_name
from bench.model import Scenario
from bench.stats import mean, pair_rounds, paired_ratio, sides_of

KNEE = 2.0
"""A latency this many times that at the lowest rate is past the knee: half of it is queueing."""
LATENCIES = tuple(percentile_name(q) for q in sorted(PERCENTILES)[:2])


def series_of(scenarios: Sequence[ScenarioAnalysis]) -> Iterator[Series]:
    """Yield a series for each axis with at least two steps among scenarios of the same load.

    ``scenarios`` are all of the run's, including those at shares of a capacity.
    """
    for axis, metrics in ((Axis.CAPACITY, LATENCIES), (Axis.PROCESSORS, ("throughput",))):
        rest = [analysis for analysis in scenarios if _place(analysis.scenario, axis) is not None]
        while rest:
            alike = [analysis for analysis in rest if analysis.scenario.asks_as(rest[0].scenario)]
            rest = [analysis for analysis in rest if analysis not in alike]
            if len({_place(analysis.scenario, axis) for analysis in alike}) > 1:
                steps = sorted(alike, key=lambda analysis: _place(analysis.scenario, axis) or 0.0)
                yield from (_series(axis, metric, steps) for metric in metrics)


def _place(scenario: Scenario, axis: Axis) -> float | None:
    """Return a scenario's place on an axis; ``None``: it is not on the axis."""
    if axis is Axis.CAPACITY:
        return scenario.capacity_share
    return None if scenario.is_open else scenario.server_cpus or 0


def _series(axis: Axis, metric: str, scenarios: Sequence[ScenarioAnalysis]) -> Series:
    servers = dict.fromkeys(arm.server for analysis in scenarios for arm in analysis.contenders)
    arms = tuple(_arm(axis, metric, server, scenarios) for server in servers)
    return Series(axis, metric, tuple(analysis.scenario.name for analysis in scenarios), arms)


def _arm(axis: Axis, metric: str, server: str, scenarios: Sequence[ScenarioAnalysis]) -> SeriesArm:
    steps = []
    for analysis in scenarios:
        arm = analysis.arm(server)
        figure, reads = (arm.figure(key) if arm else None for key in (metric, "throughput"))
        if figure is not None and figure.rounds and reads is not None:
            value = mean(list(figure.rounds.values()))
            assert value is not None, "there are rounds"
            place = _place(analysis.scenario, axis) or 0.0
            steps.append(Step(place, reads.value or 0.0, value, figure.rounds))
    knee, has_none = _knee(steps) if axis is Axis.CAPACITY else (None, False)
    return SeriesArm(server, tuple(steps), knee, has_none)


def _knee(steps: Sequence[Step]) -> tuple[float | None, bool]:
    """Return the first place from which on all steps are past ``KNEE``, and whether none can be.

    A step is compared with the first one of the same round. Both are shares of that round's
    capacity, so their ratio need not change if the machine's speed changes between rounds.
    """
    bounds = [_times(step, steps[0]) for step in steps[1:]]
    place = None
    for step, (low, _) in zip(reversed(steps[1:]), reversed(bounds), strict=True):
        if low < KNEE:
            break
        place = step.place
    return place, all(high < KNEE for _, high in bounds)


def _times(step: Step, first: Step) -> tuple[float, float]:
    """Return the bounds of the ratio of a step's value to the first step's."""
    ratio = paired_ratio(*sides_of(pair_rounds(step.rounds, first.rounds)))
    return ratio.bounds if ratio is not None and ratio.bounds is not None else (0.0, math.inf)
