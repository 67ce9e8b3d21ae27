"""From rules and summaries to a verdict: one row a rule. Pure: no files, no clock."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.forms.summary import RunSummary
from bench.gate.observe import Form, Seen, Unseen, observe
from bench.gate.outcomes import GRAVEST_FIRST, Outcome
from bench.gate.rules import Rule, Rules
from bench.gate.validity import Reason, reasons


@dataclass(frozen=True, slots=True)
class Row:
    """One rule judged. ``seen`` is ``None`` when there was nothing to judge.

    ``margin`` is a share for a factor, else in the metric's unit, as is ``detectable``:
    by how much the figure would have had to pass the limit to be seen in four of five
    such runs. ``widened``: the noise is larger than the margin that the rule states.
    """

    rule: Rule
    outcome: Outcome
    why: str
    seen: Seen | None = None
    margin: float | None = None
    boundary: float | None = None
    detectable: float | None = None
    widened: bool = False
    curable: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate came to, and everything that its table shows."""

    run: str
    baseline: str | None
    rules: Rules
    rows: tuple[Row, ...]
    reasons: tuple[Reason, ...]
    """Why the figures carry no judgement, whatever the rows say."""
    notes: tuple[str, ...]
    rounds: int

    @property
    def outcome(self) -> Outcome:
        """Return the gravest outcome of all."""
        found = {row.outcome for row in self.rows}
        if self.reasons:
            found.add(Outcome.INVALID)
        return next(outcome for outcome in GRAVEST_FIRST if outcome in found)

    @property
    def buys(self) -> int | None:
        """Return to how many rounds the run should be extended; ``None``: that helps nothing.

        Only when nothing stands against the run that more rounds could not cure.
        """
        if self.reasons or self.outcome in (Outcome.PASS, Outcome.FAIL):
            return None
        if any(row.outcome is Outcome.INVALID and not row.curable for row in self.rows):
            return None
        return self.rules.next_look(self.rounds)


def judge(
    rules: Rules,
    run: RunSummary,
    baseline: RunSummary | None = None,
    *,
    unlike_environments: bool = False,
) -> Verdict:
    """Judge every rule."""
    needed = [rule for rule in rules.rules if rule.needs_baseline]
    against, notes = reasons(
        run, baseline if needed else None, unlike_environments=unlike_environments
    )
    if baseline is not None and not needed:
        notes = (*notes, "no rule is against the baseline: it was not looked at")
    rows = tuple(_row(rule, rules, run, baseline) for rule in rules.rules)
    return Verdict(
        run=run.run,
        baseline=baseline.run if baseline is not None and needed else None,
        rules=rules,
        rows=rows,
        reasons=against,
        notes=notes,
        rounds=_rounds(rows, run),
    )


def _rounds(rows: Sequence[Row], run: RunSummary) -> int:
    return min((row.seen.rounds for row in rows if row.seen), default=run.plan.rounds)


def _row(rule: Rule, rules: Rules, run: RunSummary, baseline: RunSummary | None) -> Row:
    cap, confidence = rules.looks[-1], rules.confidence
    seen = observe(rule, run, baseline, confidence, cap)
    if isinstance(seen, Unseen):
        return Row(rule, Outcome.INVALID, seen.why, curable=seen.curable)
    margin, widened = _margin(rule, seen)
    boundary = _boundary(seen, margin)
    outcome, why, curable = _decide(seen, rules, boundary)
    return Row(
        rule,
        outcome,
        why,
        seen,
        margin,
        boundary,
        _detectable(seen, margin, confidence),
        widened,
        curable,
    )


def _margin(rule: Rule, seen: Seen) -> tuple[float, bool]:
    """Return the margin, and whether the noise is what makes it so wide."""
    noise = seen.noise or 0.0
    if seen.form is Form.FACTOR:
        stated = max(rule.relative, rule.absolute / seen.base if seen.base > 0 else 0.0)
        return max(stated, noise), noise > stated
    size = seen.base if seen.form is Form.DIFFERENCE else abs(seen.estimate.value)
    stated = max(rule.relative * seen.base, rule.absolute)
    return max(stated, noise * size), noise * size > stated


def _boundary(seen: Seen, margin: float) -> float:
    if seen.form is Form.FACTOR:
        return seen.limit * (1 + margin) if seen.at_most else seen.limit / (1 + margin)
    return seen.limit + margin if seen.at_most else seen.limit - margin


def _decide(seen: Seen, rules: Rules, boundary: float) -> tuple[Outcome, str, bool]:
    low, high = seen.estimate.low, seen.estimate.high
    first, last = rules.looks[0], rules.looks[-1]
    if low is None or high is None or seen.rounds < first:
        text = f"{seen.rounds} round{'s' if seen.rounds != 1 else ''}: too few for the rule ever "
        return Outcome.INVALID, f"{text}to fire, the first look is at {first}", True
    if seen.at_most and seen.best is not None and seen.best > boundary:
        text = f"could never pass: with nothing counted at all in {last} rounds the bound is above"
        return Outcome.INVALID, f"{text} the limit; more load or a higher limit is needed", False
    within, beyond = (
        (high <= boundary, low > boundary) if seen.at_most else (low >= boundary, high < boundary)
    )
    if within:
        return Outcome.PASS, "the whole interval is within the margin", False
    if beyond:
        return Outcome.FAIL, "the whole interval is beyond the margin", False
    further = rules.next_look(seen.rounds)
    more = f"; next look at {further} rounds" if further else f"; {last} rounds are the most"
    return Outcome.INCONCLUSIVE, f"the interval holds the margin's end{more}", further is not None


def _detectable(seen: Seen, margin: float, confidence: float) -> float | None:
    beyond = seen.estimate.detectable(confidence)
    if beyond is None:
        return None
    if seen.estimate.logarithmic:
        return math.exp(min(math.log1p(margin) + beyond, 700.0)) - 1
    if seen.form is Form.FACTOR:
        return margin + beyond / seen.limit
    return margin + beyond
