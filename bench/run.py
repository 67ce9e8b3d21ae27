"""A run from its plan to its last trial, in the order in which things happen."""

import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from bench.cluster.api import ApiError, ApiUnreachableError
from bench.cluster.existing.errors import ClusterError
from bench.cluster.plane import Plane
from bench.cluster.populated import PopulatedCluster
from bench.discretion import discreet
from bench.equality import METADATA, equality_phase
from bench.fleet import ServerError, ServerKind, server_kinds
from bench.load.wanted import Crew, WorkersMissing
from bench.model import (
    NO_SERVER,
    SCHEMA,
    Caveat,
    CaveatKind,
    EqualityRecord,
    LoadWorkers,
    Outcome,
    Plan,
    Resumption,
    RunRecord,
    RunState,
    Trial,
    TrialRecord,
)
from bench.plan import predicted_s, trials
from bench.probes.audit import AuditError
from bench.probes.metrics import MetricsError
from bench.probes.observers import Observers
from bench.progress import Progress
from bench.resumption import ResumeError, lacking, unlike
from bench.site import Site
from bench.sites import Sites
from bench.store import RunWriter, Store
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog
from bench.trial.runner import TrialRunner

FATAL = (
    ProcessFailed,
    ServerError,
    ApiError,
    ApiUnreachableError,
    AuditError,
    MetricsError,
    ClusterError,
    WorkersMissing,
)
"""What ends a run early. A trial's own server may fail without: that makes a failed trial."""


class RunEndedEarlyError(Exception):
    """The run could not go on; what it measured until then is kept and valid."""

    def __init__(self, run: str, why: str) -> None:
        super().__init__(f"the run ended early: {why}")
        self.run = run


