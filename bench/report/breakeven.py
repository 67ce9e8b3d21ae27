"""The section on break-even: from which read rate on an informer pays, and where it does not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from bench.analysis.costfit import Unfitted, cost_models
from bench.analysis.costmodel import INFORMER, CostModel, Question
from bench.analysis.costrows import START
from bench.analysis.run import RunAnalysis
from bench.report.breakeven_charts import churn_chart, cost_chart, replica_chart
from bench.report.breakeven_tables import UnitTable, unit_table
from bench.report.breakeven_words import SHORT, lead, loses, notes, table_remark
from bench.report.calculator import Field, constants, fields, rounded, script
from bench.report.chart import Chart
from bench.report.numbers import number
from bench.report.rates import break_even
from bench.report.residuals import residual_chart

SHOWN = ("apiserver_cpu", "api_bytes")
"""Quantities in the table of rates and the charts; the calculator and the unit costs have all."""


@dataclass(frozen=True, slots=True)
class Row:
    """Break-even rates in one situation: a rate and its interval a column."""

    pods: str
    churn: str
    replicas: str
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BreakEven:
    """What the template takes. When ``missing`` says why there is nothing, the rest is empty."""

    missing: str
    lead: str = ""
    is_answer: bool = False
    """Whether the run set out to find it, pods varied along with the rest: then it comes first."""
    loses: tuple[str, ...] = ()
    table_remark: str = ""
    varies_replicas: bool = False
    """Whether the run measured several numbers of replicas: the table has a column of them then."""
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
        lead=lead(shown, at),
        is_answer=first.knows_pods,
        loses=tuple(loses(first, at, pods)),
        table_remark=table_remark(first),
        columns=tuple(
            f"{SHORT[model.quantity.key]}, against {reader}"
            for model in shown
            for reader in model.readers
        ),
        varies_replicas=first.knows_replicas,
        rows=tuple(_rows(shown, pods, _churns(analysis, first), _replicas(first))),
        notes=tuple(notes(models, unfitted, at)),
        fields=fields(first, at),
        arms=tuple(first.recipes),
        charts=tuple(_charts(shown, at, pods)),
        tables=tuple(
            unit_table(model, pods, folded=model.quantity.key not in SHOWN) for model in models
        ),
        constants=constants(models, at),
        script=script(),
    )


def _charts(models: Sequence[CostModel], at: Question, pods: Sequence[float]) -> Iterator[Chart]:
    yield from (cost_chart(model, at) for model in models)
    yield from (churn_chart(model, at, pods) for model in models)
    if models[0].knows_replicas:
        yield from (replica_chart(model, at, pods) for model in models)
    if len({row.scenario for row in models[0].rows}) > 1:
        # Of a single scenario all trials stand at one place, and no shape can be seen.
        yield from (residual_chart(model) for model in models)


def _reference(model: CostModel, pods: Sequence[float]) -> Question:
    """Choose the situation that the section talks of: the largest measured, fewest replicas."""
    ranges = model.ranges
    reads = min(ranges.reads_per_s[1], ranges.reads_pods / max(pods[-1], 1.0))
    churn = rounded(ranges.churn_per_s[1])
    return Question(rounded(reads), pods[-1], churn, replicas=ranges.replicas[0])


def _churns(analysis: RunAnalysis, model: CostModel) -> list[float]:
    """Return the churn of the scenarios that were fitted: what was asked for, reached or not."""
    fitted = {row.scenario for row in model.rows}
    return sorted({one.churn_per_s for one in analysis.record.plan.scenarios if one.name in fitted})


def _replicas(model: CostModel) -> list[float]:
    """Return the numbers of replicas that were measured."""
    return sorted({float(row.replicas) for row in model.rows if row.arm == INFORMER})


def _rows(
    models: Sequence[CostModel],
    pods: Sequence[float],
    churns: Sequence[float],
    replicas: Sequence[float],
) -> Iterator[Row]:
    for size, churn, several in product(pods, churns, replicas):
        question = Question(0.0, size, churn, several)
        cells = tuple(
            break_even(model.break_even(reader, question), model.ranges.reads_per_s[1])
            for model in models
            for reader in model.readers
        )
        yield Row(number(size), number(churn), number(several), cells)
