"""The read paths as one table: a row each, what it costs and gives, and how that is to direct."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.intervals import INDICATIVE_BELOW, Interval
from bench.analysis.readpaths import Entry, Matrix, Quantity, ReadPath
from bench.report.chart import Chart
from bench.report.charts.tradeoffs import tradeoffs
from bench.report.footnotes import Note
from bench.report.numbers import MISSING, NO_BREAK, Scale, number, scale_for, times

ANSWERS = {
    "bytes": "the same bytes",
    "content": "the same content, nulls left out",
    "metadata": "metadata alone",
}
"""What a contract is called here."""


@dataclass(frozen=True, slots=True)
class PathCell:
    """One figure and, below it, how many times the baseline's it is."""

    label: str
    value: str
    factor: str = ""
    interval: str = ""


@dataclass(frozen=True, slots=True)
class PathRow:
    """One read path; ``notes`` are the numbers of its scenario's caveats that concern it."""

    server: str
    answers: str
    cells: tuple[PathCell, ...]
    notes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReadPathSection:
    """The table and its chart."""

    anchor: str
    notes_anchor: str
    title: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[PathRow, ...]
    chart: Chart | None


Places = Mapping[str, tuple[str, Sequence[Note]]]
"""Anchor and footnotes of each scenario's section, by the scenario's name."""


def read_path_sections(matrices: Sequence[Matrix], places: Places) -> list[ReadPathSection]:
    """Return a section for each matrix."""
    return [_section(index, matrix, places) for index, matrix in enumerate(matrices)]


def _section(index: int, matrix: Matrix, places: Places) -> ReadPathSection:
    quantities = matrix.quantities
    scales = {one.key: _scale(matrix, one) for one in quantities}
    notes_anchor, notes = places.get(matrix.open_scenario.name, ("", ()))
    one = matrix.open_scenario
    return ReadPathSection(
        anchor=f"paths{index}",
        notes_anchor=notes_anchor,
        title=f"{len(matrix.paths)} read paths side by side: {one.route}, {one.pods:,} pods"
        + (f", Kubernetes {one.kubernetes}" if one.kubernetes else ""),
        caption=_caption(matrix),
        headings=tuple(with_unit(one.title, scales[one.key]) for one in quantities),
        rows=tuple(_row(path, matrix, quantities, scales, notes) for path in matrix.paths),
        chart=tradeoffs(matrix, f"paths{index}-tradeoffs"),
    )


def _caption(matrix: Matrix) -> str:
    one = matrix.open_scenario
    load = f"{number(one.rate_rps)} reads/s offered, {number(one.churn_per_s)} writes/s"
    full = ""
    if matrix.closed_scenario is not None:
        users = matrix.closed_scenario.users
        full = (
            f"; at full speed, which control-plane CPU is taken from as well: {users} clients "
            f"(scenario {matrix.closed_scenario.name})"
        )
    few = "; indicative, for they are few" if matrix.rounds < INDICATIVE_BELOW else ""
    paired = f"with its 95% interval, paired over {matrix.rounds} rounds{few}"
    if matrix.rounds < 2:
        paired = "in a single round, which has no interval"
    return (
        f"Scenario {one.name}: {load}{full}. CPU and bytes are beyond what the cluster shows "
        f"without a server. Below each figure: how many times that of {matrix.baseline} it is, "
        f"{paired}."
    )


def with_unit(title: str, scale: Scale) -> str:
    """Return ``title`` with the unit of its column, where it has one."""
    unit = scale.unit.split("/")[0]
    return f"{title}, {unit}" if unit else title


def _scale(matrix: Matrix, quantity: Quantity) -> Scale:
    entries = [path.entries.get(quantity.key) for path in matrix.paths]
    known = [one for one in entries if one is not None]
    unit = known[0].figure.metric.unit
    values = [one.figure.interval.value for one in known if one.figure.interval is not None]
    return scale_for(values, unit.split("/")[0] if quantity.per_1000 else unit)


def _row(
    path: ReadPath,
    matrix: Matrix,
    quantities: Sequence[Quantity],
    scales: Mapping[str, Scale],
    notes: Sequence[Note],
) -> PathRow:
    is_baseline = path.server == matrix.baseline
    return PathRow(
        path.server,
        ANSWERS.get(path.contract or "", MISSING),
        tuple(
            _cell(one, path.entries.get(one.key), scales[one.key], is_baseline=is_baseline)
            for one in quantities
        ),
        tuple(note.number for note in notes if note.groups and path.server in note.servers),
    )


def _cell(quantity: Quantity, entry: Entry | None, scale: Scale, *, is_baseline: bool) -> PathCell:
    label = with_unit(quantity.short, scale)
    if entry is None or entry.figure.interval is None:
        return PathCell(label, MISSING, (entry.figure.missing if entry else None) or "not measured")
    value = scale.show(entry.figure.interval.value)
    if is_baseline or entry.times is None:
        return PathCell(label, value)
    return PathCell(label, value, *factor_of(entry.times))


def factor_of(one: Interval) -> tuple[str, str]:
    """Say a factor and its interval: ``0.02 x`` and ``[0.018 to 0.024]``, empty without one."""
    factor = f"{times(one.value)}{NO_BREAK}\N{MULTIPLICATION SIGN}"
    if one.low is None or one.high is None:
        return factor, ""
    low, high = times(one.low), times(one.high)
    return factor, "" if low == high == times(one.value) else f"[{low}{NO_BREAK}to{NO_BREAK}{high}]"
