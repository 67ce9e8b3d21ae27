"""One scenario: its table, its factors, its caveats and its charts; and charts over several."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from bench.analysis import RunData
from bench.analysis.latency import Latencies
from bench.analysis.result import (
    SAME_WITHIN,
    Arm,
    Comparison,
    RunAnalysis,
    ScenarioAnalysis,
)
from bench.metrics import BY_KEY, Load, Metric, Tally, Times, View, of_view
from bench.metrics import Group as Costs
from bench.metrics.metric import Counted
from bench.model import Objects
from bench.model.message import Message, listed, message
from bench.report import prose, sentences
from bench.report.charts import Chart, Data, Head
from bench.report.charts.distribution import LEAST, curve, distribution
from bench.report.charts.lines import Frame, lines, point_rows, through_means, told
from bench.report.charts.points import Cloud, Grounds, Spot, points
from bench.report.charts.rows import (
    Difference,
    beyond,
    differences,
    panel_of,
    reach_of,
    rows,
)
from bench.report.charts.timeline import Story, full_rounds, scales_of, story_of, timeline
from bench.report.content.rows import (
    Notes,
    against_base,
    columns_of,
    in_rounds,
    metric_row,
    rounds_of,
    view_of,
)
from bench.report.document import (
    Cell,
    Charts,
    Column,
    Depth,
    Group,
    Part,
    Row,
    Section,
    Sentence,
    Table,
    Text,
    Texts,
    table_of,
)
from bench.report.numbers import AT_LEAST, MISSING, number, scale_for, share
from bench.stats import Estimate

MOST_TIMELINES = 3
MOST_SCENARIOS = 4
"""Scenarios that have every chart. A sweep has dozens, and its own charts say what they show."""
ROUNDS = (
    *(("api_requests", True), ("control_plane_cpu", False), ("api_bytes", False)),
    *(("throughput", False), ("server_cpu", True), ("memory_end", False)),
)
ROUNDS_WITHOUT_LOAD = (
    *("api_requests", "control_plane_cpu", "api_bytes", "ready_cpu", "server_cpu", "memory_end"),
)
"""Figures whose rounds a scenario draws, where arms compare like for like in them."""


def anchor_of(index: int) -> str:
    """Return the anchor of a scenario's section."""
    return f"s{index}"


def scenario_section(
    index: int,
    one: ScenarioAnalysis,
    answer: Sentence | None,
    notes: Notes,
    data: RunData | None,
    objects: Sequence[Objects] = (),
) -> Section:
    """Return the section of one scenario; ``objects`` are what the cluster holds beside pods."""
    scenario, parts = one.scenario, list[Part | Section]()
    if answer is not None:
        parts.append(Text(answer.text, role="lead", depth=Depth.PAGE))
    if one.missing:
        parts.append(Text(sentences.no_good_trial(one.missing), role="bad"))
    if not one.arms:
        parts.append(Text(message("There is nothing to show for this scenario.")))
    brief, rest = _tables(one, notes) if one.arms else (None, None)
    if brief is not None:
        parts.append(brief)
    asked, folds = list(_requests(one)), [_more(notes.anchor, "figures", [rest] if rest else [])]
    if one.scenario.has_load:
        folds.append(_more(notes.anchor, "requests", asked))
    else:
        parts += asked[:1]
        folds.append(_more(notes.anchor, "paths", asked[1:]))
    if one.contenders and index < MOST_SCENARIOS:
        parts.append(Charts(tuple(_charts(one, notes.anchor, data))))
        made = tuple(_timelines(one, data, notes.anchor)) if data else ()
        remark = Text(prose.text("seconds"), role="remark")
        folds.append(_more(notes.anchor, "seconds", [remark, Charts(made)] if made else []))
    lines_ = Texts(tuple(note.line for note in notes.notes), numbered=notes.anchor)
    folds.append(_more(notes.anchor, "caveats", [lines_] if notes.notes else []))
    parts += [section for section in (*_factors(one, notes.anchor), *folds) if section.parts]
    title = Message("{name}: {asked}").format(
        name=scenario.name, asked=sentences.asked(scenario, objects)
    )
    return Section(
        notes.anchor, title, tuple(parts), short=prose.text("scenario", name=scenario.name)
    )


