"""How sure a run's deciding ratios are, and how many rounds it should have if that is not enough.

The metric that decides is named beforehand, by the kind of scenario (see ``controls``). A run
looks after its planned rounds and then after every few more. Whoever looks several times and
stops at a narrow interval ends a little more often by a spread that was small by chance:
simulated with log-normal noise of 3% to 15%, a nominal 95% interval then covers 92.5% to 95.5%.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.analysis.compare import Comparison
from bench.analysis.controls import decisive
from bench.analysis.intervals import Interval
from bench.analysis.run import RunAnalysis
from bench.analysis.scenario import ScenarioAnalysis

ROUNDS_A_PURCHASE = 3
"""Few enough to stop soon, enough that a look is worth the cluster that is populated for it."""


@dataclass(frozen=True, slots=True)
class Precision:
    """A deciding ratio and the half width of its interval, relative: 0.07 is 7%."""

    comparison: Comparison
    half_width: float


def half_width(ratio: Interval) -> float | None:
    """Return by how much the upper bound exceeds the geometric middle; ``None`` without bounds."""
    if ratio.low is None or ratio.high is None or ratio.low <= 0:
        return None
    return float(np.sqrt(ratio.high / ratio.low) - 1)


def precisions(scenarios: Iterable[ScenarioAnalysis]) -> list[Precision]:
    """Return every deciding ratio that has an interval, of all scenarios, the least sure first."""
    found = []
    for scenario in scenarios:
        metric = decisive(scenario.scenario)
        for one in scenario.comparisons:
            if one.metric.key != metric.key or one.per_1000 or one.ratio is None:
                continue
            half = half_width(one.ratio)
            if half is not None:
                found.append(Precision(one, half))
    return sorted(found, key=lambda one: one.half_width, reverse=True)


def rounds_to_buy(analysis: RunAnalysis) -> int | None:
    """Return how many rounds the run should be extended to, or ``None`` if it is sure enough.

    ``None`` also when its plan buys none, when it has all that it may have, and when no
    ratio can be stated: more of that would not tell either.
    """
    plan = analysis.record.plan
    if plan.most_rounds is None or plan.rounds >= plan.most_rounds or _widest(analysis) is None:
        return None
    return min(plan.rounds + ROUNDS_A_PURCHASE, plan.most_rounds)


def shortfall(analysis: RunAnalysis) -> str | None:
    """Return the least sure of the deciding ratios in words, if it is wider than the plan wants."""
    widest, plan = _widest(analysis), analysis.record.plan
    if widest is None:
        return None
    one = widest.comparison
    return (
        f"{one.scenario}: {one.metric.title} of {one.subject} against {one.baseline} is known "
        f"within {widest.half_width:.1%} after {plan.rounds} rounds, not {plan.precision:.1%}"
    )


def _widest(analysis: RunAnalysis) -> Precision | None:
    """Return the least sure deciding ratio where it is wider than the plan wants."""
    wanted = analysis.record.plan.precision
    widest = next(iter(precisions(analysis.scenarios)), None)
    if wanted is None or widest is None or widest.half_width <= wanted:
        return None
    return widest
