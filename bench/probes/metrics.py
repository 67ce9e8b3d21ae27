"""Scrape Prometheus text: every sample at one mark, without buckets and host names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

NAMES_A_HOST = "host"
"""Label of an API server's own client metrics: an address, which must not be stored."""

Keep = Callable[[str, Mapping[str, str]], bool]


class MetricsError(Exception):
    """Raised when a scrape is not Prometheus text."""


@dataclass(frozen=True, slots=True)
class ScrapeRow:
    """One sample: which scrape (``mark``), of what (``source``), and its value.

    ``labels`` is ``key="value"`` joined by commas, sorted by key, so that one
    series has one text.
    """

    mark: str
    source: str
    name: str
    labels: str
    value: float


def keep_all(_name: str, _labels: Mapping[str, str]) -> bool:
    """Keep every sample."""
    return True


def parse_metrics(
    text: str,
    *,
    mark: str,
    source: str,
    more: Mapping[str, str] | None = None,
    keep: Keep = keep_all,
) -> list[ScrapeRow]:
    """Return the samples of Prometheus ``text``: no histogram buckets, none that name a host.

    Samples that ``keep`` refuses, by name and labels, are left out. Each sample gets the
    labels ``more`` besides its own. Raises ``MetricsError`` naming the source if the text
    cannot be parsed.
    """
    # Buckets are four fifths of an API server's 2.3 MB, and parsing them would be wasted.
    lines = "\n".join(line for line in text.splitlines() if "_bucket{" not in line) + "\n"
    rows = []
    try:
        for family in text_string_to_metric_families(lines):
            for sample in family.samples:
                if NAMES_A_HOST in sample.labels or not keep(sample.name, sample.labels):
                    continue
                values = {**sample.labels, **(more or {})}
                labels = ",".join(f'{key}="{values[key]}"' for key in sorted(values))
                rows.append(ScrapeRow(mark, source, sample.name, labels, float(sample.value)))
    except ValueError as error:
        raise MetricsError(f"the metrics of {source} cannot be parsed: {error}") from error
    return rows
