"""What each further replica costs, as a table and charts: the control plane and the application."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.analysis.intervals import Interval
from bench.analysis.replicas import APPLICATION, CONTROL_PLANE, WATCHES, ReplicaCost, ReplicaGroup
from bench.report.chart import Chart
from bench.report.charts.replicas import replica_cost_chart
from bench.report.numbers import MISSING, Scale, interval, number, scale_for

DRAWN = ("apiserver_cpu", "api_bytes", "memory_end")
WHO = (("the control plane", (*CONTROL_PLANE, WATCHES.key)), ("the application", APPLICATION))


@dataclass(frozen=True, slots=True)
class CostCell:
    """A figure and its interval."""

    value: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class CostRow:
    """One metric of one arm: at each number of replicas, and for each further one."""

    title: str
    arm: str
    cells: tuple[CostCell, ...]
    each: CostCell


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, and for what."""

    who: str
    rows: tuple[CostRow, ...]


@dataclass(frozen=True, slots=True)
class ReplicaSection:
    """One group of scenarios that differ in their replicas alone."""

    anchor: str
    title: str
    caption: str
    headings: tuple[str, ...]
    payers: tuple[Payer, ...]
    charts: tuple[Chart, ...]


def replica_sections(groups: Sequence[ReplicaGroup]) -> list[ReplicaSection]:
    """Return a section for each group; none for a run whose replicas never vary."""
    return [_section(index, group) for index, group in enumerate(groups)]


def _section(index: int, group: ReplicaGroup) -> ReplicaSection:
    one = group.scenario
    asked = f"{number(one.rate_rps)} reads/s in all" if one.is_open else f"{one.users} users in all"
    at = f"{one.route}, {asked}, {one.pods:,} pods, {number(one.churn_per_s)} writes/s to them"
    anchor = f"replicas{index}"
    return ReplicaSection(
        anchor=anchor,
        title=f"What does each further replica cost? {at}",
        caption="Mean over the rounds, its 95% interval below. The last column is the slope over "
        "the replicas, round by round. What the control plane pays is above the arm none; "
        "start to ready is that of the slowest replica, all started together on this machine.",
        headings=tuple(f"{n} replica{'s' if n > 1 else ''}" for n in group.replicas),
        payers=tuple(Payer(who, tuple(_rows(group, keys))) for who, keys in WHO),
        charts=tuple(
            replica_cost_chart(group, key, f"{anchor}-{key.replace('_', '-')}")
            for key in DRAWN
            if group.of(key)
        ),
    )


def _rows(group: ReplicaGroup, keys: Sequence[str]) -> Iterator[CostRow]:
    for key in keys:
        costs = group.of(key)
        values = [mean.value for cost in costs for mean in cost.means.values()]
        for cost in costs:
            scale = scale_for(values, cost.metric.unit)
            unit = f", {scale.unit}" if scale.unit else ""
            yield CostRow(
                title=f"{cost.metric.title}{unit}".replace(" ,", ","),
                arm=cost.arm,
                cells=tuple(_cell(cost.means.get(n), scale) for n in group.replicas),
                each=_each(cost, scale),
            )


def _cell(found: Interval | None, scale: Scale) -> CostCell:
    if found is None:
        return CostCell(MISSING)
    return CostCell(scale.show(found.value), interval(found.low, found.high, scale))


def _each(cost: ReplicaCost, scale: Scale) -> CostCell:
    cell = _cell(cost.each, scale)
    signed = cost.each is not None and cost.each.value > 0
    return CostCell(f"+{cell.value}" if signed else cell.value, cell.interval)
