"""From a run's trials to the unit costs of ``costmodel``, as far as the run can tell them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.costmodel import (
    INFORMER,
    READERS,
    CostModel,
    Estimate,
    Factor,
    Goodness,
    Ranges,
    Recipe,
    UnitCost,
)
from bench.analysis.costrows import QUANTITIES, CostRow, Quantity, rows_of
from bench.analysis.leastsquares import Fit, Floats, NotIdentifiedError, fit, lack_of_fit
from bench.analysis.metrics import Facts
from bench.model import NO_SERVER, Plan

START = "informer's start"
"""Stands for the arm in rows that say what a start took."""
RESOLUTION = 0.02
"""Part of an arm's largest cost below which a row is given no more weight."""


@dataclass(frozen=True, slots=True)
class Unfitted:
    """A quantity without a model, and what would have to be measured for one."""

    quantity: Quantity
    why: str


@dataclass(frozen=True, slots=True)
class _Term:
    """A column: which rows it is in, what multiplies it there, and how a reader knows it."""

    arm: str
    factor: Factor
    title: str
    per: str


def cost_models(plan: Plan, facts: Sequence[Facts]) -> list[CostModel | Unfitted]:
    """Fit every quantity; ``facts`` are of the trials that ended well."""
    return [cost_model(plan, facts, quantity) for quantity in QUANTITIES]


def cost_model(plan: Plan, facts: Sequence[Facts], quantity: Quantity) -> CostModel | Unfitted:
    """Fit the unit costs of ``quantity``, or say why the run does not tell them."""
    rows = rows_of(plan, facts, quantity, (*READERS, INFORMER))
    lacking = _lacking(plan, rows)
    if lacking:
        return Unfitted(quantity, lacking)
    own = [*rows, *(_starts(plan, facts) if quantity.counts_start else ())]
    return fit_rows(quantity, own)


def fit_rows(quantity: Quantity, rows: Sequence[CostRow]) -> CostModel | Unfitted:
    """Fit ``rows``, which hold a reader and an informer under churn."""
    terms = _terms(rows)
    readers = [arm for arm in READERS if any(row.arm == arm for row in rows)]
    design, response = _design(rows, terms), np.array([row.cost for row in rows])
    weights = _weights(rows, design, response)
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
        recipes=_recipes(terms, readers, start or START),
        units=_units(rows, terms, found, design, response, weights),
        goodness=tuple(
            _goodness(arm, rows, terms, found, weights)
            for arm in dict.fromkeys(row.arm for row in rows)
        ),
        ranges=_ranges(rows),
        start_from=start,
    )


def _lacking(plan: Plan, rows: Sequence[CostRow]) -> str:
    """Say what stands in the way of a model; nothing if nothing does."""
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


def _terms(rows: Sequence[CostRow]) -> list[_Term]:
    terms = []
    for arm in (*READERS, INFORMER, START):
        own = [row for row in rows if row.arm == arm]
        if not own:
            continue
        if arm == INFORMER:
            terms.append(_Term(arm, Factor.EVENTS, "a write to a pod", "write"))
            continue
        what = "start" if arm == START else "read"
        alone, by_pods = (
            (Factor.STARTS, Factor.STARTS_PODS)
            if arm == START
            else (Factor.READS, Factor.READS_PODS)
        )
        sizes = sorted({row.pods for row in own})
        if len(sizes) == 1:
            terms.append(_Term(arm, alone, f"a {what}, at {sizes[0]:,} pods", what))
        else:
            terms.append(_Term(arm, alone, f"a {what}, whatever the pods", what))
            terms.append(_Term(arm, by_pods, f"each pod in a {what}", f"pod in a {what}"))
    return terms


def _multiplier(row: CostRow, factor: Factor) -> float:
    """Return what a row was asked for: one replica, and in a start's row one start."""
    return {
        Factor.READS: row.reads_per_s,
        Factor.READS_PODS: row.reads_per_s * row.pods,
        Factor.EVENTS: row.churn_per_s,
        Factor.STARTS: 1.0,
        Factor.STARTS_PODS: float(row.pods),
    }[factor]


def _design(rows: Sequence[CostRow], terms: Sequence[_Term]) -> Floats:
    return np.array(
        [
            [_multiplier(row, term.factor) if term.arm == row.arm else 0.0 for term in terms]
            for row in rows
        ],
        dtype=np.float64,
    )


