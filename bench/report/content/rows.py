"""Rows of figures for any table: a metric, a cell for each arm, and links to the caveats."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.analysis.result import Arm, Comparison, Control, Figure, ScenarioAnalysis
from bench.metrics import Group, Load, Metric, Times, View, of_view
from bench.metrics.metric import Quantile, Total
from bench.model import Caveat, CaveatKind
from bench.model.message import Message, Recorded, listed, message, plural
from bench.report.document import Cell, Column, Depth, Row, Text
from bench.report.numbers import AT_LEAST, MISSING, Scale, scale_for
from bench.report.sentences import kind_title
from bench.stats import Estimate

EVERY = frozenset(Group)
WITHHELD = message("withheld")
UNMEASURED = message("not measured")
COSTS = frozenset({Group.CONTROL_PLANE})
CONCERNS: dict[CaveatKind, frozenset[Group]] = {
    CaveatKind.FAILED_REQUESTS: frozenset({Group.READS}),
    CaveatKind.DROPPED_ARRIVALS: frozenset({Group.READS}),
    CaveatKind.GENERATOR_SATURATED: frozenset({Group.READS}),
    CaveatKind.RATE_NOT_REACHED: COSTS | {Group.READS},
    CaveatKind.CHURN_NOT_REACHED: COSTS,
    CaveatKind.LEDGERS_DISAGREE: frozenset({Group.REQUESTS}),
    CaveatKind.LEDGER_MISSING: frozenset({Group.REQUESTS}),
    CaveatKind.REPLICAS_NOT_AS_PLANNED: COSTS | {Group.REQUESTS},
    CaveatKind.NOT_DRAINED: COSTS | {Group.REQUESTS},
    CaveatKind.TRIAL_FAILED: EVERY,
    CaveatKind.ANSWERS_DIFFER: EVERY,
}
"""The groups of figures that a kind of caveat concerns; other kinds concern the whole run."""


def concern(metric: Metric) -> Group:
    """Return the group that caveats know ``metric`` by; every cost counts as the control plane."""
    return Group.CONTROL_PLANE if metric.load is Load.FIXED_RATE else metric.group


@dataclass(frozen=True, slots=True)
class Note:
    """One footnote, and the arms whose figures link to it."""

    kind: CaveatKind
    where: str
    text: str
    servers: frozenset[str]

    @property
    def line(self) -> Text:
        """The footnote as shown."""
        return caveat_text(self.kind, self.where, self.text)


def caveat_text(kind: CaveatKind, where: str, text: str) -> Text:
    """Return a caveat as a paragraph that begins with its kind and place."""
    term = kind_title(kind)
    if where:
        term = Message("{kind} ({where})").format(kind=term, where=where)
    return Text(Recorded(text), term=term)


@dataclass(frozen=True, slots=True)
class Notes:
    """The footnotes of one section."""

    anchor: str
    notes: tuple[Note, ...] = ()

    def links(
        self, server: str, metric: Metric | None = None, *, withheld: bool = False
    ) -> tuple[tuple[str, int], ...]:
        """Return the footnotes of a server's cell; without a metric, those of the server itself."""
        return tuple(
            (self.anchor, number)
            for number, note in enumerate(self.notes, 1)
            if server in note.servers and _concerns(note.kind, metric, withheld=withheld)
        )


def _concerns(kind: CaveatKind, metric: Metric | None, *, withheld: bool) -> bool:
    if kind is CaveatKind.TOO_FEW_SAMPLES:
        return withheld or metric is None
    groups = CONCERNS.get(kind, frozenset())
    return bool(groups) if metric is None else concern(metric) in groups


def notes_of(
    caveats: Iterable[Caveat], scenario: str | None, servers: Sequence[str], anchor: str
) -> Notes:
    """Group the caveats of ``scenario``; those that differ only in round or server are one note."""
    grouped: dict[tuple[CaveatKind, str], list[Caveat]] = {}
    for caveat in caveats:
        if caveat.scenario == scenario:
            grouped.setdefault((caveat.kind, caveat.text), []).append(caveat)
    notes = []
    for (kind, text), group in grouped.items():
        named = {caveat.server for caveat in group if caveat.server is not None}
        if any(caveat.server is None for caveat in group):
            named = set(servers)
        notes.append(Note(kind, _where(group, servers), text, frozenset(named)))
    return Notes(anchor, tuple(notes))