class Run:
    """One run: its record, its results folder, and the cluster it is at."""

    def __init__(
        self,
        record: RunRecord,
        todo: Sequence[Trial],
        *,
        sites: Sites,
        writer: RunWriter,
        progress: Progress,
        crew: Crew | None = None,
    ) -> None:
        self.record = record
        self._plan = record.plan
        self._todo = todo
        self._sites = sites
        self._writer = writer
        self._progress = progress
        self.crew = crew
        self._kinds = _kinds(self._plan)
        self._attempts: dict[Trial, int] = {}
        self._cluster: PopulatedCluster[Plane] | None = None
        self._observers: Observers
        self._compared: dict[tuple[int, str | None], EqualityRecord] = {}
        self._at: tuple[int, str | None, int] | None = None
        self._compared_before: EqualityRecord | None = None
        self._differed = False
        self.has_trials = False

    @property
    def unequal(self) -> bool:
        """Whether the servers were found to answer differently, before or after a window."""
        compared = [*self._compared.values(), self._compared_before]
        return self._differed or not all(record.equal for record in compared if record is not None)

    @classmethod
    def start(
        cls,
        plan: Plan,
        plan_toml: str,
        *,
        store: Store,
        progress: Progress,
        site: Site | None = None,
        crew: Crew | None = None,
    ) -> "Run":
        """Open the results folder of a run at ``site``, or with binaries found on this machine.

        A ``crew`` is to make the load. Raises ``BinariesUnavailable``, or ``StoreError`` if the
        folder cannot be made.
        """
        sites = Sites(plan, site, progress.say)
        todo = trials(plan)
        kinds = _kinds(plan)
        started = dt.datetime.now(dt.UTC)
        record = RunRecord(
            schema=SCHEMA,
            run=f"{started:%Y%m%dT%H%M%SZ}-{plan.name}",
            state=RunState.RUNNING,
            started_at=started.isoformat(timespec="seconds"),
            plan=plan,
            environment=sites.environment(),
            trials_planned=len(todo),
            contracts={name: kinds[name].contract for name in plan.servers if name in kinds},
            caveats=(*sites.caveats, *_unlike_answers(plan, kinds)),
            load_workers=crew.workers if crew else LoadWorkers(),
        )
        writer = store.create(record, plan_toml)
        return cls(record, todo, sites=sites, writer=writer, progress=progress, crew=crew)

    @classmethod
    def resume(
        cls,
        run: str | Path,
        *,
        store: Store,
        progress: Progress,
        rounds: int | None = None,
        force: bool = False,
        site: Site | None = None,
        crew: Crew | None = None,
    ) -> "Run":
        """Go on with a run: its missing and failed trials, by its own plan and seed.

        ``crew`` must be as big as the one that made its load; it can be left out unless
        workers come from elsewhere. ``rounds`` extends the plan to so many. Failed trials
        are set aside, whole.
        Raises ``ResumeError`` when nothing is lacking, when fewer rounds are asked for
        than there are, or when the environment is not what it was and not ``force``;
        ``BinariesUnavailable`` and ``StoreError`` as ``start`` does.
        """
        writer = store.reopen(run)  # first, so that nobody writes what is read now
        reader = store.open(run)
        done = reader.trials()
        if site is None and reader.record.environment.existing:
            raise ResumeError(
                f"{reader.record.run} was made on an existing cluster: name it again (--context)"
            )
        plan = _extended(reader.record, rounds)
        todo = lacking(plan, done)
        if not todo:
            raise ResumeError(
                f"{reader.record.run} lacks nothing: {len(done)} trials in {plan.rounds} round(s); "
                "more rounds are asked for with --rounds"
            )
        crew = _same(reader.record.load_workers, crew)
        sites = Sites(plan, site, progress.say)
        now = sites.environment()
        differing = unlike(reader.record.environment, now)
        if differing and not force:
            raise ResumeError(
                f"{reader.record.run} was begun in another environment; trials made here cannot "
                f"stand beside its own ({'; '.join(differing)}). If that is meant: --force"
            )
        failed = [record for record in done if record.trial in todo]
        for record in failed:
            writer.set_aside(record)
        resumption = Resumption(
            at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            rounds=plan.rounds,
            trials=len(todo),
            failed=tuple(record.trial.folder for record in failed),
            unlike=differing,
            load_average_1m=now.load_average_1m,
        )
        resumed = cls(
            _gone_on(reader.record, plan, resumption),
            todo,
            sites=sites,
            writer=writer,
            progress=progress,
            crew=crew,
        )
        resumed._attempts = {record.trial: (record.attempt or 1) + 1 for record in failed}
        resumed._compared_before = reader.equality
        resumed._differed = any(record.equal_to_list is False for record in done)
        resumed.has_trials = len(done) > len(failed)
        writer.update(resumed.record)
        return resumed

    def walk(self) -> RunRecord:
        """Run every trial and write each at once; return the record of the finished run.

        Raises ``RunEndedEarlyError`` when the cluster fails and ``StoreError`` when
        results cannot be written. On these, as on Ctrl-C, the run is marked
        incomplete, with the reason.
        """
        self._announce()
        try:
            with Watchdog() as watchdog, ExitStack() as stack:
                for trial in self._todo:
                    cluster = self._cluster_for(trial, watchdog, stack)
                    with _explaining(cluster):
                        cluster.check()
                        self._measure(trial, cluster, watchdog)
        except FATAL as error:
            self._end(RunState.INCOMPLETE, str(error))
            raise RunEndedEarlyError(self.record.run, str(error)) from error
        except BaseException as error:
            self._end(RunState.INCOMPLETE, str(error) or type(error).__name__)
            raise
        self._end(RunState.COMPLETE, None)
        return self.record

    def _announce(self) -> None:
        plan = self._plan
        scenarios = ", ".join(scenario.name for scenario in plan.scenarios)
        self._progress.say(
            f"Plan {plan.name}: {plan.description}\n"
            f"  scenarios  {scenarios}\n"
            f"  servers    {', '.join(plan.servers)}\n"
            f"  trials     {self._counted()}, about {max(1, round(self._predicted_s() / 60))} min\n"
            f"  cluster    {self._sites.introduction}\n"
            f"{_told(self.crew)}"
            f"  results    {self._writer.folder}"
        )

    def _counted(self) -> str:
        planned = f"{self.record.trials_planned} in {self._plan.rounds} round(s)"
        if (self._plan.most_rounds or 0) > self._plan.rounds:
            planned += f" (up to {self._plan.most_rounds}, if they leave the ratios unsure)"
        if len(self._todo) == self.record.trials_planned:
            return planned
        return f"{len(self._todo)} lacking of {planned}"

    def _predicted_s(self) -> float:
        return predicted_s(self._plan) * len(self._todo) / self.record.trials_planned

    def _cluster_for(
        self, trial: Trial, watchdog: Watchdog, stack: ExitStack
    ) -> PopulatedCluster[Plane]:
        """Return a cluster with as many pods as the trial wants, a new one if need be."""
        scenario = self._plan.scenario(trial.scenario)
        pods = scenario.pods
        # versions are what is compared then: none is to be read on a cluster that has aged more
        at = (pods, scenario.kubernetes, trial.round if self._plan.compares_versions else 0)
        if self._cluster is None or self._at != at or scenario.fresh_control_plane:
            stack.close()
            site = self._sites.of(scenario)
            self._progress.move(site.beginning, 0.0)
            self._cluster = stack.enter_context(
                PopulatedCluster(
                    site.start,
                    watchdog,
                    seed=self._plan.seed,
                    pods=pods,
                    progress=self._populating,
                )
            )
            self._at = at
            self._observers = stack.enter_context(Observers.start(self._cluster.plane, watchdog))
            self._progress.settle()
            if (pods, scenario.kubernetes) not in self._compared:
                self._compare(self._cluster, scenario.kubernetes, watchdog)
        return self._cluster

    def _populating(self, done: int, wanted: int) -> None:
        self._progress.move("writing pods", done / wanted, f"{done:,} of {wanted:,}")

    def _compare(
        self, cluster: PopulatedCluster[Plane], version: str | None, watchdog: Watchdog
    ) -> None:
        self._progress.move("comparing the servers' answers, churn stopped", 0.0)
        record = equality_phase(
            cluster,
            [self._kinds[name] for name in self._plan.servers if name != NO_SERVER],
            [
                one
                for one in self._plan.scenarios
                if (one.pods, one.kubernetes) == (cluster.pods, version)
            ],
            watchdog=watchdog,
        )
        self._compared[cluster.pods, version] = record
        before = [self._compared_before] if self._compared_before else []
        compared = [*before, *self._compared.values()]
        answers = dict.fromkeys(answer for each in compared for answer in each.answers)
        self._writer.write_equality(replace(record, answers=tuple(answers)))
        self._progress.settle()
        if record.equal:
            where = f"{cluster.pods:,} pods" + (f", Kubernetes {version}" if version else "")
            self._progress.say(
                f"{where}: {len(record.answers)} queries answered alike by "
                f"{', '.join(record.servers)}"
            )
        for server in record.without_version:
            self._progress.say(f"{server} names no X-Resource-Version: asked until alike, no more")
        for answer in record.answers:
            if not answer.equal:
                found = "\n  ".join(answer.differences)
                self._progress.say(f"ANSWERS DIFFER for {answer.path}:\n  {found}")

    def _measure(self, trial: Trial, cluster: PopulatedCluster[Plane], watchdog: Watchdog) -> None:
        title = (
            f"[{trial.order + 1}/{self.record.trials_planned}] {trial.scenario}, {trial.server}, "
            f"round {trial.round}"
        )
        with tempfile.TemporaryDirectory(dir=cluster.plane.folder) as folder:
            measurements = TrialRunner(
                self._plan,
                trial,
                cluster=cluster,
                observers=self._observers,
                kind=self._kind_of(trial),
                watchdog=watchdog,
                folder=Path(folder),
                attempt=self._attempts.get(trial, 1),
                crew=self.crew,
                notify=lambda what, share, detail: self._progress.move(
                    f"{title}: {what}", share, detail
                ),
            ).run()
            scenario = self._plan.scenario(trial.scenario)
            self._writer.write_trial(
                replace(measurements.record, kubernetes=self._sites.version_of(scenario)),
                requests=measurements.requests,
                audit=measurements.audit,
                scrapes=measurements.scrapes,
                samples=measurements.samples,
                freshness=measurements.freshness,
                bystander=measurements.bystander,
            )
        self.has_trials = True
        self._differed |= measurements.record.equal_to_list is False
        self._progress.settle()
        self._progress.say(f"{title}: {_outcome(measurements.record)}")
        for caveat in measurements.record.caveats:
            self._progress.say(f"    {caveat.kind}: {caveat.text}")

    def _kind_of(self, trial: Trial) -> ServerKind | None:
        name = self._plan.server_of(trial.server)
        return None if name == NO_SERVER else self._kinds[name]

    def _end(self, state: RunState, reason: str | None) -> None:
        ended = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        told = None if reason is None else discreet(reason, private=self._sites.private_words)
        self.record = replace(self.record, state=state, ended_at=ended, reason=told)
        self._writer.update(self.record)


