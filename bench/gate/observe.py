"""Find the figure of a rule in the run: an estimate, or the reason why there is none."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

import numpy as np

from bench.analysis.cost_model import INFORMER, CostModel
from bench.analysis.request_bill import Phase, RequestLine
from bench.analysis.result import Figure, RunAnalysis, ScenarioAnalysis
from bench.gate.rules import Of, Rule
from bench.metrics import BY_KEY
from bench.model import AGAIN, Outcome
from bench.stats import (
    Estimate,
    Events,
    mean,
    pair_rounds,
    paired_difference,
    paired_ratio,
    ratio_of_means,
    sides_of,
)

UNANSWERED = 0.01
"""Share of an arm's reads that may fail, time out or be dropped. With more the arms did not have
equal loads: their costs and service times are those of the reads that were answered. Below it, the
load differs by less than any margin of the shipped rules."""
OF_FAILURES = ("flow_rejected",)
"""Metrics of requests that failed: they are judged however many did."""


class Form(StrEnum):
    """The form of a rule's figure."""

    VALUE = "value"
    FACTOR = "factor"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Observed:
    """The figure of a rule: the estimate, its limit, and the base of its margin.

    ``base`` is the divisor of an absolute margin (a factor) or the multiplier of a relative one
    (a difference), in the metric's unit. ``noise`` is relative; ``None``: the run has no control
    here. ``best`` is the bound of a count's interval at ``cap`` rounds without any event.
    ``logarithmic``: the estimate is a factor whose interval is symmetric in its logarithm.
    ``note`` is added to the outcome.
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
    note: str = ""


class NothingToJudgeError(Exception):
    """Raised when a rule's figure is missing; gives the reason. ``curable``: by more rounds."""

    def __init__(self, reason: str, *, curable: bool = False) -> None:
        super().__init__(reason)
        self.curable = curable


def observe(rule: Rule, run: RunAnalysis, confidence: float, cap: int) -> Observed:
    """Return the rule's figure; ``cap``: most rounds to buy; raises ``NothingToJudgeError``."""
    if rule.of is not Of.FIGURE:
        derived = {Of.PER_REPLICA: _per_replica, Of.REQUESTS: _requests}
        return derived.get(rule.of, _of_model)(rule, run, confidence)
    if rule.needs_base and run.plan.base is None:
        text = "the rule is against the base, and this run has none: bench run --against DIR"
        raise NothingToJudgeError(text)
    scenario, figure = _figure(rule, rule.arm, run)
    noise = noise_of(scenario, rule.metric, per_1000=rule.per_1000)
    if rule.against is not None:
        _, other = _figure(rule, rule.other, run)
        return replace(_against_arm(rule, figure, other, confidence, cap), noise=noise)
    estimate = mean(list(figure.rounds.values()), confidence, figure.counted)
    best = _best(figure, confidence, cap)
    return replace(_value(rule, figure.unit, estimate, len(figure.rounds)), noise=noise, best=best)


def _check_answered(run: RunAnalysis, scenarios: Collection[str], arm: str | None) -> None:
    """Raise ``NothingToJudgeError`` if more of an arm's reads than ``UNANSWERED`` failed."""
    trials = [
        trial
        for trial in run.trials
        if (trial.server, trial.outcome) == (arm, Outcome.OK) and trial.scenario in scenarios
    ]
    failed = sum(trial.failed for trial in trials)
    reads = failed + sum(trial.answered for trial in trials)
    if failed > UNANSWERED * reads:
        raise NothingToJudgeError(
            f"{failed:,} of {reads:,} reads of {arm} failed, timed out or were dropped, more than "
            f"{UNANSWERED:.0%}: loads were not equal, and figures are of the answered reads"
        )


def noise_of(scenario: ScenarioAnalysis, metric: str, *, per_1000: bool) -> float | None:
    """Return the largest difference of a server from itself, a share; ``None``: no control.

    It is the further end of the 95% interval of the control's factor: the largest difference
    between two equal servers that this run cannot rule out.
    """
    shares = []
    for arm in scenario.arms:
        same = scenario.arm(arm.server.removesuffix(AGAIN))
        if not arm.is_control or same is None:
            continue
        again, first = (side.figure(metric, per_1000=per_1000) for side in (arm, same))
        rounds = pair_rounds(again.rounds, first.rounds) if again and first else {}
        ratio = paired_ratio(*sides_of(rounds))
        if ratio is not None and ratio.bounds is not None:
            low, high = ratio.bounds
            shares.append(max(high, 1 / low) - 1)
    return max(shares, default=None)


