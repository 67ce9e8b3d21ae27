"""Build a report's document from a run's analysis: its statements, their order and their depth.

``run_document`` reads like a report's table of contents. The views of ``bench.metrics`` determine
every table; ``sentences`` and ``prose`` provide the words. This package computes no figure: a
figure that is missing from the analysis is missing from the report.
"""

from collections.abc import Iterator, Sequence

from bench.analysis import RunData
from bench.analysis.result import Arm, Comparison, RunAnalysis, ScenarioAnalysis, presentation_order
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
from bench.report.content.top import answer, choose, gains_and_costs, picture, scenario_answer
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

    Every readable run has one; it names the gaps that an incomplete run, a failed trial or a
    missing arm leaves. Charts of single requests and seconds need ``data`` of the same run,
    because the analysis does not keep their rows.
    """
    costs = cost_section(analysis)
    chosen = choose(analysis, costs.at)
    has_load, objects = analysis.plan.has_load, analysis.plan.objects
    measured = (arm.server for result in analysis.scenarios for arm in result.arms)
    notes = {
        result.scenario.name: notes_of(
            analysis.caveats,
            result.scenario.name,
            [arm.server for arm in result.arms],
            anchor_of(index),
        )
        for index, result in enumerate(analysis.scenarios)
    }
    quotable = all(caveat.kind is CaveatKind.RUN_INCOMPLETE for caveat in analysis.void)
    headline = costs.answers[0] if costs.answers else answer(analysis, chosen)
    several = analysis.scenarios if len(analysis.scenarios) > 1 and quotable else ()
    answers = {index: scenario_answer(result, analysis) for index, result in enumerate(several)}
    gains, price = gains_and_costs(chosen, notes) if quotable else ((), ())
    sections = (
        *base_section(analysis),
        *(version_section(index, group, analysis) for index, group in enumerate(analysis.versions)),
        *(
            matrix_section(index, matrix, analysis, notes)
            for index, matrix in enumerate(analysis.read_paths)
        ),
        *([costs.section] if analysis.scenarios and has_load else []),
        *(replica_section(index, group, analysis) for index, group in enumerate(analysis.replicas)),
        *(series_section(index, series, analysis) for index, series in enumerate(analysis.series)),
        *_bill(chosen, notes, run_charts(analysis)),
        *(
            scenario_section(
                index, result, answers.get(index), notes[result.scenario.name], data, objects
            )
            for index, result in enumerate(analysis.scenarios)
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
    """Group the caveats that void the run by kind, each with its place."""
    grouped: dict[CaveatKind, list[str]] = {}
    for caveat in analysis.void:
        where, text = where_of(caveat), Recorded(caveat.text)
        entry = Message("{where}: {text}").format(where=where, text=text) if where else text
        grouped.setdefault(caveat.kind, []).append(entry)
    for kind, texts in grouped.items():
        more = len(texts) - MOST_ALARMS
        further = message("and {more} more, in the tables below")
        cut = [further.format(more=more)] if more > 0 else []
        yield Alarm(sentences.void_title(kind, analysis.state), (*texts[:MOST_ALARMS], *cut))


def _bill(
    chosen: Sequence[ScenarioAnalysis], notes: dict[str, Notes], across: Sequence[Chart]
) -> Iterator[Section]:
    """Return the section on the arms' costs for the application, and on the cost of churn."""
    first = next(iter(chosen), None)
    if first is None or not first.contenders:
        return
    first_notes = notes[first.scenario.name]
    differences = difference_chart(
        "differences", prose.text("differences_title"), _comparisons(chosen)
    )
    rows = [
        metric_row(metric, first.contenders, first_notes, per_1000=per, depth=Depth.MARKDOWN)
        for metric, per in of_view(View.BILL)
    ]
    measured = [row for row in rows if row is not None]
    under = message("Under {scenario}.").format(scenario=first.scenario.name)
    caption = listed([under, prose.text("below", rounds=in_rounds(first.contenders))], " ")
    charts = tuple(chart for chart in (differences, *across) if chart is not None)
    parts: list[Part] = [Charts(charts)] if charts else []
    for result in chosen:
        not_alike = Load.FULL_SPEED if result.scenario.is_open else Load.FIXED_RATE
        beside = [
            comparison
            for comparison in result.beside
            if comparison.definition.load is not not_alike
        ]
        parts += [Text(sentences.beside(comparison, result.scenario).line) for comparison in beside]
    if measured:
        columns = columns_of(first.contenders)
        parts.append(table_of(columns, measured, caption=caption, layout="arms"))
    if (subject := first.subject) is not None and (watch := _churn(first, subject)):
        parts.append(Text(watch))
    has_load = first.scenario.has_load
    if has_load and not any(row.key.startswith("stale") for row in measured):
        parts.append(Text(prose.text("no_freshness")))
    short = message("Gains and costs")
    yield Section("costs", prose.text("costs_title"), tuple(parts), short=short)


