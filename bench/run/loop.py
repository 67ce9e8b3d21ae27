"""The run loop: run every trial and write it at once; after each round, decide on one more."""

import datetime as dt
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.cluster.api import ApiError, ApiUnreachableError
from bench.cluster.existing.errors import ClusterError
from bench.cluster.plane import Plane
from bench.cluster.populated import PopulatedCluster, explained_by
from bench.load.spec import DistributedLoad, WorkersMissing
from bench.model import (
    NO_SERVER,
    CaveatKind,
    EqualityRecord,
    Outcome,
    Plan,
    RunRecord,
    RunState,
    Trial,
    TrialRecord,
)
from bench.plan import predicted_s, trials
from bench.plan.keys import FEWEST_TO_PIN
from bench.probes.audit import AuditError
from bench.probes.metrics import MetricsError
from bench.run.cluster_pool import ClusterPool
from bench.run.interim import InterimReports
from bench.sites.versions import Sites
from bench.store import RunWriter
from bench.store.redaction import redact
from bench.supervision.process import ProcessFailed
from bench.supervision.progress import Progress
from bench.supervision.rpc import RpcTimeoutError
from bench.supervision.watchdog import Watchdog, WatchdogLost
from bench.sut.registry import ServerError, ServerKind
from bench.trial.runner import TrialRunner
from kube_informer import CredentialsError

FATAL = (
    ProcessFailed,
    RpcTimeoutError,
    ServerError,
    ApiError,
    ApiUnreachableError,
    AuditError,
    MetricsError,
    ClusterError,
    CredentialsError,
    WorkersMissing,
    WatchdogLost,
)
"""Errors that end a run early. A failure of a trial's own server only makes a failed trial."""


class RunEndedEarlyError(Exception):
    """Raised when a run ends early; the trials measured until then are kept and valid."""

    def __init__(self, run: str, why: str) -> None:
        super().__init__(f"the run ended early: {why}")
        self.run = run
        self.why = why


@dataclass(frozen=True, slots=True)
class PriorState:
    """State that an earlier part of the run left; empty for a new run."""

    attempts: Mapping[Trial, int] = field(default_factory=dict)
    """Number of the last attempt at each trial that was run before."""
    compared: EqualityRecord | None = None
    differed: bool = False
    """Whether a server's answer after its window differed from a LIST."""
    has_trials: bool = False
    last_round: int = 0
    """The last round with a trial."""
    capacities: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """As ``capacities`` returns them."""


def capacities(plan: Plan, records: Iterable[TrialRecord]) -> dict[tuple[str, str], float]:
    """Return (closed scenario, server) -> reads per second of its latest good trial."""
    return {
        (done.trial.scenario, plan.server_of(done.trial.server)): done.answered / done.window_s
        for done in records
        if done.outcome is Outcome.OK
        and done.answered
        and not plan.scenario(done.trial.scenario).is_open
    }


