"""Reasons to read a figure with care: those recorded while measuring, and those computed here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bench.analysis.frame import Frame
from bench.analysis.latency import FreshnessCounts
from bench.analysis.ledgers import identity_of
from bench.analysis.result import Arm, Control, ScenarioAnalysis
from bench.analysis.side_by_side import observer_effects
from bench.analysis.trial_data import RunData, TrialData
from bench.metrics import BY_KEY, METRICS, percentile_name
from bench.model import (
    BASE,
    Caveat,
    CaveatKind,
    EqualityRecord,
    Outcome,
    RunRecord,
    RunState,
    TrialRecord,
)
from bench.stats import INDICATIVE_BELOW, Verdict

BUSY_SHARE = 0.5
"""Load average per processor before the start above which the machine counts as noisy."""
RATE_REACHED = 0.95
"""Share of the offered rate below which the rate counts as not reached."""
CHURN_REACHED = 0.9
SATURATED_SHARE = 0.8
"""CPU share of the single-threaded load generator above which it may be the bottleneck."""
LATE_MS = (20.0, 50.0)
"""Shortest and longest lateness bound. A request is late if it is sent after its time by more
than the gap between arrivals. The bound is never below the delay that a busy machine's scheduler
gives any process, nor so long that it would matter beside the latencies of interest."""
LATE_SHARE = 0.05
"""Share of late requests above which the load was not the one that was requested."""
NOTHING_LEFT = 0.95
"""Share of the machine's processor time in use above which a fixed rate measures its queue."""
THROTTLED = 0.01
STEAL = 0.05
PROBED_TIMES = 10
"""Ratio of the freshness probe's reads to the load's above which the probe distorts server CPU."""
SHOWN_KEYS = 4
CONSISTENT = ("direct",)
"""Servers that read the newest state: a stale answer of theirs is a flaw, not a property."""

VOIDING = (
    CaveatKind.CONTROL_FIRED,
    CaveatKind.ANSWERS_DIFFER,
    CaveatKind.WRONG_ANSWERS,
    CaveatKind.STALE_ANSWERS,
    CaveatKind.LEDGERS_DISAGREE,
    CaveatKind.API_SERVER_RESTARTED,
    CaveatKind.GENERATOR_LATE,
    CaveatKind.MACHINE_SATURATED,
    CaveatKind.NOT_INTERLEAVED,
    CaveatKind.RUN_INCOMPLETE,
    CaveatKind.ANSWERS_UNCHECKED,
)
"""Caveats that void a run, the gravest first: shown before any figure, INVALID to the gate."""

NEAR_CAPACITY = {
    CaveatKind.GENERATOR_LATE: CaveatKind.GENERATOR_SATURATED,
    CaveatKind.MACHINE_SATURATED: CaveatKind.NOISY_MACHINE,
}
"""Replacement kinds, which void nothing, for scenarios that load a server up to its capacity on
purpose: there the queue for processors is part of the measurement."""

Finding = tuple[CaveatKind, str]
"""Kind and text of a caveat whose place (a trial, an arm) is known."""


def voids(caveats: Iterable[Caveat]) -> tuple[Caveat, ...]:
    """Return the caveats that void the run, the gravest first.

    Unchecked answers void a run only as a caveat of the whole run, not of a single trial.
    """
    grave = [
        caveat
        for caveat in caveats
        if caveat.kind in VOIDING
        and (caveat.kind is not CaveatKind.ANSWERS_UNCHECKED or caveat.scenario is None)
    ]
    return tuple(sorted(grave, key=lambda caveat: VOIDING.index(caveat.kind)))


def collect(
    run: RunData, frame: Frame, scenarios: Sequence[ScenarioAnalysis]
) -> tuple[Caveat, ...]:
    """Return every caveat of the run, the recorded ones first, none twice.

    A recorded caveat replaces a computed one of the same kind and place: the recorder knew more.
    """
    recorded = [*run.record.caveats, *_recorded(run.trials)]
    places = {_place(caveat) for caveat in recorded}
    computed = [
        caveat for caveat in _computed(run, frame, scenarios) if _place(caveat) not in places
    ]
    return tuple(dict.fromkeys([*recorded, *computed]))


def _place(caveat: Caveat) -> tuple[CaveatKind, str | None, str | None, int | None]:
    return caveat.kind, caveat.scenario, caveat.server, caveat.round


def _recorded(trials: Iterable[TrialRecord]) -> Iterator[Caveat]:
    for record in trials:
        trial = record.trial
        for caveat in record.caveats:
            yield replace(
                caveat,
                scenario=caveat.scenario or trial.scenario,
                server=caveat.server or trial.server,
                round=trial.round if caveat.round is None else caveat.round,
            )


