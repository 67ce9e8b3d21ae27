"""Procedure of one trial, from the start of its server to the check of its last answer."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from bench.cluster.api import Api
from bench.cluster.churn import ChurnReport
from bench.cluster.plane import Plane
from bench.cluster.populated import IDENTITY, PopulatedCluster
from bench.faults import FaultError
from bench.load.driver import Load, LoadDriver, LoadFailed, Measured
from bench.load.driver import Progress as LoadProgress
from bench.load.routes import load as load_route
from bench.load.spec import DistributedLoad, listening_address
from bench.model import CaveatKind, Client, Outcome, Plan, Trial
from bench.plan.checks import allotted
from bench.probes.machine import MachineLook
from bench.probes.observation import Observers, shifted
from bench.probes.processes import Sampler, Trees
from bench.supervision.affinity import move, on_processors, processors
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog
from bench.sut.equivalence import CATCH_UP_S, compare_with_list, listed
from bench.sut.launch import ServerSpec
from bench.sut.registry import ServerError, ServerKind
from bench.sut.replicas import Replicas
from bench.trial.answers import PodSizes, WindowChanges, expected_answers
from bench.trial.client import Quiet, Requests, client_caveats, follow, refuse_strays, watches_held
from bench.trial.fault import StagedFault, stage
from bench.trial.idle_wait import wait_until_idle
from bench.trial.marks import Mark, Marker
from bench.trial.measurements import Measurements
from bench.trial.record import (
    REQUEST_TIMEOUT_S,
    blank,
    drain_caveats,
    idle_wait_caveats,
    observer_caveats,
)
from bench.trial.stalls import StalledError, StallWatch, check_standstill, unfit_marks

REST_S = 2.0
"""Rest before a client starts: the control plane's cost at rest is subtracted from its start."""
RECOVERED_S = 70.0
"""How long a server may take to recover from a fault. An informer that found the API
server gone waits up to 30 s, and up to as much again at random, before it tries again."""

Notify = Callable[[str, float, str], None]
"""Takes the current phase, its share that is done (0 to 1), and a detail or ""."""