def _more(anchor: str, what: str, parts: Sequence[Part]) -> Section:
    title = prose.texts("more")[what]
    return Section(f"{anchor}-{what}", title, tuple(parts), Depth.PAGE, folded=True)


def _tables(one: ScenarioAnalysis, notes: Notes) -> tuple[Table | None, Table | None]:
    """Return the figures of every arm: those of the short forms, and all others."""
    arms = [arm for arm in one.arms if not arm.is_control]
    shown = of_view if one.scenario.has_load else partial(view_of, one)
    brief, strong = (set(shown(view)) for view in (View.BRIEF, View.HEADLINE))
    rows_: dict[bool, dict[str, list[Row]]] = {True: {}, False: {}}
    for form in dict.fromkeys([*shown(View.TABLE), *shown(View.BRIEF)]):
        found, per = form
        depth = Depth.TERMINAL if form in brief else Depth.PAGE
        row = metric_row(found, arms, notes, per_1000=per, depth=depth, strong=form in strong)
        if row is not None:
            rows_[form in brief].setdefault(found.group, []).append(row)
    with_floor = any(arm.is_floor for arm in arms)
    costs = prose.text("above_floor") if with_floor else prose.text("no_floor")
    if not one.scenario.is_open:
        costs = listed([prose.text("not_alike"), costs], " ")
    kind = "open" if one.scenario.is_open else "closed"
    offered = prose.texts("offered")[kind if one.scenario.has_load else "none"]
    caption = listed([offered, prose.text("below", rounds=in_rounds(arms))], " ")
    return (
        _grouped(rows_[True], arms, costs, caption, Depth.TERMINAL),
        _grouped(rows_[False], arms, costs, "", Depth.PAGE),
    )


def _requests(one: ScenarioAnalysis) -> Iterator[Table]:
    """Yield the requests of each arm by kind: the mean number of a round.

    Without load those for paths, of which discovery has dozens, are a table of their own.
    """
    arms, depth = one.contenders, Depth.MARKDOWN if one.scenario.has_load else Depth.TERMINAL
    means = {(line.kind, arm.server): line.mean for arm in arms for line in arm.requests}
    most = {kind: max(means.get((kind, arm.server), 0.0) for arm in arms) for kind, _ in means}
    phases, rows = prose.texts("phases"), dict[bool, list[Row]]()
    for kind in sorted(most, key=lambda kind: (kind.phase, -most[kind], kind)):
        phase, verb, resource, *rest = kind
        told = (Cell(phases[phase]), *(Cell(str(part) or MISSING) for part in rest))
        counts = (
            Cell(number(means.get((kind, arm.server), 0.0)) if arm.billed.get(phase) else MISSING)
            for arm in arms
        )
        row = Row(f"{verb} {resource}", (*told, *counts), depth=depth, code=True)
        is_path = not one.scenario.has_load and resource.startswith("/")
        rows.setdefault(is_path, []).append(row)
    heads = prose.paragraphs("request_columns")
    columns = (*(Column(head, prose=True) for head in heads[1:]), *columns_of(arms))
    caption = prose.text("requests_by_kind", rounds=in_rounds(arms))
    for _, found in sorted(rows.items()):
        yield table_of(columns, found, heads[0], caption, depth=depth)


def _grouped(
    groups: Mapping[str, Sequence[Row]],
    arms: Sequence[Arm],
    costs: str,
    caption: str,
    depth: Depth,
) -> Table | None:
    made = tuple(
        Group(tuple(groups[name]), title, costs if name == Costs.CONTROL_PLANE else "")
        for name, title in prose.texts("groups").items()
        if name in groups
    )
    return Table("", columns_of(arms), made, caption, layout="arms", depth=depth) if made else None