def _where(group: Sequence[Caveat], servers: Sequence[str]) -> str:
    named = {caveat.server for caveat in group if caveat.server}
    order = [server for server in servers if server in named]
    rounds = sorted({caveat.round for caveat in group if caveat.round is not None})
    in_them = [these_rounds(rounds)] if rounds else []
    return listed([*order, *sorted(named - set(order)), *in_them])


def these_rounds(rounds: Sequence[int]) -> Message:
    """Return ``round 3``, or ``rounds 3, 5``."""
    text = message("round {numbers}") if len(rounds) == 1 else message("rounds {numbers}")
    return text.format(numbers=", ".join(map(str, rounds)))


def view_of(result: ScenarioAnalysis, view: View) -> list[tuple[Metric, bool]]:
    """Return the forms of ``view`` that compare like for like under the scenario's load.

    A form is a metric and whether it is per 1,000 reads; without load, forms are per second.
    """
    not_alike = Load.FULL_SPEED if result.scenario.is_open else Load.FIXED_RATE
    forms = [(metric, per) for metric, per in of_view(view) if metric.load is not not_alike]
    if result.scenario.has_load:
        return forms
    return list(dict.fromkeys((metric, False) for metric, _ in forms))


def compared(result: ScenarioAnalysis, baseline: str) -> list[Comparison]:
    """Return the balance's comparisons with ``baseline``, without the parts of a sum."""
    comparisons = [
        comparison for comparison in result.comparisons if comparison.baseline == baseline
    ]
    return _balance(result, comparisons)


