"""A verdict of the gate, and two runs side by side, as documents for every renderer.

Also the verdict's JSON, so that people and programs read the same rows.
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
from bench.model.message import Message, Recorded, listed, message
from bench.report import prose
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
    span_of,
)

GATE_SCHEMA = 2
"""Version of ``gate-<rules>.json``."""
TONES = {
    Outcome.PASS: "good",
    Outcome.FAIL: "bad",
    Outcome.INCONCLUSIVE: "unsure",
    Outcome.INVALID: "bad",
}
METHOD = message(
    "Arms of one run are paired by round (Student's t on log ratios; Fieller's where a value may "
    "be zero). Fewer than 30 requests in the window or after a fault are given no narrower an "
    'interval than the exact Poisson bounds; a rule with of = "requests" is about those counted.'
)
UNPAIRED = message(
    "Difference: the second run against the first, with its 95% interval. Rounds of two runs have "
    "nothing in common, so they are not paired: Welch's two-sample t, on logarithms where a value "
    "cannot be zero."
)
DETECTABLE = message(
    "Smallest change seen: how far beyond its limit the figure would have had to lie to fail in "
    "four of five such runs."
)


def rule_table(corner: str, columns: Iterable[str], lines: Iterable[Line]) -> Table:
    """Return a table whose first and last columns are prose."""
    first, *middle, last = columns
    heads = (Column(first, prose=True), *map(Column, middle), Column(last, prose=True))
    rows = tuple(lines)
    depth = min((row.depth for row in rows), default=Depth.TERMINAL)
    return Table("", heads, (Group(rows),), "", corner, layout="stacked", depth=depth)


def rule_line(title: str, *cells: Cell | str) -> Line:
    """Return a row that every output format shows."""
    wrapped = tuple(Cell(cell) if isinstance(cell, str) else cell for cell in cells)
    return Line(title, wrapped, depth=Depth.TERMINAL)


def notes(*texts: str) -> tuple[Text, ...]:
    """Return closing notes that every output format shows."""
    return tuple(Text(text, depth=Depth.TERMINAL) for text in texts)


def verdict_document(verdict: Verdict) -> Document:
    """Return the verdict as a document."""
    title = message("Gate {rules}: {run}")
    if verdict.base:
        title = message("Gate {rules}: {run}, against the base, commit {commit}")
    commit = verdict.base.commit if verdict.base else ""
    slots = {"rules": verdict.rules.name, "run": verdict.run, "commit": commit}
    lines = (_rule(row) for row in verdict.rows)
    table = rule_table(message("rule"), prose.paragraphs("rule_columns"), lines)
    code = message("Exit code {code}.").format(code=verdict.outcome.exit_code)
    reasons = tuple(Recorded(reason) for reason in verdict.reasons)
    return Document(
        title=title.format(**slots),
        headline=Sentence(_lead(verdict), tone=TONES[verdict.outcome]),
        alarms=(Alarm("INVALID", reasons),) if reasons else (),
        sections=(Section("rules", message("Rules"), (table,)),),
        notes=notes(
            *map(Recorded, verdict.notes), _budget(verdict.rules), METHOD, DETECTABLE, code
        ),
    )


def _budget(rules: Rules) -> str:
    looks = ", ".join(str(look) for look in rules.looks)
    return message(
        "Intervals at {confidence} confidence: looks at {looks} rounds share an error budget of "
        "{budget} a rule."
    ).format(
        confidence=per_cent(rules.confidence), looks=looks, budget=per_cent(rules.error_budget)
    )


def _lead(verdict: Verdict) -> str:
    outcome, rows = verdict.outcome, verdict.rows
    count = {kind: sum(row.outcome is kind for row in rows) for kind in Outcome}
    if verdict.reasons:
        return message("INVALID: this run carries no judgement")
    if outcome is Outcome.PASS:
        every = message("PASS: all {rules} rules hold").format(rules=len(rows))
        return every if len(rows) > 1 else message("PASS: the rule holds")
    patterns = {
        Outcome.FAIL: message("FAIL: {some} of {rules} rules broken"),
        Outcome.INCONCLUSIVE: message("INCONCLUSIVE: {some} of {rules} rules not decided"),
        Outcome.INVALID: message("INVALID: {some} of {rules} rules without a figure to judge"),
    }
    parts = [patterns[outcome].format(some=count[outcome], rules=len(rows))]
    if verdict.buys:
        more = message("--buy extends the run to {rounds} rounds")
        parts.append(more.format(rounds=verdict.buys))
    return listed(parts, "; ")


def _rule(row: Row) -> Line:
    outcome = Cell(str(row.outcome), tone=TONES[row.outcome])
    title = Message("{name} ({about})").format(name=row.rule.name, about=_about(row))
    return rule_line(title, outcome, *_figures(row), Recorded(row.why))


def _about(row: Row) -> str:
    rule = row.rule
    if rule.of is not Of.FIGURE:
        patterns = {
            Of.UNIT_COST: message("{metric} of a {per}, {arm}"),
            Of.BREAK_EVEN: message("break-even by {metric} against {arm}"),
            Of.PER_REPLICA: message("{metric} of {arm} for each further replica"),
            Of.REQUESTS: message("requests of {arm}, {metric}: {verb} {resource}"),
        }
        slots = {"verb": rule.verb, "resource": rule.resource, "per": rule.per, "arm": rule.arm}
        return patterns[rule.of].format(metric=rule.metric, **slots)
    per_1000 = message("{title} per 1,000 reads").format(title=rule.metric)
    of_arm = message("{scenario}: {metric} of {arm}")
    if rule.against:
        of_arm = message("{scenario}: {metric} of {arm} against {against}")
    metric = per_1000 if rule.per_1000 else rule.metric
    slots = {
        "scenario": rule.scenario or message("each scenario"),
        "arm": rule.arm or message("each server"),
        "against": rule.against,
    }
    return of_arm.format(metric=metric, **slots)


def _figures(row: Row) -> tuple[str, ...]:
    observed = row.observed
    if observed is None:
        return (MISSING,) * 6
    show, margin = _ways(row, observed)
    estimate = observed.estimate
    interval = MISSING
    if estimate.low is not None and estimate.high is not None:
        interval = span_of(show(estimate.low), show(estimate.high))
    most, least = message("at most {most}"), message("at least {least}")
    limit = (most if observed.at_most else least).format(
        most=show(observed.limit), least=show(observed.limit)
    )
    if row.rule.needs_base and row.rule.at_most is row.rule.at_least is None:
        limit = message("no more") if observed.at_most else message("no less")
    noise = Message("{stated}")
    if row.margin != row.stated:
        noise = message("{stated}; to fail {margin} (the noise)")
    if observed.noise is None:
        noise = message("{stated} (noise not measured)")
    return (
        show(estimate.value),
        interval,
        limit,
        noise.format(stated=margin(row.stated), margin=margin(row.margin)),
        margin(row.detectable),
        str(observed.rounds),
    )


Shown = Callable[[float | None], str]


def _ways(row: Row, observed: Observed) -> tuple[Shown, Shown]:
    """Return the formatters of this row's figures and of its margins."""
    largest = [observed.estimate.value, observed.limit]
    if observed.form is Form.VALUE:
        plain = scale_for(largest, observed.unit, EXACT).quantity
        return plain, plain
    if observed.form is Form.DIFFERENCE:
        scale = scale_for([*largest, observed.base], observed.unit, EXACT)
        return lambda value: scale.quantity(value, signed=True), scale.quantity
    return (change if row.rule.needs_base else _times), per_cent


