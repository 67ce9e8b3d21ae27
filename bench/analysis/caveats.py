"""Reasons to read a figure with care: those recorded while measuring, and those computed here."""

from collections.abc import Iterable, Iterator, Sequence

from bench.analysis.intervals import INDICATIVE_BELOW
from bench.analysis.ledgers import identity_of
from bench.analysis.metrics import Facts
from bench.analysis.summary import Arm
from bench.model import (
    NO_SERVER,
    Caveat,
    CaveatKind,
    EqualityRecord,
    Outcome,
    RunRecord,
    RunState,
    TrialRecord,
)

RATE_REACHED = 0.95
"""Share of the offered rate below which the rate counts as not reached."""
CHURN_REACHED = 0.9
SATURATED_SHARE = 0.8
"""CPU share of the single-threaded load generator above which it may be the bottleneck."""
BUSY_SHARE = 0.5
"""Load average per processor before the start above which the machine counts as noisy."""
SHOWN_KEYS = 4

VOIDING = (CaveatKind.ANSWERS_DIFFER, CaveatKind.LEDGERS_DISAGREE, CaveatKind.RUN_INCOMPLETE)
"""What is said before any figure."""


def collect(
    record: RunRecord,
    equality: EqualityRecord | None,
    trials: Sequence[TrialRecord],
    facts: Sequence[Facts],
    arms: Sequence[Arm],
) -> tuple[Caveat, ...]:
    """Return every caveat of the run, the recorded ones first, none twice.

    A recorded caveat takes precedence over a computed one of the same kind and
    place: who was there knew more.
    """
    recorded = [*record.caveats, *_of_trials(trials)]
    places = {_place(caveat) for caveat in recorded}
    computed = [
        caveat
        for caveat in _computed(record, equality, trials, facts, arms)
        if _place(caveat) not in places
    ]
    return tuple(dict.fromkeys([*recorded, *computed]))


def _place(caveat: Caveat) -> tuple[CaveatKind, str | None, str | None, int | None]:
    return caveat.kind, caveat.scenario, caveat.server, caveat.round


def _of_trials(trials: Iterable[TrialRecord]) -> Iterator[Caveat]:
    for record in trials:
        for caveat in record.caveats:
            trial = record.trial
            yield Caveat(
                caveat.kind,
                caveat.text,
                caveat.scenario or trial.scenario,
                caveat.server or trial.server,
                trial.round if caveat.round is None else caveat.round,
            )


def _computed(
    record: RunRecord,
    equality: EqualityRecord | None,
    trials: Sequence[TrialRecord],
    facts: Sequence[Facts],
    arms: Sequence[Arm],
) -> Iterator[Caveat]:
    yield from _of_run(record, equality, len(trials))
    for trial in trials:
        yield from _of_trial(trial)
    for fact in facts:
        yield from _of_ledgers(fact)
    for arm in arms:
        yield from _of_arm(arm)


def _of_run(record: RunRecord, equality: EqualityRecord | None, written: int) -> Iterator[Caveat]:
    if record.state is not RunState.COMPLETE or written < record.trials_planned:
        reason = f": {record.reason}" if record.reason else ""
        text = f"{written} of {record.trials_planned} trials were made{reason}"
        yield Caveat(CaveatKind.RUN_INCOMPLETE, text)
    if equality is None:
        text = "the servers' answers were not compared with each other in this run"
        yield Caveat(CaveatKind.ANSWERS_UNCHECKED, text)
    elif not equality.equal:
        unequal = [answer.path for answer in equality.answers if not answer.equal]
        text = f"the servers answered {len(unequal)} of {len(equality.answers)} queries differently"
        yield Caveat(CaveatKind.ANSWERS_DIFFER, f"{text}: {', '.join(unequal[:SHOWN_KEYS])}")
    environment = record.environment
    if environment.load_average_1m > BUSY_SHARE * environment.processors:
        text = (
            f"before the start the machine had a load average of {environment.load_average_1m:.2g} "
            f"on {environment.processors} processors: something else was running"
        )
        yield Caveat(CaveatKind.NOISY_MACHINE, text)


