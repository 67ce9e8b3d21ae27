"""Caveats grouped, numbered, and tied to the figures they concern."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.model import Caveat, CaveatKind

EVERY = "*"
"""Stands for every figure of an arm."""

CONCERNS: dict[CaveatKind, tuple[str, ...]] = {
    CaveatKind.FAILED_REQUESTS: ("latency", "throughput"),
    CaveatKind.DROPPED_ARRIVALS: ("latency", "throughput"),
    CaveatKind.GENERATOR_SATURATED: ("latency", "throughput"),
    CaveatKind.RATE_NOT_REACHED: ("latency", "throughput", "cost"),
    CaveatKind.CHURN_NOT_REACHED: ("cost",),
    CaveatKind.LEDGERS_DISAGREE: ("requests",),
    CaveatKind.LEDGER_MISSING: ("requests",),
    CaveatKind.REPLICAS_NOT_AS_PLANNED: ("requests", "cost"),
    CaveatKind.NOT_DRAINED: ("requests", "cost"),
    CaveatKind.TOO_FEW_SAMPLES: ("withheld",),
    CaveatKind.TRIAL_FAILED: (EVERY,),
    CaveatKind.ANSWERS_DIFFER: (EVERY,),
}
"""Which groups of rows a kind of caveat is about; kinds not named here are about the whole run."""


@dataclass(frozen=True, slots=True)
class Note:
    """One footnote: ``servers`` and ``groups`` say which cells point at it."""

    number: int
    kind: str
    where: str
    text: str
    servers: frozenset[str]
    groups: tuple[str, ...]

    def concerns(self, server: str, group: str) -> bool:
        """Tell whether a cell of ``server`` in the row group ``group`` points here."""
        return server in self.servers and (group in self.groups or EVERY in self.groups)


def notes_of(caveats: Iterable[Caveat], scenario: str, servers: Sequence[str]) -> list[Note]:
    """Group the caveats of ``scenario``: what is alike but for round or server is one note."""
    grouped: dict[tuple[CaveatKind, str], list[Caveat]] = {}
    for caveat in caveats:
        if caveat.scenario == scenario:
            grouped.setdefault((caveat.kind, caveat.text), []).append(caveat)
    notes = []
    for number, ((kind, text), group) in enumerate(grouped.items(), 1):
        own = {caveat.server for caveat in group if caveat.server is not None}
        if any(caveat.server is None for caveat in group):
            own = set(servers)
        notes.append(
            Note(
                number=number,
                kind=str(kind),
                where=_where(group, servers),
                text=text,
                servers=frozenset(own),
                groups=CONCERNS.get(kind, ()),
            )
        )
    return notes


def general(caveats: Iterable[Caveat]) -> list[Caveat]:
    """Return the caveats that belong to no scenario."""
    return [caveat for caveat in caveats if caveat.scenario is None]


def _where(group: Sequence[Caveat], servers: Sequence[str]) -> str:
    named = {caveat.server for caveat in group if caveat.server}
    order = [server for server in servers if server in named]
    order += sorted(named - set(order))
    rounds = sorted({caveat.round for caveat in group if caveat.round is not None})
    parts = [", ".join(order)] if order else []
    if rounds:
        word = "round" if len(rounds) == 1 else "rounds"
        parts.append(f"{word} {', '.join(str(number) for number in rounds)}")
    return ", ".join(parts)
