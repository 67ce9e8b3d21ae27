"""Rows of figures for any table: a metric, its arms' cells, and the caveats they point at."""

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
"""Which figures a kind of caveat is about; kinds not named here are about the whole run."""


def concern(metric: Metric) -> Group:
    """Return the group of figures that caveats name ``metric`` by: every cost is one of them."""
    return Group.CONTROL_PLANE if metric.load is Load.FIXED_RATE else metric.group


@dataclass(frozen=True, slots=True)
class Note:
    """One footnote: which arms and figures point at it."""

    kind: CaveatKind
    where: str
    text: str
    servers: frozenset[str]

    @property
    def line(self) -> Text:
        """The footnote as it is shown."""
        return caveat_text(self.kind, self.where, self.text)


def caveat_text(kind: CaveatKind, where: str, text: str) -> Text:
    """Return a caveat as a paragraph, with its kind and where it belongs before it."""
    term = kind_title(kind)
    if where:
        term = Message("{kind} ({where})").format(kind=term, where=where)
    return Text(Recorded(text), term=term)


@dataclass(frozen=True, slots=True)
class Notes:
    """The footnotes of one section."""

    anchor: str
    notes: tuple[Note, ...] = ()

    def pointing(
        self, server: str, metric: Metric | None = None, *, withheld: bool = False
    ) -> tuple[tuple[str, int], ...]:
        """Return the footnotes that a cell of ``server`` points at; its own, without a metric."""
        return tuple(
            (self.anchor, number)
            for number, note in enumerate(self.notes, 1)
            if server in note.servers and _concerns(note.kind, metric, withheld=withheld)
        )


def _concerns(kind: CaveatKind, metric: Metric | None, *, withheld: bool) -> bool:
    if kind is CaveatKind.TOO_FEW_SAMPLES:
        return withheld or metric is None
    found = CONCERNS.get(kind, frozenset())
    return bool(found) if metric is None else concern(metric) in found


def notes_of(
    caveats: Iterable[Caveat], scenario: str | None, servers: Sequence[str], anchor: str
) -> Notes:
    """Group the caveats of ``scenario``: what is alike but for round or server is one note."""
    grouped: dict[tuple[CaveatKind, str], list[Caveat]] = {}
    for caveat in caveats:
        if caveat.scenario == scenario:
            grouped.setdefault((caveat.kind, caveat.text), []).append(caveat)
    notes = []
    for (kind, text), group in grouped.items():
        own = {caveat.server for caveat in group if caveat.server is not None}
        if any(caveat.server is None for caveat in group):
            own = set(servers)
        notes.append(Note(kind, _where(group, servers), text, frozenset(own)))
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


def view_of(scenario: ScenarioAnalysis, view: View) -> list[tuple[Metric, bool]]:
    """Return what ``view`` compares like for like under the scenario's load.

    Without load nothing is per 1,000 reads: it is shown per second instead.
    """
    not_alike = Load.FULL_SPEED if scenario.scenario.is_open else Load.FIXED_RATE
    found = [(metric, per) for metric, per in of_view(view) if metric.load is not not_alike]
    if scenario.scenario.has_load:
        return found
    return list(dict.fromkeys((metric, False) for metric, _ in found))


def compared(scenario: ScenarioAnalysis, baseline: str) -> list[Comparison]:
    """Return the comparisons with ``baseline`` in the balance, parts of a sum left out."""
    return _balance(scenario, [one for one in scenario.comparisons if one.baseline == baseline])


def _balance(scenario: ScenarioAnalysis, found: Sequence[Comparison]) -> list[Comparison]:
    """Return those in the view of the balance, in its order, without the parts of a sum there."""
    by_form = {(one.metric, one.per_1000): one for one in found}
    forms = [(metric.key, per) for metric, per in view_of(scenario, View.BALANCE)]
    shown = [by_form[form] for form in forms if form in by_form]
    sums = (one.definition.of for one in shown)
    parts = {key for one in sums if isinstance(one, Total) for key in one.keys}
    return [one for one in shown if one.metric not in parts]


def against_base(scenario: ScenarioAnalysis) -> list[Comparison]:
    """Return what is shown of a scenario's comparisons with the base."""
    shown = {(metric.key, per_1000) for metric, per_1000 in view_of(scenario, View.FACTORS)}
    return [one for one in scenario.base if (one.metric, one.per_1000) in shown]


def compared_control(scenario: ScenarioAnalysis, control: Control) -> list[Comparison]:
    """Return a control's comparisons in the balance, and in the metric named beforehand."""
    shown = _balance(scenario, control.comparisons)
    named = (one for one in control.comparisons if one.metric == control.metric)
    return shown + [one for one in named if not one.per_1000 and one not in shown]


