"""What a rule is about, found in the run: an estimate, or in words why there is none."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bench.analysis.estimates import (
    Estimate,
    Events,
    of_mean,
    of_paired_ratio,
    of_ratio_of_means,
    of_unpaired_difference,
    of_unpaired_ratio,
)
from bench.compare.rows import unlike_question
from bench.forms.summary import ArmSummary, Figure, RunSummary, ScenarioSummary
from bench.gate.rules import Rule
from bench.model import AGAIN

NOISE_CONFIDENCE = 0.95


class Form(StrEnum):
    """How a rule's figure is stated."""

    VALUE = "value"
    FACTOR = "factor"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule found: the estimate, its limit, and what a margin refers to.

    ``base`` is what an absolute margin is divided by (a factor) or a relative one
    multiplied with (a difference), in the metric's unit. ``noise`` is relative; ``None``:
    the run has no control here. ``best`` is the bound that the interval would have at
    ``cap`` rounds if nothing at all were counted, where the metric is a count.
    """

    form: Form
    unit: str
    estimate: Estimate
    limit: float
    at_most: bool
    base: float
    rounds: int
    noise: float | None
    best: float | None = None


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why a rule has nothing to judge; ``curable``: more rounds could help."""

    why: str
    curable: bool = False


def observe(
    rule: Rule, run: RunSummary, baseline: RunSummary | None, confidence: float, cap: int
) -> Seen | Unseen:
    """Find what ``rule`` is about; ``cap`` is the most rounds that may ever be bought."""
    found = _figure(rule, rule.arm, run, "this run")
    if isinstance(found, Unseen):
        return found
    scenario, figure = found
    noise = noise_of(scenario, rule.metric, per_1000=rule.per_1000)
    if rule.against is None:
        return _own_value(rule, figure, noise, confidence, cap)
    if rule.needs_baseline:
        return _against_baseline(rule, scenario, figure, noise, baseline, confidence)
    other = _figure(rule, rule.against, run, "this run")
    if isinstance(other, Unseen):
        return other
    return _against_arm(rule, figure, other[1], noise, confidence, cap)


def noise_of(scenario: ScenarioSummary, metric: str, *, per_1000: bool) -> float | None:
    """Return how far apart a server and itself may lie, as a share; ``None`` without a control.

    The further end of the 95% interval of the control's factor: the largest
    difference between two servers that are the same which this run cannot rule out.
    """
    shares = []
    for arm in scenario.arms:
        same = scenario.arm(arm.server.removesuffix(AGAIN))
        if not arm.server.endswith(AGAIN) or same is None:
            continue
        pair = [one.figure(metric, per_1000=per_1000) for one in (arm, same)]
        if pair[0] is None or pair[1] is None:
            continue
        own, other = _paired(pair[0], pair[1])
        estimate = of_paired_ratio(own, other, NOISE_CONFIDENCE)
        if estimate is not None and estimate.low is not None and estimate.high is not None:
            shares.append(max(estimate.high, 1 / estimate.low) - 1)
    return max(shares, default=None)


def _own_value(
    rule: Rule, figure: Figure, noise: float | None, confidence: float, cap: int
) -> Seen | Unseen:
    values = list(figure.rounds.values())
    estimate = of_mean(values, confidence, _events(figure))
    if estimate is None:
        return Unseen(_nothing(rule, figure, rule.arm))
    limit, at_most = _limit(rule, figure)
    return Seen(
        Form.VALUE,
        figure.unit,
        estimate,
        limit,
        at_most,
        base=abs(limit),
        rounds=len(values),
        noise=noise,
        best=_best(figure, confidence, cap),
    )


def _against_arm(
    rule: Rule, figure: Figure, other: Figure, noise: float | None, confidence: float, cap: int
) -> Seen | Unseen:
    own, base = _paired(figure, other)
    if not own:
        return Unseen(f"no round has {rule.metric} of both {rule.arm} and {rule.against}")
    best = None
    if figure.may_be_zero:
        events, other_events = _events(figure), _events(other)
        both = None if events is None or other_events is None else (events, other_events)
        estimate = of_ratio_of_means(own, base, confidence, both)
        bound = _best(figure, confidence, cap)
        best = None if bound is None or np.mean(base) <= 0 else bound / float(np.mean(base))
    else:
        estimate = of_paired_ratio(own, base, confidence)
    if estimate is None:
        text = f"the {rule.metric} of {rule.against} cannot be told from 0: there is no factor"
        return Unseen(text, curable=len(own) > 1)
    limit, at_most = _limit(rule, figure)
    return Seen(
        Form.FACTOR,
        figure.unit,
        estimate,
        limit,
        at_most,
        base=float(np.mean(base)),
        rounds=len(own),
        noise=noise,
        best=best,
    )


