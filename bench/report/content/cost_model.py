"""The read rate at which an informer pays off: break-even rates, calculator, charts, unit costs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.analysis.cost_model import INFORMER, LIFETIME_S, START, CostModel, Question, UnitCost
from bench.analysis.result import RunAnalysis
from bench.metrics import BY_KEY
from bench.metrics.metric import Total
from bench.model.message import Message, Recorded, listed, message
from bench.report import prose, sentences
from bench.report.charts import Chart, Data, Head
from bench.report.charts.lines import Floats, Frame, Line, curve_rows, lines, sampled
from bench.report.charts.points import Cloud, PointAxes, Spot, points
from bench.report.document import (
    Calculator,
    Cell,
    Charts,
    Column,
    Depth,
    Group,
    Input,
    Part,
    Row,
    Section,
    Sentence,
    Table,
    Text,
    Texts,
    table_of,
)
from bench.report.numbers import MISSING, Scale, number, rate, scale_for
from bench.stats import Estimate

LIST_ALL = "list-all"
"""The route whose reads return every pod."""
POINTS = 60
POOR_R_SQUARED = 0.8
BENT_BELOW = 0.01
TITLE = message("At how many reads per second does an informer pay off?")


@dataclass(frozen=True, slots=True)
class CostContent:
    """The section, the verdict for the measured situation, and a sweep's first answers."""

    section: Section
    verdict: Sentence
    diagnostics: Section | None = None
    answers: tuple[Sentence, ...] = ()
    calculator: Calculator | None = None
    at: Question | None = None
    """The situation that the verdict is about."""


def cost_section(analysis: RunAnalysis) -> CostContent:
    """Return the cost models' content; a run without a cost model gets a section that says why."""
    models = analysis.cost_models
    shown = [model for model in models if not _is_sum(model)] or models
    if not shown:
        reason: str = message("no cost was measured")
        if analysis.unfitted:
            reason = Recorded(analysis.unfitted[0].why)
        text = message("This run cannot tell: {why}. `make bench PLAN=sweep` measures it.")
        parts = (Text(text.format(why=reason)),)
        return CostContent(Section("breakeven", TITLE, parts), Sentence(sentences.UNTOLD, reason))
    first = shown[0]
    at = first.reference
    payoffs = [
        sentences.pays_off(model, model.break_even(model.readers[0], at), at) for model in shown
    ]
    leads = tuple(Text(payoff.line, "lead") for payoff in payoffs)
    notes = Texts(tuple(_notes(models, analysis, at)))
    details: tuple[Part, ...] = (
        *([notes] if notes.items else []),
        Charts(tuple(_rate_charts(shown, at))),
    )
    route = analysis.plan.scenario(first.rows[0].scenario).route
    reads = Text(prose.text("other_route", route=route), term=message("Route"))
    parts_: tuple[Part | Section, ...] = (
        *leads,
        *([] if route == LIST_ALL else [reads]),
        _rates(shown),
        Section("loses", message("Where the informer loses"), (Texts(tuple(_loses(first, at))),)),
        Charts(tuple(_cost_chart(model, at) for model in shown)),
        Section("breakeven-more", prose.text("breakeven_more"), details, Depth.PAGE, folded=True),
    )
    verdict = sentences.verdict(first, first.break_even(first.readers[0], at), at)
    answers = tuple(payoffs) if first.knows_pods else ()
    section = Section("breakeven", TITLE, parts_, short=message("Break-even"))
    calculator = _calculator(models, first, at)
    return CostContent(section, verdict, _diagnostics(models), answers, calculator, at)


def _diagnostics(models: Sequence[CostModel]) -> Section:
    """Return the section on the models' fit: the method, its quality, and each trial's residual."""
    parts: list[Part] = [Text(prose.text("fitted"), depth=Depth.PAGE)]
    for model in models:
        parts += [_units(model), _fits(model)]
    # The trials of a single scenario share one position, so residuals show no shape.
    varied = [model for model in models if len({row.scenario for row in model.rows}) > 1]
    parts.append(Charts(tuple(_residual_chart(model) for model in varied)))
    return Section("diagnostics", prose.text("diagnostics"), tuple(parts), folded=True)


def _is_sum(model: CostModel) -> bool:
    """Tell whether a quantity is the sum of others, which are then shown instead."""
    return isinstance(BY_KEY[model.quantity].of, Total)


def _short(model: CostModel) -> str:
    return BY_KEY[model.quantity].short


