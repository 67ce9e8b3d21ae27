"""The section on break-even: from which read rate on an informer pays, and where it does not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from bench.analysis.costfit import START, Unfitted, cost_models
from bench.analysis.costmodel import INFORMER, LIFETIME_S, CostModel, Estimate, Question
from bench.analysis.fieller import Ratio
from bench.analysis.leastsquares import CONFIDENCE
from bench.analysis.run import RunAnalysis
from bench.report.breakeven_charts import churn_chart, cost_chart, residual_chart
from bench.report.breakeven_tables import UnitTable, unit_table
from bench.report.chart import Chart
from bench.report.numbers import MISSING, number
from bench.report.rates import break_even, rate

POOR_R_SQUARED = 0.8
BENT_BELOW = 0.01
SHOWN = ("apiserver_cpu", "api_bytes")
"""Quantities in the table of rates and the charts; the calculator and the unit costs have all."""
SHORT = {
    "apiserver_cpu": "API-server CPU",
    "control_plane_cpu": "control-plane CPU",
    "api_bytes": "bytes",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Break-even rates at one number of pods and one churn: a rate and its interval a column."""

    pods: str
    churn: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the calculator."""

    name: str
    label: str
    value: str
    least: str
    range: str
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class BreakEven:
    """What the template takes. When ``missing`` says why there is nothing, the rest is empty."""

    missing: str
    lead: str = ""
    is_answer: bool = False
    """Whether the run set out to find it, pods varied along with the rest: then it comes first."""
    loses: tuple[str, ...] = ()
    table_remark: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    fields: tuple[Field, ...] = ()
    arms: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[UnitTable, ...] = ()
    constants: Mapping[str, Any] | None = None
    script: str = ""


def break_even_section(analysis: RunAnalysis) -> BreakEven:
    """Fit the run's costs and put them in words; never fails for what a run lacks."""
    found = cost_models(analysis.record.plan, analysis.facts)
    models = [one for one in found if isinstance(one, CostModel)]
    unfitted = [one for one in found if isinstance(one, Unfitted)]
    shown = [model for model in models if model.quantity.key in SHOWN]
    if not shown:
        return BreakEven(missing=unfitted[0].why if unfitted else "no cost was measured")
    first = shown[0]
    pods = sorted({float(row.pods) for row in first.rows if row.arm != START})
    at = _reference(first, pods)
    return BreakEven(
        missing="",
        lead=_lead(shown, at),
        is_answer=first.knows_pods,
        loses=tuple(_loses(first, at, pods)),
        table_remark=_table_remark(first),
        columns=tuple(
            f"{SHORT[model.quantity.key]}, against {reader}"
            for model in shown
            for reader in model.readers
        ),
        rows=tuple(_rows(shown, pods, _churns(analysis, first))),
        notes=tuple(_notes(models, unfitted, at)),
        fields=_fields(first, at),
        arms=tuple(first.recipes),
        charts=tuple(_charts(shown, at, pods)),
        tables=tuple(
            unit_table(model, pods, folded=model.quantity.key not in SHOWN) for model in models
        ),
        constants=_constants(models, at),
        script=script(),
    )


def _charts(models: Sequence[CostModel], at: Question, pods: Sequence[float]) -> Iterator[Chart]:
    yield from (cost_chart(model, at) for model in models)
    yield from (churn_chart(model, pods) for model in models)
    if len({row.scenario for row in models[0].rows}) > 1:
        # Of a single scenario all trials stand at one place, and no shape can be seen.
        yield from (residual_chart(model) for model in models)


def _reference(model: CostModel, pods: Sequence[float]) -> Question:
    """Choose the situation that the section talks of: the largest that was measured."""
    ranges = model.ranges
    reads = min(ranges.reads_per_s[1], ranges.reads_pods / max(pods[-1], 1.0))
    return Question(_rounded(reads), pods[-1], _rounded(ranges.churn_per_s[1]))


def _rounded(value: float) -> float:
    """Cut what was measured to two digits: 40.13 writes a second were meant to be 40."""
    return float(f"{value:.2g}")


def script() -> str:
    """Return the calculator's script, as it stands in the page."""
    file = resources.files("bench.report") / "templates" / "breakeven.js"
    return file.read_text(encoding="utf-8")


