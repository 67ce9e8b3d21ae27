"""The analysis of a run as plain data: ``summary.json`` is a serialised ``RunAnalysis``.

Other programs, the gate and the comparison of runs read it without the tables of a run and
without pandas. The JSON Schema written beside each summary is made from these classes. Removing
a field or changing its meaning makes a new version; an added field has a default and does not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bench.analysis.cost_model import CostModel, Unfitted
from bench.analysis.faults import FaultAnalysis
from bench.analysis.latency import FreshnessCounts, Percentile
from bench.analysis.request_bill import Phase, RequestLine
from bench.analysis.requests import ReplicaRequests
from bench.metrics import BY_KEY, Metric
from bench.model import (
    AGAIN,
    BASE,
    NO_SERVER,
    AnswerCheck,
    Caveat,
    Environment,
    EqualityRecord,
    LoadWorker,
    LoadWorkers,
    MachineUse,
    Outcome,
    Plan,
    Resumption,
    RunState,
    Scenario,
)
from bench.stats import (
    Estimate,
    Events,
    Rounds,
    Verdict,
    equivalence,
    outlying,
    pair_rounds,
    variation,
)

SUMMARY_SCHEMA = 2
"""Version of ``summary.json``; a reader refuses a newer one."""
SAME_WITHIN = 0.1
"""Practical equality: a difference within a tenth of the baseline changes no design."""
SUBJECT = "informer"
"""The arm that the others are compared with, if the run has it; else the last server."""
PRESENTATION = ("direct", "direct-rv0", "informer")
"""Arms that come first, in this order; others follow in the plan's order, ``none`` last."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one arm: a value a round, their mean and its 95% interval.

    ``per_1000``: per 1,000 answered reads; else per second, or a state. ``rounds`` maps a
    round to its value. ``value`` is ``None`` if nothing was measured; ``missing`` then gives the
    reason. A percentile with too few samples in single rounds may be that of all rounds pooled:
    then ``rounds`` is empty, and there are no bounds. ``events`` and ``exposure`` are given for
    counts: their quotient is a rate in ``unit``.
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

    @property
    def estimate(self) -> Estimate | None:
        """Value and bounds."""
        if self.value is None:
            return None
        return Estimate(self.value, self.low, self.high, len(self.rounds))

    @property
    def counted(self) -> Events | None:
        """The count behind it; ``None``: it is no count."""
        if self.events is None or not self.exposure:
            return None
        return Events(self.events, self.exposure)

    @property
    def variation(self) -> float | None:
        """Coefficient of variation over the rounds; ``None`` for one, or a mean not above 0."""
        return variation(list(self.rounds.values()))

    @property
    def outlying(self) -> tuple[int, ...]:
        """Outlying rounds; the mean includes them."""
        return outlying(self.rounds)


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm under one scenario; ``rounds`` are those whose trial ended well."""

    server: str
    rounds: tuple[int, ...]
    reads: int
    """Answered, over all rounds."""
    api_requests: int | None
    """Requests for the load's reads that reached the API server, over all rounds, without the
    freshness probe's. ``None``: not counted."""
    api_requests_by_verb: dict[str, int]
    """The same by verb; a watch is counted when it is opened."""
    figures: tuple[Figure, ...]
    latency: tuple[Percentile, ...]
    """From the intended start, all rounds pooled."""
    service: tuple[Percentile, ...] = ()
    """From the actual send, all rounds pooled."""
    freshness: FreshnessCounts | None = None
    """``None``: no probe, or no server."""
    requests: tuple[RequestLine, ...] = ()
    """Every request of its account by kind, including discovery and the freshness probe's."""
    billed: dict[Phase, tuple[int, ...]] = field(default_factory=dict)
    """Rounds whose requests are known, by phase; a start counts only if it was billed."""

    def figure(self, metric: str, *, per_1000: bool = False) -> Figure | None:
        """Return the figure of ``metric``, if the run's analysis has it."""
        key = (metric, per_1000)
        return next(
            (figure for figure in self.figures if (figure.metric, figure.per_1000) == key), None
        )

    def percentile(self, q: float) -> Percentile | None:
        """Return percentile ``q`` from the intended start, if the analysis has it."""
        return next((percentile for percentile in self.latency if percentile.q == q), None)

    @property
    def is_floor(self) -> bool:
        """Whether this is the arm without a server."""
        return self.server == NO_SERVER

    @property
    def is_control(self) -> bool:
        """Whether this is a server's second measurement: a control, never a contender."""
        return self.server.endswith(AGAIN)

    @property
    def is_contender(self) -> bool:
        """Whether this is a server of this checkout, to be compared with others."""
        return not (self.is_floor or self.is_control or self.server.endswith(BASE))


