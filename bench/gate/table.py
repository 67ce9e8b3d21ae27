"""The one table of a verdict: what terminal, Markdown and HTML show, and the exit code means."""

from collections.abc import Callable

from bench.forms.figures import MISSING, change, quantity, share, signed, times
from bench.forms.sheet import Cell, Grid, Sheet
from bench.gate.judge import Row, Verdict
from bench.gate.observe import Form, Seen
from bench.gate.outcomes import Outcome
from bench.gate.rules import Rules

TONES = {
    Outcome.PASS: "good",
    Outcome.FAIL: "bad",
    Outcome.INCONCLUSIVE: "unsure",
    Outcome.INVALID: "bad",
}
HEADINGS = (
    "rule",
    "verdict",
    "observed",
    "interval",
    "limit",
    "margin",
    "smallest change seen",
    "rounds",
    "why",
)
PROSE = frozenset({0, 1, 8})
METHOD = (
    "Arms of one run are paired by round (Student's t on log ratios; Fieller's where a value may "
    "be zero); two runs are compared unpaired (Welch's t). A count below 30 is given no narrower "
    "an interval than the exact Poisson bounds."
)
DETECTABLE = (
    "Smallest change seen: how far beyond its limit the figure would have had to lie to be found "
    "beyond the margin in four of five such runs."
)


def sheet_of(verdict: Verdict) -> Sheet:
    """Return the verdict as a sheet."""
    against = f", against {verdict.baseline}" if verdict.baseline else ""
    return Sheet(
        title=f"Gate {verdict.rules.name}: {verdict.run}{against}",
        lead=Cell(_lead(verdict), TONES[verdict.outcome]),
        alarms=tuple(f"INVALID: {reason}" for reason in verdict.reasons),
        grids=(Grid("", HEADINGS, tuple(_cells(row) for row in verdict.rows), prose=PROSE),),
        notes=(*verdict.notes, _budget(verdict.rules), METHOD, DETECTABLE, _code(verdict)),
    )


def _budget(rules: Rules) -> str:
    looks = ", ".join(str(look) for look in rules.looks)
    return (
        f"Intervals at {share(rules.confidence)} confidence: looks at {looks} rounds share an "
        f"error budget of {share(rules.error_budget)} a rule."
    )


def _code(verdict: Verdict) -> str:
    return f"Exit code {verdict.outcome.exit_code}."


def _lead(verdict: Verdict) -> str:
    outcome, rows = verdict.outcome, verdict.rows
    count = {each: sum(row.outcome is each for row in rows) for each in Outcome}
    if verdict.reasons:
        return "INVALID: this run carries no judgement"
    if outcome is Outcome.PASS:
        return f"PASS: all {len(rows)} rules hold" if len(rows) > 1 else "PASS: the rule holds"
    words = {
        Outcome.FAIL: "broken",
        Outcome.INCONCLUSIVE: "not decided",
        Outcome.INVALID: "without a figure to judge",
    }
    more = f"; --buy extends the run to {verdict.buys} rounds" if verdict.buys else ""
    return f"{outcome}: {count[outcome]} of {len(rows)} rules {words[outcome]}{more}"


def _cells(row: Row) -> tuple[Cell, ...]:
    return (
        Cell(f"{row.rule.name} ({_about(row)})"),
        Cell(str(row.outcome), TONES[row.outcome]),
        *(Cell(text) for text in _figures(row)),
        Cell(row.why),
    )


def _about(row: Row) -> str:
    rule = row.rule
    per = " per 1,000 reads" if rule.per_1000 else ""
    against = f" against {rule.against}" if rule.against else ""
    return f"{rule.scenario}: {rule.metric}{per} of {rule.arm}{against}"


def _figures(row: Row) -> tuple[str, ...]:
    seen = row.seen
    if seen is None:
        return (MISSING,) * 6
    show, margin = _ways(row, seen)
    estimate = seen.estimate
    interval = MISSING
    if estimate.low is not None and estimate.high is not None:
        interval = f"{show(estimate.low)} to {show(estimate.high)}"
    bound = "at most" if seen.at_most else "at least"
    limit = f"{bound} {show(seen.limit)}"
    if row.rule.needs_baseline and row.rule.at_most is row.rule.at_least is None:
        limit = "no more" if seen.at_most else "no less"
    widened = "" if not row.widened else " (the noise)"
    if seen.noise is None:
        widened = " (noise not measured)"
    return (
        show(estimate.value),
        interval,
        limit,
        margin(row.margin) + widened,
        margin(row.detectable),
        str(seen.rounds),
    )


def _ways(
    row: Row, seen: Seen
) -> tuple[Callable[[float | None], str], Callable[[float | None], str]]:
    """Return how figures and how margins of this row are shown."""
    like = max((abs(seen.estimate.value), abs(seen.limit)))

    def plain(value: float | None) -> str:
        return quantity(value, seen.unit, like)

    def difference(value: float | None) -> str:
        return signed(value, seen.unit, max(like, seen.base))

    if seen.form is Form.VALUE:
        return plain, plain
    if seen.form is Form.DIFFERENCE:
        return difference, lambda value: quantity(value, seen.unit, max(like, seen.base))
    return (change if row.rule.needs_baseline else times), share