def _of_trial(record: TrialRecord) -> Iterator[Caveat]:
    trial = record.trial
    where = (trial.scenario, trial.server, trial.round)
    if record.outcome is Outcome.FAILED:
        text = record.failure or "the trial failed, and no reason was recorded"
        yield Caveat(CaveatKind.TRIAL_FAILED, text, *where)
        return
    if record.equal_to_list is False:
        text = "asked after the window, the server did not give what a LIST gave"
        yield Caveat(CaveatKind.ANSWERS_DIFFER, text, *where)
    if record.failed:
        text = f"{record.failed:,} of {record.sent:,} requests failed or timed out"
        yield Caveat(CaveatKind.FAILED_REQUESTS, text, *where)
    if record.dropped:
        text = f"{record.dropped:,} arrivals were dropped: too many requests were outstanding"
        yield Caveat(CaveatKind.DROPPED_ARRIVALS, text, *where)
    yield from _of_rates(record)


def _of_rates(record: TrialRecord) -> Iterator[Caveat]:
    trial = record.trial
    where = (trial.scenario, trial.server, trial.round)
    offered, achieved = record.requested_rps, record.achieved_rps
    if offered and achieved is not None and achieved < RATE_REACHED * offered:
        text = f"offered {offered:.4g}/s, sent {achieved:.4g}/s"
        yield Caveat(CaveatKind.RATE_NOT_REACHED, text, *where)
    churn, written = record.churn_requested_per_s, record.churn_achieved_per_s
    if churn and written < CHURN_REACHED * churn:
        text = f"asked for {churn:.4g} writes/s, made {written:.4g}/s"
        yield Caveat(CaveatKind.CHURN_NOT_REACHED, text, *where)
    share = record.generator_cpu_share
    if share is not None and share > SATURATED_SHARE:
        text = (
            f"the load generator used {share:.0%} of a processor: read the throughput as at least"
        )
        yield Caveat(CaveatKind.GENERATOR_SATURATED, text, *where)


def _of_ledgers(fact: Facts) -> Iterator[Caveat]:
    trial, ledgers = fact.record.trial, fact.ledgers
    where = (trial.scenario, trial.server, trial.round)
    if ledgers.disagreements:
        shown = "; ".join(str(one) for one in ledgers.disagreements[:SHOWN_KEYS])
        more = len(ledgers.disagreements) - SHOWN_KEYS
        text = shown + (f"; and {more} more" if more > 0 else "")
        yield Caveat(CaveatKind.LEDGERS_DISAGREE, text, *where)
    if ledgers.missing:
        yield Caveat(CaveatKind.LEDGER_MISSING, "; ".join(ledgers.missing), *where)
    if fact.record.equal_to_list is None and identity_of(fact.record) is not None:
        text = "after the window the server's answer was not compared with a LIST"
        yield Caveat(CaveatKind.ANSWERS_UNCHECKED, text, *where)


def _of_arm(arm: Arm) -> Iterator[Caveat]:
    if arm.server == NO_SERVER:
        return
    where = (arm.scenario.name, arm.server)
    withheld = [one for one in arm.percentiles if one.withheld]
    if withheld:
        text = "; ".join(f"p{one.q * 100:.0f} {one.withheld}" for one in withheld)
        yield Caveat(CaveatKind.TOO_FEW_SAMPLES, text, *where)
    rounds = len(arm.facts)
    if rounds < INDICATIVE_BELOW:
        text = (
            "a single round: no interval can be given"
            if rounds == 1
            else f"{rounds} rounds: intervals are indicative, {INDICATIVE_BELOW} are needed"
        )
        yield Caveat(CaveatKind.TOO_FEW_ROUNDS, text, *where)
