"""Reasons to read a figure with care: those recorded while measuring, and those computed here."""

from collections.abc import Iterable, Iterator, Sequence

from bench.analysis.caveats_of_figures import of_arm, of_control, of_metrics
from bench.analysis.caveats_of_trials import SHOWN_KEYS, of_tables, of_trial
from bench.analysis.metrics import Facts
from bench.analysis.observer_effect import observer_effects
from bench.analysis.scenario import ScenarioAnalysis
from bench.model import Caveat, CaveatKind, EqualityRecord, RunRecord, RunState, TrialRecord

BUSY_SHARE = 0.5
"""Load average per processor before the start above which the machine counts as noisy."""

VOIDING = (
    CaveatKind.CONTROL_FIRED,
    CaveatKind.ANSWERS_DIFFER,
    CaveatKind.LEDGERS_DISAGREE,
    CaveatKind.RUN_INCOMPLETE,
)
"""What is said before any figure, in this order."""


def collect(
    record: RunRecord,
    equality: EqualityRecord | None,
    trials: Sequence[TrialRecord],
    facts: Sequence[Facts],
    scenarios: Sequence[ScenarioAnalysis],
) -> tuple[Caveat, ...]:
    """Return every caveat of the run, the recorded ones first, none twice.

    A recorded caveat takes precedence over a computed one of the same kind and
    place: who was there knew more.
    """
    recorded = [*record.caveats, *_of_trials(trials)]
    places = {_place(caveat) for caveat in recorded}
    computed = [
        caveat
        for caveat in _computed(record, equality, trials, facts, scenarios)
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
    scenarios: Sequence[ScenarioAnalysis],
) -> Iterator[Caveat]:
    for scenario in scenarios:
        for control in scenario.controls:
            yield from of_control(control)
    yield from _of_run(record, equality, len(trials))
    yield from of_metrics(record, facts)
    for trial in trials:
        yield from of_trial(trial)
    for fact in facts:
        yield from of_tables(fact, record.plan.server_of(fact.record.trial.server))
    for scenario in scenarios:
        for arm in scenario.arms:
            yield from of_arm(arm)
    yield from observer_effects(scenarios)


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
