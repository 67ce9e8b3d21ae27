"""From a run's analysis to a document: what is said, in which order, and how deep.

``run_document`` reads like a report's table of contents. Every table is driven by the views
of ``bench.metrics``; words come from ``sentences`` and ``prose``. Nothing is computed here:
a figure that is missing from the analysis is missing from the report.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.analysis import RunData
from bench.analysis.result import (
    Arm,
    Comparison,
    Direction,
    RunAnalysis,
    ScenarioAnalysis,
    presentation_order,
)
from bench.metrics import BY_KEY, PERCENTILES, Load, Metric, View, of_view
from bench.metrics.metric import Total
from bench.model import CaveatKind, RunState
from bench.report import prose, sentences
from bench.report.charts import Chart
from bench.report.content.cost_model import CostContent, cost_section
from bench.report.content.evidence import ending, evidence_sections, trust
from bench.report.content.faults import fault_answer, fault_section
from bench.report.content.rows import (
    Notes,
    columns_of,
    compared,
    metric_row,
    notes_of,
    rounds_of,
    where_of,
)
from bench.report.content.scenario import (
    anchor_of,
    difference_chart,
    run_charts,
    scenario_section,
)
from bench.report.content.side_by_side import matrix_section, replica_section, version_section
from bench.report.document import (
    Alarm,
    Balance,
    Cell,
    Column,
    Depth,
    Document,
    Group,
    Row,
    Section,
    Sentence,
    Table,
    Text,
    Tile,
)
from bench.report.numbers import AT_LEAST, MISSING, number, scale_for

CPU = ("control_plane_cpu", "apiserver_cpu", "api_requests")
"""What the first sentence speaks of under a fixed rate: the first of these that was compared."""
MOST_BASELINES = 2
"""Lines a metric in the chart of differences; further servers are in the tables."""
MOST_CAVEATS = 12
MOST_ALARMS = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """The scenarios that the top of a report speaks of: a fixed rate, and full speed."""

    steady: ScenarioAnalysis | None
    capacity: ScenarioAnalysis | None

    @property
    def chosen(self) -> list[ScenarioAnalysis]:
        """Those that there are, the one at a fixed rate first."""
        return [one for one in (self.steady, self.capacity) if one is not None]


def run_document(analysis: RunAnalysis, data: RunData | None = None) -> Document:
    """Return the report of a run.

    Any run that can be read gives one: what an incomplete run, a failed trial or a missing
    arm leaves out is said in it. Charts of single requests and seconds are drawn from rows
    that no figure keeps; they take ``data``, which is of the same run.
    """
    choice, costs = _choose(analysis), cost_section(analysis)
    arms = tuple(
        presentation_order(
            list(dict.fromkeys(arm.server for one in analysis.scenarios for arm in one.arms))
            or list(analysis.plan.servers)
        )
    )
    notes = {
        one.scenario.name: notes_of(
            analysis.caveats, one.scenario.name, [arm.server for arm in one.arms], anchor_of(index)
        )
        for index, one in enumerate(analysis.scenarios)
    }
    quotable = all(caveat.kind is CaveatKind.RUN_INCOMPLETE for caveat in analysis.void)
    headline, also = _answers(analysis, choice, costs)
    sections = (
        *(version_section(index, one, analysis) for index, one in enumerate(analysis.versions)),
        *(
            matrix_section(index, one, analysis, notes, arms)
            for index, one in enumerate(analysis.read_paths)
        ),
        *([costs.section] if analysis.scenarios else []),
        *(replica_section(index, one, analysis) for index, one in enumerate(analysis.replicas)),
        *_bill(choice, notes),
        *run_charts(analysis, arms),
        *(
            scenario_section(
                index,
                one,
                _scenario_answer(one) if len(analysis.scenarios) > 1 and quotable else None,
                notes[one.scenario.name],
                arms,
                data,
            )
            for index, one in enumerate(analysis.scenarios)
        ),
        *fault_section(analysis, data),
        *evidence_sections(analysis),
    )
    return Document(
        title=f"Run {analysis.run}",
        kicker=_kicker(analysis),
        headline=headline if quotable else Sentence(sentences.VOID, tone="bad"),
        alarms=tuple(_alarms(analysis)),
        quotable=quotable,
        verdict=costs.verdict if quotable and analysis.scenarios else None,
        also=tuple(also) if quotable else (),
        balances=tuple(_balances(choice)),
        differences=_differences(choice),
        tiles=tuple(_tiles(choice, notes)),
        trust=tuple(trust(analysis)),
        sections=sections,
        notes=tuple(_notes(analysis)),
        footer=f"informer-bench, summary schema {analysis.summary_schema}",
        arms=arms,
        labels=sentences.LABELS,
    )


def _kicker(analysis: RunAnalysis) -> str:
    word = "provisional" if analysis.state is RunState.RUNNING else str(analysis.state)
    return (
        f" \N{MIDDLE DOT} plan {analysis.plan.name} \N{MIDDLE DOT} {analysis.started_at} "
        f"\N{MIDDLE DOT} Kubernetes {analysis.environment.kubernetes} \N{MIDDLE DOT} {word}, "
        f"{analysis.trials_made} of {analysis.trials_planned} trials"
    )


def _choose(analysis: RunAnalysis) -> Choice:
    """Return the first open and the first closed scenario that can compare; else the first."""

    def first(found: Sequence[ScenarioAnalysis]) -> ScenarioAnalysis | None:
        comparing = [one for one in found if one.comparisons]
        return next(iter(comparing or found), None)

    measured = [one for one in analysis.scenarios if one.arms]
    return Choice(
        first([one for one in measured if one.scenario.is_open]),
        first([one for one in measured if not one.scenario.is_open]),
    )


def _alarms(analysis: RunAnalysis) -> Iterator[Alarm]:
    """Group what voids the run by kind, each place named."""
    grouped: dict[CaveatKind, list[str]] = {}
    for caveat in analysis.void:
        where = where_of(caveat)
        text = f"{where}: {caveat.text}" if where else caveat.text
        grouped.setdefault(caveat.kind, []).append(text)
    for kind, texts in grouped.items():
        more = len(texts) - MOST_ALARMS
        cut = [f"and {more} more, in the tables below"] if more > 0 else []
        yield Alarm(sentences.void_title(kind, analysis.state), (*texts[:MOST_ALARMS], *cut))


def _answers(
    analysis: RunAnalysis, choice: Choice, costs: CostContent
) -> tuple[Sentence, list[Sentence]]:
    """Return the first sentence, and those that follow it."""
    if not analysis.scenarios:
        return fault_answer(analysis) or Sentence(sentences.NO_SCENARIO), []
    chosen = choice.chosen or [analysis.scenarios[0]]
    said = [_scenario_answer(one) for one in chosen]
    first, also = said[0], said[1:]
    if choice.steady is not None:
        also = [*_what_readers_get(choice.steady), *also]
    if costs.answers:
        # The run set out to find it, pods varied along with the rest: then it comes first.
        return costs.answers[0], [first, *costs.answers[1:], *also]
    return first, also


def _scenario_answer(scenario: ScenarioAnalysis) -> Sentence:
    """Return the sentence of one scenario: what was compared, or why nothing was."""
    subject = scenario.subject
    if subject is None:
        return Sentence(sentences.nothing_to_compare(scenario), tone="unsure")
    baselines = [arm for arm in scenario.contenders if arm is not subject]
    silent = [arm.server for arm in (*baselines, subject) if not arm.reads]
    if not subject.reads or len(silent) == len(baselines):
        return Sentence(sentences.no_read(silent), tone="bad")
    baseline = next(arm for arm in baselines if arm.reads)
    for key in CPU if scenario.scenario.is_open else ("throughput",):
        found = scenario.comparison(key, baseline.server, per_1000=key == "api_requests")
        if found is not None:
            return sentences.headline(
                scenario.scenario, found, BY_KEY[key], len(scenario.pairs(found))
            )
    return Sentence(sentences.NO_PAIR, tone="unsure")


def _what_readers_get(scenario: ScenarioAnalysis) -> Iterator[Sentence]:
    """Say of a fixed rate what reached the API server, and how long the median read took."""
    subject = scenario.subject
    baseline = next((a for a in scenario.contenders if a is not subject and a.reads), None)
    if subject is None or baseline is None or not subject.reads:
        return
    if subject.api_requests is not None and baseline.api_requests is not None:
        metric = BY_KEY["api_requests"]
        found = scenario.comparison(metric.key, baseline.server, per_1000=True)
        yield sentences.requests(subject, baseline, sentences.factor(found, metric))
    q = min(PERCENTILES)
    own, other = subject.percentile(q), baseline.percentile(q)
    if own and other and own.value_ms is not None and other.value_ms is not None:
        shown = tuple(
            (AT_LEAST if one.at_least else "")
            + scale_for([one.value_ms], "ms").quantity(one.value_ms)
            for one in (own, other)
        )
        found = scenario.comparison(f"p{q * 100:g}", baseline.server)
        said = sentences.factor(found, BY_KEY[f"p{q * 100:g}"])
        yield sentences.median(subject, baseline, (shown[0], shown[1]), said)


Compared = tuple[ScenarioAnalysis, Metric, Comparison]


def _compared(choice: Choice, baseline: str) -> list[Compared]:
    """Return each metric of the balance once: of the fixed rate, where both loads have it."""
    kept: dict[str, Compared] = {}
    for scenario in choice.chosen:
        for metric, found in compared(scenario, baseline, View.BALANCE):
            kept.setdefault(metric.key, (scenario, metric, found))
    return list(kept.values())


def _baselines(choice: Choice) -> list[str]:
    return list(dict.fromkeys(c.baseline for one in choice.chosen for c in one.comparisons))


def _balances(choice: Choice) -> Iterator[Balance]:
    for baseline in _baselines(choice):
        sides: dict[str, list[Sentence]] = {"gain": [], "cost": [], "same": [], "unclear": []}
        found = _compared(choice, baseline)
        if not found:
            continue
        for _, metric, one in found:
            sides[_side(metric, one)].append(sentences.stated(one, metric))
        seen = {metric.key for _, metric, _ in found}
        seen |= {key for _, m, _ in found if isinstance(m.of, Total) for key in m.of.keys}
        if "apiserver_cpu" in seen:
            seen |= {"control_plane_cpu"}
        yield Balance(
            f"{found[0][2].subject} against {baseline}",
            tuple(sides["gain"]),
            tuple(sides["cost"]),
            tuple(sides["same"]),
            tuple(sides["unclear"]),
            tuple(m.short for m, _ in of_view(View.BALANCE) if m.key not in seen),
        )


def _side(metric: Metric, found: Comparison) -> str:
    direction = found.direction
    if direction is Direction.SAME:
        return "same"
    if direction is Direction.UNCLEAR:
        return "unclear"
    return "gain" if (direction is Direction.MORE) is metric.higher_is_better else "cost"


def _differences(choice: Choice) -> Chart | None:
    found = [
        one
        for baseline in _baselines(choice)[:MOST_BASELINES]
        for one in _compared(choice, baseline)
    ]
    if not found:
        return None
    title = f"{found[0][2].subject} against the others, round by round"
    return difference_chart("differences", title, found)


def _tiles(choice: Choice, notes: dict[str, Notes]) -> Iterator[Tile]:
    """Return the numbers that matter, each with every arm's figure."""
    wanted: dict[str, list[bool]] = {}
    for metric, per_1000 in of_view(View.HEADLINE):
        wanted.setdefault(metric.key, []).append(per_1000)
    for key, forms in wanted.items():
        metric = BY_KEY[key]
        if isinstance(metric.of, Total) and not _measured(choice, metric):
            # Of somebody else's cluster a part may be all that can be read.
            metric = BY_KEY[metric.of.keys[0]]
        places = _places(choice, metric)
        rows = list(_tile_columns(places, metric, forms, notes))
        if rows:
            yield _tile(places[0], metric, forms, rows)