class Direction(StrEnum):
    """Direction of a difference, by its interval against the band of equality."""

    LESS = "less"
    MORE = "more"
    SAME = "practically the same"
    UNCLEAR = "not shown"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One arm against another of the same run, paired by round.

    ``ratio`` is subject / baseline (geometric mean), ``difference`` is subject - baseline in
    the metric's unit, ``at_least`` is the lower bound of baseline / subject of a count. A figure
    that cannot be stated is ``None``. ``times`` is the factor subject / baseline, by the first of
    these that exists: the ratio; for a count that was zero in every round 0, up to the exact
    bound; the ratio of the means (Fieller), ``None`` where the baseline may be 0.
    """

    metric: str
    per_1000: bool
    subject: str
    baseline: str
    ratio: Estimate | None = None
    difference: Estimate | None = None
    at_least: float | None = None
    times: Estimate | None = None
    check: tuple[float, float] | None = None
    """The ratio's bounds by bootstrap-t, a check that assumes less than Student's t."""
    variation: float | None = None
    """Coefficient of variation of the paired ratio over rounds."""
    outlying: tuple[int, ...] = ()
    """Outlying rounds; every figure includes them."""

    @property
    def definition(self) -> Metric:
        """The metric's entry in the registry."""
        return BY_KEY[self.metric]

    @property
    def detectable(self) -> float | None:
        """The smallest change that rounds like these would show in four of five runs.

        Relative (0.05 is 5%) if there is a ratio, else in the metric's unit.
        """
        stated = self.ratio or self.difference
        return stated.detectable if stated is not None else None

    @property
    def upheld(self) -> bool | None:
        """Whether Student's t and the bootstrap-t agree that there is a difference, or none."""
        holds_one = self.ratio.holds(1.0) if self.ratio else None
        if holds_one is None or self.check is None:
            return None
        return holds_one == (self.check[0] <= 1.0 <= self.check[1])

    @property
    def direction(self) -> Direction:
        """Direction of ``times``; ``UNCLEAR`` without an interval."""
        # a baseline that may be 0 has no ratio, but the difference may have a sign
        has_times = self.times is not None
        stated, none = (self.times, 1.0) if has_times else (self.difference, 0.0)
        verdict = equivalence(stated, SAME_WITHIN if has_times else 0.0, none)
        if stated is None or verdict is not Verdict.DIFFERENT:
            return Direction.SAME if verdict is Verdict.EQUIVALENT else Direction.UNCLEAR
        return Direction.LESS if stated.value < none else Direction.MORE


@dataclass(frozen=True, slots=True)
class Control:
    """A server measured twice in one scenario, and whether that showed a difference."""

    server: str
    arm: str
    """The second measurement: ``<server>-again``."""
    metric: str
    """Named beforehand; no other metric decides."""
    margin: float
    """Relative difference of a server from itself that counts as equal."""
    confidence: float
    verdict: Verdict
    ratio: Estimate | None
    """Second over first at ``confidence``; ``None``: no round has both."""
    comparisons: tuple[Comparison, ...]
    """Second measurement against first in every metric: shown, but decide nothing."""

    @property
    def fired(self) -> bool:
        """Whether the server differed from itself, which puts the run's differences in doubt."""
        return self.verdict is Verdict.DIFFERENT


@dataclass(frozen=True, slots=True)
class ScenarioAnalysis:
    """One scenario: its definition, its arms in presentation order, and their comparisons."""

    scenario: Scenario
    arms: tuple[Arm, ...]
    """Servers, the floor, and controls last."""
    missing: tuple[str, ...]
    """Arms of the plan without a good trial."""
    comparisons: tuple[Comparison, ...]
    """The subject against every other server, in every metric that both have."""
    controls: tuple[Control, ...] = ()
    beside: tuple[Comparison, ...] = ()
    """Servers other than the subject against the first of them, in ``BESIDE`` metrics."""
    base: tuple[Comparison, ...] = ()
    """Each server against the same server of the base, in every metric."""

    def arm(self, server: str) -> Arm | None:
        """Return the arm called ``server``, if it has a good trial."""
        return next((arm for arm in self.arms if arm.server == server), None)

    @property
    def contenders(self) -> tuple[Arm, ...]:
        """The servers to be compared."""
        return tuple(arm for arm in self.arms if arm.is_contender)

    @property
    def subject(self) -> Arm | None:
        """The arm that the others are compared with; ``None`` without a pair of servers."""
        return subject_of(self.arms)

    def comparison(
        self, metric: str, baseline: str, *, per_1000: bool = False
    ) -> Comparison | None:
        """Return the comparison with ``baseline`` in ``metric``, if there is one."""
        key = (metric, baseline, per_1000)
        matches = (c for c in self.comparisons if (c.metric, c.baseline, c.per_1000) == key)
        return next(matches, None)

    def pairs(self, compared: Comparison) -> Rounds:
        """Return round -> (subject, baseline) of a comparison of two of its arms."""
        sides = []
        for server in (compared.subject, compared.baseline):
            arm = self.arm(server)
            figure = arm.figure(compared.metric, per_1000=compared.per_1000) if arm else None
            sides.append(figure.rounds if figure else {})
        return pair_rounds(*sides)


