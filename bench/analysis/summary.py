"""Arms over their rounds: each figure with its interval, or why there is none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.freshness import Freshness, pool_freshness
from bench.analysis.intervals import CONFIDENCE, Interval, mean_interval, poisson_bounds
from bench.analysis.latency import Latencies, Percentile, pool
from bench.analysis.metrics import (
    METRICS,
    PERCENTILES,
    REQUESTS,
    Facts,
    Metric,
    per_1000_reads,
)
from bench.analysis.spread import variation
from bench.model import AGAIN, NO_SERVER, Scenario

PRESENTATION = ("direct", "direct-rv0", "informer")
"""Arms that are named first, in this order; others follow as the plan has them, ``none`` last."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of an arm: its rounds, and their mean with an interval.

    ``rounds`` maps a round to its value. When ``interval`` is ``None``,
    ``missing`` says what is not there. A percentile that single rounds have too
    few samples for may still be stated of all rounds together: then ``rounds`` is
    empty, the interval has a value and no bounds, and there is nothing to compare.
    """

    metric: Metric
    rounds: Mapping[int, float]
    interval: Interval | None
    missing: str | None = None

    @property
    def spread(self) -> float | None:
        """Coefficient of variation over the rounds; ``None`` for one, or a mean not above 0."""
        return variation(list(self.rounds.values()))


@dataclass(frozen=True, slots=True)
class Arm:
    """One server under one scenario, its good rounds pooled."""

    scenario: Scenario
    server: str
    facts: tuple[Facts, ...]
    figures: Mapping[str, Figure]
    """Per second, or of the state, by ``Metric.key``."""
    per_1000: Mapping[str, Figure]
    """Requests and costs per 1,000 answered reads, by ``Metric.key``."""
    felt: Latencies
    service: Latencies
    percentiles: tuple[Percentile, ...]
    service_percentiles: tuple[Percentile, ...]
    freshness: Freshness | None = None
    """The probe's findings of all rounds; ``None``: no probe, or no server to ask."""
    bystander: Latencies | None = None
    """Waits of the client that asks the API server itself, all rounds; ``None``: there was none."""

    @property
    def is_control(self) -> bool:
        """Whether this is a server's second measurement: a control, never a contender."""
        return self.server.endswith(AGAIN)

    @property
    def is_contender(self) -> bool:
        """Whether this is a server to be compared with others."""
        return not self.is_floor and not self.is_control

    @property
    def is_floor(self) -> bool:
        """Whether this is the arm without a server."""
        return self.server == NO_SERVER

    @property
    def reads(self) -> int:
        """Answered reads over all rounds."""
        return len(self.felt.answered_ms)

    @property
    def reached(self) -> int | None:
        """Requests for the load's reads that reached the API server, over all rounds.

        ``None``: not counted. The freshness probe's own are left out.
        """
        counts = [facts.ledgers.for_reads for facts in self.facts]
        known = [count.total() for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None

    @property
    def reached_by_verb(self) -> Mapping[str, int]:
        """The same by verb; a watch is counted when it is opened."""
        total: Counter[str] = Counter()
        for facts in self.facts:
            for key, count in (facts.ledgers.for_reads or {}).items():
                total[key.verb] += count
        return dict(total.most_common())


def presentation_order(servers: Sequence[str]) -> list[str]:
    """Put ``servers`` in the order in which a reader meets them."""
    known = [server for server in PRESENTATION if server in servers]
    others = [server for server in servers if server not in (*PRESENTATION, NO_SERVER)]
    return known + others + [NO_SERVER] * (NO_SERVER in servers)


def summarise(
    scenario: Scenario,
    facts: Sequence[Facts],
    servers: Sequence[str],
    confidence: float = CONFIDENCE,
) -> list[Arm]:
    """Pool the good trials of ``scenario`` by server; servers without one are left out."""
    by_arm: dict[str, dict[int, Facts]] = {}
    for fact in facts:
        by_arm.setdefault(fact.record.trial.server, {})[fact.record.trial.round] = fact
    return [
        _arm(scenario, server, by_arm, confidence)
        for server in presentation_order(servers)
        if server in by_arm
    ]


def _arm(
    scenario: Scenario,
    server: str,
    by_arm: Mapping[str, Mapping[int, Facts]],
    confidence: float,
) -> Arm:
    facts = tuple(by_arm[server].values())
    figures: dict[str, Figure] = {}
    per_1000: dict[str, Figure] = {}
    for metric in METRICS:
        base = by_arm.get(metric.above) if metric.above else None
        values = {
            fact.record.trial.round: value
            for fact in facts
            if (value := _above(metric, fact, base)) is not None
        }
        why = _withheld(metric, facts)
        if why is not None:
            values = {}
        figures[metric.key] = (
            _figure(metric, values, _exposure_s(facts), confidence)
            if why is None
            else _of_all_rounds(metric, facts, why)
        )
        if metric is REQUESTS or metric.needs_rate:
            rounds = by_arm[server]
            per_read = {
                number: share
                for number, value in values.items()
                if (share := per_1000_reads(metric, rounds[number], value)) is not None
            }
            thousands = sum(fact.reads for fact in facts) / 1000
            per_1000[metric.key] = _figure(metric, per_read, thousands, confidence)
    felt = pool(fact.felt for fact in facts)
    service = pool(fact.service for fact in facts)
    waits = [fact.bystander for fact in facts if fact.bystander is not None]
    return Arm(
        scenario,
        server,
        facts,
        figures,
        per_1000,
        felt,
        service,
        tuple(felt.percentile(q) for q in PERCENTILES),
        tuple(service.percentile(q) for q in PERCENTILES),
        pool_freshness(fact.freshness for fact in facts),
        pool(waits) if waits else None,
    )


def _above(metric: Metric, fact: Facts, base: Mapping[int, Facts] | None) -> float | None:
    """Return the metric, less what the arm it stands above shows in the same round."""
    value = metric.of(fact)
    if value is None or metric.above is None or fact.record.trial.server == NO_SERVER:
        return value
    if base is None:
        # Without the floor the whole process is shown; without the bare server there is no cache.
        return value if metric.above_floor else None
    below = base.get(fact.record.trial.round)
    if below is None or below is fact:
        return None
    less = metric.of(below)
    return None if less is None else value - less


def _withheld(metric: Metric, facts: Sequence[Facts]) -> str | None:
    if metric.withheld is None:
        return None
    reasons = (metric.withheld(fact) for fact in facts)
    return next((f"withheld: {why}" for why in reasons if why is not None), None)


def _of_all_rounds(metric: Metric, facts: Sequence[Facts], why: str) -> Figure:
    """Return what can be said of a percentile that a round cannot carry."""
    found = metric.pooled(facts) if metric.pooled is not None else None
    if found is None or found.value_ms is None or found.at_least:
        return Figure(metric, {}, None, why)
    return Figure(metric, {}, Interval(found.value_ms, None, None, len(facts)), why)


def _exposure_s(facts: Sequence[Facts]) -> float:
    return sum(fact.record.marks_s for fact in facts)


def _figure(
    metric: Metric,
    values: Mapping[int, float],
    exposure: float,
    confidence: float,
) -> Figure:
    """Return the figure of ``values``; ``exposure`` is what a count of zero is zero in."""
    if not values:
        return Figure(metric, values, None, "not measured")
    interval = mean_interval(list(values.values()), confidence)
    if metric is REQUESTS and interval is not None and not any(values.values()) and exposure:
        # No request in any round: the spread of zeros says nothing, the exact bound does.
        bound = poisson_bounds(0, confidence)[1] / exposure
        interval = Interval(0.0, 0.0, bound, len(values))
    return Figure(metric, values, interval)