def _measured(choice: Choice, metric: Metric) -> bool:
    figures = (arm.figure(metric.key) for one in choice.chosen for arm in one.contenders)
    return any(one is not None and one.value is not None for one in figures)


def _places(choice: Choice, metric: Metric) -> list[ScenarioAnalysis]:
    """Return the scenarios that a tile shows: where arms compare like for like, that first."""
    if metric.per_read:
        return choice.chosen[:1]
    return choice.chosen[::-1] if metric.load is Load.FULL_SPEED else choice.chosen


TileColumn = tuple[Column, dict[str, Cell]]


def _tile_columns(
    places: Sequence[ScenarioAnalysis],
    metric: Metric,
    forms: Sequence[bool],
    notes: dict[str, Notes],
) -> Iterator[TileColumn]:
    for place in places:
        if metric.load is Load.FIXED_RATE and not place.scenario.is_open:
            continue
        for per_1000 in forms:
            own = place.contenders
            row = metric_row(metric, own, notes[place.scenario.name], per_1000=per_1000)
            if row is None:
                continue
            unit = row.unit.removesuffix("/s")
            title = f"{unit}, {sentences.load(place.scenario)}".removeprefix(", ")
            if metric.per_read:
                title = f"{unit} per {'1,000 reads' if per_1000 else 'second'}".strip()
            cells = (Cell(c.value, "", c.remark, c.notes) for c in row.cells)
            yield (
                Column(title),
                {arm.server: cell for arm, cell in zip(own, cells, strict=True)},
            )


