"""Fit the unit costs of ``cost_model`` to a run's trials, as far as the run identifies them."""

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
from bench.model import NO_SERVER, Plan, Scenario
from bench.stats.least_squares import Fit, Floats, NotIdentifiedError, fit, lack_of_fit

RESOLUTION = 0.02
"""Part of an arm's largest cost below which a row gets no more weight."""
STARTS = {"api_bytes": "ready_bytes"}
"""Quantities whose cost of a start ``trial.json`` records, and the field that holds it."""
ALONE = {
    Factor.READS: Factor.STARTS,
    Factor.READS_PODS: Factor.STARTS_PODS,
    Factor.STARTS: Factor.STARTS,
    Factor.STARTS_PODS: Factor.STARTS_PODS,
}
"""Factor of a start whose cost is taken from a read, by the read's factor."""


@dataclass(frozen=True, slots=True)
class Term:
    """A column of the design: its rows' arm, its factor there, and its title on the page."""

    arm: str
    factor: Factor
    title: str
    per: str


def cost_models(
    plan: Plan, frame: Frame, data: Sequence[TrialData]
) -> tuple[list[CostModel], list[Unfitted]]:
    """Fit every quantity of the view ``MODEL`` to the good trials ``data``."""
    quantities = [metric for metric, per_1000 in of_view(View.MODEL) if not per_1000]
    models = [cost_model(plan, frame, data, metric) for metric in quantities]
    return (
        [model for model in models if isinstance(model, CostModel)],
        [model for model in models if isinstance(model, Unfitted)],
    )


def cost_model(
    plan: Plan, frame: Frame, data: Sequence[TrialData], quantity: Metric
) -> CostModel | Unfitted:
    """Fit the unit costs of ``quantity``, or give the reason why the run cannot."""
    rows = rows_of(plan, frame, data, quantity)
    lacking = _lacking(plan, frame, quantity, rows)
    if lacking:
        return Unfitted(quantity.key, str(quantity.title), lacking)
    starts = _starts(plan, data, STARTS[quantity.key]) if quantity.key in STARTS else []
    model = fit_rows(quantity, [*rows, *starts])
    if isinstance(model, Unfitted):
        return model
    fitted = {row.scenario for row in rows}
    churns = {scenario.churn_per_s for scenario in plan.scenarios if scenario.name in fitted}
    pods = sorted({float(row.pods) for row in rows})
    replicas = sorted({float(row.replicas) for row in model.rows if row.arm == INFORMER})
    situations = (Question(0.0, *values) for values in product(pods, sorted(churns), replicas))
    break_evens = (
        model.break_even(reader, situation) for situation in situations for reader in model.readers
    )
    return replace(model, break_evens=tuple(break_evens))


def rows_of(plan: Plan, frame: Frame, data: Sequence[TrialData], quantity: Metric) -> list[CostRow]:
    """Return a row for each good trial at a fixed rate whose round has a floor.

    Leaves out scenarios at full speed (the closed model), where a read's cost is that of a
    saturated machine, and those with another route or API server than the first: a cost is of one
    kind of read.
    """
    scenarios = _priced(plan)
    rows = []
    for trial_data in data:
        trial, record = trial_data.trial, trial_data.record
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
                reads_per_s=trial_data.reads / record.marks_s,
                churn_per_s=record.churn_achieved_per_s,
                cost=cost - floor,
                floor=floor,
                window_rps=trial_data.reads / record.window_s if record.window_s > 0 else 0.0,
                replicas=record.replicas * record.workers,
            )
        )
    return sorted(rows, key=lambda row: (row.round, row.scenario, row.arm))


def _priced(plan: Plan) -> dict[str, Scenario]:
    """Return the scenarios whose reads are priced: at a fixed rate, with a floor, of one kind."""
    fixed = [
        scenario
        for scenario in plan.scenarios
        if scenario.has_load and scenario.is_open and NO_SERVER in plan.arms(scenario)
    ]
    return {
        scenario.name: scenario
        for scenario in fixed
        if scenario.route == fixed[0].route and scenario.api_server == fixed[0].api_server
    }