def _factors(one: ScenarioAnalysis, anchor: str) -> Iterator[Section]:
    """Return the subject against each other server, a row a metric, each with its interval."""
    subject = one.subject
    if subject is None:
        return
    baselines = [arm.server for arm in one.contenders if arm is not subject]
    ratios = [c for c in one.comparisons if c.upheld is not None]
    agreeing = sum(bool(c.upheld) for c in ratios)
    caption = [sentences.pairing(rounds_of([subject]))]
    caption += [sentences.upheld(agreeing, len(ratios))] if ratios else []
    against = message("against {name}")
    columns = [Column(against.format(name=name), prose=True) for name in baselines]
    found = [[each for each in one.comparisons if each.baseline == name] for name in baselines]
    if table := _factor_table(one, columns, found, listed(caption, " "), Depth.PAGE):
        title = message("{server} against the others").format(server=subject.server)
        yield Section(f"{anchor}-factors", title, (table,), Depth.PAGE, folded=True)


def base_section(analysis: RunAnalysis) -> Iterator[Section]:
    """Return each server against the same one of the other checkout, of a run that has one."""
    if (base := analysis.plan.base) is None:
        return
    depth = Depth.TERMINAL
    parts: list[Part] = [Text(sentences.base(base, analysis.environment), depth=depth)]
    for one in analysis.scenarios:
        found = against_base(one)
        if not found:
            continue
        lead = sentences.base_answer(one.scenario.name, found)
        parts.append(Text(listed([lead.text, lead.detail], " "), lead.tone, depth=depth))
        own = [[each for each in found if each.subject == arm.server] for arm in one.contenders]
        arms = [arm for arm, each in zip(one.contenders, own, strict=True) if each]
        columns = [Column(arm.server, prose=True, arm=arm.server) for arm in arms]
        caption = sentences.pairing(rounds_of(arms))
        table = _factor_table(one, columns, [each for each in own if each], caption, depth)
        parts += [table] if table else []
    yield Section("base", prose.text("base_title"), tuple(parts), short=message("Against the base"))


def _factor_table(
    one: ScenarioAnalysis,
    columns: Sequence[Column],
    found: Sequence[Sequence[Comparison]],
    caption: str,
    depth: Depth,
) -> Table | None:
    """Return a row a metric, of a column's comparisons a cell; ``None`` where none can be told."""
    rows = []
    for metric, per in view_of(one, View.FACTORS):
        form = metric.key, per
        own = (next((c for c in each if (c.metric, c.per_1000) == form), None) for each in found)
        cells = tuple(map(_factor_cell, own))
        if any(cell.value != MISSING for cell in cells):
            title, key = metric.title_of(per_1000=per), f"factor-{metric.key}"
            rows.append(Row(title, cells, depth=depth, key=key))
    return table_of(columns, rows, "", caption, "stacked", depth) if rows else None


def _factor_cell(found: Comparison | None) -> Cell:
    said = sentences.factor(found)
    remark = sentences.detectable(found) if found is not None else ""
    return Cell(said.text, "95%" if said.bound else said.spread, remark)


def difference_chart(
    name: str, title: str, found: Sequence[tuple[ScenarioAnalysis, Comparison]]
) -> Chart | None:
    """Return the paired differences of comparisons: a group a metric, a line a baseline."""
    groups: dict[str, list[Difference]] = {}
    for scenario, one in found:
        made = _difference(scenario, one)
        if made is not None:
            groups.setdefault(made.title, []).append(made)
    shown = [one for group in groups.values() for one in group]
    if not shown:
        return None
    head = Head(
        name,
        title,
        _difference_caption(shown),
        message("the rounds of {metrics}, paired").format(
            metrics=", ".join(dict.fromkeys(one.metric for _, one in found))
        ),
        listed([one.told for one in shown], "; "),
    )
    return differences(head, groups, prose.text("difference_axis"))


