"""Arms over their rounds: each figure with its interval, or why there is none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.intervals import Interval, mean_interval, poisson_bounds
from bench.analysis.latency import Latencies, Percentile, pool
from bench.analysis.metrics import (
    METRICS,
    PERCENTILES,
    REQUESTS,
    Facts,
    Metric,
    per_1000_reads,
)
from bench.model import NO_SERVER, Scenario

PRESENTATION = ("direct", "direct-rv0", "informer")
"""Arms that are named first, in this order; others follow as the plan has them, ``none`` last."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of an arm: its rounds, and their mean with an interval.

    ``rounds`` maps a round to its value. When ``interval`` is ``None``,
    ``missing`` says what is not there.
    """

    metric: Metric
    rounds: Mapping[int, float]
    interval: Interval | None
    missing: str | None = None


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
        """Requests that reached the API server over all rounds; ``None``: not counted."""
        counts = [facts.ledgers.reached for facts in self.facts]
        known = [count.total() for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None

    @property
    def reached_by_verb(self) -> Mapping[str, int]:
        """The same by verb; a watch is counted when it is opened."""
        total: Counter[str] = Counter()
        for facts in self.facts:
            for key, count in (facts.ledgers.reached or {}).items():
                total[key.verb] += count
        return dict(total.most_common())


def presentation_order(servers: Sequence[str]) -> list[str]:
    """Put ``servers`` in the order in which a reader meets them."""
    known = [server for server in PRESENTATION if server in servers]
    others = [server for server in servers if server not in (*PRESENTATION, NO_SERVER)]
    return known + others + [NO_SERVER] * (NO_SERVER in servers)


def summarise(scenario: Scenario, facts: Sequence[Facts], servers: Sequence[str]) -> list[Arm]:
    """Pool the good trials of ``scenario`` by server; servers without one are left out."""
    floor = {fact.record.trial.round: fact for fact in facts if _server(fact) == NO_SERVER}
    arms = []
    for server in presentation_order(servers):
        own = tuple(fact for fact in facts if _server(fact) == server)
        if own:
            arms.append(_arm(scenario, server, own, floor))
    return arms


def _server(facts: Facts) -> str:
    return facts.record.trial.server


def _arm(
    scenario: Scenario, server: str, facts: tuple[Facts, ...], floor: Mapping[int, Facts]
) -> Arm:
    figures: dict[str, Figure] = {}
    per_1000: dict[str, Figure] = {}
    for metric in METRICS:
        values: dict[int, float] = {}
        per_read: dict[int, float] = {}
        for fact in facts:
            value = _above_floor(metric, fact, floor)
            if value is not None:
                values[fact.record.trial.round] = value
                if (share := per_1000_reads(metric, fact, value)) is not None:
                    per_read[fact.record.trial.round] = share
        figures[metric.key] = _figure(metric, values, facts)
        if metric is REQUESTS or metric.needs_rate:
            per_1000[metric.key] = _figure(metric, per_read, facts, per_read=True)
    felt = pool(fact.felt for fact in facts)
    service = pool(fact.service for fact in facts)
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
    )


def _above_floor(metric: Metric, fact: Facts, floor: Mapping[int, Facts]) -> float | None:
    """Return the metric, less what the ``none`` arm of the same round shows, where it must."""
    value = metric.of(fact)
    if value is None or not metric.above_floor or not floor or _server(fact) == NO_SERVER:
        return value
    below = floor.get(fact.record.trial.round)
    base = metric.of(below) if below is not None else None
    return None if base is None else value - base


def _figure(
    metric: Metric, values: Mapping[int, float], facts: Sequence[Facts], *, per_read: bool = False
) -> Figure:
    if not values:
        return Figure(metric, values, None, "not measured")
    interval = mean_interval(list(values.values()))
    if metric is REQUESTS and interval is not None and not any(values.values()):
        # No request in any round: the spread of zeros says nothing, the exact bound does.
        exposure = sum(
            len(fact.felt.answered_ms) / 1000 if per_read else fact.record.marks_s for fact in facts
        )
        interval = Interval(0.0, 0.0, poisson_bounds(0)[1] / exposure, len(values))
    return Figure(metric, values, interval)