def _times(factor: float | None) -> str:
    return MISSING if factor is None else f"{number(factor, EXACT)}{TIMES}"


def comparison_document(
    first: RunAnalysis, second: RunAnalysis, *, every: bool = False
) -> Document:
    """Compare the second run with the first; ``every``: the terminal shows all figures."""
    sides, runs = side_by_side(first, second), (first, second)
    void = (
        Alarm(
            run.run,
            tuple(
                Recorded(f"{caveat.kind}: {placed(caveat)}") for caveat in run.void[:SHOWN_PLACES]
            ),
        )
        for run in runs
        if run.void
    )
    differing = tuple(Recorded(text) for text in unlike(first, second))
    title = message("Unlike environments (first and second)")
    unalike = (Alarm(title, differing),) if differing else ()
    return Document(
        title=message("{names} and {last}").format(names=first.run, last=second.run),
        headline=Sentence(_compared(sides)),
        alarms=(*void, *unalike),
        sections=(*_scenarios(sides, every=every), *_apart(sides), _runs(first, second)),
        notes=notes(UNPAIRED, *([] if every else _rest(sides)), _chance(sides)),
    )


def _rest(sides: SideBySide) -> list[str]:
    alike = sum(row.better is None for row in sides.rows)
    text = message("{figures} figures that show no difference are not listed (--all).")
    return [text.format(figures=alike)] if alike else []


def _chance(sides: SideBySide) -> str:
    return message(
        "Of {comparisons} comparisons about {some} would show a difference at 95% by chance alone; "
        "a machine also drifts between runs. To decide, name what must hold beforehand: python -m "
        "bench gate."
    ).format(comparisons=len(sides.rows), some=f"{len(sides.rows) * 0.05:.0f}")


def _compared(sides: SideBySide) -> str:
    if not sides.rows:
        return message("Nothing can be compared: the runs have no scenario and arm in common")
    changed = [row for row in sides.rows if row.better is not None]
    if not changed:
        text = message("No difference shown in {comparisons} comparisons")
        return text.format(comparisons=len(sides.rows))
    worse = sum(row.better is False for row in changed)
    return message(
        "{some} of {figures} figures differ: {better} for the better, {worse} for the worse"
    ).format(some=len(changed), figures=len(sides.rows), better=len(changed) - worse, worse=worse)


