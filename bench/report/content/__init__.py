"""From a run's analysis to a document: what is said, in which order, and how deep.

``run_document`` reads like a report's table of contents. Every table is driven by the views
of ``bench.metrics``; words come from ``sentences`` and ``prose``. Nothing is computed here:
a figure that is missing from the analysis is missing from the report.
"""

from collections.abc import Iterator, Sequence

from bench.analysis import RunData
from bench.analysis.result import (
    Arm,
    Comparison,
    RunAnalysis,
    ScenarioAnalysis,
    presentation_order,
)
from bench.metrics import Load, View, of_view
from bench.model import CaveatKind, RunState
from bench.model.message import Message, Recorded, listed, message, plural
from bench.report import prose, sentences
from bench.report.charts import Chart
from bench.report.content.cost_model import cost_section
from bench.report.content.evidence import evidence_sections, trust
from bench.report.content.faults import fault_section
from bench.report.content.rows import (
    Notes,
    caveat_text,
    columns_of,
    compared,
    in_rounds,
    metric_row,
    notes_of,
    where_of,
)
from bench.report.content.scenario import (
    anchor_of,
    base_section,
    difference_chart,
    run_charts,
    scenario_section,
)
from bench.report.content.series import series_section
from bench.report.content.side_by_side import matrix_section, replica_section, version_section
from bench.report.content.top import (
    answer,
    choose,
    gains_and_costs,
    picture,
    scenario_answer,
)
from bench.report.document import (
    Alarm,
    Charts,
    Depth,
    Document,
    Part,
    Section,
    Sentence,
    Text,
    table_of,
)
from bench.report.numbers import number, scale_for

MOST_CAVEATS = 12
MOST_ALARMS = 8


def run_document(analysis: RunAnalysis, data: RunData | None = None) -> Document:
    """Return the report of a run.

    Any run that can be read gives one: what an incomplete run, a failed trial or a missing
    arm leaves out is said in it. Charts of single requests and seconds are drawn from rows
    that no figure keeps; they take ``data``, which is of the same run.
    """
    costs = cost_section(analysis)
    chosen = choose(analysis, costs.at)
    has_load = analysis.plan.has_load
    measured = (arm.server for one in analysis.scenarios for arm in one.arms)
    notes = {
        one.scenario.name: notes_of(
            analysis.caveats, one.scenario.name, [arm.server for arm in one.arms], anchor_of(index)
        )
        for index, one in enumerate(analysis.scenarios)
    }
    quotable = all(caveat.kind is CaveatKind.RUN_INCOMPLETE for caveat in analysis.void)
    headline = costs.answers[0] if costs.answers else answer(analysis, chosen)
    several = analysis.scenarios if len(analysis.scenarios) > 1 and quotable else ()
    answers = {index: scenario_answer(one, analysis) for index, one in enumerate(several)}
    gains, price = gains_and_costs(chosen, notes) if quotable else ((), ())
    sections = (
        *base_section(analysis),
        *(version_section(index, one, analysis) for index, one in enumerate(analysis.versions)),
        *(
            matrix_section(index, one, analysis, notes)
            for index, one in enumerate(analysis.read_paths)
        ),
        *([costs.section] if analysis.scenarios and has_load else []),
        *(replica_section(index, one, analysis) for index, one in enumerate(analysis.replicas)),
        *(series_section(index, one, analysis) for index, one in enumerate(analysis.series)),
        *_bill(chosen, notes, run_charts(analysis)),
        *(
            scenario_section(
                index,
                one,
                answers.get(index),
                notes[one.scenario.name],
                data,
                analysis.plan.objects,
            )
            for index, one in enumerate(analysis.scenarios)
        ),
        *fault_section(analysis, data),
        *([costs.diagnostics] if costs.diagnostics else []),
        *evidence_sections(analysis),
    )
    return Document(
        title=message("Run {run}").format(run=analysis.run),
        kicker=_kicker(analysis),
        headline=headline if quotable else Sentence(sentences.VOID, tone="bad"),
        alarms=tuple(_alarms(analysis)),
        quotable=quotable,
        picture=tuple(picture(chosen, notes)) if quotable else (),
        verdict=costs.verdict if quotable and analysis.scenarios and has_load else None,
        calculator=costs.calculator if quotable else None,
        gains=gains,
        costs=price,
        trust=tuple(trust(analysis)),
        sections=sections,
        notes=tuple(_notes(analysis)),
        footer=message("informer-bench, summary schema {schema}").format(
            schema=analysis.summary_schema
        ),
        glossary=prose.texts("glossary"),
        arms=tuple(presentation_order([*dict.fromkeys([*measured, *analysis.plan.servers])])),
    )


def _kicker(analysis: RunAnalysis) -> str:
    running = analysis.state is RunState.RUNNING
    return message(
        " \N{MIDDLE DOT} plan {plan} \N{MIDDLE DOT} {started} \N{MIDDLE DOT} Kubernetes "
        "{kubernetes} \N{MIDDLE DOT} {state}, {made} of {planned} trials"
    ).format(
        plan=analysis.plan.name,
        started=analysis.started_at,
        kubernetes=analysis.environment.kubernetes,
        state=message("provisional") if running else Message(str(analysis.state)),
        made=analysis.trials_made,
        planned=analysis.trials_planned,
    )


def _alarms(analysis: RunAnalysis) -> Iterator[Alarm]:
    """Group what voids the run by kind, each place named."""
    grouped: dict[CaveatKind, list[str]] = {}
    for caveat in analysis.void:
        where, text = where_of(caveat), Recorded(caveat.text)
        told = Message("{where}: {text}").format(where=where, text=text) if where else text
        grouped.setdefault(caveat.kind, []).append(told)
    for kind, texts in grouped.items():
        more = len(texts) - MOST_ALARMS
        further = message("and {more} more, in the tables below")
        cut = [further.format(more=more)] if more > 0 else []
        yield Alarm(sentences.void_title(kind, analysis.state), (*texts[:MOST_ALARMS], *cut))


