"""The read paths side by side: each server of a run against one, in what matters most.

A matrix joins the scenarios that ask the same of the same cluster and differ only in
how hard: requests, bytes, latency and freshness come from the one at a fixed rate,
throughput from the one at full speed. So does CPU, where there is one: a rate that the
slowest path can keep asks so little of the control plane that it is lost in what the
floor differs from round to round.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeVar

from bench.analysis.compare import Comparison, compare
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.analysis.metrics import REQUESTS
from bench.analysis.scenario import ScenarioAnalysis
from bench.analysis.summary import PRESENTATION, Arm, Figure
from bench.model import Arrivals, Scenario

One = TypeVar("One", Scenario, ScenarioAnalysis)

BASELINE = "direct"
"""The read path that the others are held against, where the run has it; else the first."""


class Speed(Enum):
    """How hard a scenario asks."""

    FIXED = auto()
    FULL = auto()
    FULL_IF_MEASURED = auto()
    """At full speed; without such a scenario, at the fixed rate."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column: a metric, whether for 1,000 reads, and of which kind of scenario."""

    key: str
    title: str
    short: str
    per_1000: bool = False
    at: Speed = Speed.FIXED


QUANTITIES = (
    Quantity("api_requests", "requests to the API server for 1,000 reads", "requests", True),
    Quantity(
        "control_plane_cpu",
        "control-plane CPU for 1,000 reads",
        "control-plane CPU",
        per_1000=True,
        at=Speed.FULL_IF_MEASURED,
    ),
    Quantity("api_bytes", "sent by the API server for 1,000 reads", "bytes sent", True),
    Quantity("throughput", "reads a second at full speed", "reads/s", at=Speed.FULL),
    Quantity("p50", "median read at the fixed rate", "median read"),
    Quantity("staleness_p50", "median staleness, at most", "staleness"),
    Quantity("memory_end", "server memory", "memory"),
    Quantity("ready", "start to ready", "to ready"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One figure of one read path, and how many times the baseline's it is."""

    figure: Figure
    times: Interval | None
    """``None``: of the baseline itself, or where no factor can be stated."""
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class ReadPath:
    """A row: one server, its entries by ``Quantity.key``; a key is absent if nobody measured it."""

    server: str
    contract: str | None
    """How far its answers are those of the others: bytes, content or metadata; ``None``: an
    older record, which does not say."""
    entries: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Matrix:
    """All read paths that were asked the same."""

    open_scenario: Scenario
    closed_scenario: Scenario | None
    baseline: str
    paths: tuple[ReadPath, ...]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Those of ``QUANTITIES`` that at least one read path has."""
        return tuple(one for one in QUANTITIES if any(one.key in p.entries for p in self.paths))

    def scenario_of(self, quantity: Quantity) -> Scenario | None:
        """Return where ``quantity`` was measured; ``None`` if no scenario has it."""
        return _measured(quantity, self.open_scenario, self.closed_scenario)

    @property
    def rounds(self) -> int:
        """The most rounds that a figure rests on."""
        entries = (entry for path in self.paths for entry in path.entries.values())
        return max((len(entry.figure.rounds) for entry in entries), default=0)


def matrices(
    scenarios: Sequence[ScenarioAnalysis],
    contracts: Mapping[str, str],
    confidence: float = CONFIDENCE,
) -> tuple[Matrix, ...]:
    """Return a matrix for each cluster that read paths beyond the usual three were asked of."""
    groups: dict[Scenario, list[ScenarioAnalysis]] = {}
    for one in scenarios:
        groups.setdefault(_asked(one.scenario), []).append(one)
    return tuple(
        made for group in groups.values() for made in _matrix(group, contracts, confidence)
    )


def _asked(scenario: Scenario) -> Scenario:
    """Return ``scenario`` without its name and without how hard it asks."""
    return replace(
        scenario,
        name="",
        users=0,
        rate_rps=None,
        arrivals=Arrivals.CONSTANT,
        probe=True,
        control=True,
    )


def _matrix(
    group: Sequence[ScenarioAnalysis], contracts: Mapping[str, str], confidence: float
) -> Iterator[Matrix]:
    at_rate = next((one for one in group if one.scenario.is_open), None)
    at_full_speed = next((one for one in group if not one.scenario.is_open), None)
    if at_rate is None:
        return
    arms = [arm for arm in at_rate.arms if arm.is_contender]
    if len(arms) < 2 or all(arm.server in PRESENTATION for arm in arms):
        return
    baseline = next((arm.server for arm in arms if arm.server == BASELINE), arms[0].server)
    yield Matrix(
        at_rate.scenario,
        at_full_speed.scenario if at_full_speed else None,
        baseline,
        tuple(
            ReadPath(
                arm.server,
                contracts.get(arm.server),
                dict(_entries(arm.server, baseline, at_rate, at_full_speed, confidence)),
            )
            for arm in arms
        ),
    )


def _entries(
    server: str,
    baseline: str,
    at_rate: ScenarioAnalysis,
    at_full_speed: ScenarioAnalysis | None,
    confidence: float,
) -> Iterator[tuple[str, Entry]]:
    for quantity in QUANTITIES:
        scenario = _measured(quantity, at_rate, at_full_speed)
        own = _arm(scenario, server)
        if own is None:
            continue
        figure = (own.per_1000 if quantity.per_1000 else own.figures)[quantity.key]
        other = _arm(scenario, baseline) if server != baseline else None
        found = None
        if other is not None:
            found = compare(
                own, other, quantity.key, per_1000=quantity.per_1000, confidence=confidence
            )
        yield quantity.key, Entry(figure, None if found is None else times_of(found), found)


def _measured(quantity: Quantity, at_rate: One, at_full_speed: One | None) -> One | None:
    if quantity.at is Speed.FIXED:
        return at_rate
    if quantity.at is Speed.FULL:
        return at_full_speed
    return at_full_speed or at_rate


def _arm(scenario: ScenarioAnalysis | None, server: str) -> Arm | None:
    arms = scenario.arms if scenario else ()
    return next((arm for arm in arms if arm.server == server), None)


def times_of(found: Comparison) -> Interval | None:
    """Return how many times the baseline's mean the subject's figure is, with its interval.

    The ratio where there is one. Where a figure may be zero: one plus the paired
    difference as a share of the baseline's mean; counts that were zero in every round
    reach up to the exact Poisson bound. ``None`` where the baseline shows nothing.
    """
    if found.ratio is not None:
        return found.ratio
    if found.difference is None:
        return None
    mean = sum(base for _, base in found.pairs.values()) / len(found.pairs)
    if mean <= 0:
        return None
    one = found.difference
    if found.metric is REQUESTS and not any(own for own, _ in found.pairs.values()):
        high = 1 / found.at_least if found.at_least else None
        return Interval(0.0, None if high is None else 0.0, high, one.rounds)
    low, high = (None if bound is None else 1 + bound / mean for bound in (one.low, one.high))
    return Interval(1 + one.value / mean, low, high, one.rounds)
