"""Arms compared pair by pair: values of the same round, never a mean of means.

``deciding`` metrics are named beforehand. Other comparisons are shown and decide nothing: among
forty of them one or two are bound to look different at 95%. A run checks its deciding ratios
after its planned rounds and then after every few more. Stopping at a narrow interval after several
looks favours spreads that are small by chance: simulated with log-normal noise of 3% to 15%, a
nominal 95% interval then covers 92.5% to 95.5%.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.analysis.frame import Frame
from bench.analysis.result import Arm, Comparison, Control, RunAnalysis, ScenarioAnalysis
from bench.metrics import BY_KEY, Metric
from bench.model import AGAIN, Scenario
from bench.stats import (
    CONFIDENCE,
    LOOK_CONFIDENCE,
    Estimate,
    Events,
    Rounds,
    at_least_times,
    bootstrap_ratio,
    equivalence,
    log_ratios,
    mean,
    outlying,
    paired_ratio,
    ratio_of_means,
    sides_of,
    variation,
)

OPEN_METRIC, CLOSED_METRIC, IDLE_METRIC = "service_p50", "throughput", "memory_end"
BESIDE = ("control_plane_cpu", CLOSED_METRIC)
MARGIN = 0.10
"""Relative difference of a server from itself that counts as equal. Smaller differences between
servers should not be read from such a run."""
ROUNDS_A_PURCHASE = 3
"""Rounds a run is extended by: few enough to stop soon, enough to be worth populating a cluster."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: an arm, and the scenario it was measured in."""

    scenario: str
    arm: Arm

    @property
    def place(self) -> tuple[str, str]:
        """Scenario and arm: the key of its rows in the frame."""
        return self.scenario, self.arm.server


def compare(frame: Frame, subject: Side, baseline: Side) -> list[Comparison]:
    """Compare two arms in every metric and form that a round has of both."""
    return [
        _comparison(BY_KEY[key], per_1000, subject.arm, baseline.arm, rounds)
        for (key, per_1000), rounds in frame.pairs(subject.place, baseline.place).items()
    ]


def _comparison(
    metric: Metric, per_1000: bool, subject: Arm, baseline: Arm, rounds: Rounds
) -> Comparison:
    values, bases = sides_of(rounds)
    differences = [value - base for value, base in rounds.values()]
    as_ratio = not metric.may_be_zero or (_excludes_zero(values) and _excludes_zero(bases))
    ratio = paired_ratio(values, bases) if as_ratio else None
    logs = log_ratios(values, bases) if ratio is not None else None
    figures = (arm.figure(metric.key, per_1000=per_1000) for arm in (subject, baseline))
    few, many = (figure.counted if figure is not None else None for figure in figures)
    fewer = at_least_times(many, few) if many is not None and few is not None else None
    return Comparison(
        metric=metric.key,
        per_1000=per_1000,
        subject=subject.server,
        baseline=baseline.server,
        ratio=ratio,
        difference=mean(differences),
        at_least=fewer if fewer is not None and fewer > 1 else None,
        times=ratio or _times(values, bases, few, fewer),
        check=None if ratio is None else bootstrap_ratio(values, bases),
        variation=None if logs is None else variation([math.exp(log) for log in logs]),
        outlying=outlying(dict(zip(rounds, logs or differences, strict=True))),
    )


def _times(
    values: Sequence[float], bases: Sequence[float], few: Events | None, fewer: float | None
) -> Estimate | None:
    """Return subject's mean / baseline's mean; ``None`` if the baseline may be 0.

    ``few`` are the subject's events, and ``fewer`` times as many, at least, the baseline's.
    """
    if fewer and not any(values):
        # Zeros have no spread: the exact bound limits how many events there may be.
        return Estimate(0.0, 0.0, 1 / fewer, len(values))
    return ratio_of_means(values, bases, CONFIDENCE, few)


def _excludes_zero(values: Sequence[float]) -> bool:
    estimate = mean(values)
    return estimate is not None and min(values) > 0 and (estimate.low is None or estimate.low > 0)


def compare_pairs(
    frame: Frame, scenario: str, pairs: Iterable[tuple[Arm, Arm]]
) -> Iterator[Comparison]:
    """Compare pairs of arms of one scenario: subject and baseline of each."""
    for subject, baseline in pairs:
        yield from compare(frame, Side(scenario, subject), Side(scenario, baseline))