def _rates(models: Sequence[CostModel]) -> Table:
    """Return the table of break-even rates, a row a situation."""
    several = any(model.knows_replicas for model in models)
    columns = [Column(message("writes/s"))]
    columns += [Column(message("replicas"))] if several else []
    against = message("{metric}, against {reader}")
    keys: list[tuple[str, str]] = []
    by_situation: dict[tuple[float, float, float], dict[tuple[str, str], Cell]] = {}
    for model in models:
        short = _short(model)
        columns += [Column(against.format(metric=short, reader=reader)) for reader in model.readers]
        keys += [(model.quantity, reader) for reader in model.readers]
        for even in model.break_evens:
            wording = sentences.break_even(even, model.ranges.reads_per_s[1])
            cells = by_situation.setdefault((even.pods, even.churn_per_s, even.replicas), {})
            cells[model.quantity, even.reader] = Cell(wording.text, wording.spread)
    rows = []
    for situation in sorted(by_situation):
        pods, *loads = situation[: 2 + several]
        rates = (by_situation[situation].get(key, Cell(MISSING)) for key in keys)
        row_cells = *(Cell(number(load)) for load in loads), *rates
        rows.append(Row(number(pods), row_cells, depth=Depth.TERMINAL, key="breakeven"))
    caption, depth = sentences.rate_caption(models[0]), Depth.TERMINAL
    return table_of(columns, rows, message("pods"), caption, depth=depth)


def _loses(model: CostModel, at: Question) -> Iterator[Text]:
    reader, highest = model.readers[0], model.ranges.reads_per_s[1]
    small = replace(at, pods=model.ranges.pods[0])
    even = model.break_even(reader, small)
    wording = sentences.break_even(even, highest)
    known = bool(even.rate) and wording.text != MISSING
    yield Text(sentences.few_reads(wording, small, known=known))
    if writes := sentences.churn_loses(model, reader, at.pods):
        yield Text(writes)
    if known and even.rate:
        yield Text(sentences.replicas_lose(model, small, even.rate))
    yield Text(sentences.short_lives())


def _notes(models: Sequence[CostModel], analysis: RunAnalysis, at: Question) -> Iterator[Text]:
    """Return the limitations of the section's figures."""
    for unfitted in analysis.unfitted:
        text = Message("{title}: {why}").format(
            title=BY_KEY[unfitted.quantity].title, why=Recorded(unfitted.why)
        )
        yield Text(text, term=message("Not modelled"))
    for model in models:
        yield from _model_notes(model, at)
    first = models[0]
    single_size = [reader for reader in first.readers if len(first.recipes[reader]) == 1]
    if not first.knows_pods:
        text = prose.text("one_size", pods=number(first.ranges.pods[0]))
        yield Text(text, term=message("One number of pods"))
    elif single_size:
        text = prose.text("one_size_of", readers=sentences.joined(single_size))
        yield Text(text, term=message("One number of pods"))
    fitted = {row.scenario for row in first.rows if row.arm != START}
    fixed = [scenario.name for scenario in analysis.plan.scenarios if scenario.is_open]
    if others := [name for name in fixed if name not in fitted]:
        text = prose.text("left_out", scenarios=sentences.joined(others))
        yield Text(text, term=message("Left out"))
    priced = [model for model in models if model.start_from is not None]
    if priced:
        names = sentences.joined([_short(model) for model in priced])
        text = prose.text("start_priced", names=names, reader=priced[0].start_from)
        yield Text(text, term=message("Starts"))


def _model_notes(model: CostModel, at: Question) -> Iterator[Text]:
    poor = [
        f"{fit.arm} R\N{SUPERSCRIPT TWO} {fit.r_squared:.2f}"
        for fit in model.goodness
        if fit.r_squared is not None and fit.r_squared < POOR_R_SQUARED
    ]
    title = BY_KEY[model.quantity].title
    if poor:
        text = message("{title}: {arms}. The model fits these loosely.")
        yield Text(text.format(title=title, arms=listed(poor)), term=message("Poor fit"))
    bent = [
        fit.arm
        for fit in model.goodness
        if fit.lack_of_fit is not None and fit.lack_of_fit < BENT_BELOW
    ]
    if bent:
        text = prose.text("bent", title=title, arms=sentences.joined(bent))
        yield Text(text, term=message("Not a good fit"))
    titled = Message("{title}: {text}")
    if any(unit.estimate.low is None for unit in model.units):
        text = titled.format(title=title, text=prose.text("no_interval"))
        yield Text(text, term=message("No interval"))
    small = [name for name, cost in _deciding_costs(model, at) if cost.holds(0.0)]
    if small:
        text = titled.format(title=title, text=listed(small, "; "))
        yield Text(text, term=message("Too small to measure"))


