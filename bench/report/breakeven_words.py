"""What the break-even section says in sentences: its lead, where the informer loses, its notes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.analysis.costfit import Unfitted
from bench.analysis.costmodel import INFORMER, LIFETIME_S, CostModel, Estimate, Question
from bench.analysis.fieller import Ratio
from bench.report.numbers import MISSING, number
from bench.report.rates import break_even, rate

POOR_R_SQUARED = 0.8
BENT_BELOW = 0.01
SHORT = {
    "apiserver_cpu": "API-server CPU",
    "control_plane_cpu": "control-plane CPU",
    "api_bytes": "bytes",
}


def informers(at: Question) -> str:
    """Return how many informers a situation has, in words."""
    return "one informer" if at.replicas == 1 else f"{number(at.replicas)} informers"


def lead(models: Sequence[CostModel], at: Question) -> str:
    """Return the read rate from which on an informer pays, by each of ``models``."""
    parts = []
    for model in models:
        reader = model.readers[0]
        shown, spread = break_even(model.break_even(reader, at), model.ranges.reads_per_s[1])
        said = f"{shown} ({spread})" if shown != MISSING else f"this run {spread}"
        parts.append(f"by {SHORT[model.quantity.key]}, {said}")
    return (
        f"With {number(at.pods)} pods and {number(at.churn_per_s)} writes to them a second, "
        f"{informers(at)} {'costs' if at.replicas == 1 else 'cost'} the API server less than "
        f"{models[0].readers[0]} from this read rate on: {'; '.join(parts)}."
    )


def loses(model: CostModel, at: Question, pods: Sequence[float]) -> Iterator[str]:
    """Say where an informer costs more than it saves, by the figures of ``model``."""
    reader, highest = model.readers[0], model.ranges.reads_per_s[1]
    small = replace(at, pods=pods[0])
    even = model.break_even(reader, small)
    shown, spread = break_even(even, highest)
    few = (
        f"Few reads of a small set that changes much: with {number(small.pods)} pods and "
        f"{number(small.churn_per_s)} writes/s"
    )
    told = even.value if shown != MISSING else None
    if told:
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
    if told:
        yield _replicas_lose(model, small, told)
    yield (
        "Short lives of a large set: each start takes one list of everything. A replica that is "
        f"asked less than about once in its life saves nothing; these figures give it "
        f"{number(LIFETIME_S / 3600)} h. Memory, staleness and time to ready are billed elsewhere "
        "on this page."
    )


def _replicas_lose(model: CostModel, small: Question, even: float) -> str:
    """Say from which rate on many replicas pay; ``even`` is the rate of those of ``small``."""
    most = model.ranges.replicas[1] if model.knows_replicas else 10 * small.replicas
    said = (
        "Replicas: each watches for itself, whatever it is asked. "
        f"{number(most)} of them break even only at {rate(most / small.replicas * even)} together, "
        f"with {number(small.pods)} pods. "
    )
    if model.knows_replicas:
        least = number(model.ranges.replicas[0])
        return f"{said}{least} to {number(most)} were measured, and their costs fitted as a sum."
    return f"{said}{number(small.replicas)} measured: that their costs add up is taken as given."


def _writes_per_read(one: Ratio) -> str:
    """Turn the break-even rate at one write a second around; nothing if there is none."""
    if not one.value:
        return ""
    said = f"about {number(1 / one.value)} writes"
    if one.high is None:
        return said if one.low is None else ""
    least = number(1 / one.high)
    return f"{said} ({least} to {number(1 / one.low)})" if one.low else f"{said} (at least {least})"


def table_remark(model: CostModel) -> str:
    """Say what the table of break-even rates rests on."""
    least = model.ranges.reads_per_s[0]
    return (
        f"Rates below {rate(least)} were not measured: there the line from no reads, which cost "
        f"nothing, to {rate(least)} is followed. A start is spread over "
        f"{number(LIFETIME_S / 3600)} h."
    )


def notes(
    models: Sequence[CostModel], unfitted: Sequence[Unfitted], at: Question
) -> Iterator[tuple[str, str]]:
    """Yield title and text of what limits the figures of the section."""
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
            yield f"{unit.title} (informer)", unit.estimate


def _spans_zero(one: Estimate) -> bool:
    return one.low is not None and one.high is not None and one.low <= 0 <= one.high