def _difference(scenario: ScenarioAnalysis, one: Comparison) -> Difference | None:
    pairs = scenario.pairs(one)
    if one.times is None or not pairs:
        return None
    mean = sum(base for _, base in pairs.values()) / len(pairs)
    rounds = {
        number_: own / base - 1 if one.ratio is not None else (own - base) / mean
        for number_, (own, base) in pairs.items()
    }
    said = sentences.factor(one)
    part = Estimate(*(end - 1 for end in (one.times.value, *(one.times.bounds or ()))))
    words: str = said.text
    if said.spread:
        words = Message("{size} [{spread}]").format(size=said.text, spread=said.spread)
    title, where = sentences.capitalised(one.definition.short), scenario.scenario.name
    return Difference(title, where, one.subject, one.baseline, rounds, part, words)


def _difference_caption(shown: Sequence[Difference]) -> str:
    rounds = max(len(one.rounds) for one in shown)
    reach = reach_of(shown)
    left, right = (sum(beyond(one, reach)[side] for one in shown) for side in (0, 1))
    every = sum(len(one.rounds) for one in shown)
    below_all = any(value < -1 for one in shown for value in one.rounds.values())
    over_left = message("{some} of {every} rounds lie beyond the left edge.")
    over_right = message("{some} of {every} rounds lie beyond the right edge.")
    parts = [
        prose.text("differences", same=f"{SAME_WITHIN:.0%}"),
        over_left.format(some=left, every=every) if left else "",
        over_right.format(some=right, every=every) if right else "",
        prose.text("below_all") if below_all else "",
        sentences.pairing(rounds) if rounds < 2 else "",
    ]
    return listed([part for part in parts if part], " ")


def _charts(one: ScenarioAnalysis, prefix: str, data: RunData | None) -> Iterator[Chart]:
    yield _rows(one, f"{prefix}-rounds")
    if data is None:
        return
    servers = one.contenders
    if one.scenario.has_load:
        yield _distribution(one, data, Times.RESPONSE, servers, f"{prefix}-latency")
    if any(arm.freshness is not None for arm in servers):
        yield _distribution(one, data, Times.STALENESS, servers, f"{prefix}-freshness")
    everyone = (*servers, *(arm for arm in one.arms if arm.is_floor))
    if any(arm.figure("bystander_p50") is not None for arm in everyone):
        made = _distribution(one, data, Times.BYSTANDER, everyone, f"{prefix}-bystander")
        if made.draw is not None:
            yield made


def _rows(one: ScenarioAnalysis, name: str) -> Chart:
    """Return every round of what a scenario compares like for like, a panel a metric."""
    shown, table = [], []
    drawn = ROUNDS if one.scenario.has_load else [(key, False) for key in ROUNDS_WITHOUT_LOAD]
    for key, per_1000 in drawn:
        of = BY_KEY[key]
        if (of, per_1000) not in view_of(one, View.TABLE):
            continue
        unit = of.unit_of(per_1000=per_1000)
        above = [prose.text("above_baseline")] if of.above_floor else []
        names = [arm.server for arm in one.contenders]
        figures = [arm.figure(key, per_1000=per_1000) for arm in one.contenders]
        found = zip(names, names, figures, strict=True)
        panel = panel_of([of.title_of(per_1000=per_1000), *above], unit, found)
        shown += [panel] if panel.entries else []
        table += [
            (of.key, per_1000, entry.arm, number_, value, unit)
            for entry in panel.entries
            for number_, value in entry.rounds.items()
        ]
    if not shown:
        return Chart(Head(name, prose.text("rounds_title"), prose.text("nothing_measured"), ""))
    said, source = listed([panel.told for panel in shown], "; "), prose.text("rounds_source")
    head = Head(name, prose.text("rounds_title"), prose.text("rounds"), source, said)
    data = Data(("metric", "per_1000_reads", "arm", "round", "value", "unit"), tuple(table))
    return rows(head, shown, data)


