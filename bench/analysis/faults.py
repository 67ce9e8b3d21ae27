"""Scenarios with a fault: each server over its rounds. Nothing here is a cost, nor compared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.faulttrial import Age, Answers, FaultTrial, Stretch, read_fault_trial
from bench.analysis.latency import pool
from bench.analysis.summary import presentation_order
from bench.model import AGAIN, NO_SERVER, Outcome, Plan, Scenario, TrialRecord
from bench.store import RunReader


@dataclass(frozen=True, slots=True)
class FaultArm:
    """One server under one fault, its good rounds together."""

    server: str
    trials: tuple[FaultTrial, ...]

    @property
    def before(self) -> Stretch:
        """The load before the fault, all rounds."""
        return _pooled(one.before for one in self.trials)

    @property
    def meanwhile(self) -> Stretch:
        """The load while the fault lasted, all rounds."""
        return _pooled(one.meanwhile for one in self.trials)

    @property
    def after(self) -> Stretch:
        """The load in the aftermath, all rounds."""
        return _pooled(one.after for one in self.trials)

    @property
    def answers(self) -> Answers:
        """What became of the reads meant for while the fault lasted, all rounds."""
        parts = [one.answers for one in self.trials]
        return Answers(
            sum(one.asked for one in parts),
            sum(one.in_time for one in parts),
            sum(one.late for one in parts),
        )

    @property
    def oldest(self) -> Age | None:
        """The oldest answer of any round that was given while the fault lasted."""
        ages = [one.age for one in self.trials if one.age is not None]
        return max(ages, key=lambda age: age.seconds, default=None)

    @property
    def fresh_s(self) -> tuple[float | None, ...]:
        """Of each round: how long until fresh again; ``None``: not within the window."""
        return tuple(one.fresh_s for one in self.trials)

    @property
    def errors_stop_s(self) -> float | None:
        """The round in which errors went on for longest; ``None``: none failed in any."""
        known = [one.errors_stop_s for one in self.trials if one.errors_stop_s is not None]
        return max(known, default=None)

    @property
    def refills(self) -> dict[str, int]:
        """Whole states fetched anew, by reason, over all rounds."""
        reasons = dict.fromkeys(reason for one in self.trials for reason in one.refills)
        return {r: sum(one.refills.get(r, 0) for one in self.trials) for r in reasons}


@dataclass(frozen=True, slots=True)
class FaultAnalysis:
    """One scenario with a fault."""

    scenario: Scenario
    arms: tuple[FaultArm, ...]
    missing: tuple[str, ...]
    """Servers of the plan without a single good trial."""

    @property
    def what(self) -> str:
        """What happened: ``the API server was frozen``."""
        told = (one.fault.what for arm in self.arms for one in arm.trials)
        return next(told, f"the fault {self.scenario.fault} was put in")

    @property
    def lasted_s(self) -> float:
        """How long the fault lasted, on average over all trials."""
        spans = [one.fault.end_s - one.fault.begin_s for arm in self.arms for one in arm.trials]
        return float(np.mean(spans)) if spans else self.scenario.fault_s


def faulty(plan: Plan) -> frozenset[str]:
    """Return the names of the scenarios with a fault: no cost may be taken from them."""
    return frozenset(one.name for one in plan.scenarios if one.fault is not None)


def analyse_faults(
    reader: RunReader, plan: Plan, trials: Sequence[TrialRecord]
) -> tuple[FaultAnalysis, ...]:
    """Return one analysis a scenario with a fault; raises ``StoreError``."""
    return tuple(
        _analyse(reader, scenario, plan, trials)
        for scenario in plan.scenarios
        if scenario.fault is not None
    )


def _analyse(
    reader: RunReader, scenario: Scenario, plan: Plan, trials: Sequence[TrialRecord]
) -> FaultAnalysis:
    by_server: dict[str, list[FaultTrial]] = {}
    for record in trials:
        if record.trial.scenario != scenario.name or record.outcome is not Outcome.OK:
            continue
        found = read_fault_trial(reader, record)
        if found is not None:
            by_server.setdefault(record.trial.server, []).append(found)
    planned = [name for name in plan.servers if name != NO_SERVER]
    servers = presentation_order(list(dict.fromkeys([*planned, *by_server])))
    return FaultAnalysis(
        scenario,
        tuple(FaultArm(name, tuple(by_server[name])) for name in servers if name in by_server),
        tuple(s for s in servers if s not in by_server and not s.endswith(AGAIN)),
    )


def _pooled(parts: Iterable[Stretch]) -> Stretch:
    parts = list(parts)
    return Stretch(
        seconds=sum(part.seconds for part in parts),
        asked=sum(part.asked for part in parts),
        answered=sum(part.answered for part in parts),
        felt=pool(part.felt for part in parts),
        longest_ms=max(
            (one.longest_ms for one in parts if one.longest_ms is not None), default=None
        ),
    )
