"""One trial: a fresh server, warmed up, drained, measured between two marks, checked, stopped."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import urllib3

from bench.cluster.churn import ChurnReport
from bench.cluster.populated import IDENTITY, PopulatedCluster
from bench.equality import compare_with_list
from bench.fleet import ServerError, ServerKind, ServerUnderTest
from bench.load.driver import Load, LoadDriver, LoadFailed, Measured
from bench.load.driver import Progress as LoadProgress
from bench.model import (
    NO_SERVER,
    SCHEMA,
    Caveat,
    CaveatKind,
    Outcome,
    Plan,
    Scenario,
    Trial,
    TrialRecord,
)
from bench.probes.audit import AuditLog, AuditRow
from bench.probes.metrics import ScrapeRow, parse_metrics
from bench.probes.processes import Sampler, SampleRow, cpu_s, usage
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog

TIMEOUT_S = 30.0
AUDIT_TIMEOUT_S = 5.0
SATURATED_SHARE = 0.9
"""Of a processor: a generator of one thread that uses more cannot be relied on to keep time."""
RATE_TOLERANCE = 0.02
CHURN_TOLERANCE = 0.05

Notify = Callable[[str, float], None]
"""Told what goes on and the share of the trial's time that is done."""


@dataclass
class Measurements:
    """Everything that a trial writes: its record and its tables."""

    record: TrialRecord
    requests: Path | None = None
    audit: list[AuditRow] = field(default_factory=list)
    scrapes: list[ScrapeRow] = field(default_factory=list)
    samples: list[SampleRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A drained moment: CPU seconds of each process so far, and where the audit log stood."""

    cpu_s: dict[str, float]
    at_monotonic_s: float
    audit_position: int


class TrialRunner:
    """Runs one trial on a populated cluster. ``folder`` takes logs and the request rows."""

    def __init__(
        self,
        plan: Plan,
        trial: Trial,
        *,
        cluster: PopulatedCluster,
        kind: ServerKind | None,
        watchdog: Watchdog,
        folder: Path,
        notify: Notify,
    ) -> None:
        self._plan = plan
        self._trial = trial
        self._scenario = plan.scenario(trial.scenario)
        self._cluster = cluster
        self._kind = kind
        self._watchdog = watchdog
        self._folder = folder
        self._notify = notify
        self._audit = AuditLog(cluster.plane.audit_log)
        self._caveats: list[Caveat] = []
        self._out = Measurements(_blank(trial, self._scenario))

    def run(self) -> Measurements:
        """Run the trial and return what was measured.

        A server or load process that fails makes the trial a failed one, with what
        it had; a control plane that fails raises ``ProcessFailed``.
        """
        try:
            with ExitStack() as stack:
                self._run(stack)
        except (ProcessFailed, LoadFailed, ServerError) as error:
            self._cluster.plane.check()
            self._fail(str(error))
        finally:
            self._settle_churn()
        self._out.record = replace(self._out.record, caveats=tuple(self._caveats))
        return self._out

    def _run(self, stack: ExitStack) -> None:
        server = self._start_server(stack)
        load = self._start_load(stack, server)
        processes = self._processes(server, load)
        self._warm_up(load)
        begin = self._mark("begin", server, processes)
        window_begin = time.time()
        sampler = stack.enter_context(Sampler(processes))
        self._cluster.churn.resume(self._scenario.churn_per_s)
        measured = self._measure(load)
        churned = self._cluster.churn.pause()
        ended = time.time()
        end = self._mark("end", server, processes)
        self._out.samples = sampler.rows
        self._out.audit = self._audit.rows(begin.audit_position, end.audit_position)
        self._record(begin, end, window_begin, ended, churned)
        if measured is not None:
            self._record_load(measured)
        if server is not None:
            self._record_server(server, sampler, begin, end, churned)

    def _start_server(self, stack: ExitStack) -> ServerUnderTest | None:
        if self._kind is None:
            return None
        self._notify(f"starting {self._kind.name}", 0.0)
        server = stack.enter_context(
            ServerUnderTest.start(
                self._kind,
                kubeconfig=self._cluster.plane.kubeconfig,
                watchdog=self._watchdog,
                log=self._folder / "server.log",
            )
        )
        used = usage(server.pid)
        self._out.record = replace(
            self._out.record,
            ready_s=server.ready_s,
            server_pss_ready_bytes=used.pss_bytes if used else None,
        )
        return server

    def _start_load(self, stack: ExitStack, server: ServerUnderTest | None) -> LoadDriver | None:
        if server is None:
            return None
        scenario = self._scenario
        load = Load(
            route=scenario.route,
            server=server.url,
            users=scenario.users,
            targets=self._cluster.targets,
            rate_rps=scenario.rate_rps,
            seed=self._plan.seed + self._trial.round,
            timeout_s=TIMEOUT_S,
        )
        return stack.enter_context(LoadDriver(load, out=self._folder, watchdog=self._watchdog))

    def _processes(self, server: ServerUnderTest | None, load: LoadDriver | None) -> dict[str, int]:
        plane = self._cluster.plane
        pids = {
            "apiserver": plane.apiserver.pid,
            "etcd": plane.etcd.pid,
            "churn": self._cluster.churn.pid,
        }
        if server is not None:
            pids["server"] = server.pid
        if load is not None:
            pids["load"] = load.pid
        return pids

    def _warm_up(self, load: LoadDriver | None) -> None:
        self._cluster.churn.resume(self._scenario.churn_per_s)
        if load is None:
            self._wait("warming up", self._plan.warmup_s)
        else:
            drained = load.warm_up(self._plan.warmup_s, self._on_progress("warming up"))
            if drained.in_flight:
                self._caveat(
                    CaveatKind.NOT_DRAINED,
                    f"{drained.in_flight} requests were still in flight at the begin mark",
                )
        self._cluster.churn.pause()

    def _measure(self, load: LoadDriver | None) -> Measured | None:
        if load is None:
            self._wait("measuring", self._plan.duration_s)
            return None
        return load.measure(self._plan.duration_s, self._on_progress("measuring"))

    def _wait(self, what: str, seconds: float) -> None:
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            self._notify(what, elapsed / seconds)
            time.sleep(min(0.5, seconds - elapsed))

    def _on_progress(self, what: str) -> Callable[[LoadProgress], None]:
        def tell(progress: LoadProgress) -> None:
            share = progress.elapsed_s / progress.seconds if progress.seconds else 0.0
            self._notify(f"{what}, {progress.rps:,.0f} answers/s", min(1.0, share))

        return tell

    def _mark(self, mark: str, server: ServerUnderTest | None, processes: dict[str, int]) -> _Mark:
        """Scrape everything at a drained moment.

        The scrapes' own cost stays outside: at the begin they come before the
        CPU is read, at the end after it.
        """
        if mark == "begin":
            position = self._scrape(mark, server)
        now = time.monotonic()
        spent = {name: cpu_s(pid) for name, pid in processes.items()}
        if mark == "end":
            position = self._scrape(mark, server)
        return _Mark(spent, now, position)

    def _scrape(self, mark: str, server: ServerUnderTest | None) -> int:
        """Scrape all sources; return the audit log's position behind the API server's scrape."""
        plane = self._cluster.plane
        if server is not None:
            self._out.scrapes += parse_metrics(server.metrics(), mark=mark, source="server")
        etcd = urllib3.request("GET", f"{plane.etcd_url}/metrics", retries=False, timeout=30)
        self._out.scrapes += parse_metrics(etcd.data.decode(), mark=mark, source="etcd")
        before = self._audit.size()
        uri = f"/metrics?mark={self._trial.order}-{mark}"
        text = plane.api(IDENTITY).get_bytes(uri).decode()
        position = self._audit.wait_for(uri, since=before, timeout_s=AUDIT_TIMEOUT_S)
        self._out.scrapes += parse_metrics(text, mark=mark, source="apiserver")
        return position

    def _record(
        self, begin: _Mark, end: _Mark, window_begin: float, ended: float, churned: ChurnReport
    ) -> None:
        self._out.record = replace(
            self._out.record,
            outcome=Outcome.OK,
            window_begin_epoch_s=window_begin,
            window_end_epoch_s=ended,
            window_s=self._plan.duration_s,
            marks_s=end.at_monotonic_s - begin.at_monotonic_s,
            churn_achieved_per_s=churned.achieved_per_s,
            apiserver_cpu_s=end.cpu_s["apiserver"] - begin.cpu_s["apiserver"],
            etcd_cpu_s=end.cpu_s["etcd"] - begin.cpu_s["etcd"],
        )
        requested = churned.requested_per_s
        if churned.achieved_per_s < requested * (1 - CHURN_TOLERANCE):
            reason = f"; first failure: {churned.first_failure}" if churned.failed else ""
            self._caveat(
                CaveatKind.CHURN_NOT_REACHED,
                f"churn wrote {churned.achieved_per_s:.1f} times a second, not {requested:g} "
                f"({churned.failed} failed, {churned.dropped} dropped){reason}",
            )

    def _record_load(self, measured: Measured) -> None:
        self._out.requests = Path(measured.requests_file)
        self._out.record = replace(
            self._out.record,
            window_begin_epoch_s=measured.window_begin_epoch_s,
            window_end_epoch_s=measured.window_end_epoch_s,
            window_s=measured.window_s,
            requested_rps=measured.requested_rps,
            achieved_rps=measured.achieved_rps,
            sent=measured.sent,
            answered=measured.answered,
            failed=measured.failed,
            dropped=measured.dropped,
            schedule_lag_p99_ms=measured.schedule_lag_p99_ms,
            generator_cpu_share=measured.cpu_share,
        )
        for kind, text in _load_caveats(measured):
            self._caveat(kind, text)

    def _record_server(
        self,
        server: ServerUnderTest,
        sampler: Sampler,
        begin: _Mark,
        end: _Mark,
        churned: ChurnReport,
    ) -> None:
        used = usage(server.pid)
        self._out.record = replace(
            self._out.record,
            server_cpu_s=end.cpu_s["server"] - begin.cpu_s["server"],
            server_pss_end_bytes=used.pss_bytes if used else None,
            server_pss_peak_bytes=sampler.peak_pss_bytes("server"),
        )
        server.check()
        self._notify("comparing with a LIST", 1.0)
        found = compare_with_list(
            server,
            self._cluster.plane.api(IDENTITY),
            resource_version=churned.resource_version,
        )
        self._out.record = replace(self._out.record, equal_to_list=not found)
        if found:
            self._caveat(
                CaveatKind.ANSWERS_DIFFER,
                f"after the window /pods was not what a LIST gave: {'; '.join(found)}",
            )

    def _settle_churn(self) -> None:
        """Leave the churn paused for whatever comes next, also after a failure."""
        self._cluster.churn.pause()

    def _fail(self, why: str) -> None:
        self._out.record = replace(self._out.record, outcome=Outcome.FAILED, failure=why)
        self._caveat(CaveatKind.TRIAL_FAILED, why)

    def _caveat(self, kind: CaveatKind, text: str) -> None:
        trial = self._trial
        self._caveats.append(Caveat(kind, text, trial.scenario, trial.server, trial.round))


def _blank(trial: Trial, scenario: Scenario) -> TrialRecord:
    """Return the record of a trial of which nothing is known yet."""
    return TrialRecord(
        schema=SCHEMA,
        trial=trial,
        outcome=Outcome.FAILED,
        window_begin_epoch_s=0.0,
        window_end_epoch_s=0.0,
        window_s=0.0,
        marks_s=0.0,
        requested_rps=None if trial.server == NO_SERVER else scenario.rate_rps,
        churn_requested_per_s=scenario.churn_per_s,
        pods_at_start=scenario.pods,
    )


def _load_caveats(measured: Measured) -> Iterator[tuple[CaveatKind, str]]:
    if measured.failed:
        texts = "; ".join(measured.first_failures)
        yield CaveatKind.FAILED_REQUESTS, f"{measured.failed} requests failed: {texts}"
    if measured.dropped:
        yield (
            CaveatKind.DROPPED_ARRIVALS,
            f"{measured.dropped} arrivals found every user busy and were dropped",
        )
    if measured.cpu_share > SATURATED_SHARE:
        share = f"{measured.cpu_share:.0%} of a processor"
        yield (
            CaveatKind.GENERATOR_SATURATED,
            f"the load generator used {share}: throughput is at least what was measured",
        )
    wanted = measured.requested_rps
    if wanted is not None and measured.achieved_rps < wanted * (1 - RATE_TOLERANCE):
        yield (
            CaveatKind.RATE_NOT_REACHED,
            f"{measured.achieved_rps:.2f} answers a second came of {wanted:g} offered",
        )
