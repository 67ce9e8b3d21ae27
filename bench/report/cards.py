"""The five numbers that matter, each with every arm's figure and the caveats that concern it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.latency import Percentile
from bench.analysis.run import ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.report.arms import contenders
from bench.report.footnotes import Note
from bench.report.numbers import MISSING, Scale, number, scale_for
from bench.report.versus import factor

AT_LEAST = "\N{GREATER-THAN OR EQUAL TO}\N{NO-BREAK SPACE}"
COSTS = (
    ("api_requests", "Requests to the API server", "requests"),
    ("control_plane_cpu", "Control-plane CPU", "cost"),
    ("apiserver_cpu", "API-server CPU", "cost"),
    ("api_bytes", "Bytes the API server sent", "cost"),
)
"""Key, heading, and the group of caveats (``footnotes.CONCERNS``) that is about it."""


@dataclass(frozen=True, slots=True)
class CardCell:
    """A figure in a card, and the footnotes it points at, as (anchor, number)."""

    value: str
    notes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """One number: what it is, how the subject compares, and each arm's figures.

    ``rows`` are (arm, one cell a column).
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    """(baseline, how the subject compares with it)."""
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[CardCell, ...]], ...]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A scenario as cards need it: where its section is, and its footnotes."""

    analysis: ScenarioAnalysis
    anchor: str
    notes: Sequence[Note]

    @property
    def arms(self) -> list[Arm]:
        """The servers, in presentation order."""
        return contenders(self.analysis.arms)

    def notes_at(self, server: str, group: str) -> tuple[tuple[str, int], ...]:
        """Return the footnotes of ``server`` about ``group``."""
        return tuple(
            (self.anchor, note.number) for note in self.notes if note.concerns(server, group)
        )


def cards(steady: Place | None, capacity: Place | None, subject: str) -> list[Card]:
    """Return at most five cards: costs and p99 of ``steady``, throughput of ``capacity``.

    Either may be missing; a figure that no arm has gives no card.
    """
    found: list[Card | None] = []
    if steady is not None:
        found += [_cost(steady, subject, *one) for one in _wanted(steady.arms)]
    elif capacity is not None:
        found.append(_cost(capacity, subject, *COSTS[0]))
    found.append(_p99(steady, capacity, subject))
    if capacity is not None:
        found.append(_throughput(capacity, steady, subject))
    return [card for card in found if card is not None]


def _wanted(arms: Sequence[Arm]) -> list[tuple[str, str, str]]:
    """Drop the API server's CPU where that of the whole control plane is known."""
    measured = {key for arm in arms for key, one in arm.figures.items() if one.interval}
    dropped = "apiserver_cpu" if "control_plane_cpu" in measured else "control_plane_cpu"
    return [one for one in COSTS if one[0] != dropped]


def _cost(place: Place, subject: str, key: str, title: str, group: str) -> Card | None:
    arms = [arm for arm in place.arms if key in arm.figures]
    per_second = {arm.server: arm.figures[key].interval for arm in arms}
    if not any(per_second.values()):
        return None
    per_1000 = {arm.server: arm.per_1000[key].interval for arm in arms if key in arm.per_1000}
    unit = arms[0].figures[key].metric.unit
    own = scale_for((one.value for one in per_second.values() if one), unit)
    each = scale_for((one.value for one in per_1000.values() if one), unit.split("/")[0])
    rows = []
    for arm in arms:
        notes = place.notes_at(arm.server, group)
        second, thousand = per_second[arm.server], per_1000.get(arm.server)
        cells = (
            CardCell(own.show(second.value) if second else MISSING, notes),
            CardCell(each.show(thousand.value) if thousand else MISSING, notes),
        )
        rows.append((arm.server, cells))
    columns = (_named("second", own.unit), _named("1,000 reads", each.unit))
    remark = ""
    if arms[0].figures[key].metric.above_floor and any(a.is_floor for a in place.analysis.arms):
        remark = "Beyond what the same cluster costs with no server and no load."
        if any(one.value < 0 for one in per_second.values() if one):
            remark += " Below zero is the noise of that floor."
    lines = _lines(place, subject, key, per_1000=key == "api_requests")
    return Card(title, lines, columns, tuple(rows), remark)


def _named(of: str, unit: str) -> str:
    return f"{unit.removesuffix('/s')} per {of}".strip()


def _p99(steady: Place | None, capacity: Place | None, subject: str) -> Card | None:
    places = [place for place in (steady, capacity) if place is not None]
    servers = list(dict.fromkeys(arm.server for place in places for arm in place.arms))
    if not servers:
        return None
    found: dict[tuple[int, str], Percentile] = {
        (index, arm.server): arm.percentiles[-1]
        for index, place in enumerate(places)
        for arm in place.arms
        if arm.felt.samples
    }
    if not found:
        return None
    scale = scale_for((one.value_ms for one in found.values()), "ms")
    rows = [
        (
            server,
            tuple(
                _percentile(found.get((index, server)), place, server, scale)
                for index, place in enumerate(places)
            ),
        )
        for server in servers
    ]
    columns = tuple(f"{scale.unit}, {load_of(place.analysis)}" for place in places)
    lines, remark = _lines(places[0], subject, "p99"), ""
    if not lines:
        lines = tuple(
            (name, f"median {words}") for name, words in _lines(places[0], subject, "p50")
        )
        remark = "A round alone has too few requests for a p99, so medians are compared."
    return Card("Latency, p99", lines, columns, tuple(rows), remark if lines else "")


def _percentile(one: Percentile | None, place: Place, server: str, scale: Scale) -> CardCell:
    notes = place.notes_at(server, "latency")
    if one is None:
        return CardCell(MISSING, notes)
    if one.value_ms is None:
        return CardCell("withheld", (*notes, *place.notes_at(server, "withheld")))
    return CardCell((AT_LEAST if one.at_least else "") + scale.show(one.value_ms), notes)


def _throughput(capacity: Place, steady: Place | None, subject: str) -> Card | None:
    arms = [arm for arm in capacity.arms if arm.figures["throughput"].interval]
    if not arms:
        return None
    kept: Mapping[str, Arm] = {arm.server: arm for arm in steady.arms} if steady else {}
    rows = []
    for arm in arms:
        one = arm.figures["throughput"].interval
        notes = capacity.notes_at(arm.server, "throughput")
        cells = [CardCell(number(one.value if one else None), notes)]
        if steady is not None:
            other = kept.get(arm.server)
            reached = other.figures["throughput"].interval if other else None
            at = steady.notes_at(arm.server, "throughput")
            cells.append(CardCell(number(reached.value if reached else None), at))
        rows.append((arm.server, tuple(cells)))
    columns = [f"per second, {load_of(capacity.analysis)}"]
    if steady is not None:
        columns.append(f"per second, {load_of(steady.analysis)}")
    lines = _lines(capacity, subject, "throughput")
    return Card("Reads answered", lines, tuple(columns), tuple(rows))


def load_of(scenario: ScenarioAnalysis) -> str:
    """Name the load of a scenario in two words."""
    rate = scenario.scenario.rate_rps
    return "full speed" if rate is None else f"{number(rate)}/s offered"


def _lines(
    place: Place, subject: str, key: str, *, per_1000: bool = False
) -> tuple[tuple[str, str], ...]:
    found = []
    arms = {arm.server: arm for arm in place.arms}
    for arm in place.arms:
        if arm.server != subject and subject in arms:
            words = factor(place.analysis, key, arms[subject], arm, per_1000=per_1000)
            if words != MISSING:
                found.append((arm.server, words))
    return tuple(found)