def _distribution(
    one: ScenarioAnalysis, data: RunData, times: Times, servers: Sequence[Arm], name: str
) -> Chart:
    """Return the chart of one kind of times, an arm a curve."""
    found = {arm.server: data.times(one.scenario.name, arm.server, times) for arm in servers}
    parts = {server: each for server, each in found.items() if each is not None and each.samples}
    load = Load.FIXED_RATE if one.scenario.is_open else Load.FULL_SPEED
    curves = {server: made for server, each in parts.items() if (made := curve(each)) is not None}
    caption = prose.texts("distributions")[f"{times}, {load}"].format(first=_first_reads(servers))
    lacking = [f"{server} ({parts[server].samples:,})" for server in parts if server not in curves]
    if not curves:
        why = prose.texts("nothing_timed")[str(times)]
        if any(len(part.answered_ms) for part in parts.values()):
            why = message("fewer than {least} were answered").format(least=LEAST)
        caption = message("Nothing to draw: {why}.").format(why=why)
    else:
        cut = prose.texts("cut_curve")
        notes = [
            cut["unanswered"].format(
                server=server, some=f"{part.censored:,}", every=f"{part.samples:,}"
            )
            for server, part in parts.items()
            if part.censored
        ]
        notes += [cut["few"].format(servers=", ".join(lacking))] if lacking else []
        caption = listed([caption, *notes], " ")
    source = next(m.source for m, _ in of_view(View.TABLE) + of_view(View.BILL) if _is_of(m, times))
    head = Head(
        name, prose.texts("distribution_titles")[str(times)], caption, source, _spoken(parts)
    )
    return distribution(head, curves, _axes("distribution_axes"))


def _axes(key: str) -> tuple[str, str]:
    across, up = prose.paragraphs(key)
    return across, up


def _is_of(found: Metric, times: Times) -> bool:
    return getattr(found.of, "times", None) is times


def _first_reads(servers: Sequence[Arm]) -> str:
    said = []
    for arm in servers:
        one = arm.freshness
        if one is not None and one.first_reads:
            first = Message("{server} {part} ({share}%)").format(
                server=arm.server,
                part=sentences.part_of(one.first_stale, one.first_reads),
                share=share(one.first_stale / one.first_reads),
            )
            said.append(first)
        if one is not None and one.never_seen:
            never = message("{server} never showed {some} of {writes} writes").format(
                server=arm.server, some=f"{one.never_seen:,}", writes=f"{one.writes:,}"
            )
            said.append(never)
    return listed(said, "; ") if said else message("none judged")


def _spoken(parts: dict[str, Latencies]) -> str:
    said = []
    for server, part in parts.items():
        for q in (0.5, 0.99):
            one = part.percentile(q)
            if one.value_ms is not None:
                bound = AT_LEAST if one.at_least else ""
                said.append(f"{server} p{q * 100:g} {bound}{number(one.value_ms)} ms")
    return ", ".join(said) or message("too few requests for a percentile")


