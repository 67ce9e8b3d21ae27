"""Caveats of single trials: what was recorded, what the ledgers say, what the observers saw."""

from collections.abc import Iterator

from bench.analysis.ledgers import identity_of
from bench.analysis.metrics import Facts
from bench.model import Caveat, CaveatKind, Outcome, TrialRecord

RATE_REACHED = 0.95
"""Share of the offered rate below which the rate counts as not reached."""
CHURN_REACHED = 0.9
SATURATED_SHARE = 0.8
"""CPU share of the single-threaded load generator above which it may be the bottleneck."""
PROBED_TIMES = 10
"""How many times the load's reads the freshness probe's are when the server's CPU is theirs."""
SHOWN_KEYS = 4
CONSISTENT = ("direct",)
"""Servers whose reads are of the newest state: a stale one is a flaw, not a property."""

Where = tuple[str, str, int]


def of_trial(record: TrialRecord) -> Iterator[Caveat]:
    """Yield what the trial's own record gives reason to say."""
    trial = record.trial
    where = (trial.scenario, trial.server, trial.round)
    if record.outcome is Outcome.FAILED:
        text = record.failure or "the trial failed, and no reason was recorded"
        yield Caveat(CaveatKind.TRIAL_FAILED, text, *where)
        return
    if record.equal_to_list is False:
        text = "asked after the window, the server did not give what a LIST gave"
        yield Caveat(CaveatKind.ANSWERS_DIFFER, text, *where)
    if record.fault is not None:  # its own caveat tells what failed, and its section shows it
        return
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
    reads_per_s = record.answered / record.window_s
    if record.probe_rps is not None and record.probe_rps > PROBED_TIMES * reads_per_s:
        text = (
            f"waiting for its writes to show, the freshness probe read {record.probe_rps:.3g} "
            f"times a second, the load {reads_per_s:.3g}: the server's CPU is that of both"
        )
        yield Caveat(CaveatKind.OBSERVER_EFFECT, text, *where)


def of_tables(fact: Facts, server: str) -> Iterator[Caveat]:
    """Yield what the tables of a good trial of ``server`` give reason to say."""
    trial, ledgers = fact.record.trial, fact.ledgers
    where = (trial.scenario, trial.server, trial.round)
    if fact.restarted and fact.record.fault is None:
        text = (
            "the API server restarted between the marks, or the two scrapes reached different "
            "ones: no figure rests on its counters"
        )
        yield Caveat(CaveatKind.API_SERVER_RESTARTED, text, *where)
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
    if ledgers.replicas is not None and fact.record.fault is None:
        for text in ledgers.replicas.findings():
            yield Caveat(CaveatKind.REPLICAS_NOT_AS_PLANNED, text, *where)
    if fact.record.fault is None:  # stale answers are what a fault is put in for to show
        yield from _of_freshness(fact, server, where)


def _of_freshness(fact: Facts, server: str, where: Where) -> Iterator[Caveat]:
    found = fact.freshness
    if found is None:
        return
    said = []
    if found.never_seen:
        said.append(f"{found.never_seen:,} of {found.writes:,} writes were never seen in an answer")
    if found.first_stale and server in CONSISTENT:
        said.append(
            f"{found.first_stale:,} of {found.first_reads:,} reads after a write were older than "
            f"it, though {server} reads the newest state"
        )
    if said:
        yield Caveat(CaveatKind.STALE_ANSWERS, "; ".join(said), *where)