def _kinds(plan: Plan) -> dict[str, ServerKind]:
    """Return every server that the plan may name."""
    return {**server_kinds(), **{one.name: ServerKind.of(one) for one in plan.external}}


def _unlike_answers(plan: Plan, kinds: Mapping[str, ServerKind]) -> Iterator[Caveat]:
    """Tell of servers whose answers are not those of the others, by their contract."""
    for name in plan.servers:
        if name in kinds and kinds[name].contract == METADATA:
            text = (
                f"{name} answers with the pods' metadata alone: it reads, sends and keeps less "
                "than the others do, and its answers are compared with a LIST's metadata only"
            )
            yield Caveat(CaveatKind.OTHER_CONTRACT, text, server=name)


def _extended(record: RunRecord, rounds: int | None) -> Plan:
    """Return the run's plan with ``rounds`` rounds; raise ``ResumeError`` if it has more."""
    plan = record.plan
    if rounds is None:
        return plan
    if rounds < plan.rounds:
        raise ResumeError(
            f"{record.run} has {plan.rounds} rounds already: they cannot become {rounds}"
        )
    return replace(plan, rounds=rounds)


def _gone_on(record: RunRecord, plan: Plan, resumption: Resumption) -> RunRecord:
    """Return the record of a run that goes on, with the caveat of a forced one."""
    caveats = record.caveats
    if resumption.unlike:
        text = f"trials were made in unlike environments: {'; '.join(resumption.unlike)}"
        caveats = (*caveats, Caveat(CaveatKind.UNLIKE_ENVIRONMENT, text))
    return replace(
        record,
        schema=SCHEMA,
        plan=plan,
        state=RunState.RUNNING,
        ended_at=None,
        reason=None,
        trials_planned=len(trials(plan)),
        resumptions=(*record.resumptions, resumption),
        caveats=caveats,
    )