def _lead(models: Sequence[CostModel], at: Question) -> str:
    parts = []
    for model in models:
        reader = model.readers[0]
        shown, spread = break_even(model.break_even(reader, at), model.ranges.reads_per_s[1])
        said = f"{shown} ({spread})" if shown != MISSING else f"this run {spread}"
        parts.append(f"by {SHORT[model.quantity.key]}, {said}")
    return (
        f"With {number(at.pods)} pods and {number(at.churn_per_s)} writes to them a second, one "
        f"informer costs the API server less than {models[0].readers[0]} from this read rate on: "
        f"{'; '.join(parts)}."
    )


def _loses(model: CostModel, at: Question, pods: Sequence[float]) -> Iterator[str]:
    reader, highest = model.readers[0], model.ranges.reads_per_s[1]
    small = Question(at.reads_per_s, pods[0], at.churn_per_s)
    even = model.break_even(reader, small)
    shown, spread = break_even(even, highest)
    few = (
        f"Few reads of a small set that changes much: with {number(small.pods)} pods and "
        f"{number(small.churn_per_s)} writes/s"
    )
    if even.value:
        yield (
            f"{few} it takes {shown} ({spread}); at fewer reads asking each time costs the API "
            "server less CPU."
        )
    else:
        said = spread if shown == MISSING else f"{shown} ({spread})"
        yield f"{few} this run does not say at which rate it begins to lose: {said}."
    writes = _writes_per_read(model.break_even(reader, replace(at, churn_per_s=1.0)))
    if writes:
        yield (
            f"Churn: the rate grows in proportion to it. At {number(at.pods)} pods, {writes} cost "
            f"the API server as much CPU as one read by {reader}."
        )
    if even.value:
        yield (
            "Replicas: each watches for itself, whatever it is asked. Ten of them break even only "
            f"at {rate(10 * even.value)} together, with {number(small.pods)} pods. One was "
            "measured: that their costs add up is taken as given."
        )
    yield (
        "Short lives of a large set: each start takes one list of everything. A replica that is "
        f"asked less than about once in its life saves nothing; these figures give it "
        f"{number(LIFETIME_S / 3600)} h. Memory, staleness and time to ready are billed elsewhere "
        "on this page."
    )


def _writes_per_read(one: Ratio) -> str:
    """Turn the break-even rate at one write a second around; nothing if there is none."""
    if not one.value:
        return ""
    said = f"about {number(1 / one.value)} writes"
    if one.high is None:
        return said if one.low is None else ""
    least = number(1 / one.high)
    return f"{said} ({least} to {number(1 / one.low)})" if one.low else f"{said} (at least {least})"


def _table_remark(model: CostModel) -> str:
    least = model.ranges.reads_per_s[0]
    return (
        f"Rates below {rate(least)} were not measured: there the line from no reads, which cost "
        f"nothing, to {rate(least)} is followed. A start is spread over "
        f"{number(LIFETIME_S / 3600)} h."
    )


def _churns(analysis: RunAnalysis, model: CostModel) -> list[float]:
    """Return the churn of the scenarios that were fitted: what was asked for, reached or not."""
    fitted = {row.scenario for row in model.rows}
    return sorted({one.churn_per_s for one in analysis.record.plan.scenarios if one.name in fitted})


def _rows(
    models: Sequence[CostModel], pods: Sequence[float], churns: Sequence[float]
) -> Iterator[Row]:
    for size in pods:
        for churn in churns:
            question = Question(0.0, size, churn)
            cells = tuple(
                break_even(model.break_even(reader, question), model.ranges.reads_per_s[1])
                for model in models
                for reader in model.readers
            )
            yield Row(number(size), number(churn), cells)


