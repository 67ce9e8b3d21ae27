"""What a rule is about, found in the run: an estimate, or in words why there is none."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bench.analysis.cost_model import CostModel
from bench.analysis.result import Arm, Figure, RunAnalysis, ScenarioAnalysis
from bench.gate.compare import difference, events_of, unlike_question
from bench.gate.rules import Of, Rule
from bench.metrics import BY_KEY
from bench.model import AGAIN
from bench.stats import (
    CONFIDENCE,
    Estimate,
    Events,
    mean,
    paired_ratio,
    ratio_of_means,
    unpaired_ratio,
)


class Form(StrEnum):
    """How a rule's figure is stated."""

    VALUE = "value"
    FACTOR = "factor"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Observed:
    """What a rule is about: the estimate, its limit, and what a margin refers to.

    ``base`` is what an absolute margin is divided by (a factor) or a relative one multiplied
    with (a difference), in the metric's unit. ``noise`` is relative; ``None``: the run has no
    control here. ``best`` is the bound that the interval would have at ``cap`` rounds if
    nothing at all were counted, where the metric is a count. ``logarithmic``: the estimate is a
    factor whose interval is symmetric in its logarithm.
    """

    form: Form
    unit: str
    estimate: Estimate
    limit: float
    at_most: bool
    base: float
    rounds: int
    noise: float | None = None
    best: float | None = None
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a rule has nothing to judge; ``curable``: more rounds could help."""

    why: str
    curable: bool = False


def observe(
    rule: Rule, run: RunAnalysis, baseline: RunAnalysis | None, confidence: float, cap: int
) -> Observed | Missing:
    """Find what ``rule`` is about; ``cap`` is the most rounds that may ever be bought."""
    if rule.of is Of.PER_REPLICA:
        return _per_replica(rule, run, confidence)
    if rule.of is not Of.FIGURE:
        return _of_model(rule, run, confidence)
    found = _figure(rule, rule.arm, run, "this run")
    if isinstance(found, Missing):
        return found
    scenario, figure = found
    noise = noise_of(scenario, rule.metric, per_1000=rule.per_1000)
    if rule.against is None:
        return _own_value(rule, figure, noise, confidence, cap)
    if rule.needs_baseline:
        return _against_baseline(rule, scenario, figure, noise, baseline, confidence)
    other = _figure(rule, rule.against, run, "this run")
    if isinstance(other, Missing):
        return other
    return _against_arm(rule, figure, other[1], noise, confidence, cap)


def noise_of(scenario: ScenarioAnalysis, metric: str, *, per_1000: bool) -> float | None:
    """Return how far apart a server and itself may lie, as a share; ``None`` without a control.

    The further end of the 95% interval of the control's factor: the largest difference
    between two servers that are the same which this run cannot rule out.
    """
    shares = []
    for arm in scenario.arms:
        same = scenario.arm(arm.server.removesuffix(AGAIN))
        if not arm.is_control or same is None:
            continue
        own, other = (one.figure(metric, per_1000=per_1000) for one in (arm, same))
        if own is None or other is None:
            continue
        ratio = paired_ratio(*_paired(own, other), CONFIDENCE)
        if ratio is not None and ratio.bounds is not None:
            low, high = ratio.bounds
            shares.append(max(high, 1 / low) - 1)
    return max(shares, default=None)


def _of_model(rule: Rule, run: RunAnalysis, confidence: float) -> Observed | Missing:
    """Return a unit cost, or a break-even rate in the model's situation of reference."""
    model = next((one for one in run.cost_models if one.quantity == rule.metric), None)
    if model is None:
        reasons = (one.why for one in run.unfitted if one.quantity == rule.metric)
        reason = next(reasons, "its analysis has none")
        return Missing(f"this run has no cost model of {rule.metric}: {reason}", curable=True)
    if rule.of is Of.UNIT_COST:
        found, unit = _unit_cost(rule, model, confidence), model.unit.removesuffix("/s")
    else:
        found, unit = _break_even(rule, model, confidence), "/s"
    if isinstance(found, Missing):
        return found
    return _plain(rule, found, unit, len({row.round for row in model.rows}))


