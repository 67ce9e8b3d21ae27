"""What is measured: one registry of metrics, each an entry of data. Pure.

``registry`` holds the entries, ``metric`` their types. No module reads a file or computes a value.
"""

from bench.metrics.metric import (
    Group,
    Load,
    Metric,
    Speed,
    Tally,
    Times,
    View,
    percentile_name,
)
from bench.metrics.registry import BY_KEY, METRICS, PERCENTILES, of_view, scraped_names

__all__ = [
    "BY_KEY",
    "METRICS",
    "PERCENTILES",
    "Group",
    "Load",
    "Metric",
    "Speed",
    "Tally",
    "Times",
    "View",
    "of_view",
    "percentile_name",
    "scraped_names",
]