def _balance(result: ScenarioAnalysis, comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons in the balance's view, in its order, without the parts of a sum."""
    by_form = {(comparison.metric, comparison.per_1000): comparison for comparison in comparisons}
    forms = [(metric.key, per) for metric, per in view_of(result, View.BALANCE)]
    shown = [by_form[form] for form in forms if form in by_form]
    sums = (comparison.definition.of for comparison in shown)
    parts = {key for total in sums if isinstance(total, Total) for key in total.keys}
    return [comparison for comparison in shown if comparison.metric not in parts]


def against_base(result: ScenarioAnalysis) -> list[Comparison]:
    """Return the scenario's comparisons with the base that tables show."""
    shown = {(metric.key, per_1000) for metric, per_1000 in view_of(result, View.FACTORS)}
    return [
        comparison
        for comparison in result.base
        if (comparison.metric, comparison.per_1000) in shown
    ]


def compared_control(result: ScenarioAnalysis, control: Control) -> list[Comparison]:
    """Return a control's comparisons in the balance, and in the metric chosen beforehand."""
    shown = _balance(result, control.comparisons)
    named = (
        comparison for comparison in control.comparisons if comparison.metric == control.metric
    )
    return shown + [
        comparison for comparison in named if not comparison.per_1000 and comparison not in shown
    ]


def columns_of(arms: Sequence[Arm]) -> tuple[Column, ...]:
    """Return a column for each arm, in its colour."""
    return tuple(Column(arm.server, arm=arm.server) for arm in arms)


def metric_row(
    metric: Metric,
    arms: Sequence[Arm],
    notes: Notes,
    *,
    per_1000: bool = False,
    depth: Depth = Depth.PAGE,
    strong: bool = False,
) -> Row | None:
    """Return the row of a metric, a cell for each arm; ``None`` if no arm has it."""
    if isinstance(metric.of, Quantile) and metric.of.times in (Times.RESPONSE, Times.SERVICE):
        scaled = _percentiles(metric, metric.of, arms, notes)
    else:
        scaled = _figures(metric, arms, notes, per_1000=per_1000)
    if scaled is None:
        return None
    cells, scale = scaled
    title = metric.title_of(per_1000=per_1000)
    return Row(title, cells, scale.unit, strong=strong, depth=depth, key=row_key(metric, per_1000))


def row_key(metric: Metric, per_1000: bool) -> str:
    """Name a row by its metric and form."""
    return f"{metric.key}/1000" if per_1000 else metric.key


Scaled = tuple[tuple[Cell, ...], Scale] | None


def _figures(metric: Metric, arms: Sequence[Arm], notes: Notes, *, per_1000: bool) -> Scaled:
    figures = [arm.figure(metric.key, per_1000=per_1000) for arm in arms]
    known = [figure for figure in figures if figure is not None and figure.value is not None]
    if not known:
        return None
    scale = scale_for([figure.value for figure in known], metric.unit_of(per_1000=per_1000))
    cells = tuple(
        _cell(arm, metric, figure, scale, notes) for arm, figure in zip(arms, figures, strict=True)
    )
    return cells, scale


def _cell(arm: Arm, metric: Metric, figure: Figure | None, scale: Scale, notes: Notes) -> Cell:
    missing = figure.missing if figure else None
    remark = "" if arm.is_floor else Recorded(missing) if missing else UNMEASURED
    cell = figure_cell(figure, metric, scale) or Cell(MISSING, remark=remark)
    return replace(cell, notes=notes.links(arm.server, metric))


def figure_cell(
    figure: Figure | Estimate | None, metric: Metric, scale: Scale, remark: str = ""
) -> Cell | None:
    """Return a figure with its interval; ``None`` without one.

    An interval is cut at zero, unless a floor was subtracted or the figure itself is negative.
    """
    if figure is None or figure.value is None:
        return None
    low, high = figure.low, figure.high
    if low is not None and metric.floor is None and figure.value >= 0:
        low = max(low, 0.0)
    shown = scale.show(figure.value, low, high)
    return Cell(shown, scale.interval(low, high, figure.value), remark)


def _percentiles(metric: Metric, quantile: Quantile, arms: Sequence[Arm], notes: Notes) -> Scaled:
    percentiles = {
        arm.server: percentile
        for arm in arms
        for percentile in (arm.latency if quantile.times is Times.RESPONSE else arm.service)
        if percentile.q == quantile.q and not arm.is_floor
    }
    if not percentiles:
        return None
    scale = scale_for([percentile.value_ms for percentile in percentiles.values()], metric.unit)
    cells = []
    for arm in arms:
        percentile = percentiles.get(arm.server)
        links = notes.links(arm.server, metric)
        if percentile is None:
            cells.append(Cell(MISSING, notes=() if arm.is_floor else links))
        elif percentile.value_ms is None:
            withheld = notes.links(arm.server, metric, withheld=True)
            cells.append(Cell(MISSING, remark=WITHHELD, notes=tuple(dict.fromkeys(withheld))))
        else:
            low, high = _round_range(arm, metric)
            bound, up = (AT_LEAST, False) if percentile.at_least else ("", None)
            value = bound + scale.show(percentile.value_ms, low, high, up=up)
            spread = scale.interval(low, high, percentile.value_ms)
            cells.append(Cell(value, spread, notes=links))
    return tuple(cells), scale


def _round_range(arm: Arm, metric: Metric) -> tuple[float, float] | tuple[None, None]:
    """Return the least and greatest of the rounds' percentiles; ``None`` if a round lacks one."""
    figure = arm.figure(metric.key)
    rounds = figure.rounds if figure else {}
    if len(rounds) < 2 or len(rounds) < len(arm.rounds):
        return None, None
    return min(rounds.values()), max(rounds.values())


def where_of(caveat: Caveat) -> str:
    """Return a caveat's place: its scenario, server and rounds."""
    parts = [caveat.scenario, _where([caveat], ())]
    return listed([part for part in parts if part])


def rounds_of(arms: Iterable[Arm]) -> int:
    """Return the largest number of rounds of an arm."""
    return max((len(arm.rounds) for arm in arms), default=0)


def in_rounds(arms: Iterable[Arm]) -> str:
    """Return the number of rounds that means are over, in words."""
    return plural(rounds_of(arms), "round", "rounds")