def _starts(plan: Plan, data: Sequence[TrialData], field: str) -> list[CostRow]:
    """Return a row for each start of the informer whose cost was recorded, at any load."""
    api_servers = {scenario.api_server for scenario in _priced(plan).values()}
    return [
        CostRow(
            scenario=trial_data.trial.scenario,
            round=trial_data.trial.round,
            arm=START,
            pods=plan.scenario(trial_data.trial.scenario).pods,
            reads_per_s=0.0,
            churn_per_s=0.0,
            cost=float(getattr(trial_data.record, field)),
            floor=0.0,
            replicas=trial_data.record.replicas * trial_data.record.workers,
        )
        for trial_data in data
        if trial_data.trial.server == INFORMER
        and plan.scenario(trial_data.trial.scenario).api_server in api_servers
        and getattr(trial_data.record, field) is not None
    ]


def _lacking(plan: Plan, frame: Frame, quantity: Metric, rows: Sequence[CostRow]) -> str:
    """Return the reason why there is no model; empty if there can be one."""
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
        solution = fit(design, response, weights, [row.block for row in rows])
    except NotIdentifiedError as error:
        reason = (
            f"the scenarios do not tell its unit costs apart ({error}): vary reads, churn and pods"
        )
        return Unfitted(quantity.key, str(quantity.title), reason)
    start = None if any(term.arm == START for term in terms) else readers[-1]
    ranges = _ranges(rows)
    return CostModel(
        quantity=quantity.key,
        title=str(quantity.title),
        unit=quantity.unit,
        rows=tuple(rows),
        fit=solution,
        recipes=_recipes(terms, readers, start or START),
        units=_units(rows, terms, solution, design, response, weights),
        goodness=tuple(
            _goodness(arm, rows, terms, solution, weights)
            for arm in dict.fromkeys(row.arm for row in rows)
        ),
        ranges=ranges,
        start_from=start,
        reference=_reference(ranges),
    )


def terms_of(rows: Sequence[CostRow]) -> list[Term]:
    """Return the columns that ``rows`` can fill; pods get a column if a reader's were varied."""
    terms = []
    for arm in (*READERS, INFORMER, START):
        arm_rows = [row for row in rows if row.arm == arm]
        if not arm_rows:
            continue
        if arm == INFORMER:
            several = any(row.replicas > 1 for row in arm_rows)
            title = "a write to a pod, for each replica" if several else "a write to a pod"
            terms.append(Term(arm, Factor.EVENTS, title, "write"))
            continue
        what = "start" if arm == START else "read"
        alone, by_pods = (
            (Factor.STARTS, Factor.STARTS_PODS)
            if arm == START
            else (Factor.READS, Factor.READS_PODS)
        )
        sizes = sorted({row.pods for row in arm_rows})
        if len(sizes) == 1:
            terms.append(Term(arm, alone, f"a {what}, at {sizes[0]:,} pods", what))
        else:
            terms.append(Term(arm, alone, f"a {what}, whatever the pods", what))
            terms.append(Term(arm, by_pods, f"each pod in a {what}", f"pod in a {what}"))
    return terms


def _multiplier(row: CostRow, factor: Factor) -> float:
    """Return the value of ``factor`` in a row; in the row of a start each replica started once."""
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
    """Return weights for errors that grow with the two terms of a difference.

    A CPU time is known to some per cent of itself, so a difference is known to the same part
    of its two terms together (a constant coefficient of variation: P. McCullagh and J. A.
    Nelder, "Generalized Linear Models", 2nd ed., chapter 8). A row that is low by chance must not
    weigh more, so the first term comes from an unweighted fit and the floor from a line over the
    churn. Each row's own floor, whose error is in its cost as well, gave 0.32 for a true cost of
    0.25 ms an event, and 0.07 for one of 0 (simulated).
    """
    first = np.maximum(design @ np.linalg.lstsq(design, response, rcond=None)[0], 0.0)
    floor = _floors(rows)
    weights = np.ones(len(rows))
    for arm in {row.arm for row in rows}:
        mask = np.array([row.arm == arm for row in rows])
        total = first[mask] + floor[mask]
        least = RESOLUTION * max(float(total.max()), 1e-12)
        weights[mask] = 1.0 / (total**2 + floor[mask] ** 2 + least**2)
    return weights


