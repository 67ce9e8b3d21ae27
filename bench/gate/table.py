"""The one table of a verdict: what terminal, Markdown and HTML show, and the exit code means."""

from collections.abc import Callable

from bench.gate.judge import Outcome, Row, Verdict
from bench.gate.observe import Form, Observed
from bench.gate.rules import Of, Rules
from bench.report.document import (
    Alarm,
    Cell,
    Column,
    Depth,
    Document,
    Group,
    Section,
    Sentence,
    Table,
    Text,
)
from bench.report.document import Row as Line
from bench.report.numbers import EXACT, MISSING, TIMES, change, number, per_cent, scale_for

TONES = {
    Outcome.PASS: "good",
    Outcome.FAIL: "bad",
    Outcome.INCONCLUSIVE: "unsure",
    Outcome.INVALID: "bad",
}
COLUMNS = (
    Column("verdict", prose=True),
    *(Column(title) for title in ("observed", "interval", "limit", "margin")),
    Column("smallest change seen"),
    Column("rounds"),
    Column("why", prose=True),
)
METHOD = (
    "Arms of one run are paired by round (Student's t on log ratios; Fieller's where a value may "
    "be zero); two runs are compared unpaired (Welch's t). A count below 30 is given no narrower "
    "an interval than the exact Poisson bounds."
)
DETECTABLE = (
    "Smallest change seen: how far beyond its limit the figure would have had to lie to be found "
    "beyond the margin in four of five such runs."
)


def document_of(verdict: Verdict) -> Document:
    """Return the verdict as a document."""
    against = f", against {verdict.baseline}" if verdict.baseline else ""
    rows = tuple(_line(row) for row in verdict.rows)
    table = Table("", COLUMNS, (Group(rows),), "", "rule", layout="stacked", depth=Depth.TERMINAL)
    notes = (*verdict.notes, _budget(verdict.rules), METHOD, DETECTABLE, _code(verdict))
    return Document(
        title=f"Gate {verdict.rules.name}: {verdict.run}{against}",
        headline=Sentence(_lead(verdict), tone=TONES[verdict.outcome]),
        alarms=(Alarm("INVALID", tuple(map(str, verdict.reasons))),) if verdict.reasons else (),
        sections=(Section("rules", "Rules", (table,)),),
        notes=tuple(Text(note, depth=Depth.TERMINAL) for note in notes),
    )


def _budget(rules: Rules) -> str:
    looks = ", ".join(str(look) for look in rules.looks)
    return (
        f"Intervals at {per_cent(rules.confidence)} confidence: looks at {looks} rounds share an "
        f"error budget of {per_cent(rules.error_budget)} a rule."
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


def _line(row: Row) -> Line:
    cells = (
        Cell(str(row.outcome), tone=TONES[row.outcome]),
        *(Cell(text) for text in _figures(row)),
        Cell(row.why),
    )
    return Line(f"{row.rule.name} ({_about(row)})", cells, depth=Depth.TERMINAL)


def _about(row: Row) -> str:
    rule = row.rule
    if rule.of is not Of.FIGURE:
        of = {
            Of.UNIT_COST: f"{rule.metric} of a {rule.per}, {rule.arm}",
            Of.BREAK_EVEN: f"break-even by {rule.metric} against {rule.arm}",
            Of.PER_REPLICA: f"{rule.metric} of {rule.arm} for each further replica",
        }
        return of[rule.of]
    per = " per 1,000 reads" if rule.per_1000 else ""
    against = f" against {rule.against}" if rule.against else ""
    return f"{rule.scenario}: {rule.metric}{per} of {rule.arm}{against}"


def _figures(row: Row) -> tuple[str, ...]:
    observed = row.observed
    if observed is None:
        return (MISSING,) * 6
    show, margin = _ways(row, observed)
    estimate = observed.estimate
    interval = MISSING
    if estimate.low is not None and estimate.high is not None:
        interval = f"{show(estimate.low)} to {show(estimate.high)}"
    bound = "at most" if observed.at_most else "at least"
    limit = f"{bound} {show(observed.limit)}"
    if row.rule.needs_baseline and row.rule.at_most is row.rule.at_least is None:
        limit = "no more" if observed.at_most else "no less"
    widened = "" if not row.widened else " (the noise)"
    if observed.noise is None:
        widened = " (noise not measured)"
    return (
        show(estimate.value),
        interval,
        limit,
        margin(row.margin) + widened,
        margin(row.detectable),
        str(observed.rounds),
    )


Shown = Callable[[float | None], str]


def _ways(row: Row, observed: Observed) -> tuple[Shown, Shown]:
    """Return how figures and how margins of this row are shown."""
    largest = [observed.estimate.value, observed.limit]
    if observed.form is Form.VALUE:
        plain = scale_for(largest, observed.unit, EXACT).quantity
        return plain, plain
    if observed.form is Form.DIFFERENCE:
        scale = scale_for([*largest, observed.base], observed.unit, EXACT)
        return lambda value: scale.quantity(value, signed=True), scale.quantity
    return (change if row.rule.needs_baseline else _times), per_cent


def _times(factor: float | None) -> str:
    return MISSING if factor is None else f"{number(factor, EXACT)}{TIMES}"
