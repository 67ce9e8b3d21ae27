"""Cluster pool: keep a cluster while it fits the next trial; compare the servers' answers on it."""

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

    ``compared_before`` is the comparison of the servers' answers by an earlier part of the run.
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
        self._cluster_key: tuple[object, ...] | None = None
        self._cluster: PopulatedCluster[Plane] | None = None
        self.observers: Observers
        """The observers of the latest cluster."""

    def stop(self) -> None:
        """Stop the current cluster."""
        self._stack.close()

    @property
    def unequal(self) -> bool:
        """Whether the servers' answers differed, now or in an earlier part of the run."""
        return not all(record.equal for record in self._all_compared())

    def _all_compared(self) -> list[EqualityRecord]:
        before = [self._compared_before] if self._compared_before else []
        return [*before, *self._compared.values()]

    def cluster_for(self, trial: Trial, watchdog: Watchdog) -> PopulatedCluster[Plane]:
        """Return a cluster that fits ``trial``: the current one, or a new one.

        Compares the servers' answers on the first cluster of each number of pods and version.
        Raises what starting, populating and comparing raise.
        """
        scenario = self._plan.scenario(trial.scenario)
        # versions are compared then, so none may be measured on a cluster that is older
        round_ = trial.round if self._plan.compares_versions else 0
        key = (scenario.pods, scenario.kubernetes, scenario.apiserver_args, round_)
        if self._cluster is None or self._cluster_key != key or scenario.fresh_control_plane:
            self._stack.close()
            self._cluster = self._start(scenario, watchdog)
            self._cluster_key = key
            if not self._tried:
                self._try_clients(self._cluster, watchdog)
            comparison = (scenario.pods, scenario.kubernetes)
            if scenario.has_load and comparison not in self._compared:
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
        """Start each client once, so that one that cannot be measured ends the run at once."""
        self._tried = True
        for kind in self._kinds_of_plan:
            if kind.client is not None:
                self._progress.move(f"trying {kind.name}", 0.0)
                with explained_by(cluster):
                    summary = try_client(cluster.plane, kind, kind.client, watchdog)
                self._progress.settle()
                self._progress.say(f"{kind.name}: {summary}")

    def _compare(
        self, cluster: PopulatedCluster[Plane], version: str | None, watchdog: Watchdog
    ) -> None:
        self._progress.move("comparing the servers' answers, churn stopped", 0.0)
        with explained_by(cluster):
            record = equivalence_phase(
                cluster,
                [kind for kind in self._kinds_of_plan if kind.client is None],
                [
                    scenario
                    for scenario in self._plan.scenarios
                    if (scenario.pods, scenario.kubernetes) == (cluster.pods, version)
                ],
                watchdog=watchdog,
            )
        self._compared[cluster.pods, version] = record
        compared = self._all_compared()
        answers = dict.fromkeys(answer for phase in compared for answer in phase.answers)
        self._writer.write_equality(replace(record, answers=tuple(answers)))
        self._progress.settle()
        label = f"{cluster.pods:,} pods" + (f", Kubernetes {version}" if version else "")
        self._report(record, label)

    def _report(self, record: EqualityRecord, label: str) -> None:
        say = self._progress.say
        if record.equal:
            say(
                f"{label}: {plural(len(record.answers), 'query', 'queries')} answered alike by "
                f"{', '.join(record.servers)}"
            )
        for server in record.without_version:
            say(f"{server} names no X-Resource-Version: asked until its answer was alike")
        for answer in record.answers:
            if not answer.equal:
                differences = "\n  ".join(answer.differences)
                say(f"ANSWERS DIFFER for {answer.path}:\n  {differences}")