def _timelines(one: ScenarioAnalysis, data: RunData, prefix: str) -> Iterator[Chart]:
    """Return the middle one of the rounds that most arms have, second by second, an arm a chart."""
    if not one.scenario.is_open:
        return
    found = (data.of_arm(one.scenario.name, arm.server) for arm in one.contenders[:MOST_TIMELINES])
    full = full_rounds(trial.record for trials in found for trial in trials)
    records = full[len(full) // 2] if full else []
    stories = [s for record in records if (s := story_of(data.reader, record)) is not None]
    if not stories:
        return
    scales = scales_of(stories)
    for index, story in enumerate(stories):
        head = _timeline_head(story, f"{prefix}-time-{index}")
        yield timeline(head, story, scales, prose.texts("timeline_labels"))


def _timeline_head(story: Story, name: str) -> Head:
    record = story.record
    words = prose.texts("timeline")
    caption = [words["churn"].format(churn=number(record.churn_achieved_per_s))]
    if len(story.read_s) < story.reads:
        drawn = words["drawn"]
        caption.append(drawn.format(some=f"{len(story.read_s):,}", every=f"{story.reads:,}"))
    if len(story.unanswered_s):
        caption.append(words["unanswered"].format(count=f"{len(story.unanswered_s):,}"))
    used = number(float(np.mean(story.cpu_ms_per_s))) if len(story.cpu_s) else MISSING
    wait = f"{number(float(np.median(story.read_ms)))} ms" if len(story.read_ms) else MISSING
    asked = number(float(story.own.mean()))
    description = words["description"].format(requests=asked, cpu=used, wait=wait)
    title = words["title"].format(arm=story.arm, round=record.trial.round)
    return Head(name, title, listed(caption, " "), prose.text("timeline_source"), description)


def run_charts(analysis: RunAnalysis) -> list[Chart]:
    """Return the charts that hold several scenarios against each other."""
    made = (_capacity(analysis.scenarios), _memory(analysis.scenarios))
    return [chart for chart in made if chart is not None]


def _rounds(arm: Arm, key: str) -> dict[int, float]:
    figure = arm.figure(key)
    return figure.rounds if figure is not None else {}


def _capacity(scenarios: Sequence[ScenarioAnalysis]) -> Chart | None:
    """Return throughput against latency, a mark a round of every arm."""
    answered = next(m.key for m, _ in of_view(View.HEADLINE) if m.of == Counted(Tally.ANSWERED))
    shown, table, said = [], [], []
    for one in scenarios:
        for arm in one.contenders:
            medians = _rounds(arm, "p50")
            found = [
                (number_, reads, medians[number_])
                for number_, reads in _rounds(arm, answered).items()
                if reads > 0 and medians.get(number_, 0.0) > 0
            ]
            if not found:
                continue
            where = f"{arm.server}, {one.scenario.name}"
            of_round = message("{where}, round {round}: {reads} reads/s, {wait} ms")
            spots = [
                Spot(
                    reads,
                    wait,
                    of_round.format(where=where, round=n, reads=number(reads), wait=number(wait)),
                )
                for n, reads, wait in found
            ]
            shown.append(Cloud(arm.server, spots, hollow=one.scenario.is_open))
            table += [(one.scenario.name, arm.server, *point) for point in found]
            reads, wait = (float(np.mean([point[at] for point in found])) for at in (1, 2))
            about = message("{where}: about {reads} reads/s, median {wait} ms")
            said.append(about.format(where=where, reads=number(reads), wait=number(wait)))
    if not shown:
        return None
    both = len({one.hollow for one in shown}) == 2
    caption = [prose.text("capacity"), *([prose.text("capacity_both")] if both else [])]
    source = f"{BY_KEY[answered].source}; {BY_KEY['p50'].source}"
    title = message("Throughput against latency")
    head = Head("run-throughput-latency", title, listed(caption, " "), source, listed(said, "; "))
    data = Data(("scenario", "arm", "round", "reads_per_s", "p50_ms"), tuple(table))
    across, up = _axes("capacity_axes")
    return points(head, {up: shown}, Grounds(across), data)


def _memory(scenarios: Sequence[ScenarioAnalysis]) -> Chart | None:
    """Return memory over pods; ``None`` unless the run has at least two numbers of pods."""
    of = BY_KEY["memory_end"]
    points: dict[str, list[tuple[float, int, float]]] = {}
    for one in scenarios:
        for arm in one.contenders:
            for number_, value in _rounds(arm, of.key).items():
                points.setdefault(arm.server, []).append((one.scenario.pods, number_, value))
    every = [point for own in points.values() for point in own]
    if len({pods for pods, _, _ in every}) < 2:
        return None
    shown = {server: through_means(own) for server, own in points.items()}
    most = max(value for _, _, value in every)
    scale = scale_for([most], of.unit)
    at = message("{value} at {pods} pods")
    said = told(shown, scale, lambda v, x: at.format(value=v, pods=number(x)))
    title = message("{metric} against the number of pods").format(metric=of.title)
    head = Head("run-memory-pods", title, prose.text("memory"), of.source, said)
    frame = Frame(message("pods"), scale.unit, scale, top=1.1 * most)
    data = Data(("arm", "pods", "round", "pss_bytes"), point_rows(shown))
    return lines(head, shown, frame, data)
