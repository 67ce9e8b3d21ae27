"""A whole run, from files to figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.caveats import VOIDING, collect
from bench.analysis.compare import Comparison, compare_all
from bench.analysis.metrics import Facts, read_facts
from bench.analysis.summary import Arm, presentation_order, summarise
from bench.model import (
    Caveat,
    EqualityRecord,
    Outcome,
    RunRecord,
    Scenario,
    TrialRecord,
)
from bench.store import RunReader


@dataclass(frozen=True, slots=True)
class ScenarioAnalysis:
    """One scenario: its arms in presentation order, and how they compare."""

    scenario: Scenario
    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]
    missing: tuple[str, ...]
    """Servers of the plan without a single good trial."""

    def comparison(self, key: str, baseline: str, *, per_1000: bool = False) -> Comparison | None:
        """Return the comparison with ``baseline`` in the metric ``key``, if there is one."""
        for one in self.comparisons:
            if (one.metric.key, one.baseline, one.per_1000) == (key, baseline, per_1000):
                return one
        return None


@dataclass(frozen=True, slots=True)
class RunAnalysis:
    """Everything that is computed from a run."""

    record: RunRecord
    equality: EqualityRecord | None
    trials: tuple[TrialRecord, ...]
    facts: tuple[Facts, ...]
    """Of the trials that ended well."""
    scenarios: tuple[ScenarioAnalysis, ...]
    caveats: tuple[Caveat, ...]

    @property
    def voids(self) -> tuple[Caveat, ...]:
        """The caveats that come before every figure."""
        return tuple(caveat for caveat in self.caveats if caveat.kind in VOIDING)


def analyse(reader: RunReader) -> RunAnalysis:
    """Compute everything from a run's files; raises ``StoreError`` when one is damaged."""
    record, trials = reader.record, reader.trials()
    equality = reader.equality
    good = [trial for trial in trials if trial.outcome is Outcome.OK]
    facts = [read_facts(reader, trial) for trial in good]
    scenarios = [
        _analyse_scenario(scenario, facts, record.plan.servers)
        for scenario in record.plan.scenarios
    ]
    arms = [arm for scenario in scenarios for arm in scenario.arms]
    caveats = collect(record, equality, trials, facts, arms)
    return RunAnalysis(record, equality, tuple(trials), tuple(facts), tuple(scenarios), caveats)


def _analyse_scenario(
    scenario: Scenario, facts: Sequence[Facts], planned: Sequence[str]
) -> ScenarioAnalysis:
    own = [fact for fact in facts if fact.record.trial.scenario == scenario.name]
    servers = list(dict.fromkeys([*planned, *(fact.record.trial.server for fact in own)]))
    arms = summarise(scenario, own, servers)
    present = {arm.server for arm in arms}
    missing = [server for server in presentation_order(servers) if server not in present]
    return ScenarioAnalysis(scenario, tuple(arms), tuple(compare_all(arms)), tuple(missing))