def _unit_cost(rule: Rule, model: CostModel, confidence: float) -> Estimate | Missing:
    for place, unit in enumerate(model.units):
        if (unit.arm, unit.per) == (rule.arm, rule.per):
            return model.fit.estimate(np.eye(len(model.units))[place], confidence)
    known = [f"{one.per} of {one.arm}" for one in model.units]
    return Missing(f"no unit cost of a {rule.per} of {rule.arm}; there are: {_listed(known)}")


def _break_even(rule: Rule, model: CostModel, confidence: float) -> Estimate | Missing:
    if rule.arm not in model.readers:
        known = _listed(model.readers)
        return Missing(f"no break-even rate against {rule.arm!r}; there are: {known}")
    found = model.break_even(rule.arm, model.reference, confidence)
    if found.rate is None:
        text = f"a read by {rule.arm} costs no {rule.metric} that could be measured"
        return Missing(f"{text}: there is no break-even rate", curable=True)
    unbounded = found.low is not None and found.high is None
    high = math.inf if unbounded else found.high
    return Estimate(found.rate, found.low, high, len(model.fit.fitted))


def _per_replica(rule: Rule, run: RunAnalysis, confidence: float) -> Observed | Missing:
    groups = [one for one in run.replicas if rule.scenario in (None, *one.scenarios)]
    if not groups:
        where = f" with {rule.scenario}" if rule.scenario else ""
        return Missing(f"this run has no scenarios{where} that differ in their replicas alone")
    costs = [cost for cost in groups[0].of(rule.metric) if cost.arm == rule.arm]
    slopes = list(costs[0].slopes.values()) if costs else []
    found = mean(slopes, confidence)
    if found is None:
        return Missing(f"no round has {rule.metric} of {rule.arm} at two numbers of replicas")
    return _plain(rule, found, BY_KEY[rule.metric].unit, len(slopes))


def _plain(rule: Rule, estimate: Estimate, unit: str, rounds: int) -> Observed:
    limit, at_most = _limit(rule)
    return Observed(Form.VALUE, unit, estimate, limit, at_most, abs(limit), rounds)


def _own_value(
    rule: Rule, figure: Figure, noise: float | None, confidence: float, cap: int
) -> Observed | Missing:
    estimate = mean(list(figure.rounds.values()), confidence, events_of(figure))
    if estimate is None:
        return Missing(_nothing(rule, figure, rule.arm))
    limit, at_most = _limit(rule, figure)
    return Observed(
        Form.VALUE,
        figure.unit,
        estimate,
        limit,
        at_most,
        base=abs(limit),
        rounds=len(figure.rounds),
        noise=noise,
        best=_best(figure, confidence, cap),
    )


def _against_arm(
    rule: Rule, figure: Figure, other: Figure, noise: float | None, confidence: float, cap: int
) -> Observed | Missing:
    own, base = _paired(figure, other)
    if not own:
        return Missing(f"no round has {rule.metric} of both {rule.arm} and {rule.against}")
    below, best = float(np.mean(base)), None
    if figure.may_be_zero:
        events = events_of(figure) if events_of(other) is not None else None
        estimate = ratio_of_means(own, base, confidence, events)
        bound = _best(figure, confidence, cap)
        best = None if bound is None or below <= 0 else bound / below
    else:
        estimate = paired_ratio(own, base, confidence)
    if estimate is None:
        text = f"the {rule.metric} of {rule.against} cannot be told from 0: there is no factor"
        return Missing(text, curable=len(own) > 1)
    limit, at_most = _limit(rule, figure)
    return Observed(
        Form.FACTOR,
        figure.unit,
        estimate,
        limit,
        at_most,
        base=below,
        rounds=len(own),
        noise=noise,
        best=best,
        logarithmic=not figure.may_be_zero,
    )


