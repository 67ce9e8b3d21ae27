"""Measurements of a trial: its record, caveats and tables, collected as they come."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.cluster.churn import ChurnReport
from bench.load.driver import Measured
from bench.model import CaveatKind, Outcome, Scenario, TrialRecord
from bench.probes.audit import AuditRow
from bench.probes.metrics import ScrapeRow
from bench.probes.observation import Seen
from bench.probes.processes import Sampler, SampleRow, highest_rss_bytes, usage
from bench.store import ObserverRows
from bench.store.redaction import redact
from bench.store.tables import REQUESTS, read_table
from bench.sut.replicas import Replicas
from bench.trial.answers import Expected, WindowChanges, answer_caveats, judge
from bench.trial.marks import Mark, scrape_servers
from bench.trial.record import (
    UPSTREAM_BYTES,
    UPSTREAM_REQUESTS,
    caveat,
    churn_caveats,
    explained,
    grown,
    load_caveats,
    observer_caveats,
    sent_between,
    total_of,
    with_load,
)


@dataclass
class Measurements:
    """Everything that a trial leaves: its record and its tables; ``None`` was not measured.

    Caveats stand one by one until ``conclude`` merges those that a fault explains.
    """

    record: TrialRecord
    scenario: Scenario
    private_words: tuple[str, ...] = ()
    """Names that may not be kept; see ``bench.store.redaction``."""
    requests: Path | None = None
    audit: list[AuditRow] | None = None
    start: list[AuditRow] | None = None
    """Requests of a client until it was ready; ``None``: it never was."""
    scrapes: list[ScrapeRow] = field(default_factory=list)
    samples: list[SampleRow] = field(default_factory=list)
    observed: Mapping[str, ObserverRows] = field(default_factory=dict)
    """Rows of each observer that ran, by its name."""
    _load: Measured | None = None

    @property
    def of_account(self) -> list[AuditRow]:
        """All requests of the arm's account that were recorded."""
        end = f":{self.record.identity}"
        return [row for row in (*(self.start or ()), *(self.audit or ())) if row.user.endswith(end)]

    def update(self, **figures: object) -> None:
        """Set fields of the record, by their names."""
        self.record = replace(self.record, **figures)  # type: ignore[arg-type] # by name

    def note(self, caveats: Iterable[tuple[CaveatKind, str]]) -> None:
        """Add caveats of this trial, with redacted texts."""
        trial = self.record.trial
        noted = [caveat(kind, self._redacted(text), trial) for kind, text in caveats]
        self.update(caveats=(*self.record.caveats, *noted))

    def fail(self, reason: str) -> None:
        """Record that the trial failed, and the reason."""
        reason = self._redacted(reason)
        self.update(outcome=Outcome.FAILED, failure=reason)
        self.note([(CaveatKind.TRIAL_FAILED, reason)])

    def conclude(self) -> None:
        """Merge the caveats that the fault explains, if there was one."""
        record = self.record
        self.update(caveats=explained(record.caveats, record.fault, record.trial))

    def take_ready(self, server: Replicas) -> None:
        """Record the server's time, requests and memory until it was ready."""
        scraped = scrape_servers([*server], "ready")
        first_s, last_s = server.ready_s or (None, None)
        self.update(
            ready_s=last_s,
            ready_first_s=first_s,
            ready_requests=total_of(scraped, UPSTREAM_REQUESTS, "ready"),
            ready_bytes=total_of(scraped, UPSTREAM_BYTES, "ready"),
            server_pss_ready_bytes=_pss_bytes(server),
        )

    def take_start(
        self,
        client: Replicas,
        sampler: Sampler,
        marks: tuple[Mark, Mark, Mark],
        rows: Sequence[AuditRow] | None,
    ) -> None:
        """Record a client's time, requests, CPU and memory until it was ready.

        ``marks``: before the rest that preceded its start, at its start, and when it was ready;
        ``rows`` are the requests of all users between the first and the last.
        """
        begin, start, ready = marks
        pss_bytes = _pss_bytes(client)
        self.update(
            server_pss_ready_bytes=pss_bytes,
            server_pss_peak_bytes=_largest(sampler.peak_pss_bytes("server"), pss_bytes),
        )
        if client.ready_s is None:
            return
        first_s, last_s = client.ready_s
        account = f":{self.record.identity}"
        self.start = [row for row in rows or () if row.user.endswith(account)]
        share = (ready.at_monotonic_s - start.at_monotonic_s) / (
            start.at_monotonic_s - begin.at_monotonic_s
        )
        spent = 0.0
        for name in ("apiserver", "etcd"):
            meanwhile, at_rest = ready.cpu_since(start, name), start.cpu_since(begin, name)
            assert meanwhile is not None, "faults come in the window alone"
            assert at_rest is not None, "likewise"
            spent += meanwhile - share * at_rest
        self.update(
            ready_s=last_s,
            ready_first_s=first_s,
            ready_requests=len(self.start),
            ready_bytes=sent_between(self.scrapes, "start", "ready"),
            ready_cpu_s=spent,
        )

    def take_load(self, measured: Measured) -> None:
        """Record the load process's figures of its window."""
        self.requests, self._load = Path(measured.requests_file), measured
        self.record = with_load(self.record, measured)
        self.note(load_caveats(measured))

    def take_costs(self, begin: Mark, end: Mark, churned: ChurnReport) -> None:
        """Record the control plane's CPU and memory between the marks, and the rate of churn."""
        self.update(
            begin_mark_epoch_s=begin.scraped_epoch_s,
            marks_s=end.at_monotonic_s - begin.at_monotonic_s,
            churn_achieved_per_s=churned.achieved_per_s,
            apiserver_cpu_s=end.cpu_since(begin, "apiserver"),
            etcd_cpu_s=end.cpu_since(begin, "etcd"),
        )
        self.note(churn_caveats(churned))
        if self.scenario.fresh_control_plane:
            self.update(
                apiserver_rss_highest_bytes=highest_rss_bytes(end.pids["apiserver"][0]),
                etcd_rss_highest_bytes=highest_rss_bytes(end.pids["etcd"][0]),
            )

    def take_observed(
        self, observed: Mapping[str, Seen], begin_us: int, *, of_server: bool
    ) -> None:
        """Record the observers' rows, if they ran; ``of_server``: one of them read from it."""
        if not self.scenario.probe:
            return
        window = begin_us, self.record.window_s
        self.observed = {
            name: (seen.observer.row, seen.rows_within(*window)) for name, seen in observed.items()
        }
        if of_server:
            self.update(probe_rps=sum(seen.reads_per_s for seen in observed.values()))
        self.note(observer_caveats(observed.values(), "end"))

    def take_answers(self, expected: Mapping[int, Expected], changes: WindowChanges) -> None:
        """Judge the window's answers by the ``expected`` ones, by question; record the counts."""
        if self.requests is None or self._load is None:
            return
        rows, load = read_table(self.requests.parent, REQUESTS), self._load
        check, first = judge(rows, expected, changes, read=load.read, wrong=load.wrong)
        self.update(answers=check)
        self.note(answer_caveats(check, first, load.first_failures))

    def take_server(self, server: Replicas, sampler: Sampler, begin: Mark, end: Mark) -> None:
        """Record the server's CPU between the marks, and its memory.

        Raises ``ProcessFailed`` if it has ended.
        """
        server.check()
        at_end, before = _pss_bytes(server), self.record.server_pss_peak_bytes
        self.update(
            server_cpu_s=end.cpu_since(begin, "server"),
            upstream_bytes=grown(self.scrapes, UPSTREAM_BYTES),
            server_pss_end_bytes=at_end,
            server_pss_peak_bytes=_largest(sampler.peak_pss_bytes("server"), at_end, before),
        )

    def _redacted(self, text: str) -> str:
        return redact(text, private=self.private_words)


def _largest(*sizes: int | None) -> int | None:
    return max((size for size in sizes if size is not None), default=None)


def _pss_bytes(server: Replicas) -> int | None:
    used = usage(*server.pids)
    return used.pss_bytes if used else None
