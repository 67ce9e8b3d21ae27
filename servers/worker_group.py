"""Several workers behind one port that act as one server to their clients.

A connection belongs to the worker that accepted it, so readiness and metrics would
be those of one worker alone. Each worker therefore also serves its own address on
the loopback, where its siblings ask it: ``/readyz`` covers all workers, ``/metrics``
shows the samples of each under the label ``worker``. Workers share no counters and
add none up, so counters stay exact, and counting costs no more than in a single
worker.
"""

import socket
from collections.abc import Iterator, Sequence
from http import HTTPStatus

import urllib3
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from urllib3.exceptions import HTTPError

from servers.source import SourceError

LOOPBACK = "127.0.0.1"
LABEL = "worker"
TIMEOUT_S = 3.0
"""Seconds that a sibling may take to answer: it may still be starting, or be gone."""


class WorkerGroup:
    """The workers of one server, from 1; made before the fork, so that each knows all."""

    def __init__(self, workers: int) -> None:
        self._listeners = [socket.create_server((LOOPBACK, 0)) for _ in range(workers)]
        self._ports = [listener.getsockname()[1] for listener in self._listeners]
        self.addresses = [f"http://{LOOPBACK}:{port}" for port in self._ports]
        """The address at which each worker answers for itself alone."""

    def listener(self, worker: int) -> socket.socket:
        """Return the socket that ``worker`` alone serves."""
        return self._listeners[worker - 1]

    def is_own_address(self, address: tuple[str, int]) -> bool:
        """Return whether ``address`` is that of a single worker."""
        return address[1] in self._ports

    def check_ready(self) -> None:
        """Return if every worker is ready, else raise :class:`SourceError`."""
        for worker, address in enumerate(self.addresses, 1):
            status, body = _ask(worker, f"{address}/readyz")
            if status != HTTPStatus.OK:
                raise SourceError(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    f"worker {worker} of {len(self.addresses)} is not ready: {body[:200]!r}",
                    retry_after_s=1,
                )

    def metrics(self) -> bytes:
        """Return the metrics of every worker as one Prometheus text; raise as ``check_ready``."""
        texts = [
            _ask(worker, f"{address}/metrics")[1].decode()
            for worker, address in enumerate(self.addresses, 1)
        ]
        merged = CollectorRegistry(auto_describe=False)
        merged.register(_Merged(texts))
        return generate_latest(merged)


class _Merged:
    """Collects the families of several texts, and labels each sample with its worker."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for worker, text in enumerate(self._texts, 1):
            for family in text_string_to_metric_families(text):
                merged = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    labels = {**sample.labels, LABEL: str(worker)}
                    merged.samples.append(sample._replace(labels=labels))
        yield from families.values()


def _ask(worker: int, url: str) -> tuple[int, bytes]:
    try:
        answer = urllib3.request("GET", url, retries=False, timeout=TIMEOUT_S)
    except HTTPError as error:
        raise SourceError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"worker {worker} does not answer: {error}",
            retry_after_s=1,
        ) from error
    return answer.status, answer.data
