"""A trial's record: what was measured."""

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
class AnswerCheck:
    """How many of a window's good answers were judged by what the cluster held, and were wrong.

    The size of each is judged where the right answer to its question is known; some bodies,
    spread over the window, are read in full. A wrong one of these counts in all four.
    """

    judged: int
    wrong: int
    read: int
    """Bodies that were read in full."""
    wrong_when_read: int
    unjudged: int = 0
    """Good answers to questions whose right answer is not known."""


@dataclass(frozen=True, slots=True)
class MachineUse:
    """What became of the whole machine's processor time in the window; shares, 0 to 1."""

    busy: float
    steal: float
    """Taken by the hypervisor for others."""
    waited: float | None = None
    """Of the time: some task was ready and had no processor (pressure stall information);
    ``None``: the kernel does not tell."""
    throttled: float | None = None
    """Of the time: a CPU quota held our processes back; ``None``: no control group tells."""


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
    is_client: bool = False
    """Whether it is a client, which serves nothing: no load, no answers, no count of its own."""
    replicas: int = 1
    """Processes that were the server; what is counted, used and held is the sum over them."""
    workers: int = 1
    """Worker processes of each replica."""
    watches_before: dict[str, int] | None = None
    """Watches of pods that the server's account had opened by the begin mark, by User-Agent, as
    the audit log has them; a cache is fed by one of these. ``None``: not known."""
    ready_s: float | None = None
    """From the start of the server's process to its first 200 on ``/readyz``; of the slowest of
    several replicas, which are started together. Of a client that is ready when it is quiet, to
    the last request before that; ``None``: it never was."""
    ready_first_s: float | None = None
    """The same of the quickest replica."""
    ready_requests: int | None = None
    """Requests that the server sent to the API server until it was ready."""
    ready_bytes: int | None = None
    """Bytes of bodies that the API server had sent it by then."""
    ready_cpu_s: float | None = None
    """CPU seconds of API server and etcd by then, less those of as long a time just before the
    start; measured of clients."""
    watches_held: int | None = None
    """Watches that a client's account had opened since its start and that stood open at the end
    mark."""
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
    answers: AnswerCheck | None = None
    """Whether the window's answers were right; ``None``: not judged."""
    shared: bool = False
    """Whether others used the API server meanwhile: its own figures are of them all."""
    probe_rps: float | None = None
    """Reads a second that the freshness probe added to the load on the server."""
    cooldown_s: float | None = None
    """How long was waited before the trial until the machine was calm."""
    load_before: float | None = None
    """Share of the whole machine's CPU time in use just before the trial, 0 to 1."""
    machine: MachineUse | None = None
    """What became of the machine's processor time in the window; ``None``: not recorded."""
    kubernetes: str | None = None
    """Version of the API server that was read from; ``None``: that of the run's environment."""
    attempt: int | None = None
    """Which attempt at this trial it is, from 1: a failed trial is made again on resume."""
    failure: str | None = None
    caveats: tuple[Caveat, ...] = ()
    fault: FaultRecord | None = None
    """The fault of the scenario, as it went; ``None``: it has none, or none was put in."""

    @property
    def is_wrong(self) -> bool:
        """Whether the server answered wrongly, under load or after it: that voids the run."""
        return self.equal_to_list is False or any(
            one.kind is CaveatKind.WRONG_ANSWERS for one in self.caveats
        )
