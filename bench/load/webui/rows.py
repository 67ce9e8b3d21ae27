"""Transfer of request rows: from the processes that ask to a folder of the master's.

Every few seconds each process sends its rows, one piece of Parquet per server, with the message
that carries its statistics; workers on other machines do the same.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from bench.load.distributed.malformed import reason
from bench.load.recorder import Recorder, packed, write_packed
from bench.load.webui.classes import SERVERS, Reader

KEY = "informer_bench_rows"
EVERY_S = 3.0
"""As often as workers report to the master."""
MOST_BYTES = 500_000_000
"""Most bytes kept of one session; Locust alone counts later requests."""

log = logging.getLogger(__name__)


def take(classes: Iterable[type[Reader]]) -> list[dict[str, Any]]:
    """Take the rows out of the recorders of ``classes``: server, begin (epoch), Parquet bytes."""
    pieces = []
    for user in classes:
        phase = user.order.switch.phase if not user.trouble else None
        if phase is None or phase.recorder is None or not len(phase.recorder):
            continue
        recorder, phase.recorder = phase.recorder, Recorder(user.order.questions[0].labels)
        begin = time.time() - (monotonic() - phase.begin_s)
        pieces.append({"server": user.server, "begin": begin, "rows": packed(recorder.table())})
    return pieces


class Collector:
    """Writes the rows of ``classes``, or of the workers' classes, as files."""

    def __init__(self, environment: Environment, classes: Iterable[type[Reader]]) -> None:
        self._environment = environment
        self._classes = tuple(classes)
        self._folder: Path | None = None
        self._count = 0
        self._bytes = 0
        self.reports: Counter[str] = Counter()
        """Number of reports of each worker, by its id."""

    def write_into(self, folder: Path) -> None:
        """Write later rows to ``folder``."""
        self._folder = folder

    def start(self) -> None:
        """Listen to the workers, or take the rows of this process every few seconds."""
        if isinstance(self._environment.runner, LocalRunner):
            gevent.spawn(self._keep_taking)
        else:
            self._environment.events.worker_report.add_listener(self._on_report)  # type: ignore[no-untyped-call]

    def keep_local(self) -> None:
        """Write the rows that this process has recorded."""
        self._keep(take(self._classes))

    def _keep_taking(self) -> None:
        while True:
            gevent.sleep(EVERY_S)
            self.keep_local()

    def _on_report(self, client_id: str, data: dict[str, Any], **_: object) -> None:
        runner = self._environment.runner
        if not isinstance(runner, MasterRunner):
            return
        # a stopping worker is no client until it is ready again, and its last rows come meanwhile
        if client_id not in runner.clients and client_id not in self.reports:
            return
        self.reports[client_id] += 1
        try:
            self._keep(data.get(KEY, ()))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("rows of the worker %r were dropped: %s", client_id[:100], reason(error))

    def _keep(self, pieces: Iterable[dict[str, Any]]) -> None:
        """Write each piece as ``<server>-<begin in us>-<number>.parquet``.

        Raises ``KeyError``, ``TypeError`` or ``ValueError`` for a malformed piece.
        """
        for piece in pieces:
            server, begin, rows = piece["server"], float(piece["begin"]), bytes(piece["rows"])
            if server not in SERVERS:
                raise ValueError(f"rows of an unknown server {server!r}")
            self._bytes += len(rows)
            if self._folder is None or self._bytes > MOST_BYTES:
                continue
            self._count += 1
            name = f"{server}-{begin * 1e6:.0f}-{self._count}.parquet"
            write_packed(rows, self._folder / name)  # the harness may look at the folder meanwhile


def report_from_workers(environment: Environment, classes: Iterable[type[Reader]]) -> None:
    """Put a worker's rows into its reports to the master."""
    chosen = tuple(classes)

    def report(data: dict[str, Any], **_: object) -> None:
        data[KEY] = take(chosen)

    if isinstance(environment.runner, WorkerRunner):
        environment.events.report_to_master.add_listener(report)  # type: ignore[no-untyped-call]
