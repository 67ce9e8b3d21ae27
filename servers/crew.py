"""Several workers behind one port, and how they are one server to whoever asks.

A connection belongs to the worker that took it, so what a server says of itself
would be said by one worker of its own. Each therefore also serves an address of
its own on the loopback, where its siblings ask it: ``/readyz`` is of all of them,
``/metrics`` shows the samples of each under the label ``worker``. Nothing is shared
and nothing is added up on the way, so counters stay exact, and counting costs what
it costs a single worker.
"""

import socket
import threading
from collections.abc import Iterator, Sequence
from http import HTTPStatus

import urllib3
from flask import Flask
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from urllib3.exceptions import HTTPError
from werkzeug.serving import WSGIRequestHandler, make_server

from servers.source import SourceError

LOOPBACK = "127.0.0.1"
LABEL = "worker"
TIMEOUT_S = 3.0
"""How long a sibling may take to answer: it may still be starting, or be gone."""


class Crew:
    """The workers of one server, from 1; made before they are forked, and known to each."""

    def __init__(self, workers: int) -> None:
        self._listeners = [socket.create_server((LOOPBACK, 0)) for _ in range(workers)]
        self.addresses = [
            f"http://{LOOPBACK}:{listener.getsockname()[1]}" for listener in self._listeners
        ]
        """Where each worker can be asked by itself."""

    def serve_alone(self, worker: int, app: Flask) -> None:
        """Serve ``app``, which speaks for ``worker`` alone, at its address, in the background."""
        own = self._listeners[worker - 1]
        host, port = own.getsockname()
        server = make_server(
            host, port, app, threaded=True, fd=own.fileno(), request_handler=_Silent
        )
        threading.Thread(target=server.serve_forever, name="worker-alone", daemon=True).start()

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
    """Collects the families of several texts, each sample labelled with which it is of."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for worker, text in enumerate(self._texts, 1):
            for family in text_string_to_metric_families(text):
                whole = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    labels = {**sample.labels, LABEL: str(worker)}
                    whole.samples.append(sample._replace(labels=labels))
        yield from families.values()


class _Silent(WSGIRequestHandler):
    """Writes no line for a request."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


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
