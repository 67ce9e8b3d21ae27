"""The rows that unit costs are fitted from: one a trial, less the floor of its own round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.analysis.metrics import METRICS, Facts
from bench.model import NO_SERVER, Plan

START = "informer's start"
"""Stands for the arm in rows that say what a start took."""

_BY_KEY = {metric.key: metric for metric in METRICS}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A cost that is modelled, per second."""

    key: str
    title: str
    unit: str
    of: Callable[[Facts], float | None]
    counts_start: bool = False
    """Whether the record of a trial says what the start cost in this quantity."""


@dataclass(frozen=True, slots=True)
class CostRow:
    """One trial: what it was asked for, and what it cost more than the floor, a second.

    ``reads_per_s`` and ``churn_per_s`` are what was done in a second between the
    marks, as costs are, not what was planned; ``window_rps`` counts the reads over
    the window alone, which is the rate that was offered, if it was reached.
    ``replicas`` counts read paths: each worker of a replica is one, with a cache of
    its own. The row of a start is of the starts of all of them.
    """

    scenario: str
    round: int
    arm: str
    pods: int
    reads_per_s: float
    churn_per_s: float
    cost: float
    floor: float
    window_rps: float = 0.0
    replicas: int = 1

    @property
    def block(self) -> tuple[str, int]:
        """What shares a floor: the scenario and the round."""
        return self.scenario, self.round


def _control_plane(facts: Facts) -> float | None:
    parts = [_BY_KEY[key].of(facts) for key in ("apiserver_cpu", "etcd_cpu")]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


QUANTITIES = (
    Quantity("apiserver_cpu", "API-server CPU", "ms/s", _BY_KEY["apiserver_cpu"].of),
    Quantity(
        "control_plane_cpu", "Control-plane CPU (API server and etcd)", "ms/s", _control_plane
    ),
    Quantity(
        "api_bytes",
        "Bytes the API server sent",
        "B/s",
        _BY_KEY["api_bytes"].of,
        counts_start=True,
    ),
)


def rows_of(
    plan: Plan, facts: Sequence[Facts], quantity: Quantity, arms: Sequence[str]
) -> list[CostRow]:
    """Return a row for each good trial of ``arms`` at a fixed rate whose round has a floor.

    At full speed (the closed model) a read's cost is that of a saturated machine, so
    those scenarios are left out. So are those on another version of Kubernetes than the
    plan's first: a unit cost is that of one version.
    """
    trials = {
        (one.record.trial.scenario, one.record.trial.round, one.record.trial.server): one
        for one in facts
    }
    rows = []
    for scenario in plan.scenarios:
        if scenario.kubernetes != plan.scenarios[0].kubernetes:
            continue
        for (name, number, arm), one in trials.items():
            floor = trials.get((name, number, NO_SERVER))
            if name != scenario.name or arm not in arms or not scenario.is_open or floor is None:
                continue
            cost, below = quantity.of(one), quantity.of(floor)
            if cost is None or below is None or one.record.marks_s <= 0:
                continue
            record = one.record
            rows.append(
                CostRow(
                    scenario=name,
                    round=number,
                    arm=arm,
                    pods=scenario.pods,
                    reads_per_s=one.reads / record.marks_s,
                    churn_per_s=record.churn_achieved_per_s,
                    cost=cost - below,
                    floor=below,
                    window_rps=one.reads / record.window_s if record.window_s > 0 else 0.0,
                    replicas=record.replicas * record.workers,
                )
            )
    return sorted(rows, key=lambda row: (row.round, row.scenario, row.arm))
