"""A verdict of the gate, and two runs side by side, as documents: for every renderer.

The verdict's JSON is here too: what a person reads and what a program reads are of one row.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import msgspec

from bench.analysis.result import RunAnalysis
from bench.gate import compare
from bench.gate.compare import Finding, SideBySide, side_by_side, unlike
from bench.gate.judge import SHOWN_PLACES, Outcome, Row, Verdict, placed
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
    Texts,
)
from bench.report.document import Row as Line
from bench.report.numbers import (
    EXACT,
    MISSING,
    TIMES,
    Scale,
    change,
    number,
    per_cent,
    scale_for,
)

GATE_SCHEMA = 1
"""Version of ``gate-<rules>.json``."""
TONES = {
    Outcome.PASS: "good",
    Outcome.FAIL: "bad",
    Outcome.INCONCLUSIVE: "unsure",
    Outcome.INVALID: "bad",
}
METHOD = (
    "Arms of one run are paired by round (Student's t on log ratios; Fieller's where a value may "
    "be zero); two runs are compared unpaired (Welch's t). A count below 30 is given no narrower "
    "an interval than the exact Poisson bounds."
)
UNPAIRED = (
    "Difference: the second run against the first, with its 95% interval. Rounds of two runs have "
    "nothing in common, so they are not paired: Welch's two-sample t, on logarithms where a value "
    "cannot be zero."
)
DETECTABLE = (
    "Smallest change seen: how far beyond its limit the figure would have had to lie to be found "
    "beyond the margin in four of five such runs."
)


def _table(corner: str, columns: Iterable[str], lines: Iterable[Line]) -> Table:
    """Return a table of which the first and the last column are prose."""
    first, *middle, last = columns
    heads = (Column(first, prose=True), *map(Column, middle), Column(last, prose=True))
    rows = tuple(lines)
    depth = min((row.depth for row in rows), default=Depth.TERMINAL)
    return Table("", heads, (Group(rows),), "", corner, layout="stacked", depth=depth)


def _line(title: str, *cells: Cell | str) -> Line:
    made = tuple(Cell(one) if isinstance(one, str) else one for one in cells)
    return Line(title, made, depth=Depth.TERMINAL)


def _notes(*notes: str) -> tuple[Text, ...]:
    return tuple(Text(note, depth=Depth.TERMINAL) for note in notes)


def verdict_document(verdict: Verdict) -> Document:
    """Return the verdict as a document."""
    against = f", against {verdict.baseline}" if verdict.baseline else ""
    columns = ("verdict", "observed", "interval", "limit", "margin", "smallest change seen")
    lines = (_rule(row) for row in verdict.rows)
    table = _table("rule", (*columns, "rounds", "why"), lines)
    code = f"Exit code {verdict.outcome.exit_code}."
    return Document(
        title=f"Gate {verdict.rules.name}: {verdict.run}{against}",
        headline=Sentence(_lead(verdict), tone=TONES[verdict.outcome]),
        alarms=(Alarm("INVALID", tuple(map(str, verdict.reasons))),) if verdict.reasons else (),
        sections=(Section("rules", "Rules", (table,)),),
        notes=_notes(*verdict.notes, _budget(verdict.rules), METHOD, DETECTABLE, code),
    )


def _budget(rules: Rules) -> str:
    looks = ", ".join(str(look) for look in rules.looks)
    return (
        f"Intervals at {per_cent(rules.confidence)} confidence: looks at {looks} rounds share an "
        f"error budget of {per_cent(rules.error_budget)} a rule."
    )


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


def _rule(row: Row) -> Line:
    outcome = Cell(str(row.outcome), tone=TONES[row.outcome])
    return _line(f"{row.rule.name} ({_about(row)})", outcome, *_figures(row), row.why)


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


def comparison_document(
    first: RunAnalysis, second: RunAnalysis, *, every: bool = False
) -> Document:
    """Return two runs side by side; the second is read against the first.

    The terminal shows what differs, with ``every`` the other figures too.
    """
    found, runs = side_by_side(first, second), (first, second)
    void = (
        Alarm(run.run, tuple(f"{one.kind}: {placed(one)}" for one in run.void[:SHOWN_PLACES]))
        for run in runs
        if run.void
    )
    differing = tuple(str(one) for one in unlike(first, second))
    unalike = (Alarm("Unlike environments (first and second)", differing),) if differing else ()
    return Document(
        title=f"{first.run} and {second.run}",
        headline=Sentence(_compared(found)),
        alarms=(*void, *unalike),
        sections=(*_scenarios(found, every=every), *_apart(found), _runs(first, second)),
        notes=_notes(UNPAIRED, *([] if every else _rest(found)), _chance(found)),
    )


def _rest(found: SideBySide) -> list[str]:
    alike = sum(row.better is None for row in found.rows)
    return [f"{alike} figures that show no difference are not listed (--all)."] if alike else []


def _chance(found: SideBySide) -> str:
    return (
        f"Of {len(found.rows)} comparisons about {len(found.rows) * 0.05:.0f} would show a "
        "difference at 95% by chance alone; a machine also drifts between runs. To decide, name "
        "what must hold beforehand: python -m bench gate."
    )


def _compared(found: SideBySide) -> str:
    if not found.rows:
        return "Nothing can be compared: the runs have no scenario and arm in common"
    shown = [row for row in found.rows if row.better is not None]
    if not shown:
        return f"No difference shown in {len(found.rows)} comparisons"
    worse = sum(row.better is False for row in shown)
    return (
        f"{len(shown)} of {len(found.rows)} figures differ: {len(shown) - worse} for the better, "
        f"{worse} for the worse"
    )


def _scenarios(found: SideBySide, *, every: bool) -> list[Section]:
    """Return a table a scenario, what differs first."""
    sections = []
    columns = ("arm", "first", "second", "difference", "finding")
    for index, scenario in enumerate(dict.fromkeys(row.scenario for row in found.rows)):
        rows = [row for row in found.rows if row.scenario == scenario]
        # The arms of a metric stand below each other, metrics in the order of the first arm's.
        metrics = list(dict.fromkeys((row.first.metric, row.first.per_1000) for row in rows))
        rows.sort(key=lambda row: metrics.index((row.first.metric, row.first.per_1000)))
        rows.sort(key=lambda row: row.better is None)
        lines = (
            replace(_metric(row), depth=Depth.MARKDOWN)
            if row.better is None and not every
            else _metric(row)
            for row in rows
        )
        table = _table("metric", columns, lines)
        sections.append(Section(f"s{index}", f"Scenario {scenario}", (table,)))
    return sections


def _metric(row: compare.Row) -> Line:
    first, second = row.first, row.second
    scale = scale_for([first.value, second.value], first.unit, EXACT)
    return _line(
        f"{first.title}{', per 1,000 reads' if first.per_1000 else ''}",
        row.server,
        scale.quantity(first.value),
        scale.quantity(second.value),
        _difference(row, scale),
        Cell(str(row.finding), tone={True: "good", False: "bad", None: ""}[row.better]),
    )


def _difference(row: compare.Row, scale: Scale) -> str:
    one = row.estimate
    if one is None:
        return MISSING

    def show(value: float) -> str:
        return change(value) if row.is_ratio else scale.quantity(value, signed=True)

    if one.bounds is None or row.finding is Finding.NOT_KNOWN:
        return show(one.value)
    return f"{show(one.value)} [{show(one.bounds[0])} to {show(one.bounds[1])}]"


def _apart(found: SideBySide) -> list[Section]:
    items = Texts(tuple(Text(text) for text in found.apart), depth=Depth.TERMINAL)
    return [Section("apart", "What cannot be compared", (items,))] if found.apart else []


def _runs(first: RunAnalysis, second: RunAnalysis) -> Section:
    facts: dict[str, Callable[[RunAnalysis], object]] = {
        "run": lambda run: run.run,
        "plan": lambda run: run.plan.name,
        "started": lambda run: run.started_at,
        "state": lambda run: f"{run.trials_made} of {run.trials_planned} trials",
        "rounds": lambda run: run.plan.rounds,
        "seconds a trial": lambda run: f"{run.plan.duration_s:g}",
        "commit": lambda run: run.environment.commit,
        "Kubernetes": lambda run: run.environment.kubernetes,
        "Python": lambda run: run.environment.python,
        "processor": lambda run: f"{run.environment.processors} of {run.environment.processor}",
        "load before the start": lambda run: f"{run.environment.load_average_1m:.2f}",
    }
    rows = (_line(what, str(of(first)), str(of(second))) for what, of in facts.items())
    return Section("runs", "The two runs", (_table("", ("first", "second"), rows),))


def verdict_json(verdict: Verdict) -> bytes:
    """Return the content of ``gate-<rules>.json``.

    A row's ``form`` says whether its figures are values, factors or differences in ``unit``;
    they are null where there was nothing to judge.
    """
    rules = verdict.rules
    record = {
        "gate_schema": GATE_SCHEMA,
        "rules": rules.name,
        "run": verdict.run,
        "baseline": verdict.baseline,
        "outcome": verdict.outcome,
        "exit_code": verdict.outcome.exit_code,
        "confidence": rules.confidence,
        "looks": rules.looks,
        "rounds": verdict.rounds,
        "buys": verdict.buys,
        "reasons": [str(reason) for reason in verdict.reasons],
        "notes": verdict.notes,
        "rows": [_record(row) for row in verdict.rows],
    }
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def _record(row: Row) -> dict[str, Any]:
    rule, seen = row.rule, row.observed
    of_rule = ("scenario", "arm", "metric", "per_1000", "against", "of", "per")
    of_figure = ("form", "unit", "at_most", "limit", "noise", "rounds")
    return {
        "rule": rule.name,
        **{key: getattr(rule, key) for key in of_rule},
        "outcome": row.outcome,
        "why": row.why,
        **{key: getattr(seen, key) if seen else None for key in of_figure},
        "observed": seen.estimate.value if seen else None,
        "low": seen.estimate.low if seen else None,
        "high": seen.estimate.high if seen else None,
        "margin": row.margin,
        "boundary": row.boundary,
        "detectable": row.detectable,
    }