def _deciding_costs(model: CostModel, at: Question) -> Iterator[tuple[str, Estimate]]:
    """Return the costs that determine a break-even rate: a whole read's and an event's."""
    for reader in model.readers:
        name = message("a read by {reader}, at {pods} pods")
        cost = model.cost(reader, Question(1.0, at.pods, 0.0, 0.0))
        yield name.format(reader=reader, pods=number(at.pods)), cost
    for unit in model.units:
        if unit.arm == INFORMER:
            name = Message("{title} ({arm})")
            yield name.format(title=Recorded(unit.title), arm=unit.arm), unit.estimate


# The calculator.


def _calculator(models: Sequence[CostModel], first: CostModel, at: Question) -> Calculator:
    ranges = first.ranges
    inputs = (
        ("reads", message("Reads/s, all replicas"), at.reads_per_s, "0", ranges.reads_per_s),
        ("pods", message("Pods"), at.pods, "0", ranges.pods),
        ("churn", message("Writes to pods/s"), at.churn_per_s, "0", (0.0, ranges.churn_per_s[1])),
        ("replicas", message("Replicas"), at.replicas, "1", ranges.replicas),
    )
    measured = message("measured: {span}")
    lifetime = message("Life of a replica, h"), f"{LIFETIME_S / 3600:g}", "0.01"
    return Calculator(
        message("Cost of each server with these inputs"),
        prose.text("without_script"),
        prose.text("calculated"),
        (
            *(
                Input(
                    name,
                    label,
                    f"{float(f'{value:.2g}'):g}",
                    least,
                    measured.format(span=sentences.span(ends)),
                    fixed=name == "pods" and not first.knows_pods,
                )
                for name, label, value, least, ends in inputs
            ),
            Input("lifetime", *lifetime, prose.text("lifetime")),
        ),
        tuple(first.recipes),
        _constants(models, first, at),
    )


def _constants(models: Sequence[CostModel], first: CostModel, at: Question) -> Mapping[str, Any]:
    """Return the calculator's constants, which the page has as JSON."""
    ranges = models[0].ranges
    return {
        "reader": models[0].readers[0],
        "first": first.quantity,
        "words": {
            "verdicts": sentences.VERDICTS,
            "rates": sentences.RATES,
            "beyond": sentences.BEYOND,
            "line": sentences.line(models[0]),
            **prose.texts("calculator"),
        },
        "ranges": {
            "reads": ranges.reads_per_s,
            "pods": ranges.pods,
            "churn": ranges.churn_per_s,
            "replicas": ranges.replicas,
            "reads_pods": ranges.reads_pods,
        },
        "quantities": [
            {
                "key": model.quantity,
                "title": BY_KEY[model.quantity].title,
                "short": _short(model),
                "unit": model.unit,
                "recipes": model.recipes,
                "coefficients": model.fit.coefficients,
                "covariance": model.fit.covariance,
                "quantiles": {
                    arm: model.fit.quantile([model.form(arm, at)]) for arm in model.recipes
                },
            }
            for model in models
        ],
    }


# Charts.


def _rate_charts(models: Sequence[CostModel], at: Question) -> Iterator[Chart]:
    informers = sentences.informers(at.replicas)
    frame = Frame(message("writes to pods/s"), message("reads/s"))
    title = message("Break-even read rate against churn, by {metric}")
    for model in models:
        places = np.linspace(0.0, model.ranges.churn_per_s[1], POINTS)
        caption = prose.text("churn_curves", reader=model.readers[0], informers=informers)
        labels = "churn", title.format(metric=_short(model)), caption
        yield _rate_chart(model, labels, at, ("churn_per_s", places), frame)
    if not models[0].knows_replicas:
        return
    up = message("reads/s, all replicas")
    frame = Frame(message("replicas of the informer"), up, whole=True)
    title = message("Break-even read rate against replicas, by {metric}")
    for model in models:
        places = np.arange(1.0, model.ranges.replicas[1] + 1)
        slots = {"reader": model.readers[0], "churn": number(at.churn_per_s)}
        caption = prose.text("replica_curves", **slots)
        labels = "replicas", title.format(metric=_short(model)), caption
        yield _rate_chart(model, labels, at, ("replicas", places), frame)


