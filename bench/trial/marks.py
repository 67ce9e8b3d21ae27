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
"""A wall clock that goes by this much otherwise than the monotonic one was set, not slewed."""
LOOKS = 5
"""At both clocks: a busy machine may suspend us between the two, but not each time."""
T = TypeVar("T")
START_TIME = "process_start_time_seconds"


@dataclass(frozen=True, slots=True)
class Mark:
    """One moment: when the API server was scraped, what each process had used, the log's length.

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

        ``None`` if it is not the process, or processes, that it was then, or none of ours.
        """
        if process not in self.pids or self.pids[process] != earlier.pids[process]:
            return None
        return max(0.0, self.cpu_s[process] - earlier.cpu_s[process])


class Marker:
    """Takes the two marks of a trial. ``processes`` gives the ids to account for, by name.

    ``servers`` gives the replicas of the server under test; there may be none. They may be
    started after the marker was made: what they ask from then on is behind its place in the log.

    The scrapes' own cost stays outside of the marks: at the begin they come before
    the CPU times are read, at the end after. The API server's scrape comes last
    among them, and its line in the audit log is where the log is cut: what was
    counted before it is before it in the log.

    What the API server refuses to show, or a log that cannot be followed, costs the
    trial that ledger and no more: ``refused`` says what and why.
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
        self._made_at = self._ask_log(AuditLog.behind_last_line)

    def begin(self, name: str = "begin") -> Mark:
        """Take the mark before the window, or before another phase called ``name``.

        Raises ``ServerError``, ``ApiUnreachableError`` or ``MetricsError`` when one
        of those asked does not answer, or with what is no Prometheus text.
        """
        scraped, position = self._scrape(name)
        return self._mark(scraped, position)

    def look(self) -> Mark:
        """Return what each process has used by now, with no scrape and no place in the log."""
        return self._mark(0.0, None)

    def end(self, name: str = "end") -> Mark:
        """Take the mark after the window, or after another phase; raises as ``begin`` does."""
        mark = self.look()
        scraped, position = self._scrape(name)
        return replace(mark, scraped_epoch_s=scraped, audit_position=position)

    def audit_rows(self, begin: Mark, end: Mark) -> list[AuditRow] | None:
        """Return the requests that were answered between the marks, ``None`` if not to be had."""
        rows = self._rows(begin.audit_position, end.audit_position)
        placement = self._plane.placement
        if rows is None or not placement.confined:
            return rows
        # what others do on their cluster is nobody's business
        return [row for row in rows if row.user.startswith(placement.user(""))]

    def watches_before(self, begin: Mark, identity: str) -> dict[str, int] | None:
        """Return how many watches of pods the account opened before ``begin``, by User-Agent.

        Counted from when the marker was made; ``None`` where the log does not tell.
        """
        rows = self._rows(self._made_at, begin.audit_position)
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
        """Tell what limits the figures between the marks."""
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
        """Return wall minus monotonic clock, of the look at both that was interrupted least."""
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
        before = self._ask_log(AuditLog.size)
        observer = self._plane.observer()
        # where metrics may not be read, something else has to mark the place in the audit log
        uri = f"/{'metrics' if observer else 'version'}?mark={self._trial}-{mark}"
        now = self._wall()
        text = self._apiserver_metrics(observer, uri)
        position = None
        if before is not None:
            position = self._ask_log(
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
        return self._ask_log(lambda log: log.rows(begin, end))

    def _ask_log(self, ask: Callable[[AuditLog], T]) -> T | None:
        """Return what ``ask`` finds; ``None`` without a log, or if it cannot be followed."""
        if self._audit is None:
            return None
        try:
            return ask(self._audit)
        except AuditError as error:
            self.refused[str(error)] = None
            return None


def scrape_servers(servers: Sequence[ServerUnderTest], mark: str) -> list[ScrapeRow]:
    """Return what the servers say of themselves; nothing where one does not in this format.

    That their own count of requests is missing then, the ledgers tell. Of several
    replicas each sample is labelled with which it is of, from 1. Raises
    ``ServerError`` if no answer comes.
    """
    rows: list[ScrapeRow] = []
    for number, one in enumerate(servers, 1):
        which = {"replica": str(number)} if len(servers) > 1 else {}
        try:
            rows += parse_metrics(one.metrics(), mark=mark, source="server", more=which)
        except MetricsError:
            return []
    return rows
