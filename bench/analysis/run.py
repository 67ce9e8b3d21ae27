"""A whole run, from files to figures."""

from dataclasses import dataclass

from bench.analysis.caveats import VOIDING, collect
from bench.analysis.controls import Control
from bench.analysis.faults import FaultAnalysis, analyse_faults, faulty
from bench.analysis.intervals import CONFIDENCE
from bench.analysis.metrics import Facts, read_facts
from bench.analysis.readpaths import Matrix, matrices
from bench.analysis.scenario import ScenarioAnalysis, analyse_scenario
from bench.analysis.versions import VersionSet, version_sets
from bench.model import Caveat, EqualityRecord, Outcome, RunRecord, TrialRecord
from bench.store import RunReader

__all__ = ["RunAnalysis", "ScenarioAnalysis", "analyse"]


@dataclass(frozen=True, slots=True)
class RunAnalysis:
    """Everything that is computed from a run."""

    record: RunRecord
    equality: EqualityRecord | None
    trials: tuple[TrialRecord, ...]
    facts: tuple[Facts, ...]
    """Of the trials that ended well, those with a fault apart: no cost is taken from these."""
    scenarios: tuple[ScenarioAnalysis, ...]
    """Those without a fault."""
    caveats: tuple[Caveat, ...]
    matrices: tuple[Matrix, ...] = ()
    """Read paths side by side, where the run has more of them than the usual three."""
    faults: tuple[FaultAnalysis, ...] = ()
    """The scenarios in which the API server was made to fail."""
    versions: tuple[VersionSet, ...] = ()
    """Scenarios on several versions of Kubernetes, side by side."""

    @property
    def controls(self) -> tuple[Control, ...]:
        """The same-against-same controls of all scenarios."""
        return tuple(control for one in self.scenarios for control in one.controls)

    @property
    def voids(self) -> tuple[Caveat, ...]:
        """The caveats that come before every figure, the gravest first."""
        grave = [caveat for caveat in self.caveats if caveat.kind in VOIDING]
        return tuple(sorted(grave, key=lambda caveat: VOIDING.index(caveat.kind)))


def analyse(reader: RunReader, *, confidence: float = CONFIDENCE) -> RunAnalysis:
    """Compute everything from a run's files; raises ``StoreError`` when one is damaged.

    Intervals are of ``confidence``, save for the controls' own test, which has its own.
    """
    record, trials = reader.record, reader.trials()
    equality = reader.equality
    failing = faulty(record.plan)
    good = [trial for trial in trials if trial.outcome is Outcome.OK]
    every = [read_facts(reader, trial) for trial in good]
    facts = [one for one in every if one.record.trial.scenario not in failing]
    scenarios = [
        analyse_scenario(scenario, facts, record.plan, confidence)
        for scenario in record.plan.scenarios
        if scenario.name not in failing
    ]
    caveats = collect(record, equality, trials, every, scenarios)
    return RunAnalysis(
        record,
        equality,
        tuple(trials),
        tuple(facts),
        tuple(scenarios),
        caveats,
        matrices(scenarios, record.contracts, confidence),
        analyse_faults(reader, record.plan, trials),
        version_sets(scenarios, confidence),
    )