class TrialRunner:
    """Runs one trial on a populated cluster. ``folder`` receives logs and the request rows.

    ``kind`` is ``None`` for the arm without a server and without load. ``observers``
    run if the scenario has them, and are idle otherwise. ``rate_rps`` is the offered
    rate, ``None`` for the closed model. With ``distributed`` several processes make the load.
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
        rate_rps: float | None,
        attempt: int = 1,
        distributed: DistributedLoad | None = None,
    ) -> None:
        self._plan = plan
        self._trial = trial
        self._scenario = replace(plan.scenario(trial.scenario), rate_rps=rate_rps)
        server_cpus = self._scenario.server_cpus
        self._cpus = allotted(server_cpus, processors()) if server_cpus else plan.cpus
        self._cluster = cluster
        self._placement = cluster.plane.placement
        self._observers = observers
        self._kind = kind
        self._watchdog = watchdog
        self._folder = folder
        self._notify = notify
        self._distributed = distributed
        self._server: Replicas | None = None
        self._requests: Requests | None = None
        """Requests of a client."""
        self._started: Mark
        """Mark before a client's start."""
        self._load: LoadDriver | None = None
        self._load_s = 0.0
        """Seconds from the window's begin until the last answer."""
        self._churned: list[ChurnReport] = []
        """Reports of the warm-up and of the window."""
        identity = kind.identity if kind else None
        self._client = kind.client if kind else None
        record = replace(
            blank(trial, self._scenario, identity),
            attempt=attempt,
            is_client=self._client is not None,
            shared=cluster.plane.placement.confined,
        )
        self._out = Measurements(record, self._scenario, cluster.plane.private_words)

    def run(self) -> Measurements:
        """Run the trial and return its measurements.

        A server or load process that fails makes the trial a failed one, with the
        measurements until then; so does a fault that could not begin, and a process that
        stood still. Raises ``ProcessFailed`` when the control plane, the churn writer or an
        observer has ended, ``WorkersMissing`` when the load's workers do not come.
        """
        with ExitStack() as stack:
            try:
                self._procedure(stack)
            except (ProcessFailed, LoadFailed, ServerError, FaultError, StalledError) as error:
                self._cluster.check()
                self._observers.check()
                self._cluster.churn.pause()
                self._observers.pause()
                self._out.fail(self._cause(error))
        self._out.conclude()
        return self._out

    def _cause(self, error: Exception) -> str:
        """Return the reason of the failure: a server that has ended explains all later errors."""
        reason = str(error)
        if self._server is not None:
            try:
                self._server.check()
            except ProcessFailed as ended:
                reason = str(ended)
        refused = self._requests.refused() if self._requests is not None else None
        return f"{reason}\n{refused}" if refused else reason

    def _procedure(self, stack: ExitStack) -> None:
        if any(scenario.server_cpus for scenario in self._plan.scenarios):
            self._move_beside_server(stack)
        self._cool_down()
        marker = Marker(
            self._trial.order,
            self._cluster.plane,
            lambda: [server for server in self._server or () if server.url],
            self._processes,
        )
        stack.callback(marker.close)
        self._out.scrapes = marker.scrapes
        with on_processors(self._cpus.server):
            server = self._server = self._start_server(stack, marker)
        with on_processors(self._cpus.load):
            load = self._load = self._start_load(stack, server)
        self._warm_up(load)
        begin = marker.begin()
        sampler = Sampler(self._processes)
        with StallWatch() as watch:
            with sampler:
                begin_us = self._measure(load)
            churned = self._pause_churn("end")
            observed = self._observers.pause()
            end = marker.end()
        check_standstill("this process", watch.longest_s)
        self._out.samples = [shifted(row, begin_us) for row in sampler.rows]
        self._out.audit = marker.audit_rows(begin, end)
        if server is not None and self._client is not None:
            refuse_strays(server)
            watches = watches_held(marker.audit_rows(self._started, end), self._out.record)
            self._out.update(watches_held=watches)
        elif self._kind is not None:
            opened = marker.watches_before(begin, self._kind.identity)
            self._out.update(watches_before=opened)
        self._out.note(marker.caveats(begin, end))
        self._out.take_costs(begin, end, churned)
        of_server = server is not None and self._client is None
        self._out.take_observed(observed, begin_us, of_server=of_server)
        if server is not None:
            self._out.take_server(server, sampler, begin, end)
        if server is not None and of_server:
            written = (seen.resource_version for seen in observed.values())
            self._check_answers(server, max(int(churned.resource_version or 0), *written))
        self._refuse_costs_of_unfit_marks()
        self._out.update(outcome=Outcome.OK)

    def _refuse_costs_of_unfit_marks(self) -> None:
        if self._scenario.fault is not None:
            return  # a fault may delay the processes that pause
        text = unfit_marks(self._out.record.marks_s, self._load_s)
        if text is not None:
            self._out.update(apiserver_cpu_s=None, etcd_cpu_s=None, server_cpu_s=None)
            self._out.note([(CaveatKind.METRIC_MISSING, text)])  # see TrialRecord.refuses_cpu

    def _move_beside_server(self, stack: ExitStack) -> None:
        """Move all that runs already to its processors; this process until the trial ends."""
        everywhere = processors()
        move(self._cluster.plane.pids().values(), self._cpus.control_plane or everywhere)
        beside = (os.getpid(), self._cluster.churn.pid, *self._observers.pids.values())
        move(beside, self._cpus.load or everywhere)
        stack.callback(move, [os.getpid()], everywhere)

    def _cool_down(self) -> None:
        self._notify("waiting for an idle machine", 0.0, "")
        idle_wait = wait_until_idle(self._plan.cooldown_s)
        if idle_wait is not None:
            self._out.update(cooldown_s=idle_wait.waited_s, load_before=idle_wait.share)
        self._out.note(idle_wait_caveats(idle_wait))

    def _start_server(self, stack: ExitStack, marker: Marker) -> Replicas | None:
        if self._kind is None:
            return None
        replicas = self._scenario.replicas
        several = f"{replicas} replicas" if replicas > 1 else ""
        self._notify(f"starting {self._kind.name}", 0.0, several)
        spec = ServerSpec.on(
            self._cluster.plane,
            self._kind,
            self._folder / "server.log",
            host=listening_address(self._distributed),
        )
        spec = replace(spec, workers=self._scenario.workers)
        if self._client is not None:
            return self._start_client(stack, marker, spec, self._client)
        server = stack.enter_context(Replicas.start(spec, replicas, self._watchdog))
        self._out.take_ready(server)
        return server

    def _start_client(
        self, stack: ExitStack, marker: Marker, spec: ServerSpec, client: Client
    ) -> Replicas:
        """Start the client and wait until it is ready, all else at rest; bill its start."""
        requests = self._requests = follow(self._cluster.plane, spec.kind.identity)
        stack.callback(requests.close)
        start = self._started = marker.begin("start")
        self._wait(f"at rest before {client.name}", REST_S)
        rested, quiet = marker.look(), Quiet(client, requests)
        replicas = self._server = stack.enter_context(
            Replicas.launch(replace(spec, quiet=quiet), self._scenario.replicas, self._watchdog)
        )
        with Sampler(self._processes) as sampler:
            replicas.await_ready()
        ready = marker.end("ready")
        refuse_strays(replicas)
        rows = marker.audit_rows(start, ready)
        kinds = ("pods", *(kind.resource.partition(".")[0] for kind in self._plan.objects))
        self._out.take_start(replicas, sampler, (start, rested, ready), rows)
        stack.callback(
            lambda: self._out.note(
                client_caveats(client, requests, quiet, self._out.of_account, kinds)
            )
        )
        return replicas

    def _start_load(self, stack: ExitStack, server: Replicas | None) -> LoadDriver | None:
        if server is None or not self._scenario.has_load:
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
            distributed=self._distributed,
        )
        driver = LoadDriver(
            load,
            out=self._folder,
            watchdog=self._watchdog,
            on_awaiting=lambda text: self._notify(f"waiting: {text}", 0.0, ""),
        )
        return stack.enter_context(driver)

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
        """Resume churn and observers, with equal seeds in every arm of a round."""
        self._cluster.churn.resume(self._scenario.churn_per_s)
        if self._scenario.probe:
            seed = f"{self._plan.seed}/{self._trial.scenario}/{self._trial.round}/{phase}"
            self._observers.resume(
                self._server.first.url or None if self._server else None, seed=seed
            )

    def _warm_up(self, load: LoadDriver | None) -> None:
        """Run the load without recording, then pause it until nothing is in flight."""
        self._resume("warm-up")
        if load is None:
            self._wait("warming up", self._plan.warmup_s)
        elif self._plan.warmup_s:
            drained = load.warm_up(self._plan.warmup_s, self._on_progress("warming up"))
            if drained.in_flight:
                text = f"{drained.in_flight} requests in flight at the begin mark"
                self._out.note([(CaveatKind.NOT_DRAINED, text)])
        self._pause_churn("begin")
        self._out.note(observer_caveats(self._observers.pause().values(), "begin"))

    def _pause_churn(self, mark: str) -> ChurnReport:
        churned = self._cluster.churn.pause()
        self._churned.append(churned)
        self._out.note(drain_caveats(churned, mark))
        return churned

    def _measure(self, load: LoadDriver | None) -> int:
        """Measure the window; return its begin in microseconds of the monotonic clock."""
        self._resume("window")
        before = MachineLook.now(time.monotonic())
        with self._stage_fault() as fault:
            begin_us = self._measure_window(load)
        after = MachineLook.now(time.monotonic())
        if before is not None and after is not None:
            self._out.update(machine=after.since(before))
        self._out.update(fault=fault.record(begin_us))
        return begin_us

    def _measure_window(self, load: LoadDriver | None) -> int:
        if load is None:
            begin_us = time.monotonic_ns() // 1000
            self._out.update(window_begin_epoch_s=time.time(), window_s=self._plan.duration_s)
            self._wait("measuring", self._plan.duration_s)
            self._out.update(window_end_epoch_s=time.time())
            self._load_s = self._plan.duration_s
            return begin_us
        measured: Measured = load.measure(self._plan.duration_s, self._on_progress("measuring"))
        self._out.take_load(measured)
        self._load_s = measured.drained_epoch_s - measured.window_begin_epoch_s
        check_standstill("the load generator", measured.stood_still_s)
        return round(measured.window_begin_monotonic_s * 1e6)

    def _stage_fault(self) -> StagedFault:
        """Return a context that runs the scenario's fault, if any, and ends it on exit."""
        identities = (self._kind.identity,) if self._kind else ()
        with on_processors(self._cpus.control_plane):  # a fault may restart the API server
            return stage(self._scenario, self._cluster.plane, identities)

    def _wait(self, phase: str, seconds: float) -> None:
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            self._notify(phase, elapsed / seconds, "")
            if self._requests is not None:
                self._requests.look()
            if self._client is not None and self._server is not None:
                self._server.check()
            time.sleep(min(0.5, seconds - elapsed))

    def _on_progress(self, phase: str) -> Callable[[LoadProgress], None]:
        def report(progress: LoadProgress) -> None:
            share = progress.elapsed_s / progress.seconds if progress.seconds else 0.0
            self._notify(phase, min(1.0, share), f"{progress.rps:,.0f} answers/s")

        return report

    def _check_answers(self, server: Replicas, newest: int) -> None:
        """Compare the current answer of each replica, and each of its workers, with a LIST."""
        self._notify("comparing with a LIST", 1.0, "")
        api = self._cluster.plane.api(IDENTITY)
        with server.read_paths() as paths:
            differences = [
                text if len(paths) == 1 else f"{path.name}: {text}"
                for path in paths
                for text in compare_with_list(
                    path,
                    api,
                    resource_version=str(newest) if newest else "",
                    listed_at=self._placement.pods_path,
                    catch_up_s=CATCH_UP_S if self._scenario.fault is None else RECOVERED_S,
                )
            ]
        self._out.update(equal_to_list=not differences)
        if differences:
            text = f"after the window /pods was not what a LIST gave: {'; '.join(differences)}"
            self._out.note([(CaveatKind.ANSWERS_DIFFER, text)])
        else:
            self._judge_answers(server, api)

    def _judge_answers(self, server: Replicas, api: Api) -> None:
        """Judge the answers of the window by the server's current answer, which equals a LIST."""
        if not self._scenario.has_load:
            return
        asks = load_route(self._scenario.route).asks(self._cluster.targets)
        try:
            pods = PodSizes.of(server.first.get("/pods").body)
            expected = expected_answers(asks, pods, partial(listed, api, self._placement))
        except msgspec.DecodeError:  # a server of another contract
            expected = {}
        self._out.take_answers(expected, WindowChanges.during(self._churned))
