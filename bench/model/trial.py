"""A trial's record: its measurements."""

from dataclasses import dataclass
from enum import StrEnum

from bench.model.caveat import Caveat, CaveatKind
from bench.model.plan import Trial


class Outcome(StrEnum):
    """How a trial ended."""

    OK = "ok"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A fault that was injected during the window; times in seconds from the window's begin."""

    kind: str
    what: str
    """Its description, in the past tense: ``the API server was frozen``."""
    begin_s: float
    """When it took effect."""
    end_s: float
    """When it was over: the API server was resumed, answered, or stopped refusing."""
    started_anew_s: float | None = None
    """When the API server's process was restarted; ``None``: it had not ended."""
    note: str | None = None
    """The fault's own observation about its effect."""


@dataclass(frozen=True, slots=True)
class LoadWorker:
    """One of several workers in a measured window: its share of the load, and its clock.

    Its monotonic clock is compared with that of Locust's master: the offset, measured before the
    window, is applied, so all windows begin at one moment. A latency is measured by one clock.
    """

    name: str
    sent: int
    answered: int
    failed: int
    dropped: int
    cpu_share: float
    """CPU seconds per second; 1.0 is a whole processor, the most that a worker can use."""
    schedule_lag_p99_ms: float | None
    clock_offset_us: int
    """Its clock minus the master's."""
    clock_uncertainty_us: int
    """Error of the offset in either direction: half the shortest round trip."""
    clock_drift_us: int
    """Change of the offset by the end of the window."""


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """How many of a window's good answers were checked against the cluster's state, and were wrong.

    An answer's size is checked if the right answer to its query is known; some bodies, spread
    over the window, are read in full. A wrong one of these counts in all four.
    """

    judged: int
    wrong: int
    read: int
    """Bodies that were read in full."""
    wrong_when_read: int
    unjudged: int = 0
    """Good answers to queries whose right answer is unknown."""


@dataclass(frozen=True, slots=True)
class MachineUse:
    """Use of the whole machine's processor time in the window; shares, 0 to 1."""

    busy: float
    steal: float
    """Taken by the hypervisor for others."""
    waited: float | None = None
    """Share of the time in which a ready task had no processor (pressure stall information);
    ``None``: the kernel does not report it."""
    throttled: float | None = None
    """Share of the time in which a CPU quota held our processes back; ``None``: not reported."""


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """``trial.json``: direct measurements, flat; all else is derived from the tables.

    Times of day are seconds since the epoch (wall clock, the audit log's); durations come from the
    monotonic clock. ``window_*`` is the measured window between the two drained marks; latencies
    are rows of ``requests.parquet``.
    """

    schema: int
    trial: Trial
    outcome: Outcome
    window_begin_epoch_s: float
    window_end_epoch_s: float
    window_s: float
    """From the begin mark to the end of arrivals: the divisor of rates."""
    marks_s: float
    """From the begin mark to the end mark, drain included: the divisor of costs."""
    request_timeout_s: float | None = None
    """The load's time-out of a request; the time that censored requests count as."""
    begin_mark_epoch_s: float | None = None
    """When the API server was scraped at the begin mark, just before the window."""
    requested_rps: float | None = None
    achieved_rps: float | None = None
    sent: int = 0
    answered: int = 0
    failed: int = 0
    dropped: int = 0
    schedule_lag_p99_ms: float | None = None
    generator_cpu_share: float | None = None
    """CPU seconds per second of the load generator's process, of its busiest worker if it has
    several; 1.0 is a whole processor."""
    load_workers: tuple[LoadWorker, ...] = ()
    """Workers that made the load together; none: one process made it."""
    churn_requested_per_s: float = 0.0
    churn_achieved_per_s: float = 0.0
    pods_at_start: int = 0
    identity: str | None = None
    """The server's ServiceAccount: the audit log's user ends in ``:<identity>``. ``None`` with
    a server: the account has the server's name."""
    is_client: bool = False
    """Whether it is a client, which serves nothing: no load, no answers, no own count."""
    replicas: int = 1
    """Number of the server's processes; requests, CPU and memory are sums over them."""
    workers: int = 1
    """Worker processes of each replica."""
    watches_before: dict[str, int] | None = None
    """Watches of pods that the server's account had opened by the begin mark, by User-Agent, from
    the audit log; each cache is fed by one. ``None``: not known."""
    ready_s: float | None = None
    """From the start of the server's process to its first 200 on ``/readyz``; of the slowest of
    several replicas, which are started together. Of a client that is ready when it is quiet, to
    the last request before that; ``None``: it never was."""
    ready_first_s: float | None = None
    """The same for the quickest replica."""
    ready_requests: int | None = None
    """Requests that the server sent to the API server until it was ready."""
    ready_bytes: int | None = None
    """Bytes of bodies that the API server had sent it by then."""
    ready_cpu_s: float | None = None
    """CPU seconds of API server and etcd by then, less those of an equally long time just before
    the start; measured for clients."""
    watches_held: int | None = None
    """Watches that a client's account had opened since its start, still open at the end mark."""
    upstream_bytes: int | None = None
    """Bytes of bodies that the server received from the API server between the marks."""
    server_cpu_s: float | None = None
    server_pss_ready_bytes: int | None = None
    server_pss_end_bytes: int | None = None
    server_pss_peak_bytes: int | None = None
    apiserver_cpu_s: float | None = None
    etcd_cpu_s: float | None = None
    apiserver_rss_highest_bytes: int | None = None
    """Peak resident memory since its start, including the writing of the pods; measured if the
    scenario has a fresh control plane for each trial."""
    etcd_rss_highest_bytes: int | None = None
    """The same of etcd."""
    equal_to_list: bool | None = None
    """Whether the server's answer after the window was equal to a LIST."""
    answers: AnswerCheck | None = None
    """Whether the window's answers were right; ``None``: not judged."""
    shared: bool = False
    """Whether others used the API server meanwhile: its own figures include theirs."""
    probe_rps: float | None = None
    """Reads per second that the freshness probe added to the load on the server."""
    cooldown_s: float | None = None
    """Wait before the trial until the machine was idle."""
    load_before: float | None = None
    """Share of the whole machine's CPU time in use just before the trial, 0 to 1."""
    machine: MachineUse | None = None
    """Use of the machine's processor time in the window; ``None``: not recorded."""
    kubernetes: str | None = None
    """Version of the API server that was read from; ``None``: that of the run's environment."""
    attempt: int | None = None
    """Number of the attempt at this trial, from 1: resuming a run repeats failed trials."""
    failure: str | None = None
    caveats: tuple[Caveat, ...] = ()
    fault: FaultRecord | None = None
    """The scenario's fault, as it happened; ``None``: it has none, or none was injected."""

    @property
    def refuses_cpu(self) -> bool:
        """Whether its CPU was left out because the marks do not fit the load."""
        return any(caveat.kind is CaveatKind.METRIC_MISSING for caveat in self.caveats)

    @property
    def is_wrong(self) -> bool:
        """Whether the server gave wrong answers, under load or after it: that voids the run."""
        return self.equal_to_list is False or any(
            caveat.kind is CaveatKind.WRONG_ANSWERS for caveat in self.caveats
        )
