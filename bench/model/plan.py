"""What to measure: scenarios, the plan they belong to, its trials, and the targets."""

from dataclasses import dataclass
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


class Arrivals(StrEnum):
    """How the starts of an open model are spaced."""

    CONSTANT = "constant"
    POISSON = "poisson"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is asked, how hard, and of what cluster.

    ``route`` names a file in ``bench/load/routes``. ``rate_rps`` is the offered
    rate of an open model; ``None`` is the closed model, in which each of
    ``users`` asks again as soon as it was answered. In the open model ``users``
    bounds the requests outstanding at once.
    """

    name: str
    route: str
    users: int
    pods: int
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
    fault: str | None = None
    """How the API server fails during the window: a file in ``bench/faults``. Such a scenario
    shows who goes on answering; what it costs is never compared."""
    fault_at_s: float | None = None
    """When in the window the fault begins."""
    fault_s: float = 5.0
    """How long it is kept up: frozen, refusing, or away before it is started again."""
    kubernetes: str | None = None
    """Version of the control plane, as 1.34 or 1.34.4; ``None`` is the default one."""

    @property
    def is_open(self) -> bool:
        """Whether arrivals keep their rate whatever the server does."""
        return self.rate_rps is not None


@dataclass(frozen=True, slots=True)
class External:
    """A server that is not of this project, but keeps the ``/pods`` routes: how it is started.

    ``command`` is a line for ``/bin/sh``, recorded as it is written.
    """

    name: str
    command: str
    ready_timeout_s: float = 120.0


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
    cpus: Cpus = Cpus()
    precision: float | None = None
    """Half width that the intervals of the deciding ratios should have, relative: 0.07 is 7%.
    While one is wider, more rounds are bought; ``None`` buys none."""
    most_rounds: int | None = None
    """How many rounds there are at most, bought ones among them."""
    most_minutes: float | None = None
    """How long is measured at most: no round begins that would end later. ``None``: as long as
    the rounds take."""

    @property
    def compares_versions(self) -> bool:
        """Whether its scenarios are on more than one version of Kubernetes."""
        return len({scenario.kubernetes for scenario in self.scenarios}) > 1

    def arms(self, scenario: Scenario) -> tuple[str, ...]:
        """Return what is measured in each round of ``scenario``: the servers, and the control.

        With a fault there is no cost, so neither the floor nor a control would tell anything.
        """
        if scenario.fault is not None:
            return tuple(server for server in self.servers if server != NO_SERVER)
        if self.control is None or not scenario.control:
            return self.servers
        return (*self.servers, f"{self.control}{AGAIN}")

    def server_of(self, arm: str) -> str:
        """Return the name of the server that ``arm`` measures; it is ``arm`` save for a control."""
        return arm if arm in self.servers else arm.removesuffix(AGAIN)

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
    def folder(self) -> str:
        """Name of the trial's folder under ``results/<run>/trials``."""
        return f"{self.order:03d}-{self.scenario}-{self.server}-r{self.round}"
