"""``summary.json``: a run's figures as plain data, with a version of their own.

Plain data only, so that a gate or a program of someone else's needs neither the
tables of a run nor pandas. The JSON Schema written beside each summary is made from
these classes, so the two cannot part. A field that is taken away or changes its
meaning makes a new version; one that is added does not.
"""

from dataclasses import dataclass, field

from bench.forms.faultsummary import FaultSummary
from bench.model import Caveat, Environment, LoadWorkers, Plan, RunState, Scenario

SUMMARY_SCHEMA = 2
"""Version of ``summary.json``; a reader refuses a newer one."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one arm: a value a round, their mean and its 95% interval.

    ``per_1000``: per 1,000 answered reads; else per second, or a state. ``rounds``
    maps a round to its value. ``value`` is ``None`` when nothing was measured, which
    ``missing`` then explains. ``events`` and ``exposure`` are given for counts: their
    quotient is a rate in ``unit``.
    """

    metric: str
    title: str
    unit: str
    source: str
    per_1000: bool
    higher_is_better: bool
    may_be_zero: bool
    rounds: dict[int, float]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    missing: str | None = None
    events: int | None = None
    exposure: float | None = None


@dataclass(frozen=True, slots=True)
class Percentile:
    """A latency percentile over all requests of an arm; ``at_least``: it fell among unanswered."""

    q: float
    value_ms: float | None
    at_least: bool
    samples: int
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """One arm under one scenario; ``rounds`` are those whose trial ended well."""

    server: str
    rounds: tuple[int, ...]
    reads: int
    api_requests: int | None
    api_requests_by_verb: dict[str, int]
    figures: tuple[Figure, ...]
    latency: tuple[Percentile, ...]
    """From the intended start."""

    def figure(self, metric: str, *, per_1000: bool) -> Figure | None:
        """Return the figure of ``metric``, if the run's analysis has it."""
        for one in self.figures:
            if (one.metric, one.per_1000) == (metric, per_1000):
                return one
        return None


@dataclass(frozen=True, slots=True)
class Compared:
    """One arm against another of the same run, paired by round: subject over baseline.

    ``ratio``, ``difference``: value, low, high at 95%; the bounds are ``None`` for a
    single round. ``at_least``: by how many times the baseline's count is larger.
    """

    metric: str
    per_1000: bool
    subject: str
    baseline: str
    ratio: tuple[float, float | None, float | None] | None = None
    difference: tuple[float, float | None, float | None] | None = None
    at_least: float | None = None


@dataclass(frozen=True, slots=True)
class ScenarioSummary:
    """One scenario: what was asked, its arms, and how they compare."""

    scenario: Scenario
    arms: tuple[ArmSummary, ...]
    missing: tuple[str, ...]
    """Arms of the plan without a good trial."""
    comparisons: tuple[Compared, ...]

    def arm(self, server: str) -> ArmSummary | None:
        """Return the arm called ``server``, if it has a good trial."""
        return next((arm for arm in self.arms if arm.server == server), None)


@dataclass(frozen=True, slots=True)
class ReadPathFigure:
    """One quantity of one read path: its value, and how many times the baseline's that is.

    ``times``: value, low, high at 95%, paired by round; ``None`` for the baseline itself
    and where no factor can be stated.
    """

    metric: str
    title: str
    unit: str
    per_1000: bool
    scenario: str
    value: float | None
    times: tuple[float, float | None, float | None] | None = None


@dataclass(frozen=True, slots=True)
class ReadPathSummary:
    """One read path; ``contract`` is bytes, content or metadata, ``None`` where not recorded."""

    server: str
    contract: str | None
    figures: tuple[ReadPathFigure, ...]


@dataclass(frozen=True, slots=True)
class ReadPathsSummary:
    """Every read path that was asked the same, against the baseline."""

    baseline: str
    scenarios: tuple[str, ...]
    paths: tuple[ReadPathSummary, ...]


@dataclass(frozen=True, slots=True)
class VersionFigure:
    """One aspect of one server on each version, and how many times the oldest's the newest is."""

    server: str
    metric: str
    title: str
    unit: str
    per_1000: bool
    values: dict[str, float | None]
    """By version; ``None`` where that version was not measured, or lacks the metric."""
    times: tuple[float, float | None, float | None] | None = None


@dataclass(frozen=True, slots=True)
class VersionsSummary:
    """The same scenario on several versions of Kubernetes, the oldest first."""

    versions: tuple[str, ...]
    scenarios: tuple[str, ...]
    figures: tuple[VersionFigure, ...]


@dataclass(frozen=True, slots=True)
class ReplicaRequests:
    """What one of several replicas asked the API server in one trial.

    ``lists``, ``gets`` and ``watches`` (opened) are of pods, between the marks, for the load's
    reads; the freshness probe's are left out. ``watches_since_start`` are those that it opened
    from its start to the end mark. ``audit_log`` and ``own_count`` are all of its requests
    between the marks, by either ledger; ``own_count`` is ``None`` where the server tells none.
    """

    scenario: str
    server: str
    round: int
    replica: int
    lists: int
    gets: int
    watches: int
    watches_since_start: int
    audit_log: int
    own_count: int | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A whole run."""

    summary_schema: int
    run: str
    state: RunState
    started_at: str
    ended_at: str | None
    plan: Plan
    environment: Environment
    trials_planned: int
    trials_made: int
    void: tuple[Caveat, ...]
    """What is said before any figure: with one of these none can be relied on."""
    caveats: tuple[Caveat, ...]
    scenarios: tuple[ScenarioSummary, ...]
    """Those without a fault."""
    read_paths: tuple[ReadPathsSummary, ...] = ()
    """Where the run has more read paths than the usual three: all of them side by side."""
    faults: tuple[FaultSummary, ...] = ()
    """The scenarios in which the API server was made to fail."""
    versions: tuple[VersionsSummary, ...] = ()
    """Scenarios that were run on several versions of Kubernetes."""
    load_workers: LoadWorkers = field(default_factory=LoadWorkers)
    """Who made the load; both 0: one process."""
    replica_requests: tuple[ReplicaRequests, ...] = ()
    """Where a server had several replicas whose User-Agents tell them apart: each one's requests,
    of trials without a fault."""

    def scenario(self, name: str) -> ScenarioSummary | None:
        """Return the scenario called ``name``, if the run has it."""
        return next((one for one in self.scenarios if one.scenario.name == name), None)
