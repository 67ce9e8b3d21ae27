"""Cluster pool: keep a cluster while it fits the next trial; compare the servers on it first."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from bench.cluster.plane import Plane
from bench.cluster.populated import PopulatedCluster, explained_by
from bench.model import NO_SERVER, EqualityRecord, Plan, Scenario, Trial
from bench.model.message import plural
from bench.probes.observation import Observers
from bench.sites.provider import Site
from bench.sites.versions import Sites
from bench.store import RunWriter
from bench.supervision.affinity import on_processors
from bench.supervision.progress import Progress
from bench.supervision.stoppable import Stoppable
from bench.supervision.watchdog import Watchdog
from bench.sut.equivalence import equivalence_phase
from bench.sut.registry import ServerKind
from bench.trial.client import readable, try_client


class ClusterPool(Stoppable):
    """Clusters of a run, one at a time; use as a context manager.

    ``compared_before`` is what an earlier part of the run found of the servers' answers.
    """

    def __init__(
        self,
        plan: Plan,
        sites: Sites,
        kinds: dict[str, ServerKind],
        *,
        writer: RunWriter,
        progress: Progress,
        compared_before: EqualityRecord | None,
    ) -> None:
        self._plan = plan
        self._sites = sites
        self._kinds = kinds
        self._writer = writer
        self._progress = progress
        self._compared_before = compared_before
        self._tried = False
        self._compared: dict[tuple[int, str | None], EqualityRecord] = {}
        self._stack = ExitStack()
        self._at: tuple[object, ...] | None = None
        self._cluster: PopulatedCluster[Plane] | None = None
        self.observers: Observers
        """Those of the cluster that was asked for last."""

    def stop(self) -> None:
        """Take away the cluster that is there."""
        self._stack.close()

    @property
    def unequal(self) -> bool:
        """Whether the servers were found to answer differently, now or in an earlier part."""
        return not all(record.equal for record in self._all_compared())

    def _all_compared(self) -> list[EqualityRecord]:
        before = [self._compared_before] if self._compared_before else []
        return [*before, *self._compared.values()]

    def cluster_for(self, trial: Trial, watchdog: Watchdog) -> PopulatedCluster[Plane]:
        """Return a cluster such as ``trial`` wants: the one that is there, or a new one.

        On the first with so many pods of a version the servers' answers are compared.
        Raises what starting, populating and comparing raise.
        """
        scenario = self._plan.scenario(trial.scenario)
        # versions are what is compared then: none is to be read on a cluster that has aged more
        round_ = trial.round if self._plan.compares_versions else 0
        at = (scenario.pods, scenario.kubernetes, scenario.apiserver_args, round_)
        if self._cluster is None or self._at != at or scenario.fresh_control_plane:
            self._stack.close()
            self._cluster = self._start(scenario, watchdog)
            self._at = at
            if not self._tried:
                self._try_clients(self._cluster, watchdog)
            asked = (scenario.pods, scenario.kubernetes)
            if scenario.has_load and asked not in self._compared:
                self._compare(self._cluster, scenario.kubernetes, watchdog)
        return self._cluster

    def _start(self, scenario: Scenario, watchdog: Watchdog) -> PopulatedCluster[Plane]:
        site = self._sites.of(scenario)
        self._progress.move(site.beginning, 0.0)
        with on_processors(self._plan.cpus.load):
            cluster = self._stack.enter_context(
                PopulatedCluster(
                    partial(self._start_plane, site),
                    watchdog,
                    seed=self._plan.seed,
                    pods=scenario.pods,
                    objects=self._plan.objects,
                    progress=self._progress.counting("writing pods"),
                )
            )
            with explained_by(cluster):
                self.observers = self._stack.enter_context(Observers.start(cluster.plane, watchdog))
                for kind in self._kinds_of_plan:
                    if kind.client is not None:
                        cluster.plane.admit(kind.account(readable(self._plan.objects)))
        self._progress.settle()
        return cluster

    def _start_plane(self, site: Site, watchdog: Watchdog) -> Plane:
        with on_processors(self._plan.cpus.control_plane):
            return site.start(watchdog)

    @property
    def _kinds_of_plan(self) -> list[ServerKind]:
        return [self._kinds[name] for name in self._plan.servers if name != NO_SERVER]

    def _try_clients(self, cluster: PopulatedCluster[Plane], watchdog: Watchdog) -> None:
        """Start each client once: one that cannot be measured ends the run before it begins."""
        self._tried = True
        for kind in self._kinds_of_plan:
            if kind.client is not None:
                self._progress.move(f"trying {kind.name}", 0.0)
                with explained_by(cluster):
                    said = try_client(cluster.plane, kind, kind.client, watchdog)
                self._progress.settle()
                self._progress.say(f"{kind.name}: {said}")

    def _compare(
        self, cluster: PopulatedCluster[Plane], version: str | None, watchdog: Watchdog
    ) -> None:
        self._progress.move("comparing the servers' answers, churn stopped", 0.0)
        with explained_by(cluster):
            record = equivalence_phase(
                cluster,
                [kind for kind in self._kinds_of_plan if kind.client is None],
                [
                    one
                    for one in self._plan.scenarios
                    if (one.pods, one.kubernetes) == (cluster.pods, version)
                ],
                watchdog=watchdog,
            )
        self._compared[cluster.pods, version] = record
        answers = dict.fromkeys(one for each in self._all_compared() for one in each.answers)
        self._writer.write_equality(replace(record, answers=tuple(answers)))
        self._progress.settle()
        where = f"{cluster.pods:,} pods" + (f", Kubernetes {version}" if version else "")
        self._tell(record, where)

    def _tell(self, record: EqualityRecord, where: str) -> None:
        say = self._progress.say
        if record.equal:
            say(
                f"{where}: {plural(len(record.answers), 'query', 'queries')} answered alike by "
                f"{', '.join(record.servers)}"
            )
        for server in record.without_version:
            say(f"{server} names no X-Resource-Version: asked until alike, no more")
        for answer in record.answers:
            if not answer.equal:
                found = "\n  ".join(answer.differences)
                say(f"ANSWERS DIFFER for {answer.path}:\n  {found}")
