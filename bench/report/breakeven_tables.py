"""Unit costs and goodness of fit as rows of text."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.costmodel import CostModel, Estimate, Goodness, Question, UnitCost
from bench.report.numbers import MISSING, number, scale_for
from bench.report.numbers import interval as spread


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit cost."""

    arm: str
    title: str
    value: str
    interval: str
    by_round: str


@dataclass(frozen=True, slots=True)
class GoodnessRow:
    """How well one arm is described."""

    arm: str
    rows: str
    coefficients: str
    r_squared: str
    residual_sd: str
    typical: str
    shape: str


@dataclass(frozen=True, slots=True)
class UnitTable:
    """One quantity: its unit costs, and how well they fit."""

    title: str
    remark: str
    folded: bool
    """Whether it opens on demand: what no rate and no chart above rests on."""
    units: tuple[Unit, ...]
    fits: tuple[GoodnessRow, ...]


def unit_table(model: CostModel, pods: Sequence[float], *, folded: bool) -> UnitTable:
    """Return the table of ``model``; a read is also priced at the largest of ``pods``."""
    units = [_unit(one, _unit_of(model)) for one in model.units]
    if model.knows_pods:
        for reader in model.readers:
            whole = model.cost(reader, Question(1.0, pods[-1], 0.0, 0.0))
            title = f"a whole read of {number(pods[-1])} pods"
            units.append(_row(reader, title, whole, {}, _unit_of(model)))
    ranges = model.ranges
    sizes = " to ".join(dict.fromkeys(number(size) for size in ranges.pods))
    replicas = " to ".join(dict.fromkeys(number(one) for one in ranges.replicas))
    several = "replica" if ranges.replicas[1] == 1 else "replicas"
    remark = (
        f"Measured at {sizes} pods, {replicas} {several}, {number(ranges.reads_per_s[0])} to "
        f"{number(ranges.reads_per_s[1])} reads/s and up to {number(ranges.churn_per_s[1])} "
        f"writes/s; the design's condition number is {number(model.fit.condition)}."
    )
    fits = tuple(_goodness(one, model.quantity.unit) for one in model.goodness)
    return UnitTable(model.quantity.title, remark, folded, tuple(units), fits)


def _unit_of(model: CostModel) -> str:
    """Return the unit of the cost of one thing, which is that of a second without the second."""
    return model.quantity.unit.removesuffix("/s")


def _unit(one: UnitCost, unit: str) -> Unit:
    return _row(one.arm, one.title, one.estimate, dict(one.by_round), unit)


def _row(arm: str, title: str, one: Estimate, by_round: dict[int, float], unit: str) -> Unit:
    scale = scale_for([one.value], unit)
    return Unit(
        arm=arm,
        title=title,
        value=f"{scale.show(one.value)} {scale.unit}",
        interval=spread(one.low, one.high, scale) or MISSING,
        by_round=", ".join(scale.show(value) for value in by_round.values()),
    )


def _goodness(one: Goodness, unit: str) -> GoodnessRow:
    scale = scale_for([one.residual_sd], unit)
    shape = "cannot be tested: too few scenarios or rounds"
    if one.lack_of_fit is not None:
        verdict = "yes" if one.lack_of_fit < 0.01 else "not seen"
        shape = f"{verdict}, p = {_p_value(one.lack_of_fit)}"
    return GoodnessRow(
        arm=one.arm,
        rows=str(one.rows),
        coefficients=str(one.coefficients),
        r_squared=MISSING if one.r_squared is None else f"{one.r_squared:.3f}",
        residual_sd=MISSING
        if one.residual_sd is None
        else f"{scale.show(one.residual_sd)} {scale.unit}",
        typical=MISSING if one.typical is None else f"{100 * one.typical:.2g}%",
        shape=shape,
    )


def _p_value(p: float) -> str:
    return "less than 0.001" if p < 0.001 else f"{p:.2g}"