def _floors(rows: Sequence[CostRow]) -> Floats:
    """Return each row's floor by a line over the churn of all rows; a start's floor is 0."""
    floored = np.array([row.arm != START for row in rows])
    line = np.array([[1.0, row.churn_per_s] for row in rows]) * floored[:, None]
    floors = np.array([row.floor for row in rows])
    expected: Floats = np.maximum(line @ np.linalg.lstsq(line, floors, rcond=None)[0], 0.0)
    return expected


def _recipes(terms: Sequence[Term], readers: Sequence[str], start_from: str) -> dict[str, Recipe]:
    """Return each arm's recipe; the informer's start uses the terms of ``start_from``."""
    recipes: dict[str, Recipe] = {
        arm: tuple((index, term.factor) for index, term in enumerate(terms) if term.arm == arm)
        for arm in readers
    }
    recipes[INFORMER] = tuple(
        (index, term.factor if term.arm == INFORMER else ALONE[term.factor])
        for index, term in enumerate(terms)
        if term.arm in (INFORMER, start_from)
    )
    return recipes


def _units(
    rows: Sequence[CostRow],
    terms: Sequence[Term],
    solution: Fit,
    design: Floats,
    response: Floats,
    weights: Floats,
) -> tuple[UnitCost, ...]:
    """Return each coefficient with its interval, and its value by a fit of each round alone."""
    by_round: dict[int, Sequence[float]] = {}
    for number in sorted({row.round for row in rows}):
        mask = np.array([row.round == number for row in rows])
        try:
            alone = fit(design[mask], response[mask], weights[mask], [number] * int(mask.sum()))
        except NotIdentifiedError:
            continue
        by_round[number] = alone.coefficients
    return tuple(
        UnitCost(
            arm=term.arm,
            title=term.title,
            per=term.per,
            estimate=solution.estimate(form),
            freedom=solution.freedom(form),
            by_round={number: coefficients[index] for number, coefficients in by_round.items()},
        )
        for index, (term, form) in enumerate(zip(terms, np.eye(len(terms)), strict=True))
    )


def _goodness(
    arm: str,
    rows: Sequence[CostRow],
    terms: Sequence[Term],
    solution: Fit,
    weights: Floats,
) -> Goodness:
    """Return how well the rows of ``arm`` are described."""
    mask = np.array([row.arm == arm for row in rows])
    cost = np.array([row.cost for row in rows])[mask]
    fitted = np.array(solution.fitted)[mask]
    residuals = cost - fitted
    used = [term for term in terms if term.arm == arm]
    spare = len(cost) - len(used)
    total, residual = float(np.sum((cost - cost.mean()) ** 2)), float(np.sum(residuals**2))
    priced = fitted > RESOLUTION * max(float(fitted.max()), 1e-12)
    members = [row for row in rows if row.arm == arm]
    varied = len({row.scenario for row in members}) > 1
    shares = np.abs(residuals[priced]) / fitted[priced]
    return Goodness(
        arm=arm,
        rows=len(cost),
        coefficients=len(used),
        r_squared=1 - residual / total if varied and total > 0 else None,
        residual_sd=float(np.sqrt(residual / spare)) if spare > 0 else None,
        typical=float(np.median(shares)) if priced.any() else None,
        lack_of_fit=lack_of_fit(
            design_of(members, used), cost, weights[mask], [row.scenario for row in members]
        ),
    )


def _ranges(rows: Sequence[CostRow]) -> Ranges:
    """Return the measured ranges; replicas are the informer's, whose cost they multiply."""
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
    """Choose the reference situation; measured rates are rounded to two digits, as planned."""
    pods = ranges.pods[1]
    reads = min(ranges.reads_per_s[1], ranges.reads_pods / max(pods, 1.0))
    churn = ranges.churn_per_s[1]
    return Question(_rounded(reads), pods, _rounded(churn), replicas=ranges.replicas[0])


def _rounded(value: float) -> float:
    """Round to two digits: 40.13 writes per second were planned as 40."""
    return float(f"{value:.2g}")