def _against_baseline(
    rule: Rule,
    scenario: ScenarioSummary,
    figure: Figure,
    noise: float | None,
    baseline: RunSummary | None,
    confidence: float,
) -> Seen | Unseen:
    if baseline is None:
        return Unseen("the rule is against a baseline, and none was given (--baseline RUN|FILE)")
    found = _figure(rule, rule.arm, baseline, "the baseline")
    if isinstance(found, Unseen):
        return found
    before, other = found
    if asked := unlike_question(before, scenario):
        return Unseen(f"the baseline's {rule.scenario} asks something else: {asked} here")
    limit, at_most = _limit(rule, figure)
    values, others = list(figure.rounds.values()), list(other.rounds.values())
    noises = (noise, noise_of(before, rule.metric, per_1000=rule.per_1000))
    known = [one for one in noises if one is not None]
    form = Form.DIFFERENCE if figure.may_be_zero else Form.FACTOR
    if form is Form.FACTOR:
        estimate = of_unpaired_ratio(values, others, confidence)
    else:
        estimate = of_unpaired_difference(
            values,
            [limit * value for value in others],
            confidence,
            _both_events(figure, other, limit),
        )
    if estimate is None:
        return Unseen(f"{rule.metric} of {rule.arm} has values that are not above 0")
    return Seen(
        form,
        figure.unit,
        estimate,
        0.0 if form is Form.DIFFERENCE else limit,
        at_most,
        base=abs(float(np.mean(others))),
        rounds=len(values),
        noise=max(known, default=None),
    )


def _figure(
    rule: Rule, server: str, run: RunSummary, what: str
) -> tuple[ScenarioSummary, Figure] | Unseen:
    scenario = run.scenario(rule.scenario)
    if scenario is None:
        names = [one.scenario.name for one in run.scenarios]
        return Unseen(f"{what} has no scenario {rule.scenario!r}; it has {_listed(names)}")
    arm: ArmSummary | None = scenario.arm(server)
    if arm is None:
        names = [one.server for one in scenario.arms]
        return Unseen(
            f"{what} has no good trial of {server!r} in {rule.scenario}; it has {_listed(names)}"
        )
    figure = arm.figure(rule.metric, per_1000=rule.per_1000)
    if figure is None or not figure.rounds:
        return Unseen(_nothing(rule, figure, server, what))
    lacking = sorted(set(arm.rounds) - set(figure.rounds))
    if lacking:
        return Unseen(
            f"{rule.metric} of {server} in {rule.scenario} is missing in round "
            f"{', '.join(str(number) for number in lacking)} of {what}"
        )
    return scenario, figure


def _nothing(rule: Rule, figure: Figure | None, server: str, what: str = "this run") -> str:
    reason = f" ({figure.missing})" if figure is not None and figure.missing else ""
    return f"{what} has no {rule.metric} of {server} in {rule.scenario}{reason}"


def _limit(rule: Rule, figure: Figure) -> tuple[float, bool]:
    if rule.at_most is not None:
        return rule.at_most, True
    if rule.at_least is not None:
        return rule.at_least, False
    return 1.0, not figure.higher_is_better


def _paired(one: Figure, other: Figure) -> tuple[list[float], list[float]]:
    shared = sorted(one.rounds.keys() & other.rounds.keys())
    return [one.rounds[key] for key in shared], [other.rounds[key] for key in shared]


def _events(figure: Figure, factor: float = 1.0) -> Events | None:
    if figure.events is None or not figure.exposure:
        return None
    return Events(figure.events, figure.exposure / factor)


def _both_events(own: Figure, other: Figure, factor: float) -> tuple[Events, Events] | None:
    events, others = _events(own), _events(other, factor)
    return None if events is None or others is None else (events, others)


def _best(figure: Figure, confidence: float, cap: int) -> float | None:
    """Return the upper bound that no event at all would leave after ``cap`` rounds."""
    if figure.events is None or not figure.exposure or not figure.rounds:
        return None
    exposure = figure.exposure * max(cap / len(figure.rounds), 1.0)
    bounds = Events(0, exposure).bounds(confidence)
    return None if bounds is None else bounds[1]


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or "none"
