"""A run's record: its state, its environment, and whether the servers answered alike."""

from dataclasses import dataclass, field
from enum import StrEnum

from bench.model.caveat import Caveat
from bench.model.plan import Plan


@dataclass(frozen=True, slots=True)
class Answer:
    """One query of the equality phase, and the differences between the servers' answers."""

    path: str
    equal: bool
    attempts: int
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EqualityRecord:
    """``equality.json``: whether the routes were identical, query by query, without churn."""

    schema: int
    servers: tuple[str, ...]
    resource_version: str
    answers: tuple[Answer, ...] = field(default_factory=tuple)
    without_version: tuple[str, ...] = ()
    """Servers without an ``X-Resource-Version``: queries were repeated until answers were alike."""

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
    """Machine, cluster and software of the run. Holds no host name, address, path or secret."""

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
    """Whether the cluster existed before and is used by others too."""
    cluster: str = ""
    """Identifier of an existing cluster: equal for runs on the same one, reveals nothing else."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """One resumption of a run: its time, its rounds, and the trials it made."""

    at: str
    rounds: int
    trials: int
    """Number of missing trials, which it made."""
    failed: tuple[str, ...] = ()
    """Folders of those that had failed before; now under ``set-aside``."""
    unlike: tuple[str, ...] = ()
    """Changes of the environment since the start; with ``--force`` only."""
    load_average_1m: float | None = None


@dataclass(frozen=True, slots=True)
class LoadWorkers:
    """Number of Locust workers that make a run's load; 0: one process without workers."""

    here: int = 0
    elsewhere: int = 0
    """Workers that were started by hand, on this machine or another."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.here + self.elsewhere

    def __str__(self) -> str:
        if not self.total:
            return "one process"
        parts = [(self.here, "here"), (self.elsewhere, "from elsewhere")]
        places = ", ".join(f"{count} {where}" for count, where in parts if count)
        return f"{self.total} Locust worker{'s' if self.total > 1 else ''} ({places})"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """``run.json``: the record of a results folder."""

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
    """How closely each server's answers must equal the others': bytes, content (the same without
    nulls) or metadata (not compared). Empty in records older than this field."""
    load_workers: LoadWorkers = LoadWorkers()
    out_of_time: bool = False
    """Whether the plan's minutes were over before all its rounds were made."""
