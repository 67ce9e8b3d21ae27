"""The procedure of one trial, from the start of its server to the check of its last answer."""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.cluster.churn import ChurnReport
from bench.cluster.plane import Plane
from bench.cluster.populated import IDENTITY, PopulatedCluster
from bench.discretion import discreet
from bench.equality import CATCH_UP_S, compare_with_list
from bench.faults import FaultError
from bench.kinds import ServerError, ServerKind
from bench.load.driver import Load, LoadDriver, LoadFailed, Measured
from bench.load.driver import Progress as LoadProgress
from bench.load.wanted import Crew, listening_address
from bench.model import Caveat, CaveatKind, Outcome, Plan, Trial, TrialRecord
from bench.probes.audit import AuditRow
from bench.probes.bystander_row import BystanderRow
from bench.probes.metrics import ScrapeRow
from bench.probes.observers import Observed, Observers
from bench.probes.processes import Sampler, SampleRow, Trees, highest_rss_bytes, usage
from bench.probes.staleness import FreshnessRow
from bench.replicas import Replicas
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog
from bench.trial.calm import wait_until_calm
from bench.trial.fault import StagedFault, stage
from bench.trial.marks import Mark, Marker, scrape_servers
from bench.trial.record import (
    REQUEST_TIMEOUT_S,
    UPSTREAM_BYTES,
    UPSTREAM_REQUESTS,
    blank,
    calm_caveats,
    caveat,
    churn_caveats,
    explained,
    grown,
    load_caveats,
    observer_caveats,
    total_of,
    with_load,
)

RECOVERED_S = 70.0
"""How long a server may take to be itself again after a fault. An informer that found the API
server gone waits up to 30 s, and as much again by chance, before it tries again."""

Notify = Callable[[str, float, str], None]
"""Told what goes on, the share of it that is done, and a detail or ""."""


@dataclass
class Measurements:
    """Everything that a trial leaves: its record and its tables; ``None`` was not measured."""

    record: TrialRecord
    requests: Path | None = None
    audit: list[AuditRow] | None = None
    scrapes: list[ScrapeRow] = field(default_factory=list)
    samples: list[SampleRow] = field(default_factory=list)
    freshness: list[FreshnessRow] | None = None
    bystander: list[BystanderRow] | None = None