def _notes(
    models: Sequence[CostModel], unfitted: Sequence[Unfitted], at: Question
) -> Iterator[tuple[str, str]]:
    for one in unfitted:
        yield "Not modelled", f"{one.quantity.title}: {one.why}"
    for model in models:
        name = model.quantity.title
        poor = [
            f"{fit.arm} R\u00b2 {fit.r_squared:.2f}"
            for fit in model.goodness
            if fit.r_squared is not None and fit.r_squared < POOR_R_SQUARED
        ]
        if poor:
            yield "Poor fit", f"{name}: {', '.join(poor)}. The model describes these loosely."
        bent = [
            fit.arm
            for fit in model.goodness
            if fit.lack_of_fit is not None and fit.lack_of_fit < BENT_BELOW
        ]
        if bent:
            yield (
                "The model bends away",
                (
                    f"{name}: the scenarios of {', '.join(bent)} lie further from the straight "
                    "model than rounds scatter. Trust it near what was measured."
                ),
            )
        if any(unit.estimate.low is None for unit in model.units):
            yield (
                "No interval",
                f"{name}: as many unit costs as trials, or a single round of a single scenario",
            )
        unsure = [what for what, one in _whole(model, at) if _spans_zero(one)]
        if unsure:
            yield "Cannot be told from nothing", f"{name}: {'; '.join(unsure)}"
    first = models[0]
    if not first.knows_pods:
        yield (
            "One number of pods",
            (
                f"measured at {number(first.ranges.pods[0])} pods only; how costs grow with the "
                "pods takes a sweep: make bench PLAN=sweep"
            ),
        )
    elif alone := [reader for reader in first.readers if len(first.recipes[reader]) == 1]:
        yield (
            "One number of pods",
            (
                f"{', '.join(alone)} has good trials at one number of pods only, and is priced as "
                "if every read were of that many"
            ),
        )
    priced = [model for model in models if model.start_from is not None]
    if priced:
        names = ", ".join(SHORT[model.quantity.key] for model in priced)
        yield (
            "Starts",
            (
                f"what the informer's start costs in {names} is taken to be one read by "
                f"{priced[0].start_from} of the same pods; it was not measured by itself"
            ),
        )


def _whole(model: CostModel, at: Question) -> Iterator[tuple[str, Estimate]]:
    """Return what a whole read and an event cost: what a break-even rate rests on."""
    for reader in model.readers:
        what = f"a read by {reader} of {number(at.pods)} pods"
        yield what, model.cost(reader, Question(1.0, at.pods, 0.0, 0.0))
    for unit in model.units:
        if unit.arm == INFORMER:
            yield f"{unit.title} for the informer", unit.estimate


def _spans_zero(one: Estimate) -> bool:
    return one.low is not None and one.high is not None and one.low <= 0 <= one.high


def _fields(model: CostModel, at: Question) -> tuple[Field, ...]:
    ranges = model.ranges
    sizes = _span(ranges.pods)
    return (
        Field(
            "reads",
            "Reads a second, all replicas",
            _plain(at.reads_per_s),
            "0",
            f"measured: {_span(ranges.reads_per_s)}",
        ),
        Field(
            "pods", "Pods", _plain(at.pods), "0", f"measured: {sizes}", fixed=not model.knows_pods
        ),
        Field(
            "churn",
            "Writes to pods a second",
            _plain(at.churn_per_s),
            "0",
            f"measured: up to {number(ranges.churn_per_s[1])}",
        ),
        Field("replicas", "Replicas of your service", "1", "1", "measured: 1"),
        Field(
            "lifetime",
            "A replica lives for, hours",
            _plain(LIFETIME_S / 3600),
            "0.01",
            "an assumption, yours to change",
        ),
    )


def _span(ends: tuple[float, float]) -> str:
    return " to ".join(dict.fromkeys(number(end) for end in ends))


def _plain(value: float) -> str:
    """Return a number as an input takes it: no thousands, two digits."""
    return f"{_rounded(value):g}"


def _constants(models: Sequence[CostModel], at: Question) -> Mapping[str, Any]:
    """Return what the calculator computes from; it is JSON in the page."""
    ranges = models[0].ranges
    return {
        "confidence": CONFIDENCE,
        "ranges": {
            "reads": list(ranges.reads_per_s),
            "pods": list(ranges.pods),
            "churn": list(ranges.churn_per_s),
            "reads_pods": ranges.reads_pods,
        },
        "quantities": [
            {
                "key": model.quantity.key,
                "title": model.quantity.title,
                "short": SHORT[model.quantity.key],
                "unit": model.quantity.unit,
                "recipes": {
                    arm: [[place, str(factor)] for place, factor in recipe]
                    for arm, recipe in model.recipes.items()
                },
                "coefficients": model.fit.coefficients.tolist(),
                "covariance": None
                if model.fit.covariance is None
                else model.fit.covariance.tolist(),
                "quantiles": {
                    arm: model.fit.quantile([model.form(arm, at)]) for arm in model.recipes
                },
            }
            for model in models
        ],
    }