@dataclass(frozen=True, slots=True)
class ReadPathFigure:
    """One metric of one read path, and its factor against the baseline's.

    ``times`` is paired by round; ``None`` for the baseline itself and if no factor can be
    stated. The figure with its rounds is that of ``scenario``.
    """

    metric: str
    title: str
    unit: str
    per_1000: bool
    scenario: str
    value: float | None
    times: Estimate | None = None


@dataclass(frozen=True, slots=True)
class ReadPath:
    """One read path; ``contract`` is bytes, content or metadata, ``None`` if not recorded."""

    server: str
    contract: str | None
    figures: tuple[ReadPathFigure, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every read path under the same load, against the baseline."""

    baseline: str
    scenarios: tuple[str, ...]
    """The scenario at a fixed rate, then the one at full speed if there is one."""
    paths: tuple[ReadPath, ...]


@dataclass(frozen=True, slots=True)
class VersionFigure:
    """One metric of one server on each version, and the factor newest / oldest."""

    server: str
    metric: str
    title: str
    unit: str
    per_1000: bool
    values: dict[str, float | None]
    """By version; ``None`` if that version was not measured, or lacks the metric."""
    times: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """The same scenario on several versions of Kubernetes, the oldest first."""

    versions: tuple[str, ...]
    """Full versions with patch, as the API servers reported them."""
    scenarios: tuple[str, ...]
    """One a version, in the same order."""
    figures: tuple[VersionFigure, ...]

    def figure(self, server: str, metric: str) -> VersionFigure | None:
        """Return one metric of one server, if it was measured."""
        key = (server, metric)
        return next(
            (figure for figure in self.figures if (figure.server, figure.metric) == key), None
        )


@dataclass(frozen=True, slots=True)
class ReplicaCost:
    """One metric of one arm by the number of replicas, and the increase by each further one."""

    metric: str
    arm: str
    means: dict[int, Estimate]
    """By the number of replicas."""
    points: tuple[tuple[int, int, float], ...]
    """``(replicas, round, value)``."""
    slopes: dict[int, float]
    """By round: the slope over the replicas, of rounds with at least two numbers of them."""
    each: Estimate | None
    """The mean slope; ``None`` if no round has the metric at two numbers of replicas."""


@dataclass(frozen=True, slots=True)
class ReplicaGroup:
    """Scenarios that differ only in their replicas: the cost of these by metric and arm."""

    scenarios: tuple[str, ...]
    replicas: tuple[int, ...]
    arms: tuple[str, ...]
    costs: tuple[ReplicaCost, ...]

    def of(self, metric: str) -> list[ReplicaCost]:
        """Return the arms' costs in ``metric``."""
        return [cost for cost in self.costs if cost.metric == metric]


class Axis(StrEnum):
    """The quantity that a plan varies between scenarios of the same load."""

    CAPACITY = "share of the capacity"
    PROCESSORS = "processors of the server"
    """0: no dedicated ones, all are shared."""


@dataclass(frozen=True, slots=True)
class Step:
    """One place on an axis, and the metric there."""

    place: float
    reads_per_s: float
    """Answered reads, mean over the rounds."""
    value: Estimate
    rounds: dict[int, float]


@dataclass(frozen=True, slots=True)
class SeriesArm:
    """One server's steps; steps whose metric is withheld are left out."""

    arm: str
    steps: tuple[Step, ...]
    knee: float | None = None
    """Of a latency: the place from which on it is at least twice that of the first step."""
    has_no_knee: bool = False
    """Whether every interval lies below that; neither this nor a knee: undecided."""


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of each server over an axis."""

    axis: Axis
    metric: str
    scenarios: tuple[str, ...]
    arms: tuple[SeriesArm, ...]


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """One trial's requests by the three ledgers; ``None`` if a ledger could not be read."""

    client: int | None
    """The server's own count."""
    audit_user: int | None
    """The audit log, its account."""
    audit_all: int | None
    """The audit log, everyone."""
    metric: int | None
    """The API server's own ``apiserver_request_total``."""
    agree: bool | None
    """Whether every pair agrees key by key; ``None``: there is no pair."""
    disagreements: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Which ledger is missing and why, in sentences."""
    pod_reads: int | None = None
    """LISTs and GETs of pods by its account for the load's reads."""
    replicas_told_apart: bool | None = None
    """Of several replicas: whether User-Agents name them; ``None``: one replica, or not kept."""
    other_agents: dict[str, int] = field(default_factory=dict)
    """Requests by User-Agents that name none of the replicas."""


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One trial, good or failed; values that are ``None`` were not measured."""

    folder: str
    scenario: str
    server: str
    round: int
    outcome: Outcome
    failure: str | None
    attempt: int | None
    answered: int
    failed: int
    """Failed, timed out or dropped."""
    achieved_rps: float | None
    median_ms: float | None
    api_requests: int | None
    """Of the server under test, including the freshness probe's."""
    generator_cpu_share: float | None
    schedule_lag_p99_ms: float | None
    ready_s: float | None
    equal_to_list: bool | None
    replicas: int
    answers: AnswerCheck | None = None
    """How many of the window's answers were checked against the cluster's state, and were wrong."""
    machine: MachineUse | None = None
    """Use of the machine's processor time in the window."""
    load_workers: tuple[LoadWorker, ...] = ()
    ledgers: LedgerTotals | None = None
    """``None``: a failed trial, or one with a fault, whose ledgers are not compared."""


@dataclass(frozen=True, slots=True)
class RunAnalysis:
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
    """Caveats that void the run, shown before any figure."""
    caveats: tuple[Caveat, ...]
    scenarios: tuple[ScenarioAnalysis, ...]
    """Those without a fault, whose servers had the same load."""
    read_paths: tuple[Matrix, ...] = ()
    """If the run has more read paths than the usual three: all of them side by side."""
    faults: tuple[FaultAnalysis, ...] = ()
    """The scenarios in which the API server was made to fail."""
    versions: tuple[Versions, ...] = ()
    """Scenarios that were run on several versions of Kubernetes."""
    load_workers: LoadWorkers = field(default_factory=LoadWorkers)
    """Number of Locust workers that made the load; both 0: one process."""
    replica_requests: tuple[ReplicaRequests, ...] = ()
    """Requests of each replica, if User-Agents tell several apart; of trials without a fault."""
    replicas: tuple[ReplicaGroup, ...] = ()
    """Scenarios that differ only in their replicas: the cost of each further one."""
    series: tuple[Series, ...] = ()
    """Latency over the rate, throughput over the processors of the server."""
    cost_models: tuple[CostModel, ...] = ()
    """Unit costs and break-even rates, a model a quantity."""
    unfitted: tuple[Unfitted, ...] = ()
    """Quantities without a model, and why."""
    trials: tuple[TrialLine, ...] = ()
    equality: EqualityRecord | None = None
    """Whether the servers answered alike; ``None``: they were not compared."""
    resumptions: tuple[Resumption, ...] = ()
    reason: str | None = None
    """Why the run is incomplete."""
    out_of_time: bool = False
    """Whether the plan's minutes were over before all its rounds were made."""

    def scenario(self, name: str) -> ScenarioAnalysis | None:
        """Return the scenario called ``name``, if the run has it."""
        return next(
            (scenario for scenario in self.scenarios if scenario.scenario.name == name), None
        )

    def figure(
        self, scenario: str, server: str, metric: str, *, per_1000: bool = False
    ) -> Figure | None:
        """Return one figure of one arm of one scenario, if the run has it."""
        analysis = self.scenario(scenario)
        arm = analysis.arm(server) if analysis is not None else None
        return arm.figure(metric, per_1000=per_1000) if arm is not None else None

    @property
    def controls(self) -> Iterator[tuple[str, Control]]:
        """Same-against-same controls, each with the name of its scenario."""
        for scenario in self.scenarios:
            for control in scenario.controls:
                yield scenario.scenario.name, control


def subject_of(arms: Sequence[Arm]) -> Arm | None:
    """Return the arm to compare the others with; ``None`` when there is no pair of servers."""
    servers = [arm for arm in arms if arm.is_contender]
    if len(servers) < 2:
        return None
    return ([arm for arm in servers if arm.server == SUBJECT] or servers)[-1]


def presentation_order(servers: Sequence[str]) -> list[str]:
    """Return ``servers`` in presentation order."""
    known = [server for server in PRESENTATION if server in servers]
    others = [server for server in servers if server not in (*PRESENTATION, NO_SERVER)]
    return known + others + [NO_SERVER] * (NO_SERVER in servers)