class Run:
    """One run: its record, its results folder, and the clusters of its trials."""

    def __init__(
        self,
        record: RunRecord,
        todo: Sequence[Trial],
        kinds: dict[str, ServerKind],
        *,
        sites: Sites,
        writer: RunWriter,
        progress: Progress,
        distributed: DistributedLoad | None = None,
        prior: PriorState = PriorState(),
        most_minutes: float | None = None,
    ) -> None:
        """``most_minutes`` bounds the time measured now, whatever was measured before."""
        self.record = record
        self.distributed = distributed
        self.has_trials = prior.has_trials
        self.failed = 0
        """Number of failed trials; those of an earlier part are repeated."""
        self._todo = deque(todo)
        self._last_round = prior.last_round
        self._most_s = None if most_minutes is None else most_minutes * 60
        self._measured_s: list[float] = []
        """Seconds of each round measured now."""
        self._kinds = kinds
        self._sites = sites
        self._writer = writer
        self._progress = progress
        self._prior = prior
        self._differed = prior.differed
        self._capacities = dict(prior.capacities)
        self._clusters = ClusterPool(
            record.plan,
            sites,
            kinds,
            writer=writer,
            progress=progress,
            compared_before=prior.compared,
        )

    @property
    def unequal(self) -> bool:
        """Whether the servers' answers differed, before or after a window."""
        return self._differed or self._clusters.unequal

    def execute(self, interim: InterimReports | None = None) -> RunRecord:
        """Run every trial and write each at once; return the record of the finished run.

        With ``interim``, makes a provisional report after each round, and measures more rounds
        while the ratios are less precise than the plan requires. Raises ``RunEndedEarlyError``
        when the cluster fails and ``StoreError`` when results cannot be written. On these, as on
        Ctrl-C, marks the run incomplete, with the reason.
        """
        self._announce()
        try:
            with Watchdog(f"the run {self.record.run}") as watchdog, self._clusters:
                if others := watchdog.others():
                    self._progress.say(
                        f"  beside it  {', '.join(others)}: both will be noisy, and say so"
                    )
                if not self._todo:  # interrupted after its last trial
                    self._report_interim(interim, watchdog)
                while self._todo:
                    self._measure_round(watchdog)
                    self._report_interim(interim, watchdog)
        except FATAL as error:
            self._end(RunState.INCOMPLETE, str(error))
            raise RunEndedEarlyError(self.record.run, str(error)) from error
        except BaseException as error:
            self._end(RunState.INCOMPLETE, str(error) or type(error).__name__)
            raise
        self._end(RunState.COMPLETE, None)
        return self.record

    @property
    def _plan(self) -> Plan:
        return self.record.plan

    def _measure_round(self, watchdog: Watchdog) -> None:
        """Run the trials of the next round; drop the rounds that there is no time for."""
        began, number = time.monotonic(), self._todo[0].round
        while self._todo and self._todo[0].round == number:
            watchdog.check()
            cluster = self._clusters.cluster_for(self._todo[0], watchdog)
            with explained_by(cluster):
                cluster.check()
                self._measure(self._todo.popleft(), cluster, watchdog)
        self._last_round = max(self._last_round, number)
        self._measured_s.append(time.monotonic() - began)
        new_rounds_follow = self._todo and self._todo[0].round > self._last_round
        if new_rounds_follow and self._rounds_that_fit() == 0:
            self._todo.clear()
            self._update(rounds=self._last_round, out_of_time=True)

    def _report_interim(self, interim: InterimReports | None, watchdog: Watchdog) -> None:
        """Show an interim report; after the last round, add rounds if the plan wants more."""
        if interim is None:
            return
        plan = self._plan
        wants_more = plan.precision is not None and plan.rounds < (plan.most_rounds or 0)
        if self._todo:
            interim.show(self.record, self._last_round, self._left_s(), watchdog)
        elif wants_more and self._rounds_that_fit() == 0:
            self._update(out_of_time=True)
        elif wants_more and not self.unequal:
            rounds = interim.rounds_to_extend_to(self.record, self._rounds_that_fit(), watchdog)
            if rounds is not None:
                self._update(rounds=rounds)
                self._todo.extend(new for new in trials(self._plan) if new.round > plan.rounds)

    def _rounds_that_fit(self) -> int | None:
        """Return how many more rounds fit, each as long as the last; ``None``: any number."""
        if self._most_s is None or not self._measured_s:
            return None
        return max(0, int((self._most_s - sum(self._measured_s)) / self._measured_s[-1]))

    def _left_s(self) -> float:
        """Return the estimated time of the remaining rounds, in seconds."""
        rounds = len({trial.round for trial in self._todo})
        fit = self._rounds_that_fit()
        return (rounds if fit is None else min(rounds, fit)) * self._measured_s[-1]

    def _update(self, *, rounds: int | None = None, out_of_time: bool = False) -> None:
        """Write the run's number of rounds, and whether time bounded them."""
        plan = replace(self._plan, rounds=rounds or self._plan.rounds)
        self.record = replace(
            self.record, plan=plan, trials_planned=len(trials(plan)), out_of_time=out_of_time
        )
        self._writer.update(self.record)

    def _announce(self) -> None:
        plan, cpus = self._plan, self._plan.cpus
        note = f": pinning takes {FEWEST_TO_PIN}" if cpus.auto and not cpus.server else ""
        lines = {
            "scenarios": ", ".join(scenario.name for scenario in plan.scenarios),
            "servers": ", ".join(plan.servers),
            "base": plan.base and f"{plan.base.folder}, commit {plan.base.commit}",
            "trials": f"{self._counted()}, about {max(1, round(self._predicted_s() / 60))} min",
            "cluster": self._sites.introduction,
            "processors": f"{self.record.environment.processors}, {cpus}{note}",
            "left out": plan.left_out
            and f"{', '.join(plan.left_out)}: more processors for the server than can be spared "
            "here",
            "load": self.distributed and _load_workers(self.distributed),
            "results": self._writer.folder,
        }
        text = "\n".join(f"  {name:<10} {value}" for name, value in lines.items() if value)
        self._progress.say(f"Plan {plan.name}: {plan.description}\n{text}")

    def _counted(self) -> str:
        planned = f"{self.record.trials_planned} in {self._plan.rounds} round(s)"
        if (self._plan.most_rounds or 0) > self._plan.rounds:
            planned += f" (up to {self._plan.most_rounds}, if they leave the ratios unsure)"
        if len(self._todo) == self.record.trials_planned:
            return planned
        return f"{len(self._todo)} missing of {planned}"

    def _predicted_s(self) -> float:
        return predicted_s(self._plan) * len(self._todo) / self.record.trials_planned

    def _measure(self, trial: Trial, cluster: PopulatedCluster[Plane], watchdog: Watchdog) -> None:
        title = (
            f"[{trial.order + 1}/{self.record.trials_planned}] {trial.scenario}, {trial.server}, "
            f"round {trial.round}"
        )
        is_whole = self._plan.scenario(trial.scenario).fault is None

        def notify(phase: str, share: float, detail: str) -> None:
            watchdog.check()
            if is_whole:
                cluster.check()  # without etcd, requests would wait a minute each
            self._progress.move(f"{title}: {phase}", share, detail)

        with tempfile.TemporaryDirectory(dir=cluster.plane.folder) as folder:
            runner = TrialRunner(
                self._plan,
                trial,
                cluster=cluster,
                observers=self._clusters.observers,
                kind=self._kind_of(trial),
                watchdog=watchdog,
                folder=Path(folder),
                attempt=self._prior.attempts.get(trial, 0) + 1,
                rate_rps=self._rate_of(trial),
                distributed=self.distributed,
                notify=notify,
            )
            others = watchdog.others()
            measurements = runner.run()
            others = sorted({*others, *watchdog.others()})
            if others:
                text = f"beside it on this machine, at least for a time: {', '.join(others)}"
                measurements.note([(CaveatKind.NOISY_MACHINE, text)])
            scenario = self._plan.scenario(trial.scenario)
            self._writer.write_trial(
                replace(measurements.record, kubernetes=self._sites.version_of(scenario)),
                requests=measurements.requests,
                audit=measurements.audit,
                start=measurements.start,
                scrapes=measurements.scrapes,
                samples=measurements.samples,
                observed=measurements.observed,
            )
        self.has_trials = True
        self.failed += measurements.record.outcome is Outcome.FAILED
        self._capacities |= capacities(self._plan, [measurements.record])
        self._differed |= measurements.record.is_wrong
        self._progress.settle()
        self._progress.say(f"{title}: {_outcome(measurements.record)}")
        for caveat in measurements.record.caveats:
            self._progress.say(f"    {caveat.kind}: {caveat.text}")

    def _rate_of(self, trial: Trial) -> float | None:
        """Return the offered rate; raises ``ServerError`` for a share of an unknown capacity."""
        scenario, server = self._plan.scenario(trial.scenario), self._plan.server_of(trial.server)
        closed = self._plan.closed_like(scenario)
        if scenario.capacity_share is None or closed is None:
            return scenario.rate_rps
        if (closed.name, server) not in self._capacities:
            raise ServerError(
                f"{trial.scenario} wants a share of what {server} answers at full speed, and its "
                f"trial under {closed.name} failed"
            )
        return scenario.capacity_share * self._capacities[closed.name, server]

    def _kind_of(self, trial: Trial) -> ServerKind | None:
        name = self._plan.server_of(trial.server)
        return None if name == NO_SERVER else self._kinds[name]

    def _end(self, state: RunState, reason: str | None) -> None:
        ended = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        redacted = None if reason is None else redact(reason, private=self._sites.private_words)
        self.record = replace(self.record, state=state, ended_at=ended, reason=redacted)
        self._writer.update(self.record)
        self._writer.close()  # so that a resumed run can write


def _load_workers(distributed: DistributedLoad) -> str:
    """Return the line that describes the load workers."""
    here, elsewhere = distributed.workers.here, distributed.workers.elsewhere
    line = f"Locust workers: {here} here, {elsewhere} from elsewhere"
    if elsewhere:
        line += f"; each of these is started with:\n             {distributed.command}"
    return line


def _outcome(record: TrialRecord) -> str:
    if record.outcome is Outcome.FAILED:
        return "FAILED"
    if record.is_client:
        return f"{record.ready_requests} requests until ready" if record.ready_s else "measured"
    if record.achieved_rps is None:
        return "floor measured" if record.trial.server == NO_SERVER else "measured"
    return f"{record.answered:,} answers, {record.achieved_rps:,.1f}/s"
