"""The words of the project as frozen dataclasses, units in the names.

Plain data only: no effects, no third-party imports, nothing else of the
project. Reading and writing these is the store's duty; computing with them is
the analysis's.
"""

from dataclasses import dataclass, field
from enum import StrEnum

SCHEMA = 3
"""Version of everything under ``results/``; a reader refuses a newer one."""

NO_SERVER = "none"
"""The arm without a server and without load, the floor that costs are measured from."""

AGAIN = "-again"
"""Ends the name of the arm that is a server's second measurement: same against same."""

PROBE_NAME = "freshness-probe"
"""Name of the pod that the freshness probe writes, and reads from the servers."""


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
    precision: float | None = None
    """Half width that the intervals of the deciding ratios should have, relative: 0.07 is 7%.
    While one is wider, more rounds are bought; ``None`` buys none."""
    most_rounds: int | None = None
    """How many rounds there are at most, bought ones among them."""

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


class CaveatKind(StrEnum):
    """The closed set of reasons to read a figure with care."""

    FAILED_REQUESTS = "failed requests"
    DROPPED_ARRIVALS = "dropped arrivals"
    GENERATOR_SATURATED = "load generator saturated"
    RATE_NOT_REACHED = "offered rate not reached"
    CHURN_NOT_REACHED = "churn rate not reached"
    LEDGERS_DISAGREE = "ledgers disagree"
    LEDGER_MISSING = "a ledger is missing"
    NOT_DRAINED = "not drained at a mark"
    TOO_FEW_SAMPLES = "too few samples"
    TOO_FEW_ROUNDS = "too few rounds"
    TRIAL_FAILED = "trial failed"
    RUN_INCOMPLETE = "run incomplete"
    ANSWERS_DIFFER = "answers differ"
    ANSWERS_UNCHECKED = "answers not compared"
    OTHER_CONTRACT = "answers of another contract"
    VERSION_MISSING = "answers without a version"
    NOISY_MACHINE = "noisy machine"
    CONTROL_FIRED = "control fired"
    METRIC_MISSING = "metric missing"
    API_SERVER_RESTARTED = "API server restarted"
    STALE_ANSWERS = "stale answers"
    NOT_INTERLEAVED = "exploratory: not interleaved"
    OBSERVER_EFFECT = "observers' effect"
    CLOCK_STEPPED = "wall clock stepped"
    FAULT = "fault put in on purpose"
    UNLIKE_ENVIRONMENT = "unlike environments"
    EXISTING_CLUSTER = "somebody's cluster"
    CLOCKS_APART = "clocks of load workers"


@dataclass(frozen=True, slots=True)
class Caveat:
    """A warning that travels to the report: its kind, where it holds, and its figures."""

    kind: CaveatKind
    text: str
    scenario: str | None = None
    server: str | None = None
    round: int | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """What a route may ask for: things of the population that stay, whatever churn does."""

    namespaces: tuple[str, ...]
    pods: tuple[tuple[str, str], ...]
    """``(namespace, name)`` of pods that are never deleted."""
    label_selectors: tuple[str, ...]


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
    """A run was gone on with: when, up to which round, and what was made then."""

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
        return f"{self.here} workers here and {self.elsewhere} from elsewhere"


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


class Outcome(StrEnum):
    """How a trial ended."""

    OK = "ok"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A fault that was put in during the window; times in seconds from the window's begin."""

    kind: str
    what: str
    """What happened, in the past tense: ``the API server was frozen``."""
    begin_s: float
    """When it was in force."""
    end_s: float
    """When it was over: the API server had been let go on, answered, or refused no longer."""
    started_anew_s: float | None = None
    """When the API server's process was started again; ``None``: it had not ended."""
    note: str | None = None
    """What the fault found out about itself."""


