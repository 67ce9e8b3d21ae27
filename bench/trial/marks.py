"""Drained marks: what every process had used, and every counter stood at, at one moment."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3

from bench.cluster.control_plane import ControlPlane
from bench.cluster.populated import IDENTITY
from bench.fleet import ServerUnderTest
from bench.probes.audit import AuditLog, AuditRow
from bench.probes.metrics import ScrapeRow, parse_metrics
from bench.probes.processes import cpu_s

AUDIT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Mark:
    """One moment: when the API server was scraped, what each process had used, the log's length."""

    scraped_epoch_s: float
    at_monotonic_s: float
    cpu_s: Mapping[str, float]
    audit_position: int

    def cpu_since(self, earlier: "Mark", process: str) -> float:
        """Return the CPU seconds that ``process`` used since the ``earlier`` mark."""
        return self.cpu_s[process] - earlier.cpu_s[process]


class Marker:
    """Takes the two marks of a trial. ``processes`` are the ids to account for, by name.

    The scrapes' own cost stays outside of the marks: at the begin they come before
    the CPU times are read, at the end after. The API server's scrape comes last
    among them, and its line in the audit log is where the log is cut: what was
    counted before it is before it in the log.
    """

    def __init__(
        self,
        trial: int,
        plane: ControlPlane,
        server: ServerUnderTest | None,
        processes: Mapping[str, int],
    ) -> None:
        self._trial = trial
        self._plane = plane
        self._server = server
        self._processes = processes
        self._audit = AuditLog(plane.audit_log)
        self.scrapes: list[ScrapeRow] = []

    def begin(self) -> Mark:
        """Take the mark before the window.

        Raises ``ServerError``, ``ApiError``, ``ApiUnreachableError``, ``AuditError`` or
        ``MetricsError`` when something cannot be read.
        """
        scraped, position = self._scrape("begin")
        return Mark(scraped, time.monotonic(), self._spent(), position)

    def end(self) -> Mark:
        """Take the mark after the window; raises as ``begin`` does."""
        now, spent = time.monotonic(), self._spent()
        scraped, position = self._scrape("end")
        return Mark(scraped, now, spent, position)

    def audit_rows(self, begin: Mark, end: Mark) -> list[AuditRow]:
        """Return the requests that were answered between the marks."""
        return self._audit.rows(begin.audit_position, end.audit_position)

    def _spent(self) -> dict[str, float]:
        return {name: cpu_s(pid) for name, pid in self._processes.items()}

    def _scrape(self, mark: str) -> tuple[float, int]:
        if self._server is not None:
            self.scrapes += parse_metrics(self._server.metrics(), mark=mark, source="server")
        etcd = urllib3.request("GET", f"{self._plane.etcd_url}/metrics", retries=False, timeout=30)
        self.scrapes += parse_metrics(etcd.data.decode(), mark=mark, source="etcd")
        before, now = self._audit.size(), time.time()
        uri = f"/metrics?mark={self._trial}-{mark}"
        text = self._plane.api(IDENTITY).get_bytes(uri).decode()
        position = self._audit.wait_for(uri, since=before, timeout_s=AUDIT_TIMEOUT_S)
        self.scrapes += parse_metrics(text, mark=mark, source="apiserver")
        return now, position
