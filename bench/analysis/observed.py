"""What the observers saw: how old answers were, and what another client of the API server met."""

from bench.analysis.facts import Facts
from bench.analysis.latency import Latencies
from bench.analysis.metric import Metric, percentile_metric


def _staleness(facts: Facts) -> Latencies | None:
    return facts.freshness.upper if facts.freshness else None


def _event_delay(facts: Facts) -> Latencies | None:
    return facts.freshness.event_delay if facts.freshness else None


def _bystander(facts: Facts) -> Latencies | None:
    return facts.bystander


def _stale_first_reads(facts: Facts) -> float | None:
    found = facts.freshness
    return found.first_stale / found.first_reads if found and found.first_reads else None


def _staleness_metric(q: float) -> Metric:
    return percentile_metric(
        _staleness,
        q,
        key=f"staleness_p{q * 100:.0f}",
        title=f"Staleness p{q * 100:.0f}, upper bound",
        source="freshness.parquet: fresh_done_us - acked_us; writes never seen count as longer",
    )


def _bystander_metric(q: float) -> Metric:
    return percentile_metric(
        _bystander,
        q,
        key=f"bystander_p{q * 100:.0f}",
        title=f"Another client's small read, p{q * 100:.0f}",
        source="bystander.parquet: done_us - intended_us; unanswered rows count as longer",
    )


FRESHNESS = (
    _staleness_metric(0.5),
    _staleness_metric(0.99),
    Metric(
        key="stale_first_reads",
        title="First reads older than the write before them",
        unit="",
        source="freshness.parquet: first_stale, as a share of the rows that have one",
        of=_stale_first_reads,
        may_be_zero=True,
    ),
    percentile_metric(
        _event_delay,
        0.5,
        key="event_delay_p50",
        title="From acknowledgement to the server's event, p50",
        source="freshness.parquet: event_us - acked_us, where the server tells",
        may_be_zero=True,
    ),
)
BYSTANDER = (_bystander_metric(0.5), _bystander_metric(0.99))