class TrialRunner:
    """Runs one trial on a populated cluster. ``folder`` takes logs and the request rows.

    ``kind`` is ``None`` for the arm without a server and without load. ``observers``
    are resumed if the scenario wants them, and are idle otherwise. With a ``crew`` several
    processes make the load.
    """

    def __init__(
        self,
        plan: Plan,
        trial: Trial,
        *,
        cluster: PopulatedCluster[Plane],
        observers: Observers,
        kind: ServerKind | None,
        watchdog: Watchdog,
        folder: Path,
        notify: Notify,
        attempt: int = 1,
        crew: Crew | None = None,
    ) -> None:
        self._plan = plan
        self._trial = trial
        self._scenario = plan.scenario(trial.scenario)
        self._cluster = cluster
        self._ground = cluster.plane.ground
        self._observers = observers
        self._kind = kind
        self._watchdog = watchdog
        self._folder = folder
        self._notify = notify
        self._crew = crew
        self._server: Replicas | None = None
        self._load: LoadDriver | None = None
        self._caveats: list[Caveat] = []
        identity = kind.identity if kind else None
        record = replace(
            blank(trial, self._scenario, identity),
            attempt=attempt,
            shared=cluster.plane.ground.confined,
        )
        self._out = Measurements(record)

    def run(self) -> Measurements:
        """Run the trial and return what was measured.

        A server or load process that fails makes the trial a failed one, with what
        was measured until then; so does a fault that could not be put in place. Raises
        ``ProcessFailed`` when the control plane, the churn writer or an observer has ended,
        ``WorkersMissing`` when the load's workers do not come.
        """
        with ExitStack() as stack:
            try:
                self._walk(stack)
            except (ProcessFailed, LoadFailed, ServerError, FaultError) as error:
                self._cluster.check()
                self._observers.check()
                self._cluster.churn.pause()
                self._observers.pause()
                self._fail(self._cause(error))
        self._update(caveats=explained(self._caveats, self._out.record.fault, self._trial))
        return self._out

    def _cause(self, error: Exception) -> str:
        """Return why the trial failed: a server that has ended explains all that followed."""
        if self._server is not None:
            try:
                self._server.check()
            except ProcessFailed as ended:
                return str(ended)
        return str(error)

    def _fail(self, why: str) -> None:
        why = self._discreet(why)
        self._update(outcome=Outcome.FAILED, failure=why)
        self._note([(CaveatKind.TRIAL_FAILED, why)])

    def _walk(self, stack: ExitStack) -> None:
        self._cool_down()
        server = self._server = self._start_server(stack)
        load = self._load = self._start_load(stack, server)
        marker = Marker(
            self._trial.order, self._cluster.plane, [*server] if server else [], self._processes
        )
        stack.callback(marker.close)
        self._out.scrapes = marker.scrapes
        self._warm_up(load)
        begin = marker.begin()
        sampler = Sampler(self._processes)
        with sampler:
            begin_us = self._measure(load)
        churned = self._cluster.churn.pause()
        observed = self._observers.pause()
        end = marker.end()
        self._out.samples = [row.shifted(begin_us) for row in sampler.rows]
        self._out.audit = marker.audit_rows(begin, end)
        self._note(marker.caveats(begin, end))
        self._record_costs(begin, end, churned)
        self._record_observed(observed, begin_us)
        if server is not None:
            self._record_server(server, sampler, begin, end)
            self._check_answers(
                server, max(int(churned.resource_version or 0), observed.resource_version)
            )
        self._update(outcome=Outcome.OK)

    def _cool_down(self) -> None:
        self._notify("waiting for a calm machine", 0.0, "")
        calm = wait_until_calm(self._plan.cooldown_s)
        if calm is not None:
            self._update(cooldown_s=calm.waited_s, load_before=calm.share)
        self._note(calm_caveats(calm))

    def _start_server(self, stack: ExitStack) -> Replicas | None:
        if self._kind is None:
            return None
        replicas = self._scenario.replicas
        several = f"{replicas} replicas" if replicas > 1 else ""
        self._notify(f"starting {self._kind.name}", 0.0, several)
        server = stack.enter_context(
            Replicas.start(
                self._kind,
                replicas,
                workers=self._scenario.workers,
                kubeconfig=self._cluster.plane.kubeconfig,
                ground=self._ground,
                watchdog=self._watchdog,
                folder=self._folder,
                host=listening_address(self._crew),
            )
        )
        at_ready = scrape_servers([*server], "ready")
        first_s, last_s = server.ready_s
        self._update(
            ready_s=last_s,
            ready_first_s=first_s,
            ready_requests=total_of(at_ready, UPSTREAM_REQUESTS, "ready"),
            ready_bytes=total_of(at_ready, UPSTREAM_BYTES, "ready"),
            server_pss_ready_bytes=_pss_bytes(server),
        )
        return server

    def _start_load(self, stack: ExitStack, server: Replicas | None) -> LoadDriver | None:
        if server is None:
            return None
        load = Load(
            route=self._scenario.route,
            servers=server.urls,
            users=self._scenario.users,
            targets=self._cluster.targets,
            rate_rps=self._scenario.rate_rps,
            arrivals=self._scenario.arrivals,
            seed=self._plan.seed + self._trial.round,
            timeout_s=REQUEST_TIMEOUT_S,
            crew=self._crew,
        )
        return stack.enter_context(LoadDriver(load, out=self._folder, watchdog=self._watchdog))

    def _processes(self) -> dict[str, Trees]:
        cluster = self._cluster
        ours = {**cluster.plane.pids(), "churn": cluster.churn.pid}
        if self._scenario.probe:
            ours |= self._observers.pids
        if self._load is not None:
            ours["load"] = self._load.pid
            ours |= {f"load-{name}": pid for name, pid in self._load.worker_pids.items()}
        pids: dict[str, Trees] = {name: (pid,) for name, pid in ours.items()}
        if self._server is not None:
            pids["server"] = self._server.pids
        return pids

    def _resume(self, phase: str) -> None:
        """Let churn and observers go, with equal seeds in every arm of a round."""
        self._cluster.churn.resume(self._scenario.churn_per_s)
        if self._scenario.probe:
            seed = f"{self._plan.seed}/{self._trial.scenario}/{self._trial.round}/{phase}"
            self._observers.resume(self._server.first.url if self._server else None, seed=seed)

    def _warm_up(self, load: LoadDriver | None) -> None:
        """Load without counting, then pause all of it until nothing is in flight."""
        self._resume("warm-up")
        if load is None:
            self._wait("warming up", self._plan.warmup_s)
        elif self._plan.warmup_s:
            drained = load.warm_up(self._plan.warmup_s, self._on_progress("warming up"))
            if drained.in_flight:
                text = f"{drained.in_flight} requests in flight at the begin mark"
                self._note([(CaveatKind.NOT_DRAINED, text)])
        self._cluster.churn.pause()
        self._note(observer_caveats(self._observers.pause(), "begin"))

    def _measure(self, load: LoadDriver | None) -> int:
        """Let the window pass; return its begin in microseconds of the monotonic clock."""
        self._resume("window")
        with self._stage_fault() as fault:
            begin_us = self._let_pass(load)
        self._update(fault=fault.record(begin_us))
        return begin_us

    def _let_pass(self, load: LoadDriver | None) -> int:
        if load is None:
            begin_us = time.monotonic_ns() // 1000
            self._update(window_begin_epoch_s=time.time(), window_s=self._plan.duration_s)
            self._wait("measuring", self._plan.duration_s)
            self._update(window_end_epoch_s=time.time())
            return begin_us
        measured: Measured = load.measure(self._plan.duration_s, self._on_progress("measuring"))
        self._out.requests = Path(measured.requests_file)
        self._out.record = with_load(self._out.record, measured)
        self._note(load_caveats(measured))
        return round(measured.window_begin_monotonic_s * 1e6)

    def _stage_fault(self) -> StagedFault:
        """Return what puts in the scenario's fault, if it has one, and mends it on leaving."""
        identities = (self._kind.identity,) if self._kind else ()
        return stage(self._scenario, self._cluster.plane, identities)

    def _wait(self, what: str, seconds: float) -> None:
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            self._notify(what, elapsed / seconds, "")
            time.sleep(min(0.5, seconds - elapsed))

    def _on_progress(self, what: str) -> Callable[[LoadProgress], None]:
        def tell(progress: LoadProgress) -> None:
            share = progress.elapsed_s / progress.seconds if progress.seconds else 0.0
            self._notify(what, min(1.0, share), f"{progress.rps:,.0f} answers/s")

        return tell

    def _record_costs(self, begin: Mark, end: Mark, churned: ChurnReport) -> None:
        self._update(
            begin_mark_epoch_s=begin.scraped_epoch_s,
            marks_s=end.at_monotonic_s - begin.at_monotonic_s,
            churn_achieved_per_s=churned.achieved_per_s,
            apiserver_cpu_s=end.cpu_since(begin, "apiserver"),
            etcd_cpu_s=end.cpu_since(begin, "etcd"),
        )
        self._note(churn_caveats(churned))
        if self._scenario.fresh_control_plane:
            self._update(
                apiserver_rss_highest_bytes=highest_rss_bytes(end.pids["apiserver"][0]),
                etcd_rss_highest_bytes=highest_rss_bytes(end.pids["etcd"][0]),
            )

    def _record_observed(self, observed: Observed, begin_us: int) -> None:
        if not self._scenario.probe:
            return
        rows = observed.within(begin_us, self._out.record.window_s)
        self._out.freshness, self._out.bystander = rows
        if self._server is not None:
            self._update(probe_rps=observed.reads_per_s)
        self._note(observer_caveats(observed, "end"))

    def _record_server(self, server: Replicas, sampler: Sampler, begin: Mark, end: Mark) -> None:
        server.check()
        at_end = _pss_bytes(server)
        seen = [size for size in (sampler.peak_pss_bytes("server"), at_end) if size is not None]
        self._update(
            server_cpu_s=end.cpu_since(begin, "server"),
            upstream_bytes=grown(self._out.scrapes, UPSTREAM_BYTES),
            server_pss_end_bytes=at_end,
            server_pss_peak_bytes=max(seen, default=None),
        )

    def _check_answers(self, server: Replicas, newest: int) -> None:
        """Compare what each replica, and each of its workers, answers now with a LIST."""
        self._notify("comparing with a LIST", 1.0, "")
        api = self._cluster.plane.api(IDENTITY)
        with server.read_paths() as asked:
            found = [
                text if len(asked) == 1 else f"{one.name}: {text}"
                for one in asked
                for text in compare_with_list(
                    one,
                    api,
                    resource_version=str(newest) if newest else "",
                    listed_at=self._ground.pods_path,
                    catch_up_s=CATCH_UP_S if self._scenario.fault is None else RECOVERED_S,
                )
            ]
        self._update(equal_to_list=not found)
        if found:
            text = f"after the window /pods was not what a LIST gave: {'; '.join(found)}"
            self._note([(CaveatKind.ANSWERS_DIFFER, text)])

    def _note(self, found: Iterable[tuple[CaveatKind, str]]) -> None:
        self._caveats += [caveat(kind, self._discreet(text), self._trial) for kind, text in found]

    def _discreet(self, text: str) -> str:
        return discreet(text, private=self._cluster.plane.private_words)

    def _update(self, **figures: object) -> None:
        self._out.record = replace(self._out.record, **figures)  # type: ignore[arg-type] # by name


def _pss_bytes(server: Replicas) -> int | None:
    used = usage(*server.pids)
    return used.pss_bytes if used else None