def _same(workers: LoadWorkers, crew: Crew | None) -> Crew | None:
    """Return a crew like the one that made the run's load; raise ``ResumeError`` without one."""
    if crew is None and workers.elsewhere:
        raise ResumeError(
            f"{workers.elsewhere} load workers of this run come from elsewhere, and where they "
            "find it is not recorded: python -m bench run --resume RUN --load-bind ADDRESS[:PORT]"
        )
    if crew is None:
        return Crew(workers) if workers.total else None
    if crew.workers != workers:
        raise ResumeError(
            f"the run's load was made by {workers}; it cannot go on with {crew.workers}"
        )
    return crew


def _told(crew: Crew | None) -> str:
    """Return the line about who makes the load, "" if one process does."""
    if crew is None:
        return ""
    here, elsewhere = crew.workers.here, crew.workers.elsewhere
    line = f"  load       Locust workers: {here} here, {elsewhere} from elsewhere"
    if elsewhere:
        line += f"; each of these is started with:\n             {crew.command}"
    return f"{line}\n"


@contextmanager
def _explaining(cluster: PopulatedCluster[Plane]) -> Iterator[None]:
    """Raise that a process of the cluster has ended in place of what came of it."""
    try:
        yield
    except FATAL:
        cluster.check()
        raise


def _outcome(record: TrialRecord) -> str:
    if record.outcome is Outcome.FAILED:
        return "FAILED"
    if record.achieved_rps is None:
        return "floor measured"
    return f"{record.answered:,} answers, {record.achieved_rps:,.1f}/s"
