"""From rules and analyses to a verdict: one row a rule, and reasons that void the run. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from bench.analysis.caveats import voids
from bench.analysis.result import RunAnalysis
from bench.gate.observe import Form, NothingToJudgeError, Observed, observe
from bench.gate.rules import Rule, Rules
from bench.model import BASE, Base, Caveat, CaveatKind, RunState

SHOWN_PLACES = 3


class Outcome(StrEnum):
    """The outcome of a rule, and of the whole gate."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"

    @property
    def exit_code(self) -> int:
        """The exit code; never 1 (any failure) or 2 (usage), as of other programs."""
        return EXIT_CODES[self]


EXIT_CODES = {
    Outcome.PASS: 0,
    Outcome.FAIL: 10,
    Outcome.INCONCLUSIVE: 11,
    Outcome.INVALID: 12,
}

GRAVEST_FIRST = (Outcome.INVALID, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)
"""The outcome of the gate is the gravest of its rules; an invalid rule may hide a failure."""


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one rule. ``observed`` is ``None`` if there was nothing to judge.

    A figure within the ``stated`` margin passes; one beyond ``margin``, which is the noise if that
    is larger, and so beyond ``boundary``, fails. Margins are shares for a factor, else in the
    metric's unit, as is ``detectable``: the smallest distance beyond the limit that four of five
    such runs would show.
    """

    rule: Rule
    outcome: Outcome
    why: str
    observed: Observed | None = None
    stated: float | None = None
    margin: float | None = None
    boundary: float | None = None
    detectable: float | None = None
    curable: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's outcome, and everything that its table shows."""

    run: str
    base: Base | None
    """The other checkout, if a rule is against it."""
    rules: Rules
    rows: tuple[Row, ...]
    reasons: tuple[str, ...]
    """Reasons why the figures cannot be judged, whatever the rows say."""
    notes: tuple[str, ...]
    rounds: int

    @property
    def outcome(self) -> Outcome:
        """The gravest outcome of all."""
        outcomes = {row.outcome for row in self.rows}
        if self.reasons:
            outcomes.add(Outcome.INVALID)
        return next(outcome for outcome in GRAVEST_FIRST if outcome in outcomes)

    @property
    def buys(self) -> int | None:
        """The rounds to extend the run to; ``None``: decided, or more rounds cannot cure it."""
        if self.reasons or self.outcome in (Outcome.PASS, Outcome.FAIL):
            return None
        if any(row.outcome is Outcome.INVALID and not row.curable for row in self.rows):
            return None
        return self.rules.next_look(self.rounds)


def judge(rules: Rules, run: RunAnalysis, *, unlike_environments: bool = False) -> Verdict:
    """Judge every rule, those for each server or scenario once for each."""
    against, notes = reasons(run, unlike_environments=unlike_environments)
    rows = tuple(_row(named, rules, run) for rule in rules.rules for named in _expanded(rule, run))
    return Verdict(
        run=run.run,
        base=run.plan.base if any(rule.needs_base for rule in rules.rules) else None,
        rules=rules,
        rows=rows,
        reasons=against,
        notes=notes,
        rounds=min((row.observed.rounds for row in rows if row.observed), default=run.plan.rounds),
    )


def _expanded(rule: Rule, run: RunAnalysis) -> list[Rule]:
    """Expand a rule against the base to one for each arm and scenario that it leaves open."""
    servers, scenarios = [rule.arm], [rule.scenario]
    if rule.needs_base and rule.arm is None:
        servers = [arm.removesuffix(BASE) for arm in run.plan.servers if arm.endswith(BASE)]
    if rule.needs_base and rule.scenario is None:
        scenarios = [scenario.scenario.name for scenario in run.scenarios]
    named = [replace(rule, arm=arm, scenario=scenario) for scenario in scenarios for arm in servers]
    return named or [rule]


def _row(rule: Rule, rules: Rules, run: RunAnalysis) -> Row:
    cap, confidence = rules.looks[-1], rules.confidence
    try:
        observed = observe(rule, run, confidence, cap)
    except NothingToJudgeError as error:
        return Row(rule, Outcome.INVALID, str(error), curable=error.curable)
    stated, margin = _margins(rule, observed)
    passes, boundary = (_boundary(observed, size) for size in (stated, margin))
    outcome, why, curable = _decide(observed, rules, passes, boundary)
    if observed.note:
        why = f"{why}; {observed.note}"
    return Row(
        rule,
        outcome,
        why,
        observed,
        stated,
        margin,
        boundary,
        _detectable(observed, margin),
        curable,
    )


