"""Which replica asked the API server: a row for each server that had several."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.metrics import Facts
from bench.analysis.replicaledgers import ReplicaLedger, ReplicaLedgers
from bench.analysis.requests import Count, for_pods
from bench.analysis.run import RunAnalysis
from bench.analysis.summary import presentation_order
from bench.report.numbers import MISSING


@dataclass(frozen=True, slots=True)
class AskerRow:
    """One server with several replicas under one scenario, all rounds; counts as text."""

    scenario: str
    server: str
    replicas: int
    least: str
    """LISTs and GETs of pods: of the replica that had the fewest in a round."""
    most: str
    together: str
    """Of all replicas, all rounds."""
    account: str
    """Of the account that they share."""
    watches: str
    """Opened by one replica since its start: the least, and the most."""
    own_counts: str
    seen: str
    good: bool | None
    """Whether each replica is seen in each round, and nobody else; ``None``: not known."""


def asker_rows(analysis: RunAnalysis) -> list[AskerRow]:
    """Return a row for each server that had several replicas; none if no server had."""
    several: dict[tuple[str, str], list[Facts]] = {}
    for fact in analysis.facts:
        if fact.record.replicas > 1:
            trial = fact.record.trial
            several.setdefault((trial.scenario, trial.server), []).append(fact)
    scenarios = [scenario.name for scenario in analysis.record.plan.scenarios]
    servers = presentation_order(list(dict.fromkeys(server for _, server in several)))
    order = sorted(several, key=lambda at: (scenarios.index(at[0]), servers.index(at[1])))
    return [_row(scenario, server, several[scenario, server]) for scenario, server in order]


def _row(scenario: str, server: str, facts: Sequence[Facts]) -> AskerRow:
    replicas = facts[0].record.replicas
    known = [
        (fact, fact.ledgers.replicas)
        for fact in facts
        if fact.ledgers.replicas is not None and fact.ledgers.replicas.told_apart
    ]
    if len(known) < len(facts):
        nothing = (MISSING,) * 6
        return AskerRow(scenario, server, replicas, *nothing, seen=_why_not(facts), good=None)
    each = [one for _, ledgers in known for one in ledgers.replicas]
    reads = [one.reads for one in each]
    faults = [
        f"round {fact.record.trial.round}: {text}"
        for fact, ledgers in known
        if (text := _unseen(ledgers))
    ]
    return AskerRow(
        scenario=scenario,
        server=server,
        replicas=replicas,
        least=f"{min(reads):,}",
        most=f"{max(reads):,}",
        together=f"{sum(reads):,}",
        account=f"{sum(_of_account(fact) for fact in facts):,}",
        watches=_watches(each),
        own_counts=_own_counts(each),
        seen="; ".join(faults) or "each of them, and nobody else",
        good=not faults,
    )


def _why_not(facts: Sequence[Facts]) -> str:
    for fact in facts:
        found = fact.ledgers.replicas
        if found is not None and not found.told_apart:
            agents = ", ".join(repr(agent) for agent in found.others)
            return f"not told apart: no User-Agent names a replica ({agents})"
    return "not known: of these trials the audit log was not kept, or its User-Agents were not"


def _unseen(found: ReplicaLedgers) -> str:
    """Say which replica is not seen, and who else is; empty if there is nothing to say."""
    unseen = [str(one.replica) for one in found.replicas if not one.seen]
    said = [f"not seen: replica {', '.join(unseen)}"] if unseen else []
    said += [f"{number:,} of {agent!r}" for agent, number in found.others.items()]
    return ", ".join(said)


def _of_account(fact: Facts) -> int:
    return for_pods(fact.ledgers.for_reads or Count(), "list", "get")


def _watches(each: Sequence[ReplicaLedger]) -> str:
    low, high = min(one.watches for one in each), max(one.watches for one in each)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _own_counts(each: Sequence[ReplicaLedger]) -> str:
    found = {one.agree for one in each}
    if None in found:
        return "not comparable"
    return "agree" if found == {True} else "differ"
