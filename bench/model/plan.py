"""What to measure: scenarios, the plan they belong to, its trials, and the targets."""

from dataclasses import dataclass, field
from enum import StrEnum

PROBE_NAME = "freshness-probe"
"""Name of the pod that the freshness probe writes, and reads from the servers."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What a route may read: namespaces, pods and labels that churn never removes."""

    namespaces: tuple[str, ...]
    pods: tuple[tuple[str, str], ...]
    """``(namespace, name)`` of pods that are never deleted."""
    label_selectors: tuple[str, ...]


NO_SERVER = "none"
"""The arm without a server and without load, the floor that costs are measured from."""

AGAIN = "-again"
"""Suffix of the arm that is a server's second measurement: same against same."""

BASE = "@base"
"""Suffix of the arm that is the same server of another checkout."""


class Arrivals(StrEnum):
    """How the starts of an open model are spaced."""

    CONSTANT = "constant"
    POISSON = "poisson"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load, its intensity, and the cluster it runs on.

    ``route`` names a file in ``bench/load/routes``; without one there is no load, and arms are
    billed for the requests they send by themselves. ``rate_rps`` is the offered rate of an open
    model; ``None`` is the closed model, in which each of ``users`` sends its next request as soon
    as it has an answer. In the open model ``users`` bounds the requests outstanding at once.
    """

    name: str
    pods: int
    route: str = ""
    users: int = 0
    rate_rps: float | None = None
    churn_per_s: float = 0.0
    arrivals: Arrivals = Arrivals.CONSTANT
    """Of the open model; Poisson arrivals are drawn from the plan's seed."""
    probe: bool = True
    """Whether the freshness probe and the bystander run beside the load."""
    control: bool = True
    """Whether the plan's same-against-same control is measured in this scenario."""
    fresh_control_plane: bool = False
    """Whether each trial has its own, freshly started control plane. Only then is the peak memory
    of API server and etcd caused by this arm: memory does not shrink afterwards."""
    replicas: int = 1
    """Processes of the server under test, each with its own port; the load is the sum over all."""
    workers: int = 1
    """Worker processes behind each replica's port, each with its own read path. The kernel
    distributes connections among them, perhaps unevenly."""
    capacity_share: float | None = None
    """In place of ``rate_rps``: share of the reads per second that each server answered in the
    closed scenario of the same route, pods and churn, in this round or else before. Arms then have
    different loads and are never compared: each has its latency over its own rates."""
    server_cpus: int | None = None
    """Processors reserved for the server; all else shares the others. ``None``: the plan's pins."""
    fault: str | None = None
    """How the API server fails during the window: a file in ``bench/faults``. Such a scenario
    shows which servers keep answering; its costs are never compared."""
    fault_at_s: float | None = None
    """When in the window the fault begins."""
    fault_s: float = 5.0
    """How long the API server is frozen, refusing, or down before its restart."""
    kubernetes: str | None = None
    """Version of the control plane, as 1.34 or 1.34.4; ``None`` is the default one."""
    apiserver_args: tuple[str, ...] = ()
    """Further flags of kube-apiserver: two scenarios show the cost of a feature gate."""

    @property
    def api_server(self) -> tuple[str | None, tuple[str, ...]]:
        """Version and further flags of the API server."""
        return self.kubernetes, self.apiserver_args

    def asks_as(self, other: "Scenario") -> bool:
        """Whether both send the same queries to the same cluster, at any rate."""
        return (self.route, self.pods, self.churn_per_s, self.api_server) == (
            *(other.route, other.pods),
            *(other.churn_per_s, other.api_server),
        )

    @property
    def has_load(self) -> bool:
        """Whether servers have any load."""
        return self.route != ""

    @property
    def is_open(self) -> bool:
        """Whether arrivals keep their rate whatever a server does; also true without load."""
        return self.rate_rps is not None or self.capacity_share is not None or not self.has_load


@dataclass(frozen=True, slots=True)
class External:
    """An external server of the ``/pods`` routes; ``command``: a ``/bin/sh`` line, as written."""

    name: str
    command: str
    ready_timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Base:
    """Another checkout, whose servers are measured beside this one's, and its versions."""

    folder: str
    """As given; a relative path starts at the run's working directory."""
    python: str = ""
    """Interpreter of its servers, as given; empty: that of its ``.venv``."""
    commit: str = ""
    python_version: str = ""
    """Empty, as ``packages``, if it only starts commands."""
    packages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the Kubernetes API, in any language: a process with an identity.

    ``command`` is a line for ``/bin/sh``, recorded as written. The client is ready when it is
    quiet: after a request, it sends none for ``quiet_s``, renewals of leases apart. If given, a 200
    of ``ready_url``, or an output line with ``ready_line`` in it, makes it ready instead.
    """

    name: str
    command: str
    rules: tuple[dict[str, tuple[str, ...]], ...] = ()
    """Permissions of its account, bound cluster-wide: the rules of a ClusterRole. Without any it
    may read the objects that the cluster is populated with."""
    quiet_s: float = 3.0
    ready_url: str | None = None
    ready_line: str | None = None
    ready_timeout_s: float = 20.0
    """Longest wait until it is ready. A client that never gets quiet is measured, not billed."""


OBJECT_PATHS = {
    "configmaps": "/api/v1",
    "secrets": "/api/v1",
    "deployments.apps": "/apis/apps/v1",
    "leases.coordination.k8s.io": "/apis/coordination.k8s.io/v1",
}
"""Kinds that a cluster can be populated with beside pods, and their API paths."""


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of one kind that the cluster holds beside pods; churn changes them as pods."""

    resource: str
    """With its group: one of ``OBJECT_PATHS``, or the kind that ``definition`` defines."""
    count: int
    size_bytes: int = 1000
    """Approximate size of its payload."""
    definition: str = ""
    """YAML of a CustomResourceDefinition, and of an object of its kind where one is needed."""

    def __str__(self) -> str:
        return f"{self.count} {self.resource} of {self.size_bytes} B"