def _head(model: CostModel, labels: tuple[str, str, str], description: str) -> Head:
    """Return the head of a chart; ``labels`` are its kind, title and caption."""
    kind, title, caption = labels
    name = f"breakeven-{kind}-{model.quantity}".replace("_", "-")
    source = prose.text("fitted_source", source=BY_KEY[model.quantity].source)
    return Head(name, title, caption, source, description)


def _cost_chart(model: CostModel, at: Question) -> Chart:
    """Draw each arm's cost against the read rate; ``at`` fixes the other conditions."""
    reader, highest = model.readers[0], model.ranges.reads_per_s[1]
    even = model.break_even(reader, at)
    right = highest
    if even.rate is not None and 0 < even.rate <= highest:
        right = min(highest, max(4 * even.rate, 1.4 * (even.high or 0.0)))
    places = np.linspace(0.0, right, POINTS)
    shown = {arm: sampled(places, _cost_at(model, arm, at)) for arm in model.recipes}
    scale = scale_for([float(np.nanmax(curve.value)) for curve in shown.values()], model.unit)
    wording = sentences.break_even(even, highest)
    slots = {"reader": reader, "informers": sentences.informers(at.replicas)}
    line = listed([wording.text, wording.spread])
    caption = prose.text("cost_curves", line=line, **slots)
    if right < model.ranges.reads_per_s[0]:
        below = message("The whole chart is below {least}, the lowest measured rate.")
        least = rate(model.ranges.reads_per_s[0])
        caption = listed([caption, below.format(least=least)], " ")
    title = message("{title}, at {pods} pods and {churn} writes/s").format(
        title=BY_KEY[model.quantity].title, pods=number(at.pods), churn=number(at.churn_per_s)
    )
    meet = message("break-even rate of {informers} and {reader}: {line}").format(**slots, line=line)
    head = _head(model, ("cost", title, caption), meet)
    crosses = even.low is not None and even.rate is not None and even.rate <= right
    frame = Frame(
        message("reads/s"),
        scale.unit,
        scale,
        right,
        top=1.15 * max(float(np.nanmax(curve.value)) for curve in shown.values()),
        crossing=(even.low or 0.0, even.rate or 0.0, even.high) if crosses else None,
    )
    columns = ("arm", "reads_per_s", f"cost, {model.unit}", "low_95", "high_95")
    return lines(head, shown, frame, Data(columns, curve_rows(shown)))


Sampled = tuple[float | None, float | None, float | None]


def _cost_at(model: CostModel, arm: str, at: Question) -> Callable[[float], Sampled]:
    def cost(reads: float) -> Sampled:
        estimate = model.cost(arm, replace(at, reads_per_s=reads))
        return estimate.value, estimate.low, estimate.high

    return cost


def _rate_chart(
    model: CostModel,
    labels: tuple[str, str, str],
    at: Question,
    axis: tuple[str, Floats],
    frame: Frame,
) -> Chart:
    """Draw the break-even rate over one field of the question, a line for each number of pods."""
    field, places = axis

    def rates_of(pods: float) -> Callable[[float], Sampled]:
        def rate_at(place: float) -> Sampled:
            question = replace(at, pods=pods, **{field: place})
            even = model.break_even(model.readers[0], question)
            return even.rate, even.low, even.high

        return rate_at

    sizes = sorted({float(row.pods) for row in model.rows if row.arm != START})
    of_pods = message("{pods} pods")
    shown: dict[str, Line] = {
        of_pods.format(pods=number(size)): sampled(places, rates_of(size)) for size in sizes
    }
    highest = max(float(np.nanmax(curve.value, initial=0.0)) for curve in shown.values())
    ends = [float(curve.high[-1]) for curve in shown.values() if curve.high is not None]
    bounds = [end for end in ends if np.isfinite(end)]
    top = max(1.25 * highest, 0.5 * min([*bounds, model.ranges.reads_per_s[1]]))
    end = message("{pods}: {rate} at {place} {across}")
    descriptions = [
        end.format(
            pods=pods,
            rate=rate(float(curve.value[-1])),
            place=number(float(curve.x[-1])),
            across=frame.across,
        )
        for pods, curve in shown.items()
        if np.isfinite(curve.value[-1])
    ]
    description = listed(descriptions, "; ") if descriptions else message("no rate is known")
    head = _head(model, labels, description)
    columns = ("pods", frame.across, "break-even reads/s", "low_95", "high_95")
    return lines(head, shown, replace(frame, top=top), Data(columns, curve_rows(shown)))