def _of_model(rule: Rule, run: RunAnalysis, confidence: float) -> Observed:
    """Return a unit cost, or a break-even rate in the model's reference situation."""
    model = next((model for model in run.cost_models if model.quantity == rule.metric), None)
    if model is None:
        reasons = (model.why for model in run.unfitted if model.quantity == rule.metric)
        reason = next(reasons, "its analysis has none")
        text = f"this run has no cost model of {rule.metric}: {reason}"
        raise NothingToJudgeError(text, curable=True)
    for arm in (rule.arm, INFORMER if rule.of is Of.BREAK_EVEN else None):
        _check_answered(run, {row.scenario for row in model.rows}, arm)
    if rule.of is Of.UNIT_COST:
        estimate, unit = _unit_cost(rule, model, confidence), model.unit.removesuffix("/s")
    else:
        estimate, unit = _break_even(rule, model, confidence), "/s"
    return _value(rule, unit, estimate, len({row.round for row in model.rows}))


def _unit_cost(rule: Rule, model: CostModel, confidence: float) -> Estimate:
    for index, unit in enumerate(model.units):
        if (unit.arm, unit.per) == (rule.arm, rule.per):
            return model.fit.estimate(np.eye(len(model.units))[index], confidence)
    known = _listed([f"{unit.per} of {unit.arm}" for unit in model.units])
    raise NothingToJudgeError(f"no unit cost of a {rule.per} of {rule.arm}; there are: {known}")


def _break_even(rule: Rule, model: CostModel, confidence: float) -> Estimate:
    if rule.arm not in model.readers:
        known = _listed(model.readers)
        raise NothingToJudgeError(f"no break-even rate against {rule.arm!r}; there are: {known}")
    break_even = model.break_even(rule.arm, model.reference, confidence)
    if break_even.rate is None:
        text = f"a read by {rule.arm} costs no {rule.metric} that could be measured"
        raise NothingToJudgeError(f"{text}: there is no break-even rate", curable=True)
    unbounded = break_even.low is not None and break_even.high is None
    high = math.inf if unbounded else break_even.high
    return Estimate(break_even.rate, break_even.low, high, len(model.fit.fitted))


def _per_replica(rule: Rule, run: RunAnalysis, confidence: float) -> Observed:
    groups = [group for group in run.replicas if rule.scenario in (None, *group.scenarios)]
    if not groups:
        where = f" with {rule.scenario}" if rule.scenario else ""
        text = f"this run has no scenarios{where} that differ in their replicas alone"
        raise NothingToJudgeError(text)
    _check_answered(run, groups[0].scenarios, rule.arm)
    costs = [cost for cost in groups[0].of(rule.metric) if cost.arm == rule.arm]
    slopes = list(costs[0].slopes.values()) if costs else []
    if not slopes:
        text = f"no round has {rule.metric} of {rule.arm} at two numbers of replicas"
        raise NothingToJudgeError(text)
    return _value(rule, BY_KEY[rule.metric].unit, mean(slopes, confidence), len(slopes))


def _requests(rule: Rule, run: RunAnalysis, confidence: float) -> Observed:
    """Return the mean requests a round that match the rule; rounds without any count as 0.

    A budget is about what these rounds counted: chance has no bound here, so that "at most 1" can
    hold for a client that sends one in each.
    """
    arms = {scenario.scenario.name: scenario.arm(rule.arm or "") for scenario in run.scenarios}
    arm = arms.get(rule.scenario or next(iter(arms), ""))
    if arm is None:
        where = f" under {rule.scenario}" if rule.scenario else ""
        raise NothingToJudgeError(f"this run has no good trial of {rule.arm}{where}")
    _check_answered(run, (rule.scenario or next(iter(arms)),), arm.server)
    if lacking := set(arm.rounds) - set(arm.billed.get(Phase(rule.metric), ())):
        rounds = ", ".join(map(str, sorted(lacking)))
        text = f"the {rule.metric} of {arm.server} is not billed in round {rounds}"
        raise NothingToJudgeError(text)
    counts = dict.fromkeys(arm.rounds, 0)
    for line in arm.requests:
        if line.phase == rule.metric and _fits(rule, line):
            for number, count in line.rounds.items():
                counts[number] += count
    observed = _value(rule, "", mean(list(counts.values()), confidence), len(counts))
    lines = (line for scenario in run.scenarios for arm in scenario.arms for line in arm.requests)
    if any(_fits(rule, line) for line in lines):
        return observed
    return replace(observed, note="no request of any arm of this run fits: check the patterns")