@dataclass(frozen=True, slots=True)
class Cpus:
    """The processors of each part of a trial, by number; none: not pinned.

    Churn writer and observers run on the load generator's processors.
    """

    auto: bool = False
    """Whether they were chosen from the available ones."""
    control_plane: tuple[int, ...] = ()
    server: tuple[int, ...] = ()
    load: tuple[int, ...] = ()

    def __str__(self) -> str:
        parts = {"control plane": self.control_plane, "server": self.server, "load": self.load}
        assigned = (f"{name} {', '.join(map(str, cpus))}" for name, cpus in parts.items() if cpus)
        return "; ".join(assigned) or "shared by all"


@dataclass(frozen=True, slots=True)
class Plan:
    """A run to be made: every scenario, with every server, in every round.

    ``control`` names one of the servers: it is measured a second time in every round, under the
    arm name ``<server>-again``. The two arms are of one kind and identity, so any difference
    between them is measurement error.
    """

    name: str
    description: str
    seed: int
    servers: tuple[str, ...]
    rounds: int
    warmup_s: float
    duration_s: float
    scenarios: tuple[Scenario, ...]
    control: str | None = None
    cooldown_s: float = 5.0
    """Longest wait of a trial for an idle machine."""
    external: tuple[External, ...] = ()
    """Those of the ``servers`` that are started by their own command."""
    clients: tuple[Client, ...] = ()
    """Those of the ``servers`` that serve nothing."""
    objects: tuple[Objects, ...] = ()
    """Objects of every cluster of the run beside pods; writes are spread over all by number."""
    cpus: Cpus = Cpus()
    base: Base | None = None
    """Checkout of the arms that end in ``@base``; ``None``: there are none."""
    precision: float | None = None
    """Requested half width of the intervals of the deciding ratios, relative: 0.07 is 7%.
    While one is wider, more rounds are bought; ``None`` buys none."""
    most_rounds: int | None = None
    """Largest number of rounds, including bought ones."""
    most_minutes: float | None = None
    """Longest duration: no round begins that would end later. ``None``: no limit."""
    left_out: tuple[str, ...] = ()
    """Scenarios of the file whose server needs more processors than this machine can spare."""

    @property
    def compares_versions(self) -> bool:
        """Whether its scenarios use more than one version of Kubernetes, or set of flags."""
        return len({scenario.api_server for scenario in self.scenarios}) > 1

    def arms(self, scenario: Scenario) -> tuple[str, ...]:
        """Return the arms of each round of ``scenario``: the servers, and the control.

        A fault under load, or rates that differ, leave out floor and control: no cost is compared.
        """
        fails = scenario.fault is not None and scenario.has_load
        if fails or scenario.capacity_share is not None:
            return tuple(server for server in self.servers if server != NO_SERVER)
        if self.control is None or not scenario.control:
            return self.servers
        return (*self.servers, f"{self.control}{AGAIN}")

    @property
    def commanded(self) -> tuple[External | Client, ...]:
        """The servers and clients that have a command."""
        return (*self.external, *self.clients)

    @property
    def has_load(self) -> bool:
        """Whether any of its scenarios has load."""
        return any(scenario.has_load for scenario in self.scenarios)

    def client_of(self, arm: str) -> Client | None:
        """Return the client that ``arm`` measures; ``None`` if it is a server, or the floor."""
        name = self.server_of(arm).removesuffix(BASE)
        return next((client for client in self.clients if client.name == name), None)

    def server_of(self, arm: str) -> str:
        """Return the name of the server that ``arm`` measures: ``arm`` without ``-again``."""
        return arm if arm in self.servers else arm.removesuffix(AGAIN)

    def closed_like(self, scenario: Scenario) -> Scenario | None:
        """Return the closed scenario before ``scenario`` that shows its servers' capacity."""
        for earlier in self.scenarios:
            if earlier is scenario:
                return None
            if not earlier.is_open and earlier.asks_as(scenario):
                return earlier
        return None

    def scenario(self, name: str) -> Scenario:
        """Return the scenario called ``name``; raise ``KeyError`` if there is none."""
        for scenario in self.scenarios:
            if scenario.name == name:
                return scenario
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Trial:
    """One arm under one scenario in one round (from 1); ``order`` counts from 0 in the run.

    ``server`` is the arm: a server of the plan, ``none``, or a control (``<server>-again``).
    """

    order: int
    scenario: str
    server: str
    round: int

    @property
    def place(self) -> tuple[str, str, int]:
        """Scenario, arm and round."""
        return self.scenario, self.server, self.round

    @property
    def folder(self) -> str:
        """Name of the trial's folder under ``results/<run>/trials``."""
        return f"{self.order:03d}-{self.scenario}-{self.server}-r{self.round}"
