"""From a run's trials to the unit costs of ``cost_model``, as far as the run can tell them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from bench.analysis.cost_model import (
    INFORMER,
    READERS,
    START,
    CostModel,
    CostRow,
    Factor,
    Goodness,
    Question,
    Ranges,
    Recipe,
    Unfitted,
    UnitCost,
)
from bench.analysis.frame import Frame
from bench.analysis.trial_data import TrialData
from bench.metrics import Metric, View, of_view
from bench.model import NO_SERVER, Plan
from bench.stats.least_squares import Fit, Floats, NotIdentifiedError, fit, lack_of_fit

RESOLUTION = 0.02
"""Part of an arm's largest cost below which a row is given no more weight."""
STARTS = {"api_bytes": "ready_bytes"}
"""Quantities of which ``trial.json`` says what a start cost, and in which field."""
ALONE = {
    Factor.READS: Factor.STARTS,
    Factor.READS_PODS: Factor.STARTS_PODS,
    Factor.STARTS: Factor.STARTS,
    Factor.STARTS_PODS: Factor.STARTS_PODS,
}
"""What a start is multiplied by, where its cost is that of a read."""


@dataclass(frozen=True, slots=True)
class Term:
    """A column: which rows it is in, what multiplies it there, and how a reader knows it."""

    arm: str
    factor: Factor
    title: str
    per: str


def cost_models(
    plan: Plan, frame: Frame, data: Sequence[TrialData]
) -> tuple[list[CostModel], list[Unfitted]]:
    """Fit every quantity of the view ``MODEL`` to the good trials ``data``."""
    quantities = [metric for metric, per_1000 in of_view(View.MODEL) if not per_1000]
    found = [cost_model(plan, frame, data, metric) for metric in quantities]
    return (
        [one for one in found if isinstance(one, CostModel)],
        [one for one in found if isinstance(one, Unfitted)],
    )


def cost_model(
    plan: Plan, frame: Frame, data: Sequence[TrialData], quantity: Metric
) -> CostModel | Unfitted:
    """Fit the unit costs of ``quantity``, or say why the run does not tell them."""
    rows = rows_of(plan, frame, data, quantity)
    lacking = _lacking(plan, frame, quantity, rows)
    if lacking:
        return Unfitted(quantity.key, str(quantity.title), lacking)
    starts = _starts(plan, data, STARTS[quantity.key]) if quantity.key in STARTS else []
    model = fit_rows(quantity, [*rows, *starts])
    if isinstance(model, Unfitted):
        return model
    fitted = {row.scenario for row in model.rows}
    churns = {one.churn_per_s for one in plan.scenarios if one.name in fitted}
    pods = sorted({float(row.pods) for row in model.rows if row.arm != START})
    replicas = sorted({float(row.replicas) for row in model.rows if row.arm == INFORMER})
    situations = (Question(0.0, *one) for one in product(pods, sorted(churns), replicas))
    break_evens = (
        model.break_even(reader, situation) for situation in situations for reader in model.readers
    )
    return replace(model, break_evens=tuple(break_evens))


def rows_of(plan: Plan, frame: Frame, data: Sequence[TrialData], quantity: Metric) -> list[CostRow]:
    """Return a row for each good trial at a fixed rate whose round has a floor.

    At full speed (the closed model) a read's cost is that of a saturated machine, so those
    scenarios are left out. So are those on another version of Kubernetes than the plan's
    first: a unit cost is that of one version.
    """
    scenarios = {
        one.name: one
        for one in plan.scenarios
        if one.is_open and one.kubernetes == plan.scenarios[0].kubernetes
    }
    rows = []
    for one in data:
        trial, record = one.trial, one.record
        scenario = scenarios.get(trial.scenario)
        if scenario is None or trial.server not in (*READERS, INFORMER) or record.marks_s <= 0:
            continue
        cost, floor = (
            frame.plain.get((trial.scenario, arm, trial.round), {}).get(quantity.key)
            for arm in (trial.server, NO_SERVER)
        )
        if cost is None or floor is None:
            continue
        rows.append(
            CostRow(
                scenario=trial.scenario,
                round=trial.round,
                arm=trial.server,
                pods=scenario.pods,
                reads_per_s=one.reads / record.marks_s,
                churn_per_s=record.churn_achieved_per_s,
                cost=cost - floor,
                floor=floor,
                window_rps=one.reads / record.window_s if record.window_s > 0 else 0.0,
                replicas=record.replicas * record.workers,
            )
        )
    return sorted(rows, key=lambda row: (row.round, row.scenario, row.arm))


