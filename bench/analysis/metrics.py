"""What is computed from one trial: each metric by name, with its unit and where it comes from.

A new metric is one entry in ``METRICS``; summaries, comparisons and the report
take it from there. A function returns ``None`` where the trial cannot carry
the metric, never 0 and never NaN.
"""

from functools import partial

from bench.analysis.costs import COSTS
from bench.analysis.facts import Facts, read_facts
from bench.analysis.metric import Metric, of_record, per_1000_reads
from bench.analysis.observed import BYSTANDER, FRESHNESS
from bench.analysis.reads import LATENCY, PERCENTILES, REQUESTS, SERVICE, THROUGHPUT

__all__ = [
    "BYSTANDER",
    "COSTS",
    "FRESHNESS",
    "LATENCY",
    "METRICS",
    "PERCENTILES",
    "REQUESTS",
    "SERVICE",
    "STATE",
    "THROUGHPUT",
    "Facts",
    "Metric",
    "per_1000_reads",
    "read_facts",
]

BARE = "direct"
"""The server that keeps no pod: what another has ready above it is its cache."""


def _ready_memory_per_pod(facts: Facts) -> float | None:
    size, pods = facts.record.server_pss_ready_bytes, facts.record.pods_at_start
    return size / pods if size is not None and pods else None


STATE = (
    Metric(
        key="memory_end",
        title="Server memory at the end (PSS)",
        unit="B",
        source="trial.json server_pss_end_bytes",
        of=partial(of_record, field="server_pss_end_bytes"),
    ),
    Metric(
        key="memory_peak",
        title="Server memory, peak (PSS)",
        unit="B",
        source="trial.json server_pss_peak_bytes",
        of=partial(of_record, field="server_pss_peak_bytes"),
    ),
    Metric(
        key="memory_per_pod",
        title="Server memory for a pod kept (PSS, when ready)",
        unit="B",
        source="trial.json server_pss_ready_bytes / pods_at_start; the same of the arm direct, "
        "which keeps none, subtracted, round by round",
        of=_ready_memory_per_pod,
        above=BARE,
        may_be_zero=True,
    ),
    Metric(
        key="ready",
        title="Start to ready",
        unit="s",
        source="trial.json ready_s",
        of=partial(of_record, field="ready_s"),
    ),
    Metric(
        key="ready_requests",
        title="Requests to the API server until ready",
        unit="",
        source="trial.json ready_requests",
        of=partial(of_record, field="ready_requests"),
        may_be_zero=True,
    ),
    Metric(
        key="ready_bytes",
        title="Bytes from the API server until ready",
        unit="B",
        source="trial.json ready_bytes",
        of=partial(of_record, field="ready_bytes"),
        may_be_zero=True,
    ),
)
METRICS = (REQUESTS, THROUGHPUT, *LATENCY, *SERVICE, *COSTS, *FRESHNESS, *BYSTANDER, *STATE)
