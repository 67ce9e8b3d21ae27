"""A run's record: its state, its environment, and whether the servers answered alike."""

from dataclasses import dataclass, field
from enum import StrEnum

from bench.model.caveat import Caveat
from bench.model.plan import Plan


@dataclass(frozen=True, slots=True)
class Answer:
    """One query of the equality phase: what was asked and how the servers' answers differed."""

    path: str
    equal: bool
    attempts: int
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EqualityRecord:
    """``equality.json``: whether the routes were identical, query by query, with churn stopped."""

    schema: int
    servers: tuple[str, ...]
    resource_version: str
    answers: tuple[Answer, ...] = field(default_factory=tuple)
    without_version: tuple[str, ...] = ()
    """Servers whose answers name no ``X-Resource-Version``: asked until they answered alike."""

    @property
    def equal(self) -> bool:
        """Whether every query was answered alike by every server."""
        return all(answer.equal for answer in self.answers)


SCHEMA = 4
"""Version of everything under ``results/``; a reader refuses a newer one."""


class RunState(StrEnum):
    """How far a run got."""

    RUNNING = "running"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the run was made on, and with. Holds no host name, address, path or secret."""

    kubernetes: str
    etcd: str
    python: str
    packages: dict[str, str]
    kernel: str
    machine: str
    processor: str
    processors: int
    memory_bytes: int
    load_average_1m: float
    commit: str
    binaries: str
    changed_defaults: tuple[str, ...]
    existing: bool = False
    """Whether the cluster was there before and is used by others too."""
    cluster: str = ""
    """Of an existing one: tells whether two runs were on the same, and nothing else of it."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """One resumption of a run: when, up to which round, and what was made then."""

    at: str
    rounds: int
    trials: int
    """How many were lacking and therefore made."""
    failed: tuple[str, ...] = ()
    """Folders of those among them that had failed before; now under ``set-aside``."""
    unlike: tuple[str, ...] = ()
    """What of the environment was no longer as at the start; with ``--force`` only."""
    load_average_1m: float | None = None


@dataclass(frozen=True, slots=True)
class LoadWorkers:
    """How many of Locust's workers make a run's load; with none, one process makes it alone."""

    here: int = 0
    elsewhere: int = 0
    """Those that were started by hand, on this machine or another."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.here + self.elsewhere

    def __str__(self) -> str:
        if not self.total:
            return "one process"
        parts = [(self.here, "here"), (self.elsewhere, "from elsewhere")]
        told = ", ".join(f"{count} {where}" for count, where in parts if count)
        return f"{self.total} Locust worker{'s' if self.total > 1 else ''} ({told})"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """``run.json``: the head of a results folder."""

    schema: int
    run: str
    state: RunState
    started_at: str
    plan: Plan
    environment: Environment
    trials_planned: int
    ended_at: str | None = None
    reason: str | None = None
    resumptions: tuple[Resumption, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    contracts: dict[str, str] = field(default_factory=dict)
    """How far each server's answers are to be those of the others: bytes, content (the same
    without nulls) or metadata (not compared). Empty in records of before it was kept."""
    load_workers: LoadWorkers = LoadWorkers()
    out_of_time: bool = False
    """Whether the plan's minutes were over before all rounds that it would have had."""
