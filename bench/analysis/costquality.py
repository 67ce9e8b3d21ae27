"""What a fit tells besides coefficients: their intervals, how well they describe, and where."""

from collections.abc import Sequence

import numpy as np

from bench.analysis.costdesign import RESOLUTION, Term, design_of
from bench.analysis.costmodel import INFORMER, READERS, Estimate, Goodness, Ranges, UnitCost
from bench.analysis.costrows import START, CostRow
from bench.analysis.leastsquares import Fit, Floats, NotIdentifiedError, fit, lack_of_fit


def units_of(
    rows: Sequence[CostRow],
    terms: Sequence[Term],
    found: Fit,
    design: Floats,
    response: Floats,
    weights: Floats,
) -> tuple[UnitCost, ...]:
    """Return each coefficient with its interval, and what each round alone would have said."""
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


def goodness_of(
    arm: str,
    rows: Sequence[CostRow],
    terms: Sequence[Term],
    found: Fit,
    weights: Floats,
) -> Goodness:
    """Return how well the rows of ``arm`` are described."""
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
            design_of(members, [term for term in terms if term.arm == arm]),
            cost,
            weights[own],
            [row.scenario for row in members],
        ),
    )


def ranges_of(rows: Sequence[CostRow]) -> Ranges:
    """Return what was measured; replicas are the informer's, whose cost they multiply."""
    reads = [row for row in rows if row.arm in READERS]
    rates = [row.window_rps for row in reads]
    events = [row for row in rows if row.arm == INFORMER]
    churn = [row.churn_per_s for row in events]
    replicas = [float(row.replicas) for row in events]
    pods = [float(row.pods) for row in rows if row.arm != START]
    return Ranges(
        reads_per_s=(min(rates), max(rates)),
        pods=(min(pods), max(pods)),
        churn_per_s=(min(churn), max(churn)),
        replicas=(min(replicas), max(replicas)),
        reads_pods=max(row.window_rps * row.pods for row in reads),
    )