def _fits(rule: Rule, line: RequestLine) -> bool:
    return all(
        fnmatchcase(getattr(line, key), getattr(rule, key))
        for key in ("verb", "resource", "version")
    )


def _value(rule: Rule, unit: str, estimate: Estimate | None, rounds: int) -> Observed:
    assert estimate is not None, "called only if a round has a value"
    limit, at_most = _limit(rule)
    return Observed(Form.VALUE, unit, estimate, limit, at_most, abs(limit), rounds)


def _against_arm(
    rule: Rule, figure: Figure, other: Figure, confidence: float, cap: int
) -> Observed:
    values, base = sides_of(pair_rounds(figure.rounds, other.rounds))
    if not values:
        text = f"no round has {rule.metric} of both {rule.arm} and {rule.other}"
        raise NothingToJudgeError(text)
    below, best = abs(float(np.mean(base))), None
    (limit, at_most), form = _limit(rule, figure), Form.FACTOR
    if figure.may_be_zero and rule.at_most is rule.at_least is None:
        pair = figure.counted, other.counted
        estimate = paired_difference(values, base, confidence, pair)
        form, limit = Form.DIFFERENCE, 0.0
    elif figure.may_be_zero:
        events = figure.counted if other.counted is not None else None
        estimate = ratio_of_means(values, base, confidence, events)
        bound = _best(figure, confidence, cap)
        best = None if bound is None or below <= 0 else bound / below
    else:
        estimate = paired_ratio(values, base, confidence)
    if estimate is None:
        text = f"the {rule.metric} of {rule.other} cannot be told from 0: there is no factor"
        raise NothingToJudgeError(text, curable=len(values) > 1)
    return Observed(
        form,
        figure.unit,
        estimate,
        limit,
        at_most,
        base=below,
        rounds=len(values),
        best=best,
        logarithmic=not figure.may_be_zero,
    )


def _figure(rule: Rule, server: str | None, run: RunAnalysis) -> tuple[ScenarioAnalysis, Figure]:
    if not run.scenarios:
        raise NothingToJudgeError(
            "this run has no scenario to judge: each has a fault under load, or rates of its own "
            "for each arm"
        )
    assert server is not None, "a rule names its arm, or is judged for each"
    scenario = run.scenario(rule.scenario or "")
    if scenario is None:
        names = _listed([scenario.scenario.name for scenario in run.scenarios])
        raise NothingToJudgeError(f"this run has no scenario {rule.scenario!r}; it has {names}")
    arm = scenario.arm(server)
    if arm is None:
        names = _listed([measured.server for measured in scenario.arms])
        text = f"this run has no good trial of {server!r} in {rule.scenario}; it has {names}"
        raise NothingToJudgeError(text)
    if rule.metric not in OF_FAILURES:
        _check_answered(run, (scenario.scenario.name,), server)
    figure = arm.figure(rule.metric, per_1000=rule.per_1000)
    if figure is None or not figure.rounds:
        reason = f" ({figure.missing})" if figure is not None and figure.missing else ""
        text = f"this run has no {rule.metric} of {server} in {rule.scenario}{reason}"
        raise NothingToJudgeError(text)
    if lacking := _listed([str(n) for n in sorted(set(arm.rounds) - set(figure.rounds))], ""):
        text = f"{rule.metric} of {server} in {rule.scenario} is missing in round {lacking}"
        raise NothingToJudgeError(text)
    return scenario, figure


def _limit(rule: Rule, figure: Figure | None = None) -> tuple[float, bool]:
    """Return the limit, and whether it is an upper one."""
    if rule.at_most is not None:
        return rule.at_most, True
    if rule.at_least is not None:
        return rule.at_least, False
    return 1.0, figure is None or not figure.higher_is_better


def _best(figure: Figure, confidence: float, cap: int) -> float | None:
    """Return the upper bound after ``cap`` rounds without any event; ``None``: no count."""
    if figure.counted is None or not figure.rounds:
        return None
    exposure = figure.counted.exposure * max(cap / len(figure.rounds), 1.0)
    bounds = Events(0, exposure).bounds(confidence)
    return None if bounds is None else bounds[1]


def _listed(names: Collection[str], nothing: str = "none") -> str:
    return ", ".join(names) or nothing