def _weights(rows: Sequence[CostRow], design: Floats, response: Floats) -> Floats:
    """Return weights for errors that grow with what was subtracted from what.

    A CPU time is known to some per cent of itself, so a difference is known to the
    same part of its two terms together (a constant coefficient of variation: P.
    McCullagh and J. A. Nelder, "Generalized Linear Models", 2nd ed., chapter 8).
    The first term is taken from an unweighted fit, for a row that happens to be low
    must not count for more.
    """
    first = np.maximum(design @ np.linalg.lstsq(design, response, rcond=None)[0], 0.0)
    floor = np.array([row.floor for row in rows])
    weights = np.ones(len(rows))
    for arm in {row.arm for row in rows}:
        own = np.array([row.arm == arm for row in rows])
        total = first[own] + floor[own]
        least = RESOLUTION * max(float(total.max()), 1e-12)
        weights[own] = 1.0 / (total**2 + floor[own] ** 2 + least**2)
    return weights


def _recipes(
    terms: Sequence[_Term], readers: Sequence[str], start_from: str
) -> Mapping[str, Recipe]:
    recipes: dict[str, Recipe] = {
        arm: tuple((place, term.factor) for place, term in enumerate(terms) if term.arm == arm)
        for arm in readers
    }
    starts = {
        Factor.READS: Factor.STARTS,
        Factor.READS_PODS: Factor.STARTS_PODS,
        Factor.STARTS: Factor.STARTS,
        Factor.STARTS_PODS: Factor.STARTS_PODS,
    }
    recipes[INFORMER] = tuple(
        (place, term.factor if term.arm == INFORMER else starts[term.factor])
        for place, term in enumerate(terms)
        if term.arm in (INFORMER, start_from)
    )
    return recipes


def _units(
    rows: Sequence[CostRow],
    terms: Sequence[_Term],
    found: Fit,
    design: Floats,
    response: Floats,
    weights: Floats,
) -> tuple[UnitCost, ...]:
    by_round: dict[int, Floats] = {}
    for number in sorted({row.round for row in rows}):
        own = np.array([row.round == number for row in rows])
        try:
            alone = fit(design[own], response[own], weights[own], [number] * int(own.sum()))
        except NotIdentifiedError:
            continue
        by_round[number] = alone.coefficients
    units = []
    for place, (term, form) in enumerate(zip(terms, np.eye(len(terms)), strict=True)):
        units.append(
            UnitCost(
                arm=term.arm,
                title=term.title,
                per=term.per,
                estimate=Estimate(found.value(form), *found.bounds(form)),
                freedom=found.freedom(form),
                by_round={number: float(one[place]) for number, one in by_round.items()},
            )
        )
    return tuple(units)


def _goodness(
    arm: str,
    rows: Sequence[CostRow],
    terms: Sequence[_Term],
    found: Fit,
    weights: Floats,
) -> Goodness:
    own = np.array([row.arm == arm for row in rows])
    cost = np.array([row.cost for row in rows])[own]
    fitted = found.fitted[own]
    residuals = cost - fitted
    used = sum(term.arm == arm for term in terms)
    spare = len(cost) - used
    total = float(np.sum((cost - cost.mean()) ** 2))
    left = float(np.sum(residuals**2))
    priced = fitted > RESOLUTION * max(float(fitted.max()), 1e-12)
    members = [row for row in rows if row.arm == arm]
    varied = len({row.scenario for row in members}) > 1
    return Goodness(
        arm=arm,
        rows=len(cost),
        coefficients=used,
        r_squared=1 - left / total if varied and total > 0 else None,
        residual_sd=float(np.sqrt(left / spare)) if spare > 0 else None,
        typical=float(np.median(np.abs(residuals[priced]) / fitted[priced]))
        if priced.any()
        else None,
        lack_of_fit=lack_of_fit(
            _design(members, [term for term in terms if term.arm == arm]),
            cost,
            weights[own],
            [row.scenario for row in members],
        ),
    )


def _ranges(rows: Sequence[CostRow]) -> Ranges:
    reads = [row for row in rows if row.arm in READERS]
    rates = [row.window_rps for row in reads]
    churn = [row.churn_per_s for row in rows if row.arm == INFORMER]
    pods = [float(row.pods) for row in rows if row.arm != START]
    return Ranges(
        reads_per_s=(min(rates), max(rates)),
        pods=(min(pods), max(pods)),
        churn_per_s=(min(churn), max(churn)),
        reads_pods=max(row.window_rps * row.pods for row in reads),
    )


def _starts(plan: Plan, facts: Sequence[Facts]) -> list[CostRow]:
    """Return a row for each start of the informer whose bytes were counted."""
    found = []
    for one in facts:
        trial, size = one.record.trial, one.record.ready_bytes
        if trial.server == INFORMER and size is not None:
            pods = plan.scenario(trial.scenario).pods
            found.append(
                CostRow(trial.scenario, trial.round, START, pods, 0.0, 0.0, float(size), 0.0)
            )
    return found