def _computed(
    run: RunData, frame: Frame, scenarios: Sequence[ScenarioAnalysis]
) -> Iterator[Caveat]:
    for scenario in scenarios:
        for control in scenario.controls:
            yield from _placed(_of_control(control), scenario.scenario.name, control.arm)
    yield from _of_run(run.record, run.equality, len(run.trials))
    yield from _of_lost_tables(run)
    yield from _of_metrics(run.record, run.every)
    yield from _of_pressure(run.trials)
    for record in run.trials:
        yield from _placed(_of_trial(record), *record.trial.place)
    for data in run.data:
        near = run.record.plan.scenario(data.trial.scenario).capacity_share is not None
        for caveat in _placed(_of_processors(data), *data.trial.place):
            kind = NEAR_CAPACITY.get(caveat.kind, caveat.kind)
            yield replace(caveat, kind=kind) if near else caveat
    for data in run.every:
        server = run.record.plan.server_of(data.trial.server)
        yield from _placed(_of_tables(data, server), *data.trial.place)
    for scenario in scenarios:
        for arm in scenario.contenders:
            yield from _placed(_of_arm(arm), scenario.scenario.name, arm.server)
    yield from observer_effects(frame, scenarios)


def _placed(
    findings: Iterable[Finding], scenario: str, server: str, number: int | None = None
) -> Iterator[Caveat]:
    return (Caveat(kind, text, scenario, server, number) for kind, text in findings)


def _of_run(record: RunRecord, equality: EqualityRecord | None, written: int) -> Iterator[Caveat]:
    if record.state is not RunState.COMPLETE or written < record.trials_planned:
        reason = f": {record.reason}" if record.reason else ""
        text = f"{written} of {record.trials_planned} trials were made{reason}"
        yield Caveat(CaveatKind.RUN_INCOMPLETE, text)
    if equality is None and record.plan.has_load:
        text = "the servers' answers were not compared with each other in this run"
        yield Caveat(CaveatKind.ANSWERS_UNCHECKED, text)
    elif equality is not None and not equality.equal:
        unequal = [answer.path for answer in equality.answers if not answer.equal]
        text = f"the servers answered {len(unequal)} of {len(equality.answers)} queries differently"
        yield Caveat(CaveatKind.ANSWERS_DIFFER, f"{text}: {', '.join(unequal[:SHOWN_KEYS])}")
    for server in equality.without_version if equality is not None else ():
        text = (
            f"{server} names no X-Resource-Version: its answers were found alike by asking until "
            "they were, so that how old they may be was not checked"
        )
        yield Caveat(CaveatKind.VERSION_MISSING, text, server=server)
    environment = record.environment
    if environment.load_average_1m > BUSY_SHARE * environment.processors:
        text = (
            f"before the start the machine had a load average of {environment.load_average_1m:.2g} "
            f"on {environment.processors} processors: something else was running"
        )
        yield Caveat(CaveatKind.NOISY_MACHINE, text)


def _of_lost_tables(run: RunData) -> Iterator[Caveat]:
    """Yield a caveat if files of good trials are gone: figures from them are left out."""
    lost = [f"{path.parent.name}/{path.name}" for path in run.reader.lost_tables()]
    if lost:
        more = f" and {len(lost) - SHOWN_KEYS} more" if len(lost) > SHOWN_KEYS else ""
        text = f"figures that rest on them are left out: {', '.join(lost[:SHOWN_KEYS])}{more}"
        yield Caveat(CaveatKind.TABLE_MISSING, text)


def _of_trial(record: TrialRecord) -> Iterator[Finding]:
    """Yield the caveats that follow from the trial's record."""
    if record.outcome is Outcome.FAILED:
        text = record.failure or "the trial failed, and no reason was recorded"
        yield CaveatKind.TRIAL_FAILED, text
        return
    if record.equal_to_list is False:
        text = "asked after the window, the server did not give what a LIST gave"
        yield CaveatKind.ANSWERS_DIFFER, text
    if record.fault is not None:  # its own caveat names what failed, and its section shows it
        return
    if record.failed:
        text = f"{record.failed:,} of {record.sent:,} requests failed or timed out"
        yield CaveatKind.FAILED_REQUESTS, text
    if record.dropped:
        text = f"{record.dropped:,} arrivals were dropped: too many requests were outstanding"
        yield CaveatKind.DROPPED_ARRIVALS, text
    yield from _of_rates(record)