def _bill(
    chosen: Sequence[ScenarioAnalysis], notes: dict[str, Notes], across: Sequence[Chart]
) -> Iterator[Section]:
    """Return what the arms cost the application, and what churn costs whether anyone reads."""
    place = next(iter(chosen), None)
    if place is None or not place.contenders:
        return
    own = notes[place.scenario.name]
    differences = difference_chart("differences", prose.text("differences_title"), _all(chosen))
    rows = [
        metric_row(metric, place.contenders, own, per_1000=per, depth=Depth.MARKDOWN)
        for metric, per in of_view(View.BILL)
    ]
    known = [row for row in rows if row is not None]
    under = message("Under {scenario}.").format(scenario=place.scenario.name)
    caption = listed([under, prose.text("below", rounds=in_rounds(place.contenders))], " ")
    charts = tuple(one for one in (differences, *across) if one is not None)
    parts: list[Part] = [Charts(charts)] if charts else []
    for at in chosen:
        not_alike = Load.FULL_SPEED if at.scenario.is_open else Load.FIXED_RATE
        found = [one for one in at.beside if one.definition.load is not not_alike]
        parts += [Text(sentences.beside(one, at.scenario).line) for one in found]
    if known:
        columns = columns_of(place.contenders)
        parts.append(table_of(columns, known, caption=caption, layout="arms"))
    if (subject := place.subject) is not None and (watch := _churn(place, subject)):
        parts.append(Text(watch))
    has_load = place.scenario.has_load
    if has_load and not any(row.key.startswith("stale") for row in known):
        parts.append(Text(prose.text("no_freshness")))
    short = message("Gains and costs")
    yield Section("costs", prose.text("costs_title"), tuple(parts), short=short)


def _all(chosen: Sequence[ScenarioAnalysis]) -> list[tuple[ScenarioAnalysis, Comparison]]:
    """Return each comparison of the balance once: of the fixed rate, where both loads have it."""
    kept: dict[tuple[str, str], tuple[ScenarioAnalysis, Comparison]] = {}
    for scenario in chosen:
        for baseline in dict.fromkeys(one.baseline for one in scenario.comparisons):
            for found in compared(scenario, baseline):
                kept.setdefault((found.metric, baseline), (scenario, found))
    return list(kept.values())


def _churn(place: ScenarioAnalysis, subject: Arm) -> str:
    """Say what the watch costs the control plane under this churn, whether anyone reads or not."""
    scenario = place.scenario
    has_floor = any(arm.is_floor for arm in place.arms)
    watches = scenario.is_open and scenario.has_load and scenario.churn_per_s
    if not watches or subject.api_requests or not has_floor:
        # Where reads reach the API server their cost cannot be told from that of the watch.
        return ""
    cpu, sent = subject.figure("apiserver_cpu"), subject.figure("api_bytes")
    if cpu is None or cpu.value is None or sent is None or sent.value is None:
        return ""
    scale = scale_for((), "ms")
    spread, own = scale.interval(cpu.low, cpu.high), scale.show(cpu.value, cpu.low, cpu.high)
    shown = message("{cpu} ms of CPU per second").format(cpu=own)
    if spread:
        shown = Message("{cpu} [{spread}]").format(cpu=shown, spread=spread)
    events = scale_for([sent.value], "B/s").quantity(sent.value)
    slots = {"churn": number(scenario.churn_per_s), "cpu": shown, "events": events}
    if cpu.low is not None and cpu.low > 0:
        return prose.text("watch_costs", server=subject.server, **slots)
    return prose.text("watch_too_small", **slots)


def _notes(analysis: RunAnalysis) -> Iterator[Text]:
    """Return the caveats that void nothing, and where the run was made, for the short forms."""
    failing = {fault.scenario.name for fault in analysis.faults}
    grouped: dict[tuple[CaveatKind, str], list[str]] = {}
    for caveat in analysis.caveats:
        where_told = caveat in analysis.void or caveat.scenario is None  # said first
        if not where_told and caveat.scenario not in failing:
            at = caveat.kind, caveat.text
            grouped.setdefault(at, []).append(where_of(caveat))
    for place, ((kind, text), where) in enumerate(grouped.items()):
        if place == MOST_CAVEATS:
            more = message("{more} more caveats are in data/caveats.csv")
            yield Text(more.format(more=len(grouped) - place))
            break
        places = listed([*where[:3], *(["..."] if len(where) > 3 else [])], "; ")
        yield caveat_text(kind, places if any(where) else "", text)
    if told := sum(caveat.scenario in failing for caveat in analysis.caveats):
        notes = message("{told} notes on trials with a fault are in data/caveats.csv")
        yield Text(notes.format(told=told))
    one, plan = analysis.environment, analysis.plan
    yield Text(
        message(
            "Plan {plan}, {made} of {planned} trials ({state}), {rounds} of {duration} s; "
            "Kubernetes {kubernetes}, etcd {etcd}; {processors} ({processor}); commit {commit}."
        ).format(
            plan=plan.name,
            made=analysis.trials_made,
            planned=analysis.trials_planned,
            state=Message(str(analysis.state)),
            rounds=plural(plan.rounds, "round", "rounds"),
            duration=number(plan.duration_s),
            kubernetes=one.kubernetes,
            etcd=one.etcd,
            processors=plural(one.processors, "processor", "processors"),
            processor=one.processor,
            commit=one.commit,
        ),
        term=message("Made with"),
    )