def _tile(
    place: ScenarioAnalysis, metric: Metric, forms: Sequence[bool], columns: Sequence[TileColumn]
) -> Tile:
    servers = list(dict.fromkeys(server for _, cells in columns for server in cells))
    rows = tuple(
        Row(server, tuple(cells.get(server, Cell(MISSING)) for _, cells in columns))
        for server in servers
    )
    remark, factors = "", _tile_factors(place, metric, per_1000=forms == [True])
    if metric.above_floor and any(arm.is_floor for arm in place.arms):
        remark = prose.text("beyond_floor")
    if metric.q is not None and not factors:
        # A round alone may have too few requests for this percentile.
        lowest = BY_KEY[f"p{min(PERCENTILES) * 100:g}"]
        factors = _tile_factors(place, lowest, per_1000=False)
        factors = tuple((name, f"median {words}") for name, words in factors)
        remark = prose.text("too_few_a_round") if factors else ""
    table = Table("", tuple(column for column, _ in columns), (Group(rows),), layout="tile")
    return Tile(sentences.capitalised(metric.short), factors, table, remark)


def _tile_factors(
    place: ScenarioAnalysis, metric: Metric, *, per_1000: bool
) -> tuple[tuple[str, str], ...]:
    found = []
    for arm in place.contenders:
        one = place.comparison(metric.key, arm.server, per_1000=per_1000)
        if one is not None and (said := sentences.factor(one, metric)).text != MISSING:
            spread = f" [{said.spread}]" if said.spread else ""
            found.append((arm.server, said.text + spread))
    return tuple(found)