def deciding(scenario: Scenario) -> Metric:
    """Return the metric that decides in scenarios of this kind.

    Without load it is memory, because requests and their cost may be 0, which has no ratio.
    """
    if not scenario.has_load:
        return BY_KEY[IDLE_METRIC]
    return BY_KEY[OPEN_METRIC if scenario.is_open else CLOSED_METRIC]


def controls_of(frame: Frame, scenario: Scenario, arms: Sequence[Arm]) -> list[Control]:
    """Return the controls among ``arms`` whose server has been measured too."""
    by_name = {arm.server: arm for arm in arms}
    return [
        _control(frame, scenario, by_name[arm.server.removesuffix(AGAIN)], arm)
        for arm in arms
        if arm.is_control and arm.server.removesuffix(AGAIN) in by_name
    ]


def _control(frame: Frame, scenario: Scenario, first: Arm, again: Arm) -> Control:
    metric, sides = deciding(scenario), (Side(scenario.name, again), Side(scenario.name, first))
    values = sides_of(frame.pairs(*(side.place for side in sides)).get((metric.key, False), {}))
    logs = log_ratios(*values)
    # The margin as a factor: 1.10 times as much, or 1 / 1.10.
    log_ratio = None if logs is None else mean(logs, LOOK_CONFIDENCE)
    return Control(
        server=first.server,
        arm=again.server,
        metric=metric.key,
        margin=MARGIN,
        confidence=LOOK_CONFIDENCE,
        verdict=equivalence(log_ratio, math.log1p(MARGIN)),
        ratio=paired_ratio(*values, LOOK_CONFIDENCE),
        comparisons=tuple(compare(frame, *sides)),
    )


@dataclass(frozen=True, slots=True)
class Precision:
    """A deciding ratio and the half width of its interval, relative: 0.07 is 7%."""

    scenario: str
    comparison: Comparison
    half_width: float


def half_width(ratio: Estimate) -> float | None:
    """Return upper bound / geometric middle of the interval, less 1; ``None`` without bounds."""
    if ratio.low is None or ratio.high is None or ratio.low <= 0:
        return None
    return math.sqrt(ratio.high / ratio.low) - 1


def precisions(scenarios: Iterable[ScenarioAnalysis]) -> list[Precision]:
    """Return every deciding ratio that has an interval, of all scenarios, the widest first."""
    stated = [
        Precision(scenario.scenario.name, comparison, half)
        for scenario in scenarios
        for comparison in scenario.comparisons
        if (comparison.metric, comparison.per_1000) == (deciding(scenario.scenario).key, False)
        and comparison.ratio is not None
        and (half := half_width(comparison.ratio)) is not None
    ]
    return sorted(stated, key=lambda precision: precision.half_width, reverse=True)


def rounds_to_buy(analysis: RunAnalysis) -> int | None:
    """Return how many rounds the run should be extended to, or ``None`` if it is precise enough.

    Also ``None`` if its plan buys no rounds, if it has the most allowed, or if it has no ratio.
    """
    plan = analysis.plan
    if plan.most_rounds is None or plan.rounds >= plan.most_rounds or _widest(analysis) is None:
        return None
    return min(plan.rounds + ROUNDS_A_PURCHASE, plan.most_rounds)


def shortfall(analysis: RunAnalysis) -> str | None:
    """Return a sentence on the widest deciding ratio, if it is wider than the plan's precision."""
    widest, plan = _widest(analysis), analysis.plan
    if widest is None:
        return None
    comparison = widest.comparison
    return (
        f"{widest.scenario}: {comparison.definition.title} of {comparison.subject} against "
        f"{comparison.baseline} is known within {widest.half_width:.1%} after {plan.rounds} "
        f"rounds, not {plan.precision:.1%}"
    )


def _widest(analysis: RunAnalysis) -> Precision | None:
    """Return the widest deciding ratio if it is wider than the plan's precision."""
    requested = analysis.plan.precision
    widest = next(iter(precisions(analysis.scenarios)), None)
    if requested is None or widest is None or widest.half_width <= requested:
        return None
    return widest