def _residual_chart(model: CostModel) -> Chart:
    """Draw each trial's residual against the model's cost."""
    rows = list(zip(model.rows, (float(fitted) for fitted in model.fit.fitted), strict=True))
    scale = scale_for([fitted + row.floor for row, fitted in rows], model.unit)
    shown, worst = [], 0.0
    for arm in dict.fromkeys(row.arm for row in model.rows):
        spots = []
        for row, fitted in rows:
            given, miss = fitted + row.floor, row.cost - fitted
            if row.arm == arm and given > 0:
                worst = max(worst, abs(miss / given))
                text = message("{arm}, {scenario}, round {round}: {miss} of {given}").format(
                    arm=arm,
                    scenario=row.scenario,
                    round=row.round,
                    miss=scale.quantity(miss, signed=True),
                    given=scale.quantity(given),
                )
                spots.append(Spot(given / scale.divisor, miss / given, text))
        shown.append(Cloud(arm, spots))
    title = message("Residuals: {metric}").format(metric=_short(model))
    largest = message("the largest deviation is {share}% of the trial's whole cost")
    labels = "residuals", title, prose.text("residuals")
    head = _head(model, labels, largest.format(share=number(100 * worst)))
    columns = ("arm", "scenario", "round", f"measured, {model.unit}", "model", "floor")
    table = [(row.arm, row.scenario, row.round, row.cost, fit, row.floor) for row, fit in rows]
    data = Data(columns, tuple(table))
    across = message("modelled cost and idle baseline, {unit}").format(unit=scale.unit)
    panels: dict[str, list[Cloud]] = {message("measured minus modelled"): shown}
    return points(head, panels, PointAxes(across, shares=True), data)


# Unit costs.


def _units(model: CostModel) -> Table:
    """Return the table of unit costs: one read, one event, one start."""
    unit = model.unit.removesuffix("/s")
    rows = [
        _unit_row(Recorded(cost.arm), Recorded(cost.title), cost.estimate, unit, cost)
        for cost in model.units
    ]
    if model.knows_pods:
        pods = model.ranges.pods[1]
        for reader in model.readers:
            whole = model.cost(reader, Question(1.0, pods, 0.0, 0.0))
            title = message("a whole read, at {pods} pods").format(pods=number(pods))
            rows.append(_unit_row(reader, title, whole, unit))
    columns = (
        Column(message("cost of"), prose=True),
        Column(message("estimate")),
        Column(message("by round"), prose=True),
    )
    caption, group = sentences.measured_range(model), Group(tuple(rows))
    return Table(BY_KEY[model.quantity].title, columns, (group,), caption, message("arm"))


def _unit_row(
    arm: str, title: str, estimate: Estimate, unit: str, cost: UnitCost | None = None
) -> Row:
    scale = scale_for([estimate.value], unit)
    rounds = ", ".join(scale.show(value) for value in cost.by_round.values()) if cost else ""
    spread = scale.interval(estimate.low, estimate.high, estimate.value)
    shown = scale.quantity(estimate.value, estimate.low, estimate.high)
    cells = Cell(title), Cell(shown, spread), Cell(rounds)
    return Row(arm, cells, key="unit-cost")


def _fits(model: CostModel) -> Table:
    """Return the table of the model's fit to each arm."""
    rows = []
    for fit in model.goodness:
        scale: Scale = scale_for([fit.residual_sd], model.unit)
        shape = prose.text("shape_untested")
        if fit.lack_of_fit is not None:
            p = f"{fit.lack_of_fit:.2g}"
            small: str = message("less than 0.001") if fit.lack_of_fit < 0.001 else p
            text = (
                message("no, p = {p}") if fit.lack_of_fit < BENT_BELOW else message("yes, p = {p}")
            )
            shape = text.format(p=small)
        cells = (
            Cell(str(fit.rows)),
            Cell(str(fit.coefficients)),
            Cell(MISSING if fit.r_squared is None else f"{fit.r_squared:.3f}"),
            Cell(scale.quantity(fit.residual_sd)),
            Cell(MISSING if fit.typical is None else f"{number(100 * fit.typical)}%"),
            Cell(shape),
        )
        rows.append(Row(Recorded(fit.arm), cells))
    titles = (
        *(message("trials"), message("unit costs"), "R\N{SUPERSCRIPT TWO}"),
        *(message("residual sd"), message("typical deviation")),
    )
    good = Column(message("Is the model a good fit?"), prose=True)
    columns = (*(Column(title) for title in titles), good)
    return table_of(columns, rows, message("arm"), depth=Depth.PAGE)
