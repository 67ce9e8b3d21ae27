"""Two runs side by side, as a sheet: for terminal, Markdown and HTML."""

from bench.compare.environments import unlike
from bench.compare.rows import Finding, Row, SideBySide, side_by_side
from bench.forms.figures import MISSING, change, quantity, signed
from bench.forms.sheet import Cell, Grid, Sheet
from bench.forms.summary import Figure, RunSummary
from bench.model import Caveat

PROSE = frozenset({0, 1, 5})
METHOD = (
    "Difference: the second run against the first, with its 95% interval. Rounds of two runs have "
    "nothing in common, so they are not paired: Welch's two-sample t, on logarithms where a value "
    "cannot be zero."
)


def sheet_of(first: RunSummary, second: RunSummary) -> Sheet:
    """Return the comparison; the second run is read against the first."""
    found = side_by_side(first, second)
    return Sheet(
        title=f"{first.run} and {second.run}",
        lead=Cell(_lead(found)),
        alarms=tuple(_alarms(first, second)),
        grids=(*_figures(found), *_apart(found), _runs(first, second)),
        notes=(METHOD, _chance(found)),
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


def _alarms(first: RunSummary, second: RunSummary) -> list[str]:
    alarms = [f"{run.run}: {_said(caveat)}" for run in (first, second) for caveat in run.void[:3]]
    if differing := unlike(first, second):
        alarms.append(
            "Unlike environments (first and second): " + "; ".join(str(one) for one in differing)
        )
    return alarms


def _said(caveat: Caveat) -> str:
    where = [part for part in (caveat.scenario, caveat.server) if part]
    place = f" ({', '.join(where)})" if where else ""
    return f"{caveat.kind}{place}: {caveat.text}"


def _figures(found: SideBySide) -> list[Grid]:
    grids = []
    for scenario in dict.fromkeys(row.scenario for row in found.rows):
        rows = [row for row in found.rows if row.scenario == scenario]
        headings = ("metric", "arm", "first", "second", "difference", "finding")
        # The arms of a metric stand below each other, metrics in the order of the first arm's.
        metrics = list(dict.fromkeys((row.first.metric, row.first.per_1000) for row in rows))
        rows.sort(key=lambda row: metrics.index((row.first.metric, row.first.per_1000)))
        cells = tuple(_cells(row) for row in rows)
        grids.append(Grid(f"Scenario {scenario}", headings, cells, prose=PROSE))
    return grids


def _cells(row: Row) -> tuple[Cell, ...]:
    figure = row.first
    per = ", per 1,000 reads" if figure.per_1000 else ""
    like = max(abs(one.value or 0.0) for one in (row.first, row.second))
    tone = {True: "good", False: "bad", None: ""}[row.better]
    return (
        Cell(f"{figure.title}{per}"),
        Cell(row.server),
        Cell(_value(row.first, like)),
        Cell(_value(row.second, like)),
        Cell(_difference(row, like)),
        Cell(str(row.finding), tone),
    )


def _value(figure: Figure, like: float) -> str:
    return quantity(figure.value, figure.unit, like)


def _difference(row: Row, like: float) -> str:
    one = row.estimate
    if one is None:
        return MISSING

    def show(value: float) -> str:
        return change(value) if row.is_ratio else signed(value, row.first.unit, like)

    if one.low is None or one.high is None or row.finding is Finding.NOT_KNOWN:
        return show(one.value)
    return f"{show(one.value)} [{show(one.low)} to {show(one.high)}]"


def _apart(found: SideBySide) -> list[Grid]:
    if not found.apart:
        return []
    rows = tuple((Cell(text),) for text in found.apart)
    return [Grid("What cannot be compared", ("what, and why",), rows)]


def _runs(first: RunSummary, second: RunSummary) -> Grid:
    def row(what: str, *values: object) -> tuple[Cell, ...]:
        return (Cell(what), *(Cell(str(value)) for value in values))

    pair = (first, second)
    return Grid(
        "The two runs",
        ("", "first", "second"),
        (
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
        ),
        prose=frozenset({0, 1, 2}),
    )


def _processor(run: RunSummary) -> str:
    return f"{run.environment.processors} of {run.environment.processor}"


def _load(run: RunSummary) -> float:
    return run.environment.load_average_1m