def _starts(plan: Plan, data: Sequence[TrialData], field: str) -> list[CostRow]:
    """Return a row for each start of the informer whose cost was recorded."""
    return [
        CostRow(
            scenario=one.trial.scenario,
            round=one.trial.round,
            arm=START,
            pods=plan.scenario(one.trial.scenario).pods,
            reads_per_s=0.0,
            churn_per_s=0.0,
            cost=float(getattr(one.record, field)),
            floor=0.0,
            replicas=one.record.replicas * one.record.workers,
        )
        for one in data
        if one.trial.server == INFORMER and getattr(one.record, field) is not None
    ]


def _lacking(plan: Plan, frame: Frame, quantity: Metric, rows: Sequence[CostRow]) -> str:
    """Say what stands in the way of a model; nothing if nothing does."""
    if frame.plain and not any(quantity.key in values for values in frame.plain.values()):
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


def fit_rows(quantity: Metric, rows: Sequence[CostRow]) -> CostModel | Unfitted:
    """Fit ``rows``, which hold a reader and an informer under churn."""
    terms = terms_of(rows)
    readers = [arm for arm in READERS if any(row.arm == arm for row in rows)]
    design, response = design_of(rows, terms), np.array([row.cost for row in rows])
    weights = weights_of(rows, design, response)
    try:
        found = fit(design, response, weights, [row.block for row in rows])
    except NotIdentifiedError as error:
        why = (
            f"the scenarios do not tell its unit costs apart ({error}): vary reads, churn and pods"
        )
        return Unfitted(quantity.key, str(quantity.title), why)
    start = None if any(term.arm == START for term in terms) else readers[-1]
    ranges = _ranges(rows)
    return CostModel(
        quantity=quantity.key,
        title=str(quantity.title),
        unit=quantity.unit,
        rows=tuple(rows),
        fit=found,
        recipes=_recipes(terms, readers, start or START),
        units=_units(rows, terms, found, design, response, weights),
        goodness=tuple(
            _goodness(arm, rows, terms, found, weights)
            for arm in dict.fromkeys(row.arm for row in rows)
        ),
        ranges=ranges,
        start_from=start,
        reference=_reference(ranges),
    )


def terms_of(rows: Sequence[CostRow]) -> list[Term]:
    """Return the columns that ``rows`` can fill, a reader's pods apart if they were varied."""
    terms = []
    for arm in (*READERS, INFORMER, START):
        own = [row for row in rows if row.arm == arm]
        if not own:
            continue
        if arm == INFORMER:
            several = any(row.replicas > 1 for row in own)
            title = "a write to a pod, for each replica" if several else "a write to a pod"
            terms.append(Term(arm, Factor.EVENTS, title, "write"))
            continue
        what = "start" if arm == START else "read"
        alone, by_pods = (
            (Factor.STARTS, Factor.STARTS_PODS)
            if arm == START
            else (Factor.READS, Factor.READS_PODS)
        )
        sizes = sorted({row.pods for row in own})
        if len(sizes) == 1:
            terms.append(Term(arm, alone, f"a {what}, at {sizes[0]:,} pods", what))
        else:
            terms.append(Term(arm, alone, f"a {what}, whatever the pods", what))
            terms.append(Term(arm, by_pods, f"each pod in a {what}", f"pod in a {what}"))
    return terms


def _multiplier(row: CostRow, factor: Factor) -> float:
    """Return what a row was asked for; in the row of a start each replica started once."""
    return {
        Factor.READS: row.reads_per_s,
        Factor.READS_PODS: row.reads_per_s * row.pods,
        Factor.EVENTS: row.replicas * row.churn_per_s,
        Factor.STARTS: float(row.replicas),
        Factor.STARTS_PODS: float(row.replicas * row.pods),
    }[factor]


def design_of(rows: Sequence[CostRow], terms: Sequence[Term]) -> Floats:
    """Return the design (rows x terms)."""
    return np.array(
        [
            [_multiplier(row, term.factor) if term.arm == row.arm else 0.0 for term in terms]
            for row in rows
        ],
        dtype=np.float64,
    )


def weights_of(rows: Sequence[CostRow], design: Floats, response: Floats) -> Floats:
    """Return weights for errors that grow with what was subtracted from what.

    A CPU time is known to some per cent of itself, so a difference is known to the same part
    of its two terms together (a constant coefficient of variation: P. McCullagh and J. A.
    Nelder, "Generalized Linear Models", 2nd ed., chapter 8). The first term is taken from an
    unweighted fit and the floor from a line over the churn, for a row that happens to be low
    must not count for more: with each row's own floor, whose error is in its cost as well, a
    true cost of 0.25 ms an event was found as 0.32, and one of 0 as 0.07 (simulated).
    """
    first = np.maximum(design @ np.linalg.lstsq(design, response, rcond=None)[0], 0.0)
    floor = _floors(rows)
    weights = np.ones(len(rows))
    for arm in {row.arm for row in rows}:
        own = np.array([row.arm == arm for row in rows])
        total = first[own] + floor[own]
        least = RESOLUTION * max(float(total.max()), 1e-12)
        weights[own] = 1.0 / (total**2 + floor[own] ** 2 + least**2)
    return weights