def _comparisons(chosen: Sequence[ScenarioAnalysis]) -> list[tuple[ScenarioAnalysis, Comparison]]:
    """Return each comparison of the balance once; the fixed rate has priority over full speed."""
    comparisons: dict[tuple[str, str], tuple[ScenarioAnalysis, Comparison]] = {}
    for result in chosen:
        for baseline in dict.fromkeys(comparison.baseline for comparison in result.comparisons):
            for comparison in compared(result, baseline):
                comparisons.setdefault((comparison.metric, baseline), (result, comparison))
    return list(comparisons.values())


def _churn(result: ScenarioAnalysis, subject: Arm) -> str:
    """Return the sentence on the watch's control-plane cost under churn, with or without reads."""
    scenario = result.scenario
    has_floor = any(arm.is_floor for arm in result.arms)
    watches = scenario.is_open and scenario.has_load and scenario.churn_per_s
    if not watches or subject.api_requests or not has_floor:
        # Where reads reach the API server, their cost cannot be separated from the watch's.
        return ""
    cpu, sent = subject.figure("apiserver_cpu"), subject.figure("api_bytes")
    if cpu is None or cpu.value is None or sent is None or sent.value is None:
        return ""
    scale = scale_for((), "ms")
    spread, mean = scale.interval(cpu.low, cpu.high), scale.show(cpu.value, cpu.low, cpu.high)
    shown = message("{cpu} ms of CPU per second").format(cpu=mean)
    if spread:
        shown = Message("{cpu} [{spread}]").format(cpu=shown, spread=spread)
    events = scale_for([sent.value], "B/s").quantity(sent.value)
    slots = {"churn": number(scenario.churn_per_s), "cpu": shown, "events": events}
    if cpu.low is not None and cpu.low > 0:
        return prose.text("watch_costs", server=subject.server, **slots)
    return prose.text("watch_too_small", **slots)


def _notes(analysis: RunAnalysis) -> Iterator[Text]:
    """Return the caveats that void nothing, and the run's environment, for the short forms."""
    failing = {fault.scenario.name for fault in analysis.faults}
    grouped: dict[tuple[CaveatKind, str], list[str]] = {}
    for caveat in analysis.caveats:
        shown_above = caveat in analysis.void or caveat.scenario is None
        if not shown_above and caveat.scenario not in failing:
            key = caveat.kind, caveat.text
            grouped.setdefault(key, []).append(where_of(caveat))
    for index, ((kind, text), where) in enumerate(grouped.items()):
        if index == MOST_CAVEATS:
            more = message("{more} more caveats are in data/caveats.csv")
            yield Text(more.format(more=len(grouped) - index))
            break
        places = listed([*where[:3], *(["..."] if len(where) > 3 else [])], "; ")
        yield caveat_text(kind, places if any(where) else "", text)
    if count := sum(caveat.scenario in failing for caveat in analysis.caveats):
        notes = message("{told} notes on trials with a fault are in data/caveats.csv")
        yield Text(notes.format(told=count))
    environment, plan = analysis.environment, analysis.plan
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
            kubernetes=environment.kubernetes,
            etcd=environment.etcd,
            processors=plural(environment.processors, "processor", "processors"),
            processor=environment.processor,
            commit=environment.commit,
        ),
        term=message("Made with"),
    )