def _scenarios(sides: SideBySide, *, every: bool) -> list[Section]:
    """Return a table a scenario, with the differing figures first."""
    sections = []
    columns = prose.paragraphs("compare_columns")
    for index, scenario in enumerate(dict.fromkeys(row.scenario for row in sides.rows)):
        rows = [row for row in sides.rows if row.scenario == scenario]
        # Arms of one metric are adjacent, metrics in the order of the first arm's.
        metrics = list(dict.fromkeys((row.first.metric, row.first.per_1000) for row in rows))
        rows.sort(key=lambda row: metrics.index((row.first.metric, row.first.per_1000)))
        rows.sort(key=lambda row: row.better is None)
        lines = (
            replace(_metric(row), depth=Depth.MARKDOWN)
            if row.better is None and not every
            else _metric(row)
            for row in rows
        )
        table = rule_table(message("metric"), columns, lines)
        title = prose.text("scenario", name=scenario)
        sections.append(Section(f"s{index}", title, (table,)))
    return sections


def _metric(row: compare.Row) -> Line:
    first, second, title = row.first, row.second, Recorded(row.first.title)
    scale = scale_for([first.value, second.value], first.unit, EXACT)
    per_1000 = message("{title} per 1,000 reads")
    return rule_line(
        per_1000.format(title=title) if first.per_1000 else title,
        row.server,
        scale.quantity(first.value),
        scale.quantity(second.value),
        _difference(row, scale),
        Cell(Message(row.finding), tone={True: "good", False: "bad", None: ""}[row.better]),
    )


def _difference(row: compare.Row, scale: Scale) -> str:
    estimate = row.estimate
    if estimate is None:
        return MISSING

    def show(value: float) -> str:
        return change(value) if row.is_ratio else scale.quantity(value, signed=True)

    if estimate.bounds is None or row.finding is Finding.NOT_KNOWN:
        return show(estimate.value)
    spread = span_of(*map(show, estimate.bounds))
    return Message("{value} [{spread}]").format(value=show(estimate.value), spread=spread)


def _apart(sides: SideBySide) -> list[Section]:
    items = Texts(tuple(Text(Recorded(text)) for text in sides.apart), depth=Depth.TERMINAL)
    return [Section("apart", message("What cannot be compared"), (items,))] if sides.apart else []


def _runs(first: RunAnalysis, second: RunAnalysis) -> Section:
    facts: dict[str, Callable[[RunAnalysis], str]] = {
        message("run"): lambda run: run.run,
        message("plan"): lambda run: run.plan.name,
        message("started"): lambda run: run.started_at,
        message("trials"): lambda run: message("{some} of {every}").format(
            some=run.trials_made, every=run.trials_planned
        ),
        message("rounds"): lambda run: str(run.plan.rounds),
        message("seconds a trial"): lambda run: f"{run.plan.duration_s:g}",
        message("commit"): lambda run: run.environment.commit,
        "Kubernetes": lambda run: run.environment.kubernetes,
        "Python": lambda run: run.environment.python,
        message("processor"): lambda run: message("{count} of {processor}").format(
            count=run.environment.processors, processor=run.environment.processor
        ),
        message("load before the start"): lambda run: f"{run.environment.load_average_1m:.2f}",
    }
    rows = (rule_line(name, value_of(first), value_of(second)) for name, value_of in facts.items())
    columns = message("first"), message("second")
    return Section("runs", message("The two runs"), (rule_table("", columns, rows),))


def verdict_json(verdict: Verdict) -> bytes:
    """Return the content of ``gate-<rules>.json``.

    A row's ``form`` says whether its figures are values, factors or differences in ``unit``;
    they are null if there was nothing to judge.
    """
    rules = verdict.rules
    record = {
        "gate_schema": GATE_SCHEMA,
        "rules": rules.name,
        "run": verdict.run,
        "base": verdict.base.commit if verdict.base else None,
        "outcome": verdict.outcome,
        "exit_code": verdict.outcome.exit_code,
        "confidence": rules.confidence,
        "looks": rules.looks,
        "rounds": verdict.rounds,
        "buys": verdict.buys,
        "reasons": verdict.reasons,
        "notes": verdict.notes,
        "rows": [_record(row) for row in verdict.rows],
    }
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def _record(row: Row) -> dict[str, Any]:
    rule, observed = row.rule, row.observed
    of_rule = ("scenario", "arm", "metric", "per_1000", "against", "of", "per")
    of_figure = ("form", "unit", "at_most", "limit", "noise", "rounds")
    return {
        "rule": rule.name,
        **{key: getattr(rule, key) for key in of_rule},
        "outcome": row.outcome,
        "why": row.why,
        **{key: getattr(observed, key) if observed else None for key in of_figure},
        "observed": observed.estimate.value if observed else None,
        "low": observed.estimate.low if observed else None,
        "high": observed.estimate.high if observed else None,
        "stated": row.stated,
        "margin": row.margin,
        "boundary": row.boundary,
        "detectable": row.detectable,
    }
