"""Metrics of the reads: how many were answered, in what time, and what reached the API server."""

from bench.analysis.facts import Facts
from bench.analysis.latency import Latencies
from bench.analysis.metric import Metric, percentile_metric

PERCENTILES = (0.5, 0.9, 0.99)


def _requests(facts: Facts) -> float | None:
    reached = facts.ledgers.for_reads
    if reached is None or facts.record.window_s <= 0:
        return None
    return reached.total() / facts.record.window_s


def _throughput(facts: Facts) -> float | None:
    if facts.record.window_s <= 0 or not facts.felt.samples:
        return None
    return facts.reads / facts.record.window_s


def _felt(facts: Facts) -> Latencies:
    return facts.felt


def _service(facts: Facts) -> Latencies:
    return facts.service


REQUESTS = Metric(
    key="api_requests",
    title="Requests that reached the API server",
    unit="/s",
    source="audit.parquet: rows whose user is the server's identity, but those for the freshness "
    "probe's pod, over trial.json window_s",
    of=_requests,
    may_be_zero=True,
    over_window=True,
)
THROUGHPUT = Metric(
    key="throughput",
    title="Reads answered",
    unit="/s",
    source="requests.parquet: rows with outcome ok, over trial.json window_s",
    of=_throughput,
    higher_is_better=True,
)


def _latency_metric(q: float) -> Metric:
    return percentile_metric(
        _felt,
        q,
        key=f"p{q * 100:.0f}",
        title=f"Latency p{q * 100:.0f}, from the intended start",
        source="requests.parquet: done_us - intended_us, unanswered rows at least the time-out",
    )


def _service_metric(q: float) -> Metric:
    return percentile_metric(
        _service,
        q,
        key=f"service_p{q * 100:.0f}",
        title=f"Latency p{q * 100:.0f}, from the actual send",
        source="requests.parquet: done_us - sent_us, rows with outcome ok",
    )


LATENCY = tuple(_latency_metric(q) for q in PERCENTILES)
SERVICE = tuple(_service_metric(q) for q in PERCENTILES)