def _of_rates(record: TrialRecord) -> Iterator[Finding]:
    offered, achieved = record.requested_rps, record.achieved_rps
    if offered and achieved is not None and achieved < RATE_REACHED * offered:
        yield CaveatKind.RATE_NOT_REACHED, f"offered {offered:.4g}/s, sent {achieved:.4g}/s"
    churn, written = record.churn_requested_per_s, record.churn_achieved_per_s
    if churn and written < CHURN_REACHED * churn:
        text = f"asked for {churn:.4g} writes/s, made {written:.4g}/s"
        yield CaveatKind.CHURN_NOT_REACHED, text
    share = record.generator_cpu_share
    if share is not None and share > SATURATED_SHARE:
        text = (
            f"the load generator used {share:.0%} of a processor: read the throughput as at least"
        )
        yield CaveatKind.GENERATOR_SATURATED, text
    reads_per_s = record.answered / record.window_s
    if record.probe_rps is not None and record.probe_rps > PROBED_TIMES * reads_per_s:
        text = (
            f"waiting for its writes to show, the freshness probe read {record.probe_rps:.3g} "
            f"times a second, the load {reads_per_s:.3g}: the server's CPU is that of both"
        )
        yield CaveatKind.OBSERVER_EFFECT, text


def _of_processors(data: TrialData) -> Iterator[Finding]:
    """Yield caveats if the load generator was late or the machine had no CPU time left."""
    offered, machine = data.record.requested_rps, data.record.machine
    if offered and len(data.late_ms):
        shortest, longest = LATE_MS
        bound_ms = min(max(1000 / offered, shortest), longest)
        share = float((data.late_ms > bound_ms).mean())
        if share > LATE_SHARE:
            text = (
                f"{share:.0%} of the requests were sent more than {bound_ms:g} ms after their "
                f"time, the latest {data.late_ms[-1]:,.0f} ms: the load generator did "
                "not come to run, and latencies are its own as well"
            )
            yield CaveatKind.GENERATOR_LATE, text
    if machine is None:
        return
    waited = "" if machine.waited is None else f", and {machine.waited:.0%} of it a process waited"
    if offered and machine.busy > NOTHING_LEFT:
        text = (
            f"{machine.busy:.0%} of the machine's processor time was in use in the window{waited}: "
            "nothing was left, and figures at a fixed rate are of the queue for processors"
        )
        yield CaveatKind.MACHINE_SATURATED, text
    elif machine.throttled is not None and machine.throttled > THROTTLED:
        text = (
            f"a CPU quota held this machine's processes back for {machine.throttled:.0%} of the "
            "window: figures are of the quota"
        )
        yield CaveatKind.MACHINE_SATURATED, text
    if machine.steal > STEAL:
        text = f"the hypervisor gave {machine.steal:.0%} of the processor time to others (steal)"
        yield CaveatKind.NOISY_MACHINE, text


def _of_pressure(trials: Iterable[TrialRecord]) -> Iterator[Caveat]:
    """Yield one caveat if the kernel does not report how long processes waited for a CPU."""
    if any(record.machine is not None and record.machine.waited is None for record in trials):
        text = (
            "the kernel shows no pressure stall information (/proc/pressure/cpu), so for how long "
            "processes waited for a processor is not known"
        )
        yield Caveat(CaveatKind.METRIC_MISSING, text)


def _of_tables(data: TrialData, server: str) -> Iterator[Finding]:
    """Yield the caveats that follow from the tables of a good trial of ``server``."""
    ledgers, without_fault = data.ledgers, data.record.fault is None
    if data.restarted and without_fault:
        text = (
            "the API server restarted between the marks, or the two scrapes reached different "
            "ones: no figure rests on its counters"
        )
        yield CaveatKind.API_SERVER_RESTARTED, text
    if ledgers.disagreements:
        shown = "; ".join(ledgers.disagreements[:SHOWN_KEYS])
        more = len(ledgers.disagreements) - SHOWN_KEYS
        yield CaveatKind.LEDGERS_DISAGREE, shown + (f"; and {more} more" if more > 0 else "")
    if ledgers.missing:
        yield CaveatKind.LEDGER_MISSING, "; ".join(ledgers.missing)
    unchecked = data.record.equal_to_list is None and not data.record.is_client
    if unchecked and identity_of(data.record) is not None:
        text = "after the window the server's answer was not compared with a LIST"
        yield CaveatKind.ANSWERS_UNCHECKED, text
    if not without_fault:  # a fault is meant to cause stale answers
        return
    if ledgers.replicas is not None:
        for text in ledgers.replicas.findings():
            yield CaveatKind.REPLICAS_NOT_AS_PLANNED, text
    stale = list(_stale(data.freshness, server)) if data.freshness is not None else []
    if stale:
        yield CaveatKind.STALE_ANSWERS, "; ".join(stale)


