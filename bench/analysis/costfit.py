"""From a run's trials to the unit costs of ``costmodel``, as far as the run can tell them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.costdesign import design_of, recipes_of, terms_of, weights_of
from bench.analysis.costmodel import INFORMER, READERS, CostModel
from bench.analysis.costquality import goodness_of, ranges_of, units_of
from bench.analysis.costrows import QUANTITIES, START, CostRow, Quantity, rows_of
from bench.analysis.leastsquares import NotIdentifiedError, fit
from bench.analysis.metrics import Facts
from bench.model import NO_SERVER, Plan


@dataclass(frozen=True, slots=True)
class Unfitted:
    """A quantity without a model, and what would have to be measured for one."""

    quantity: Quantity
    why: str


def cost_models(plan: Plan, facts: Sequence[Facts]) -> list[CostModel | Unfitted]:
    """Fit every quantity; ``facts`` are of the trials that ended well."""
    return [cost_model(plan, facts, quantity) for quantity in QUANTITIES]


def cost_model(plan: Plan, facts: Sequence[Facts], quantity: Quantity) -> CostModel | Unfitted:
    """Fit the unit costs of ``quantity``, or say why the run does not tell them."""
    rows = rows_of(plan, facts, quantity, (*READERS, INFORMER))
    lacking = _lacking(plan, facts, quantity, rows)
    if lacking:
        return Unfitted(quantity, lacking)
    own = [*rows, *(starts_of(plan, facts) if quantity.counts_start else ())]
    return fit_rows(quantity, own)


def fit_rows(quantity: Quantity, rows: Sequence[CostRow]) -> CostModel | Unfitted:
    """Fit ``rows``, which hold a reader and an informer under churn."""
    terms = terms_of(rows)
    readers = [arm for arm in READERS if any(row.arm == arm for row in rows)]
    design, response = design_of(rows, terms), np.array([row.cost for row in rows])
    weights = weights_of(rows, design, response)
    try:
        found = fit(design, response, weights, [row.block for row in rows])
    except NotIdentifiedError as error:
        return Unfitted(
            quantity,
            f"the scenarios do not tell its unit costs apart ({error}): vary reads, churn and pods",
        )
    measured = any(term.arm == START for term in terms)
    start = None if measured else readers[-1]
    return CostModel(
        quantity=quantity,
        rows=tuple(rows),
        fit=found,
        recipes=recipes_of(terms, readers, start or START),
        units=units_of(rows, terms, found, design, response, weights),
        goodness=tuple(
            goodness_of(arm, rows, terms, found, weights)
            for arm in dict.fromkeys(row.arm for row in rows)
        ),
        ranges=ranges_of(rows),
        start_from=start,
    )


def _lacking(
    plan: Plan, facts: Sequence[Facts], quantity: Quantity, rows: Sequence[CostRow]
) -> str:
    """Say what stands in the way of a model; nothing if nothing does."""
    if facts and all(quantity.of(fact) is None for fact in facts):
        return f"no trial could read it here ({quantity.title})"
    if not any(scenario.is_open for scenario in plan.scenarios):
        return "every scenario runs at full speed, and costs compare only at a fixed read rate"
    if NO_SERVER not in plan.servers:
        return f"the plan has no arm {NO_SERVER!r} to take the floor from"
    if not any(row.arm in READERS and row.reads_per_s > 0 for row in rows):
        return f"no round at a fixed rate has good trials of both {READERS[0]} and {NO_SERVER}"
    events = [row for row in rows if row.arm == INFORMER]
    if not events:
        return f"no round at a fixed rate has good trials of both {INFORMER} and {NO_SERVER}"
    if not any(row.churn_per_s > 0 for row in events):
        return "no scenario has churn, so what an event costs the informer is not known"
    return ""


def starts_of(plan: Plan, facts: Sequence[Facts]) -> list[CostRow]:
    """Return a row for each start of the informer whose bytes were counted."""
    found = []
    for one in facts:
        trial, size = one.record.trial, one.record.ready_bytes
        if trial.server == INFORMER and size is not None:
            found.append(
                CostRow(
                    scenario=trial.scenario,
                    round=trial.round,
                    arm=START,
                    pods=plan.scenario(trial.scenario).pods,
                    reads_per_s=0.0,
                    churn_per_s=0.0,
                    cost=float(size),
                    floor=0.0,
                    replicas=one.record.replicas * one.record.workers,
                )
            )
    return found
