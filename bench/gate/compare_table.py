"""Two runs side by side, as a document: for terminal, Markdown and HTML."""

from bench.analysis.result import RunAnalysis
from bench.gate.compare import Finding, Row, SideBySide, side_by_side, unlike
from bench.model import Caveat
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
from bench.report.numbers import EXACT, MISSING, Scale, change, scale_for

COLUMNS = (
    Column("arm", prose=True),
    *(Column(title) for title in ("first", "second", "difference")),
    Column("finding", prose=True),
)
METHOD = (
    "Difference: the second run against the first, with its 95% interval. Rounds of two runs have "
    "nothing in common, so they are not paired: Welch's two-sample t, on logarithms where a value "
    "cannot be zero."
)


def document_of(first: RunAnalysis, second: RunAnalysis) -> Document:
    """Return the comparison; the second run is read against the first."""
    found = side_by_side(first, second)
    return Document(
        title=f"{first.run} and {second.run}",
        headline=Sentence(_lead(found)),
        alarms=tuple(_alarms(first, second)),
        sections=(*_figures(found), *_apart(found), _runs(first, second)),
        notes=tuple(Text(note, depth=Depth.TERMINAL) for note in (METHOD, _chance(found))),
    )


def _chance(found: SideBySide) -> str:
    return (
        f"Of {len(found.rows)} comparisons about {len(found.rows) * 0.05:.0f} would show a "
        "difference at 95% by chance alone; a machine also drifts between runs. To decide, name "
        "what must hold beforehand: python -m bench gate."
    )


def _lead(found: SideBySide) -> str:
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


def _alarms(first: RunAnalysis, second: RunAnalysis) -> list[Alarm]:
    void = [Alarm(run.run, tuple(map(_said, run.void[:3]))) for run in (first, second) if run.void]
    differing = tuple(str(one) for one in unlike(first, second))
    if differing:
        void.append(Alarm("Unlike environments (first and second)", differing))
    return void


def _said(caveat: Caveat) -> str:
    where = [part for part in (caveat.scenario, caveat.server) if part]
    place = f" ({', '.join(where)})" if where else ""
    return f"{caveat.kind}{place}: {caveat.text}"


def _figures(found: SideBySide) -> list[Section]:
    sections = []
    for index, scenario in enumerate(dict.fromkeys(row.scenario for row in found.rows)):
        rows = [row for row in found.rows if row.scenario == scenario]
        # The arms of a metric stand below each other, metrics in the order of the first arm's.
        metrics = list(dict.fromkeys((row.first.metric, row.first.per_1000) for row in rows))
        rows.sort(key=lambda row: metrics.index((row.first.metric, row.first.per_1000)))
        lines = tuple(_line(row) for row in rows)
        groups = (Group(lines),)
        table = Table("", COLUMNS, groups, "", "metric", layout="stacked", depth=Depth.TERMINAL)
        sections.append(Section(f"s{index}", f"Scenario {scenario}", (table,)))
    return sections


def _line(row: Row) -> Line:
    first, second = row.first, row.second
    per = ", per 1,000 reads" if first.per_1000 else ""
    scale = scale_for([first.value, second.value], first.unit, EXACT)
    tone = {True: "good", False: "bad", None: ""}[row.better]
    cells = (
        Cell(row.server),
        Cell(scale.quantity(first.value)),
        Cell(scale.quantity(second.value)),
        _difference(row, scale),
        Cell(str(row.finding), tone=tone),
    )
    return Line(f"{first.title}{per}", cells, depth=Depth.TERMINAL)


def _difference(row: Row, scale: Scale) -> Cell:
    one = row.estimate
    if one is None:
        return Cell(MISSING)

    def show(value: float) -> str:
        return change(value) if row.is_ratio else scale.quantity(value, signed=True)

    if one.low is None or one.high is None or row.finding is Finding.NOT_KNOWN:
        return Cell(show(one.value))
    return Cell(f"{show(one.value)} [{show(one.low)} to {show(one.high)}]")


def _apart(found: SideBySide) -> list[Section]:
    if not found.apart:
        return []
    items = Texts(tuple(Text(text) for text in found.apart), depth=Depth.TERMINAL)
    return [Section("apart", "What cannot be compared", (items,))]


def _runs(first: RunAnalysis, second: RunAnalysis) -> Section:
    def row(what: str, *values: object) -> Line:
        return Line(what, tuple(Cell(str(value)) for value in values), depth=Depth.TERMINAL)

    pair = (first, second)
    rows = (
        row("run", *(run.run for run in pair)),
        row("plan", *(run.plan.name for run in pair)),
        row("started", *(run.started_at for run in pair)),
        row("state", *(f"{run.trials_made} of {run.trials_planned} trials" for run in pair)),
        row("rounds", *(run.plan.rounds for run in pair)),
        row("seconds a trial", *(f"{run.plan.duration_s:g}" for run in pair)),
        row("commit", *(run.environment.commit for run in pair)),
        row("Kubernetes", *(run.environment.kubernetes for run in pair)),
        row("Python", *(run.environment.python for run in pair)),
        row("processor", *(_processor(run) for run in pair)),
        row("load before the start", *(f"{_load(run):.2f}" for run in pair)),
    )
    columns = (Column("first", prose=True), Column("second", prose=True))
    table = Table("", columns, (Group(rows),), layout="stacked", depth=Depth.TERMINAL)
    return Section("runs", "The two runs", (table,))


def _processor(run: RunAnalysis) -> str:
    return f"{run.environment.processors} of {run.environment.processor}"


def _load(run: RunAnalysis) -> float:
    return run.environment.load_average_1m