def _stale(counts: FreshnessCounts, server: str) -> Iterator[str]:
    if counts.never_seen:
        yield f"{counts.never_seen:,} of {counts.writes:,} writes were never seen in an answer"
    if counts.first_stale and server.removesuffix(BASE) in CONSISTENT:
        yield (
            f"{counts.first_stale:,} of {counts.first_reads:,} reads after a write were older than "
            f"it, though {server} reads the newest state"
        )


def _of_arm(arm: Arm) -> Iterator[Finding]:
    """Yield caveats for percentiles with too few samples and arms with too few rounds."""
    withheld = [latency for latency in arm.latency if latency.withheld]
    if withheld:
        text = "; ".join(f"{percentile_name(latency.q)} {latency.withheld}" for latency in withheld)
        yield CaveatKind.TOO_FEW_SAMPLES, text
    rounds = len(arm.rounds)
    if rounds < INDICATIVE_BELOW:
        text = (
            "a single round: no interval can be given"
            if rounds == 1
            else f"{rounds} rounds: intervals are indicative, {INDICATIVE_BELOW} are needed"
        )
        yield CaveatKind.TOO_FEW_ROUNDS, text


def _of_control(control: Control) -> Iterator[Finding]:
    """Yield a caveat if a server differed from itself, or if the rounds cannot decide it."""
    what = f"{control.server} measured twice in every round"
    title = BY_KEY[control.metric].title.lower()
    if control.fired:
        text = (
            f"{what} differs from itself in {title}: {_ratio(control)}, "
            f"and not within the {control.margin:.0%} that are allowed. What this run shows "
            "between servers may be the machine's doing"
        )
        yield CaveatKind.CONTROL_FIRED, text
    elif control.verdict is Verdict.UNDECIDED:
        text = (
            f"{what} was not shown to equal itself within {control.margin:.0%} in "
            f"{title}: {_ratio(control)}; more rounds would tell"
        )
        yield CaveatKind.TOO_FEW_ROUNDS, text


def _ratio(control: Control) -> str:
    if control.ratio is None:
        return "no round has both"
    if control.ratio.bounds is None:
        return f"{control.ratio.value:.3g} times, in a single round"
    low, high = control.ratio.bounds
    return f"{control.ratio.value:.3g} times [{low:.3g} to {high:.3g}] ({control.confidence:.0%})"


def _of_metrics(record: RunRecord, every: Sequence[TrialData]) -> Iterator[Caveat]:
    """Yield the metrics that API server and etcd did not expose: their figures are missing, not 0.

    One caveat a version of Kubernetes if all its trials lack the same, else one a trial.
    """
    by_version: dict[str, list[TrialData]] = {}
    for data in every:
        if data.marks is not None:
            version = data.record.kubernetes or record.environment.kubernetes
            by_version.setdefault(version, []).append(data)
    for version, scraped in by_version.items():
        lacking = [_lacking(data) for data in scraped]
        common = lacking[0] if all(texts == lacking[0] for texts in lacking) else ()
        for text in common:
            yield Caveat(CaveatKind.METRIC_MISSING, f"{text} (Kubernetes {version})")
        for data, texts in zip(scraped, lacking, strict=True):
            if texts and not common:
                yield Caveat(CaveatKind.METRIC_MISSING, "; ".join(texts), *data.trial.place)


def _lacking(data: TrialData) -> tuple[str, ...]:
    marks = data.marks
    assert marks is not None, "called for scraped trials only"
    unscraped: dict[str, list[str]] = {}
    unexposed: dict[str, list[str]] = {}
    for metric in METRICS:
        counter = metric.counter
        if counter is None:
            continue
        if not marks.has(counter.scraped):
            unscraped.setdefault(counter.scraped, []).append(metric.title)
        elif not marks.offers(counter):
            shown = f"{metric.title} ({counter.name})"
            unexposed.setdefault(counter.scraped, []).append(shown)
    return (
        *(
            f"{_named(source)} was not scraped at both marks, so these are not measured: "
            f"{', '.join(titles)}"
            for source, titles in unscraped.items()
        ),
        *(
            f"{_named(source)} does not expose what these are read from, so they are not "
            f"measured: {', '.join(titles)}"
            for source, titles in unexposed.items()
        ),
    )


def _named(source: str) -> str:
    return "the API server" if source == "apiserver" else source
