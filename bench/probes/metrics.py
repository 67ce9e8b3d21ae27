"""Scrape Prometheus text: every sample at one mark, without buckets and host names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

NAMES_A_HOST = "host"
"""Label of an API server's own client metrics: an address, which may not be kept."""

Keep = Callable[[str, Mapping[str, str]], bool]


class MetricsError(Exception):
    """What was scraped is not Prometheus text."""


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
    """Want every sample."""
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

    And none that ``keep`` does not want, by name and labels. Each gets the labels
    ``more`` besides its own. Raises ``MetricsError`` naming the source if the text
    cannot be parsed.
    """
    # The buckets are four fifths of an API server's 2.3 MB and would be parsed for nothing.
    wanted = "\n".join(line for line in text.splitlines() if "_bucket{" not in line) + "\n"
    rows = []
    try:
        for family in text_string_to_metric_families(wanted):
            for sample in family.samples:
                if NAMES_A_HOST in sample.labels or not keep(sample.name, sample.labels):
                    continue
                told = {**sample.labels, **(more or {})}
                labels = ",".join(f'{key}="{told[key]}"' for key in sorted(told))
                rows.append(ScrapeRow(mark, source, sample.name, labels, float(sample.value)))
    except ValueError as error:
        raise MetricsError(f"the metrics of {source} cannot be parsed: {error}") from error
    return rows
