"""What to measure: scenarios, the plan they belong to, its trials, and the targets."""

from dataclasses import dataclass, field
from enum import StrEnum

PROBE_NAME = "freshness-probe"
"""Name of the pod that the freshness probe writes, and reads from the servers."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What a route may ask for: things of the population that stay, whatever churn does."""

    namespaces: tuple[str, ...]
    pods: tuple[tuple[str, str], ...]
    """``(namespace, name)`` of pods that are never deleted."""
    label_selectors: tuple[str, ...]


NO_SERVER = "none"
"""The arm without a server and without load, the floor that costs are measured from."""

AGAIN = "-again"
"""Ends the name of the arm that is a server's second measurement: same against same."""

BASE = "@base"
"""Ends the name of the arm that is the same server of another checkout."""


class Arrivals(StrEnum):
    """How the starts of an open model are spaced."""

    CONSTANT = "constant"
    POISSON = "poisson"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is asked, how hard, and of what cluster.

    ``route`` names a file in ``bench/load/routes``; without one there is no load, and arms are
    billed for what they do by themselves. ``rate_rps`` is the offered
    rate of an open model; ``None`` is the closed model, in which each of
    ``users`` asks again as soon as it was answered. In the open model ``users``
    bounds the requests outstanding at once.
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
    """Whether each trial has a control plane of its own, just started. Only then is the most
    memory that API server and etcd ever held this arm's doing: it does not shrink afterwards."""
    replicas: int = 1
    """Processes of the server under test, each with a port of its own; the load is that of all."""
    workers: int = 1
    """Worker processes behind each replica's port, each with a read path of its own. Which of
    them takes a connection is the kernel's choice, and need not be even."""
    capacity_share: float | None = None
    """In place of ``rate_rps``: of the reads per second that each server answered in the closed
    scenario of the same route, pods and churn, in this round or else before. Arms are then not
    asked alike, and never compared: each has its latency over its own rates."""
    server_cpus: int | None = None
    """Processors that the server has to itself, while all else shares the others; ``None``: as the
    plan pins."""
    fault: str | None = None
    """How the API server fails during the window: a file in ``bench/faults``. Such a scenario
    shows who goes on answering; what it costs is never compared."""
    fault_at_s: float | None = None
    """When in the window the fault begins."""
    fault_s: float = 5.0
    """How long it is kept up: frozen, refusing, or away before it is started again."""
    kubernetes: str | None = None
    """Version of the control plane, as 1.34 or 1.34.4; ``None`` is the default one."""
    apiserver_args: tuple[str, ...] = ()
    """Further flags of kube-apiserver: what a feature gate costs is told by two scenarios."""

    def asks_as(self, other: "Scenario") -> bool:
        """Whether the same is asked of the same cluster, however hard."""
        return (self.route, self.pods, self.churn_per_s, self.kubernetes) == (
            *(other.route, other.pods),
            *(other.churn_per_s, other.kubernetes),
        )

    @property
    def has_load(self) -> bool:
        """Whether servers are asked anything."""
        return self.route != ""

    @property
    def is_open(self) -> bool:
        """Whether arrivals keep their rate whatever a server does, be it never."""
        return self.rate_rps is not None or self.capacity_share is not None or not self.has_load