@dataclass(frozen=True, slots=True)
class LoadWorker:
    """One of several workers in a measured window: its share of the load, and its clock.

    The clock is its monotonic one against that of Locust's master: the offset was found
    before the window and applied, so that all workers' windows begin at one moment. Each
    latency is measured on one clock alone.
    """

    name: str
    sent: int
    answered: int
    failed: int
    dropped: int
    cpu_share: float
    """CPU seconds a second; 1.0 is a whole processor, all that a worker can use."""
    schedule_lag_p99_ms: float | None
    clock_offset_us: int
    """Its clock minus the master's."""
    clock_uncertainty_us: int
    """The offset is true to so much either way: half the shortest round trip."""
    clock_drift_us: int
    """By how much the offset was found changed after the window."""


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """``trial.json``: what was measured once, flat; everything else is derived from the tables.

    Times of day are seconds since the epoch (wall clock, the audit log's);
    durations come from the monotonic clock. ``window_*`` is the measured window
    between the two drained marks; the latencies themselves are rows of
    ``requests.parquet``.
    """

    schema: int
    trial: Trial
    outcome: Outcome
    window_begin_epoch_s: float
    window_end_epoch_s: float
    window_s: float
    """From the begin mark to the end of arrivals: what rates are computed over."""
    marks_s: float
    """From the begin mark to the end mark, drain included: what costs are computed over."""
    request_timeout_s: float | None = None
    """After so long without an answer the load gives a request up; what censored ones count as."""
    begin_mark_epoch_s: float | None = None
    """When the API server was asked for its counters at the begin mark, just before the window."""
    requested_rps: float | None = None
    achieved_rps: float | None = None
    sent: int = 0
    answered: int = 0
    failed: int = 0
    dropped: int = 0
    schedule_lag_p99_ms: float | None = None
    generator_cpu_share: float | None = None
    """CPU seconds a second of the load generator's process, of its busiest worker if it has
    several; 1.0 is a whole processor."""
    load_workers: tuple[LoadWorker, ...] = ()
    """Those that made the load together; none: one process made it."""
    churn_requested_per_s: float = 0.0
    churn_achieved_per_s: float = 0.0
    pods_at_start: int = 0
    identity: str | None = None
    """The server's ServiceAccount: the audit log's user ends in ``:<identity>``. ``None`` with
    a server means the account is called as the server is."""
    replicas: int = 1
    """Processes that were the server; what is counted, used and held is the sum over them."""
    workers: int = 1
    """Worker processes of each replica."""
    ready_s: float | None = None
    """From the start of the server's process to its first 200 on ``/readyz``; of the slowest of
    several replicas, which are started together."""
    ready_first_s: float | None = None
    """The same of the quickest replica."""
    ready_requests: int | None = None
    """Requests that the server sent to the API server until it was ready."""
    ready_bytes: int | None = None
    """Bytes of bodies that the API server had sent it by then."""
    upstream_bytes: int | None = None
    """Bytes of bodies that the server received from the API server between the marks."""
    server_cpu_s: float | None = None
    server_pss_ready_bytes: int | None = None
    server_pss_end_bytes: int | None = None
    server_pss_peak_bytes: int | None = None
    apiserver_cpu_s: float | None = None
    etcd_cpu_s: float | None = None
    apiserver_rss_highest_bytes: int | None = None
    """The most that it held resident since its start, writing of the pods included; measured
    where the scenario has a fresh control plane for each trial."""
    etcd_rss_highest_bytes: int | None = None
    """The same of etcd."""
    equal_to_list: bool | None = None
    """Whether the server, asked after the window, gave what a LIST gave."""
    shared: bool = False
    """Whether others used the API server meanwhile: its own figures are of them all."""
    probe_rps: float | None = None
    """Reads a second that the freshness probe added to the load on the server."""
    cooldown_s: float | None = None
    """How long was waited before the trial until the machine was calm."""
    load_before: float | None = None
    """Share of the whole machine's CPU time in use just before the trial, 0 to 1."""
    kubernetes: str | None = None
    """Version of the API server that was read from; ``None``: that of the run's environment."""
    attempt: int | None = None
    """Which attempt at this trial it is, from 1: a failed trial is made again on resume."""
    failure: str | None = None
    caveats: tuple[Caveat, ...] = ()
    fault: FaultRecord | None = None
    """The fault of the scenario, as it went; ``None``: it has none, or none was put in."""


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