def _margins(rule: Rule, observed: Observed) -> tuple[float, float]:
    """Return the margin that the rule states, and the larger of it and the noise."""
    noise = observed.noise or 0.0
    if observed.form is Form.FACTOR:
        stated = max(rule.relative, rule.absolute / observed.base if observed.base > 0 else 0.0)
        return stated, max(stated, noise)
    size = observed.base if observed.form is Form.DIFFERENCE else abs(observed.estimate.value)
    stated = max(rule.relative * observed.base, rule.absolute)
    return stated, max(stated, noise * size)


def _boundary(observed: Observed, margin: float) -> float:
    if observed.form is Form.FACTOR:
        return observed.limit * (1 + margin) if observed.at_most else observed.limit / (1 + margin)
    return observed.limit + margin if observed.at_most else observed.limit - margin


def _decide(
    observed: Observed, rules: Rules, passes: float, boundary: float
) -> tuple[Outcome, str, bool]:
    """Return the outcome, the reason, and whether more rounds may change it.

    An interval up to ``passes`` passes, one wholly beyond ``boundary`` fails: noise can excuse a
    difference, but not show that there is none.
    """
    low, high = observed.estimate.low, observed.estimate.high
    first, last = rules.looks[0], rules.looks[-1]
    if low is None or high is None or observed.rounds < first:
        rounds = f"{observed.rounds} round{'s' if observed.rounds != 1 else ''}"
        text = f"{rounds}: too few for the rule ever to fire, the first look is at {first}"
        return Outcome.INVALID, text, True
    if observed.at_most and observed.best is not None and observed.best > passes:
        text = f"could never pass: with nothing counted at all in {last} rounds the bound is above"
        return Outcome.INVALID, f"{text} the limit; more load or a higher limit is needed", False
    within, outside, beyond = (
        (high <= passes, low > passes, low > boundary)
        if observed.at_most
        else (low >= passes, high < passes, high < boundary)
    )
    if within:
        return Outcome.PASS, "the whole interval is within the margin", False
    if beyond:
        return Outcome.FAIL, "the whole interval is beyond the margin", False
    further = rules.next_look(observed.rounds)
    more = f"; next look at {further} rounds" if further else f"; {last} rounds are the most"
    why = f"the interval holds the margin's end{more}"
    if outside:
        why = f"the whole interval is beyond the margin, and not beyond the noise{more}"
    return Outcome.INCONCLUSIVE, why, further is not None


def _detectable(observed: Observed, margin: float) -> float | None:
    """Return the smallest true change beyond the limit that is seen beyond the margin."""
    beyond = observed.estimate.detectable
    if beyond is None:
        return None
    if observed.logarithmic:
        return (1 + margin) * (1 + beyond) - 1
    if observed.form is Form.FACTOR:
        return margin + beyond / observed.limit
    return margin + beyond


def reasons(
    run: RunAnalysis, *, unlike_environments: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return reasons against judging, each with its kind first, and notes on permitted caveats."""
    against, notes = list(_of_run(run)), list[str]()
    for caveat in run.caveats:
        if caveat.kind is not CaveatKind.UNLIKE_ENVIRONMENT:
            continue
        if unlike_environments:
            notes.append(f"let pass as told: {caveat.text}")
        else:
            text = f"{caveat.text}. If that is meant: --unlike-environments"
            against.append(f"{caveat.kind}: {text}")
    return tuple(against), tuple(notes)


def _of_run(run: RunAnalysis) -> Iterator[str]:
    grave = voids(run.caveats)
    void = [caveat for caveat in run.caveats if caveat in grave]
    kinds = {caveat.kind for caveat in void}
    if run.state is not RunState.COMPLETE and CaveatKind.RUN_INCOMPLETE not in kinds:
        text = f"its state is {run.state}"
        yield f"{CaveatKind.RUN_INCOMPLETE}: {text}"
    for kind in dict.fromkeys(caveat.kind for caveat in void):
        group = [caveat for caveat in void if caveat.kind is kind]
        shown = "; ".join(placed(caveat) for caveat in group[:SHOWN_PLACES])
        more = f"; and {len(group) - SHOWN_PLACES} more" if len(group) > SHOWN_PLACES else ""
        yield f"{kind}: {shown}{more}"


def placed(caveat: Caveat) -> str:
    """Return a caveat's text with its place in front."""
    number = None if caveat.round is None else f"round {caveat.round}"
    places = [part for part in (caveat.scenario, caveat.server, number) if part]
    return f"{', '.join(places)}: {caveat.text}" if places else caveat.text
