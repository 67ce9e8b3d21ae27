"""Scrape of those counters of API server and servers that the page shows."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.cluster.api import Api
from bench.metrics.registry import ANSWERS, EVENTS, is_sent
from bench.probes.metrics import ScrapeRow, parse_metrics
from bench.sut.registry import ServerError
from bench.sut.server import ServerUnderTest

EVERY_S = 5.0
"""A scrape is 2.3 MB and costs the API server 27 ms."""

WATCHES = "apiserver_longrunning_requests"
REJECTED = "apiserver_flowcontrol_rejected_requests_total"
RECEIVED = "informer_bench_upstream_received_bytes_total"
_SHOWN_LINES = re.compile(
    rf"^(?:{'|'.join((WATCHES, REJECTED, ANSWERS, EVENTS, RECEIVED))})\{{?[^\n]*$", re.MULTILINE
)
"""Lines to parse: all of a scrape would take 0.3 s of a processor."""


@dataclass(frozen=True, slots=True)
class Scraped:
    """Counters at one moment (monotonic clock). Bytes are those of answers and watch events."""

    at_s: float
    bytes_sent: float
    watches: int
    pod_watches: int
    rejected: float
    received: Mapping[str, float]
    """Bytes by server, of the servers that answered."""


def scrape(api: Api, servers: Mapping[str, ServerUnderTest]) -> Scraped:
    """Scrape all of them. Raises ``ApiError``, ``ApiUnreachableError``, ``MetricsError``."""
    rows = _rows(api.get_bytes("/metrics").decode(), "apiserver")
    now = time.monotonic()
    watches = [row for row in rows if row.name == WATCHES and 'verb="WATCH"' in row.labels]
    return Scraped(
        at_s=now,
        bytes_sent=sum(row.value for row in rows if is_sent(row.name, row.labels)),
        watches=int(sum(row.value for row in watches)),
        pod_watches=int(sum(row.value for row in watches if 'resource="pods"' in row.labels)),
        rejected=sum(row.value for row in rows if row.name == REJECTED),
        received={
            name: received
            for name, server in servers.items()
            if (received := _received(server)) is not None
        },
    )


def _received(server: ServerUnderTest) -> float | None:
    try:
        rows = _rows(server.metrics(), server.kind.name)
    except ServerError:
        return None  # the server is down; the environment's state says so
    return sum(row.value for row in rows if row.name == RECEIVED)


def _rows(text: str, source: str) -> list[ScrapeRow]:
    shown = "\n".join(_SHOWN_LINES.findall(text)) + "\n"
    return parse_metrics(shown, mark="live", source=source)