@dataclass(frozen=True, slots=True)
class External:
    """A server that is not of this project, but keeps the ``/pods`` routes: how it is started.

    ``command`` is a line for ``/bin/sh``, recorded as it is written.
    """

    name: str
    command: str
    ready_timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Base:
    """Another checkout, whose servers are measured beside this one's, and what it holds."""

    folder: str
    """As it was named; a relative one starts where the run does."""
    python: str = ""
    """Interpreter of its servers, as it was named; empty: that of its ``.venv``."""
    commit: str = ""
    python_version: str = ""
    """Empty, as ``packages``, where it starts commands alone."""
    packages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the Kubernetes API, in any language: a process with an identity, and no more.

    ``command`` is a line for ``/bin/sh``, recorded as it is written. It is ready when it is
    quiet: when it has asked, and then sent no request for ``quiet_s``, renewals of leases apart.
    Where one of them is given it is ready when ``ready_url`` answers 200, or when it has written
    a line that holds ``ready_line``.
    """

    name: str
    command: str
    rules: tuple[dict[str, tuple[str, ...]], ...] = ()
    """What its account may do, bound cluster-wide: the rules of a ClusterRole. Without any it
    may read what the cluster is populated with."""
    quiet_s: float = 3.0
    ready_url: str | None = None
    ready_line: str | None = None
    ready_timeout_s: float = 20.0
    """Longest wait until it is ready. One that only does not get quiet is measured all the same,
    and its start is not billed."""


OBJECT_PATHS = {
    "configmaps": "/api/v1",
    "secrets": "/api/v1",
    "deployments.apps": "/apis/apps/v1",
    "leases.coordination.k8s.io": "/apis/coordination.k8s.io/v1",
}
"""Kinds that a cluster can be populated with beside pods, and where the API has them."""


@dataclass(frozen=True, slots=True)
class Objects:
    """So many objects of one kind that the cluster holds besides; churn changes them as pods."""

    resource: str
    """With its group: one of ``OBJECT_PATHS``, or what ``definition`` defines."""
    count: int
    size_bytes: int = 1000
    """About what its payload has."""
    definition: str = ""
    """YAML of a CustomResourceDefinition, and of an object of its kind where one is needed."""


@dataclass(frozen=True, slots=True)
class Cpus:
    """The processors of each part of a trial, by number; none: not pinned.

    What writes and observes beside the load runs where the load generator does.
    """

    auto: bool = False
    """Whether they were chosen from those that there were."""
    control_plane: tuple[int, ...] = ()
    server: tuple[int, ...] = ()
    load: tuple[int, ...] = ()

    def __str__(self) -> str:
        parts = {"control plane": self.control_plane, "server": self.server, "load": self.load}
        told = (f"{name} {', '.join(map(str, own))}" for name, own in parts.items() if own)
        return "; ".join(told) or "shared by all"


@dataclass(frozen=True, slots=True)
class Plan:
    """A run to be made: every scenario, with every server, in every round.

    ``control`` names one of the servers: it is measured a second time in every
    round, under the arm name ``<server>-again``. The two arms are of one kind and
    identity, so that whatever is found between them is what this instrument
    finds where there is nothing.
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
    """How long a trial waits, at most, for a machine that is calm."""
    external: tuple[External, ...] = ()
    """Those of the ``servers`` that are started by a command of their own."""
    clients: tuple[Client, ...] = ()
    """Those of the ``servers`` that serve nothing."""
    objects: tuple[Objects, ...] = ()
    """What every cluster of the run holds beside pods; writes are spread over all by number."""
    cpus: Cpus = Cpus()
    base: Base | None = None
    """Where the arms that end in ``@base`` are from; ``None``: there are none."""
    precision: float | None = None
    """Half width that the intervals of the deciding ratios should have, relative: 0.07 is 7%.
    While one is wider, more rounds are bought; ``None`` buys none."""
    most_rounds: int | None = None
    """How many rounds there are at most, bought ones among them."""
    most_minutes: float | None = None
    """How long is measured at most: no round begins that would end later. ``None``: as long as
    the rounds take."""
    left_out: tuple[str, ...] = ()
    """Scenarios of the file whose server wants more processors than this machine can leave it."""

    @property
    def compares_versions(self) -> bool:
        """Whether its scenarios are on more than one version of Kubernetes, or set of flags."""
        return len({(one.kubernetes, one.apiserver_args) for one in self.scenarios}) > 1

    def arms(self, scenario: Scenario) -> tuple[str, ...]:
        """Return what is measured in each round of ``scenario``: the servers, and the control.

        With a fault under load, or rates that differ, no cost is compared, so neither the floor
        nor a control would tell anything.
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
        """Whether any of its scenarios has."""
        return any(scenario.has_load for scenario in self.scenarios)

    def client_of(self, arm: str) -> Client | None:
        """Return the client that ``arm`` measures; ``None`` if it is a server, or the floor."""
        name = self.server_of(arm).removesuffix(BASE)
        return next((one for one in self.clients if one.name == name), None)

    def server_of(self, arm: str) -> str:
        """Return the name of the server that ``arm`` measures; it is ``arm`` save for a control."""
        return arm if arm in self.servers else arm.removesuffix(AGAIN)

    def closed_like(self, scenario: Scenario) -> Scenario | None:
        """Return the closed scenario before ``scenario`` that shows its servers' capacity."""
        for one in self.scenarios:
            if one is scenario:
                return None
            if not one.is_open and one.asks_as(scenario):
                return one
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
