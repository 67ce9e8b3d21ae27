"""Drained marks: CPU time and counters of every process at one moment."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import urllib3
from urllib3.exceptions import HTTPError

from bench.cluster.api import Api, ApiError
from bench.cluster.identities import HARNESS
from bench.cluster.plane import Plane
from bench.model import CaveatKind
from bench.probes.audit import AuditError, AuditLog, AuditRow
from bench.probes.confidential import may_be_kept
from bench.probes.metrics import MetricsError, ScrapeRow, keep_all, parse_metrics
from bench.probes.processes import Trees, cpu_s
from bench.sut.server import ServerUnderTest

AUDIT_TIMEOUT_S = 5.0
STEPPED_S = 0.1
"""A wall clock that departs from the monotonic one by this much was set, not slewed."""
LOOKS = 5
"""Readings of both clocks: a busy machine may suspend us between the two, but not each time."""
T = TypeVar("T")
START_TIME = "process_start_time_seconds"


@dataclass(frozen=True, slots=True)
class Mark:
    """One moment: the time of the API server's scrape, each process's CPU time, the log's length.

    ``audit_position`` is ``None`` when the log could not be read.
    """

    scraped_epoch_s: float
    at_monotonic_s: float
    clock_offset_s: float
    """Wall clock minus monotonic clock."""
    pids: Mapping[str, Trees]
    cpu_s: Mapping[str, float]
    audit_position: int | None

    def cpu_since(self, earlier: "Mark", process: str) -> float | None:
        """Return the CPU seconds that ``process`` used since the ``earlier`` mark.

        ``None`` if it is not the same process or processes as then, or none of ours.
        """
        if process not in self.pids or self.pids[process] != earlier.pids[process]:
            return None
        return max(0.0, self.cpu_s[process] - earlier.cpu_s[process])


class Marker:
    """Takes the two marks of a trial. ``processes`` gives the ids to account for, by name.

    ``servers`` gives the replicas of the server under test; there may be none. They may
    start after the marker: their requests stand behind its position in the log.

    The cost of the scrapes stays outside of the marks: they come before the CPU times are
    read at the begin, and after at the end. The API server's scrape comes last among them,
    and its line in the audit log is where the log is cut: what was counted before it is
    before it in the log.

    Metrics that the API server refuses, or a log that cannot be followed, cost the trial
    that ledger and no more: ``refused`` gives the reasons.
    """

    def __init__(
        self,
        trial: int,
        plane: Plane,
        servers: Callable[[], Sequence[ServerUnderTest]],
        processes: Callable[[], Mapping[str, Trees]],
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._trial = trial
        self._plane = plane
        self._servers = servers
        self._processes = processes
        self._wall = wall
        self._audit = AuditLog(plane.audit_log) if plane.audit_log else None
        self.scrapes: list[ScrapeRow] = []
        self.refused: dict[str, None] = {}
        self._first_position = self._query_log(AuditLog.behind_last_line)

    def begin(self, name: str = "begin") -> Mark:
        """Take the mark before the window, or before another phase called ``name``.

        Raises ``ServerError``, ``ApiUnreachableError`` or ``MetricsError`` when one of
        those asked does not answer, or does not answer with Prometheus text.
        """
        scraped, position = self._scrape(name)
        return self._mark(scraped, position)

    def look(self) -> Mark:
        """Return the CPU time of each process so far, with no scrape and no position in the log."""
        return self._mark(0.0, None)

    def end(self, name: str = "end") -> Mark:
        """Take the mark after the window, or after another phase; raises as ``begin`` does."""
        mark = self.look()
        scraped, position = self._scrape(name)
        return replace(mark, scraped_epoch_s=scraped, audit_position=position)

    def audit_rows(self, begin: Mark, end: Mark) -> list[AuditRow] | None:
        """Return the requests answered between the marks; ``None`` if the log cannot be read."""
        rows = self._rows(begin.audit_position, end.audit_position)
        placement = self._plane.placement
        if rows is None or not placement.confined:
            return rows
        # requests of other users of a shared cluster are private
        return [row for row in rows if row.user.startswith(placement.user(""))]

    def watches_before(self, begin: Mark, identity: str) -> dict[str, int] | None:
        """Return the account's number of watches of pods opened before ``begin``, by User-Agent.

        Counted from the making of the marker; ``None`` if the log cannot be read.
        """
        rows = self._rows(self._first_position, begin.audit_position)
        if rows is None:
            return None
        account = self._plane.placement.user(identity)
        watches = (
            row.user_agent
            for row in rows
            if (row.user, row.verb, row.resource, row.code) == (account, "watch", "pods", 200)
        )
        return dict(Counter(watches))

    def close(self) -> None:
        """Close the audit log."""
        if self._audit is not None:
            self._audit.close()

    def caveats(self, begin: Mark, end: Mark) -> Iterator[tuple[CaveatKind, str]]:
        """Yield the limits of the figures between the marks."""
        for text in self.refused:
            yield CaveatKind.LEDGER_MISSING, text
        stepped_s = end.clock_offset_s - begin.clock_offset_s
        if abs(stepped_s) > STEPPED_S:
            text = f"the wall clock was set by {stepped_s:+.3f} s between the marks: times of the "
            text += "audit log cannot be compared with each other; durations are not affected"
            yield CaveatKind.CLOCK_STEPPED, text
        starts = {
            row.value for row in self.scrapes if (row.source, row.name) == ("apiserver", START_TIME)
        }
        if len(starts) > 1:
            yield (
                CaveatKind.API_SERVER_RESTARTED,
                "the API server was started anew between the marks: its counters began at 0",
            )

    def _mark(self, scraped_epoch_s: float, position: int | None) -> Mark:
        now = time.monotonic()
        pids = dict(self._processes())
        spent = {name: cpu_s(*trees) for name, trees in pids.items()}
        return Mark(scraped_epoch_s, now, self._clock_offset_s(), pids, spent, position)

    def _clock_offset_s(self) -> float:
        """Return wall minus monotonic clock, from the pair of readings that took least time."""
        looks = []
        for _ in range(LOOKS):
            before = time.monotonic()
            wall = self._wall()
            after = time.monotonic()
            looks.append((after - before, wall - (before + after) / 2))
        return min(looks)[1]

    def _scrape(self, mark: str) -> tuple[float, int | None]:
        self.scrapes += scrape_servers(self._servers(), mark)
        self.scrapes += parse_metrics(self._etcd_metrics(), mark=mark, source="etcd")
        before = self._query_log(AuditLog.size)
        observer = self._plane.observer()
        # where metrics may not be read, another request has to mark the position in the audit log
        uri = f"/{'metrics' if observer else 'version'}?mark={self._trial}-{mark}"
        now = self._wall()
        text = self._apiserver_metrics(observer, uri)
        position = None
        if before is not None:
            position = self._query_log(
                lambda log: log.wait_for(uri, since=before, timeout_s=AUDIT_TIMEOUT_S)
            )
        keep = may_be_kept if self._plane.placement.confined else keep_all
        self.scrapes += parse_metrics(text, mark=mark, source="apiserver", keep=keep)
        return now, position

    def _etcd_metrics(self) -> str:
        if self._plane.etcd_url is None:
            return ""
        url = f"{self._plane.etcd_url}/metrics"
        try:
            answer = urllib3.request("GET", url, retries=False, timeout=30)
        except HTTPError as error:
            raise MetricsError(f"etcd did not answer {url}: {error}") from error
        if answer.status != 200:
            self.refused[f"etcd does not show its metrics: status {answer.status}"] = None
            return ""
        return answer.data.decode()

    def _apiserver_metrics(self, observer: Api | None, uri: str) -> str:
        if observer is None:
            self._plane.api(HARNESS).get_bytes(uri)
            return ""
        try:
            return observer.get_bytes(uri).decode()
        except ApiError as error:
            reason = str(error).replace(uri, "/metrics")
            self.refused[f"the API server does not show its metrics: {reason}"] = None
            return ""

    def _rows(self, begin: int | None, end: int | None) -> list[AuditRow] | None:
        if begin is None or end is None:
            return None
        return self._query_log(lambda log: log.rows(begin, end))

    def _query_log(self, query: Callable[[AuditLog], T]) -> T | None:
        """Return the result of ``query``; ``None`` without a log, or if it cannot be followed."""
        if self._audit is None:
            return None
        try:
            return query(self._audit)
        except AuditError as error:
            self.refused[str(error)] = None
            return None


def scrape_servers(servers: Sequence[ServerUnderTest], mark: str) -> list[ScrapeRow]:
    """Return the samples of the servers' own metrics; none if one is not in Prometheus format.

    The ledgers report that the servers' own count of requests is missing then. Each
    sample of several replicas is labelled with the number of its replica, from 1. Raises
    ``ServerError`` if a server does not answer.
    """
    rows: list[ScrapeRow] = []
    for number, server in enumerate(servers, 1):
        label = {"replica": str(number)} if len(servers) > 1 else {}
        try:
            rows += parse_metrics(server.metrics(), mark=mark, source="server", more=label)
        except MetricsError:
            return []
    return rows