def _against_baseline(
    rule: Rule,
    scenario: ScenarioAnalysis,
    figure: Figure,
    noise: float | None,
    baseline: RunAnalysis | None,
    confidence: float,
) -> Observed | Missing:
    if baseline is None:
        return Missing("the rule is against a baseline, and none was given (--baseline RUN|FILE)")
    found = _figure(rule, rule.arm, baseline, "the baseline")
    if isinstance(found, Missing):
        return found
    before, other = found
    if asked := unlike_question(before, scenario):
        return Missing(f"the baseline's {rule.scenario} asks something else: {asked} here")
    limit, at_most = _limit(rule, figure)
    values, others = list(figure.rounds.values()), list(other.rounds.values())
    noises = (noise, noise_of(before, rule.metric, per_1000=rule.per_1000))
    if figure.may_be_zero:
        form, estimate = Form.DIFFERENCE, difference(figure, other, confidence, limit)
    else:
        form, estimate = Form.FACTOR, unpaired_ratio(values, others, confidence)
    if estimate is None:
        return Missing(f"{rule.metric} of {rule.arm} has values that are not above 0")
    return Observed(
        form,
        figure.unit,
        estimate,
        0.0 if form is Form.DIFFERENCE else limit,
        at_most,
        base=abs(float(np.mean(others))),
        rounds=len(values),
        noise=max((one for one in noises if one is not None), default=None),
        logarithmic=form is Form.FACTOR,
    )


def _figure(
    rule: Rule, server: str, run: RunAnalysis, what: str
) -> tuple[ScenarioAnalysis, Figure] | Missing:
    scenario = run.scenario(rule.scenario or "")
    if scenario is None:
        names = [one.scenario.name for one in run.scenarios]
        return Missing(f"{what} has no scenario {rule.scenario!r}; it has {_listed(names)}")
    arm: Arm | None = scenario.arm(server)
    if arm is None:
        names = [one.server for one in scenario.arms]
        return Missing(
            f"{what} has no good trial of {server!r} in {rule.scenario}; it has {_listed(names)}"
        )
    figure = arm.figure(rule.metric, per_1000=rule.per_1000)
    if figure is None or not figure.rounds:
        return Missing(_nothing(rule, figure, server, what))
    lacking = sorted(set(arm.rounds) - set(figure.rounds))
    if lacking:
        return Missing(
            f"{rule.metric} of {server} in {rule.scenario} is missing in round "
            f"{', '.join(str(number) for number in lacking)} of {what}"
        )
    return scenario, figure


def _nothing(rule: Rule, figure: Figure | None, server: str, what: str = "this run") -> str:
    reason = f" ({figure.missing})" if figure is not None and figure.missing else ""
    return f"{what} has no {rule.metric} of {server} in {rule.scenario}{reason}"


def _limit(rule: Rule, figure: Figure | None = None) -> tuple[float, bool]:
    if rule.at_most is not None:
        return rule.at_most, True
    if rule.at_least is not None:
        return rule.at_least, False
    return 1.0, figure is None or not figure.higher_is_better


def _paired(one: Figure, other: Figure) -> tuple[list[float], list[float]]:
    shared = sorted(one.rounds.keys() & other.rounds.keys())
    return [one.rounds[key] for key in shared], [other.rounds[key] for key in shared]


def _best(figure: Figure, confidence: float, cap: int) -> float | None:
    """Return the upper bound that no event at all would leave after ``cap`` rounds."""
    if figure.events is None or not figure.exposure or not figure.rounds:
        return None
    exposure = figure.exposure * max(cap / len(figure.rounds), 1.0)
    bounds = Events(0, exposure).bounds(confidence)
    return None if bounds is None else bounds[1]


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or "none"