def columns_of(arms: Sequence[Arm]) -> tuple[Column, ...]:
    """Return a column an arm, in its colour."""
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
    """Return the row of a metric, a cell an arm; ``None`` where no arm has it."""
    if isinstance(metric.of, Quantile) and metric.of.times in (Times.RESPONSE, Times.SERVICE):
        made = _percentiles(metric, metric.of, arms, notes)
    else:
        made = _figures(metric, arms, notes, per_1000=per_1000)
    if made is None:
        return None
    cells, scale = made
    title = metric.title_of(per_1000=per_1000)
    return Row(title, cells, scale.unit, strong=strong, depth=depth, key=row_key(metric, per_1000))


def row_key(metric: Metric, per_1000: bool) -> str:
    """Name a row by its metric and form."""
    return f"{metric.key}/1000" if per_1000 else metric.key


Made = tuple[tuple[Cell, ...], Scale] | None


def _figures(metric: Metric, arms: Sequence[Arm], notes: Notes, *, per_1000: bool) -> Made:
    found = [arm.figure(metric.key, per_1000=per_1000) for arm in arms]
    known = [one for one in found if one is not None and one.value is not None]
    if not known:
        return None
    scale = scale_for([one.value for one in known], metric.unit_of(per_1000=per_1000))
    cells = tuple(
        _cell(arm, metric, one, scale, notes) for arm, one in zip(arms, found, strict=True)
    )
    return cells, scale


def _cell(arm: Arm, metric: Metric, figure: Figure | None, scale: Scale, notes: Notes) -> Cell:
    missing = figure.missing if figure else None
    remark = "" if arm.is_floor else Recorded(missing) if missing else UNMEASURED
    cell = figure_cell(figure, metric, scale) or Cell(MISSING, remark=remark)
    return replace(cell, notes=notes.pointing(arm.server, metric))


def figure_cell(
    figure: Figure | Estimate | None, metric: Metric, scale: Scale, remark: str = ""
) -> Cell | None:
    """Return a figure with its interval; ``None`` without one.

    Nothing of an interval lies below zero unless a floor was subtracted, or the figure does too.
    """
    if figure is None or figure.value is None:
        return None
    low, high = figure.low, figure.high
    if low is not None and metric.floor is None and figure.value >= 0:
        low = max(low, 0.0)
    shown = scale.show(figure.value, low, high)
    return Cell(shown, scale.interval(low, high, figure.value), remark)


def _percentiles(metric: Metric, of: Quantile, arms: Sequence[Arm], notes: Notes) -> Made:
    found = {
        arm.server: one
        for arm in arms
        for one in (arm.latency if of.times is Times.RESPONSE else arm.service)
        if one.q == of.q and not arm.is_floor
    }
    if not found:
        return None
    scale = scale_for([one.value_ms for one in found.values()], metric.unit)
    cells = []
    for arm in arms:
        one = found.get(arm.server)
        pointing = notes.pointing(arm.server, metric)
        if one is None:
            cells.append(Cell(MISSING, notes=() if arm.is_floor else pointing))
        elif one.value_ms is None:
            withheld = notes.pointing(arm.server, metric, withheld=True)
            cells.append(Cell(MISSING, remark=WITHHELD, notes=tuple(dict.fromkeys(withheld))))
        else:
            low, high = _round_range(arm, metric)
            value = (AT_LEAST if one.at_least else "") + scale.show(one.value_ms, low, high)
            spread = scale.interval(low, high, one.value_ms)
            cells.append(Cell(value, spread, notes=pointing))
    return tuple(cells), scale


def _round_range(arm: Arm, metric: Metric) -> tuple[float, float] | tuple[None, None]:
    """Return the least and the most of the rounds' own percentiles, where each can carry one."""
    figure = arm.figure(metric.key)
    rounds = figure.rounds if figure else {}
    if len(rounds) < 2 or len(rounds) < len(arm.rounds):
        return None, None
    return min(rounds.values()), max(rounds.values())


def where_of(caveat: Caveat) -> str:
    """Say where a caveat belongs."""
    found = [caveat.scenario, _where([caveat], ())]
    return listed([part for part in found if part])


def rounds_of(arms: Iterable[Arm]) -> int:
    """Return the most rounds that an arm has."""
    return max((len(arm.rounds) for arm in arms), default=0)


def in_rounds(arms: Iterable[Arm]) -> str:
    """Say over how many rounds means are."""
    return plural(rounds_of(arms), "round", "rounds")