def _floors(rows: Sequence[CostRow]) -> Floats:
    """Return the floor that each row's churn would have by all rows; that of a start is 0."""
    floored = np.array([row.arm != START for row in rows])
    line = np.array([[1.0, row.churn_per_s] for row in rows]) * floored[:, None]
    floors = np.array([row.floor for row in rows])
    expected: Floats = np.maximum(line @ np.linalg.lstsq(line, floors, rcond=None)[0], 0.0)
    return expected


def _recipes(terms: Sequence[Term], readers: Sequence[str], start_from: str) -> dict[str, Recipe]:
    """Return how each arm is priced; the informer's start by the terms of ``start_from``."""
    recipes: dict[str, Recipe] = {
        arm: tuple((place, term.factor) for place, term in enumerate(terms) if term.arm == arm)
        for arm in readers
    }
    recipes[INFORMER] = tuple(
        (place, term.factor if term.arm == INFORMER else ALONE[term.factor])
        for place, term in enumerate(terms)
        if term.arm in (INFORMER, start_from)
    )
    return recipes


def _units(
    rows: Sequence[CostRow],
    terms: Sequence[Term],
    found: Fit,
    design: Floats,
    response: Floats,
    weights: Floats,
) -> tuple[UnitCost, ...]:
    """Return each coefficient with its interval, and what each round alone would have given."""
    by_round: dict[int, Sequence[float]] = {}
    for number in sorted({row.round for row in rows}):
        own = np.array([row.round == number for row in rows])
        try:
            alone = fit(design[own], response[own], weights[own], [number] * int(own.sum()))
        except NotIdentifiedError:
            continue
        by_round[number] = alone.coefficients
    return tuple(
        UnitCost(
            arm=term.arm,
            title=term.title,
            per=term.per,
            estimate=found.estimate(form),
            freedom=found.freedom(form),
            by_round={number: one[place] for number, one in by_round.items()},
        )
        for place, (term, form) in enumerate(zip(terms, np.eye(len(terms)), strict=True))
    )


def _goodness(
    arm: str,
    rows: Sequence[CostRow],
    terms: Sequence[Term],
    found: Fit,
    weights: Floats,
) -> Goodness:
    """Return how well the rows of ``arm`` are described."""
    own = np.array([row.arm == arm for row in rows])
    cost = np.array([row.cost for row in rows])[own]
    fitted = np.array(found.fitted)[own]
    residuals = cost - fitted
    used = [term for term in terms if term.arm == arm]
    spare = len(cost) - len(used)
    total, left = float(np.sum((cost - cost.mean()) ** 2)), float(np.sum(residuals**2))
    priced = fitted > RESOLUTION * max(float(fitted.max()), 1e-12)
    members = [row for row in rows if row.arm == arm]
    varied = len({row.scenario for row in members}) > 1
    shares = np.abs(residuals[priced]) / fitted[priced]
    return Goodness(
        arm=arm,
        rows=len(cost),
        coefficients=len(used),
        r_squared=1 - left / total if varied and total > 0 else None,
        residual_sd=float(np.sqrt(left / spare)) if spare > 0 else None,
        typical=float(np.median(shares)) if priced.any() else None,
        lack_of_fit=lack_of_fit(
            design_of(members, used), cost, weights[own], [row.scenario for row in members]
        ),
    )


def _ranges(rows: Sequence[CostRow]) -> Ranges:
    """Return what was measured; replicas are the informer's, whose cost they multiply."""
    reads = [row for row in rows if row.arm in READERS]
    events = [row for row in rows if row.arm == INFORMER]

    def span(values: Sequence[float]) -> tuple[float, float]:
        return min(values), max(values)

    return Ranges(
        reads_per_s=span([row.window_rps for row in reads]),
        pods=span([float(row.pods) for row in rows if row.arm != START]),
        churn_per_s=span([row.churn_per_s for row in events]),
        replicas=span([float(row.replicas) for row in events]),
        reads_pods=max(row.window_rps * row.pods for row in reads),
    )


def _reference(ranges: Ranges) -> Question:
    """Choose the situation to speak of; what was measured is cut to two digits, as planned."""
    pods = ranges.pods[1]
    reads = min(ranges.reads_per_s[1], ranges.reads_pods / max(pods, 1.0))
    churn = ranges.churn_per_s[1]
    return Question(_rounded(reads), pods, _rounded(churn), replicas=ranges.replicas[0])


def _rounded(value: float) -> float:
    """Cut to two digits: 40.13 writes per second were meant to be 40."""
    return float(f"{value:.2g}")