def _bill(choice: Choice, notes: dict[str, Notes]) -> Iterator[Section]:
    """Return what the arms cost the application, and what churn costs whether anyone reads."""
    place = next(iter(choice.chosen), None)
    if place is None or not place.contenders:
        return
    own = notes[place.scenario.name]
    rows = [
        metric_row(metric, place.contenders, own, per_1000=per, depth=Depth.MARKDOWN)
        for metric, per in of_view(View.BILL)
    ]
    known = tuple(row for row in rows if row is not None)
    caption = f"Under {place.scenario.name}. " + prose.text(
        "below", rounds=sentences.plural(rounds_of(place.contenders), "round")
    )
    parts: list[Table | Text] = []
    if known:
        parts.append(
            Table("", columns_of(place.contenders), (Group(known),), caption, layout="arms")
        )
    if (subject := place.subject) is not None and (said := _churn(place, subject)):
        parts.append(Text(said))
    if not any(row.key.startswith("stale") for row in known):
        parts.append(Text(prose.text("no_freshness")))
    yield Section("costs", "What it costs the application", tuple(parts))


def _churn(place: ScenarioAnalysis, subject: Arm) -> str:
    """Say what the watch costs the control plane under this churn, whether anyone reads or not."""
    scenario = place.scenario
    has_floor = any(arm.is_floor for arm in place.arms)
    if not scenario.is_open or not scenario.churn_per_s or subject.api_requests or not has_floor:
        # Where reads reach the API server their cost cannot be told from that of the watch.
        return ""
    cpu, sent = subject.figure("apiserver_cpu"), subject.figure("api_bytes")
    if cpu is None or cpu.value is None or sent is None or sent.value is None:
        return ""
    spread = scale_for((), "ms").interval(cpu.low, cpu.high)
    shown = f"{number(cpu.value)} ms of CPU per second" + (f" [{spread}]" if spread else "")
    events = scale_for([sent.value], "B/s").quantity(sent.value)
    slots = {"churn": number(scenario.churn_per_s), "cpu": shown, "events": events}
    if cpu.low is not None and cpu.low > 0:
        return prose.text("watch_costs", server=subject.server, **slots)
    return prose.text("watch_too_small", **slots)


def _notes(analysis: RunAnalysis) -> Iterator[Text]:
    """Return the caveats that void nothing, and where the run was made, for the short forms."""
    failing = {fault.scenario.name for fault in analysis.faults}
    grouped: dict[tuple[str, str], list[str]] = {}
    for caveat in analysis.caveats:
        if caveat not in analysis.void and caveat.scenario not in failing:
            at = sentences.capitalised(str(caveat.kind)), caveat.text
            grouped.setdefault(at, []).append(where_of(caveat))
    for place, ((kind, text), where) in enumerate(grouped.items()):
        if place == MOST_CAVEATS:
            yield Text(f"{len(grouped) - place} more caveats are in data/caveats.csv")
            break
        places = "; ".join(where[:3]) + ("; ..." if len(where) > 3 else "")
        yield Text(text, term=f"{kind} ({places})" if any(where) else kind)
    if told := sum(caveat.scenario in failing for caveat in analysis.caveats):
        yield Text(f"{told} notes on trials with a fault are in data/caveats.csv")
    yield from ending(analysis)
    one, plan = analysis.environment, analysis.plan
    yield Text(
        f"Plan {plan.name}, {analysis.trials_made} of {analysis.trials_planned} trials "
        f"({analysis.state}), {plan.rounds} rounds of {number(plan.duration_s)} s; Kubernetes "
        f"{one.kubernetes}, etcd {one.etcd}; {one.processors} processors ({one.processor}); "
        f"commit {one.commit}.",
        term="Made with",
    )
