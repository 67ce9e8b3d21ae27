"""One scenario's tables, factors, caveats and charts, and the charts over several scenarios."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from bench.analysis import RunData
from bench.analysis.latency import Latencies
from bench.analysis.result import SAME_WITHIN, Arm, Comparison, RunAnalysis, ScenarioAnalysis
from bench.metrics import BY_KEY, Load, Metric, Tally, Times, View, of_view
from bench.metrics import Group as Costs
from bench.metrics.metric import Counted
from bench.model import Objects
from bench.model.message import Message, listed, message
from bench.report import prose, sentences
from bench.report.charts import Chart, Data, Head
from bench.report.charts.distribution import LEAST, curve, distribution
from bench.report.charts.lines import Frame, in_words, lines, point_rows, through_means
from bench.report.charts.points import Cloud, PointAxes, Spot, points
from bench.report.charts.rows import Difference, beyond, differences, panel_of, reach_of, rows
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
from bench.report.numbers import MISSING, lower_bound, number, scale_for, share
from bench.stats import Estimate

MOST_TIMELINES = 3
MOST_SCENARIOS = 4
"""Scenarios that have every chart. A sweep has dozens, and charts of its own that cover them."""
ROUNDS = (
    *(("api_requests", True), ("control_plane_cpu", False), ("api_bytes", False)),
    *(("throughput", False), ("server_cpu", True), ("memory_end", False)),
)
ROUNDS_WITHOUT_LOAD = (
    *("api_requests", "control_plane_cpu", "api_bytes", "ready_cpu", "server_cpu", "memory_end"),
)
"""Figures whose rounds a scenario's chart shows, if its arms compare like for like in them."""


def anchor_of(index: int) -> str:
    """Return the anchor of a scenario's section."""
    return f"s{index}"


def scenario_section(
    index: int,
    result: ScenarioAnalysis,
    answer: Sentence | None,
    notes: Notes,
    data: RunData | None,
    objects: Sequence[Objects] = (),
) -> Section:
    """Return the section of one scenario; ``objects`` are the cluster's objects other than pods."""
    scenario, parts = result.scenario, list[Part | Section]()
    if answer is not None:
        parts.append(Text(answer.text, role="lead", depth=Depth.PAGE))
    if result.missing:
        parts.append(Text(sentences.no_good_trial(result.missing), role="bad"))
    if not result.arms:
        parts.append(Text(message("There is nothing to show for this scenario.")))
    brief, rest = _tables(result, notes) if result.arms else (None, None)
    if brief is not None:
        parts.append(brief)
    tables = list(_requests(result))
    folds = [_fold(notes.anchor, "figures", [rest] if rest else [])]
    if result.scenario.has_load:
        folds.append(_fold(notes.anchor, "requests", tables))
    else:
        parts += tables[:1]
        folds.append(_fold(notes.anchor, "paths", tables[1:]))
    if result.contenders and index < MOST_SCENARIOS:
        parts.append(Charts(tuple(_charts(result, notes.anchor, data))))
        charts = tuple(_timelines(result, data, notes.anchor)) if data else ()
        remark = Text(prose.text("seconds"), role="remark")
        folds.append(_fold(notes.anchor, "seconds", [remark, Charts(charts)] if charts else []))
    lines_ = Texts(tuple(note.line for note in notes.notes), numbered=notes.anchor)
    folds.append(_fold(notes.anchor, "caveats", [lines_] if notes.notes else []))
    parts += [section for section in (*_factors(result, notes.anchor), *folds) if section.parts]
    asked = sentences.asked(scenario, objects)
    title = Message("{name}: {asked}").format(name=scenario.name, asked=asked)
    short = prose.text("scenario", name=scenario.name)
    return Section(notes.anchor, title, tuple(parts), short=short)


def _fold(anchor: str, name: str, parts: Sequence[Part]) -> Section:
    title = prose.texts("more")[name]
    return Section(f"{anchor}-{name}", title, tuple(parts), Depth.PAGE, folded=True)


def _tables(result: ScenarioAnalysis, notes: Notes) -> tuple[Table | None, Table | None]:
    """Return every arm's figures in two tables: those of the short forms, and all others."""
    arms = [arm for arm in result.arms if not arm.is_control]
    shown = of_view if result.scenario.has_load else partial(view_of, result)
    brief, strong = (set(shown(view)) for view in (View.BRIEF, View.HEADLINE))
    rows_: dict[bool, dict[str, list[Row]]] = {True: {}, False: {}}
    for form in dict.fromkeys([*shown(View.TABLE), *shown(View.BRIEF)]):
        metric, per_1000 = form
        depth = Depth.TERMINAL if form in brief else Depth.PAGE
        row = metric_row(metric, arms, notes, per_1000=per_1000, depth=depth, strong=form in strong)
        if row is not None:
            rows_[form in brief].setdefault(metric.group, []).append(row)
    with_floor = any(arm.is_floor for arm in arms)
    costs = prose.text("above_floor") if with_floor else prose.text("no_floor")
    if not result.scenario.is_open:
        costs = listed([prose.text("not_alike"), costs], " ")
    kind = "open" if result.scenario.is_open else "closed"
    offered = prose.texts("offered")[kind if result.scenario.has_load else "none"]
    caption = listed([offered, prose.text("below", rounds=in_rounds(arms))], " ")
    return (
        _grouped(rows_[True], arms, costs, caption, Depth.TERMINAL),
        _grouped(rows_[False], arms, costs, "", Depth.PAGE),
    )


def _requests(result: ScenarioAnalysis) -> Iterator[Table]:
    """Yield the requests of each arm by kind, as the mean of the rounds.

    Without load, requests for paths have a separate table: discovery makes dozens of them.
    """
    arms, depth = result.contenders, Depth.MARKDOWN if result.scenario.has_load else Depth.TERMINAL
    means = {(line.kind, arm.server): line.mean for arm in arms for line in arm.requests}
    most = {kind: max(means.get((kind, arm.server), 0.0) for arm in arms) for kind, _ in means}
    phases, rows = prose.texts("phases"), dict[bool, list[Row]]()
    for kind in sorted(most, key=lambda kind: (kind.phase, -most[kind], kind)):
        phase, verb, resource, *rest = kind
        labels = (Cell(phases[phase]), *(Cell(str(part) or MISSING) for part in rest))
        counts = (
            Cell(number(means.get((kind, arm.server), 0.0)) if arm.billed.get(phase) else MISSING)
            for arm in arms
        )
        row = Row(f"{verb} {resource}", (*labels, *counts), depth=depth, code=True)
        is_path = not result.scenario.has_load and resource.startswith("/")
        rows.setdefault(is_path, []).append(row)
    titles = prose.paragraphs("request_columns")
    columns = (*(Column(title, prose=True) for title in titles[1:]), *columns_of(arms))
    caption = prose.text("requests_by_kind", rounds=in_rounds(arms))
    for _, group in sorted(rows.items()):
        yield table_of(columns, group, titles[0], caption, depth=depth)


def _grouped(
    groups: Mapping[str, Sequence[Row]], arms: Sequence[Arm], costs: str, caption: str, depth: Depth
) -> Table | None:
    titled = tuple(
        Group(tuple(groups[name]), title, costs if name == Costs.CONTROL_PLANE else "")
        for name, title in prose.texts("groups").items()
        if name in groups
    )
    return (
        Table("", columns_of(arms), titled, caption, layout="arms", depth=depth) if titled else None
    )


def _factors(result: ScenarioAnalysis, anchor: str) -> Iterator[Section]:
    """Yield the factors of the subject against each other server, with intervals, by metric."""
    subject = result.subject
    if subject is None:
        return
    baselines = [arm.server for arm in result.contenders if arm is not subject]
    ratios = [c for c in result.comparisons if c.upheld is not None]
    agreeing = sum(bool(c.upheld) for c in ratios)
    caption = [sentences.pairing(rounds_of([subject]))]
    caption += [sentences.upheld(agreeing, len(ratios))] if ratios else []
    against = message("against {name}")
    columns = [Column(against.format(name=name), prose=True) for name in baselines]
    by_baseline = [
        [comparison for comparison in result.comparisons if comparison.baseline == name]
        for name in baselines
    ]
    if table := _factor_table(result, columns, by_baseline, listed(caption, " "), Depth.PAGE):
        title = message("{server} against the others").format(server=subject.server)
        yield Section(f"{anchor}-factors", title, (table,), Depth.PAGE, folded=True)


def base_section(analysis: RunAnalysis) -> Iterator[Section]:
    """Yield the section of each server against its version in the base, if the run has a base."""
    if (base := analysis.plan.base) is None:
        return
    depth = Depth.TERMINAL
    parts: list[Part] = [Text(sentences.base(base, analysis.environment), depth=depth)]
    for result in analysis.scenarios:
        comparisons = against_base(result)
        if not comparisons:
            continue
        lead = sentences.base_answer(result.scenario.name, comparisons)
        parts.append(Text(listed([lead.text, lead.detail], " "), lead.tone, depth=depth))
        by_arm = [
            [comparison for comparison in comparisons if comparison.subject == arm.server]
            for arm in result.contenders
        ]
        arms = [arm for arm, compared in zip(result.contenders, by_arm, strict=True) if compared]
        columns = [Column(arm.server, prose=True, arm=arm.server) for arm in arms]
        caption = sentences.pairing(rounds_of(arms))
        compared_arms = [compared for compared in by_arm if compared]
        table = _factor_table(result, columns, compared_arms, caption, depth)
        parts += [table] if table else []
    yield Section("base", prose.text("base_title"), tuple(parts), short=message("Against the base"))


def _factor_table(
    result: ScenarioAnalysis,
    columns: Sequence[Column],
    comparisons: Sequence[Sequence[Comparison]],
    caption: str,
    depth: Depth,
) -> Table | None:
    """Return the factors by metric, a column for each list of comparisons; ``None`` without any."""
    rows = []
    for metric, per in view_of(result, View.FACTORS):
        form = metric.key, per
        matches = (
            next((c for c in column if (c.metric, c.per_1000) == form), None)
            for column in comparisons
        )
        cells = tuple(map(_factor_cell, matches))
        if any(cell.value != MISSING for cell in cells):
            title, key = metric.title_of(per_1000=per), f"factor-{metric.key}"
            rows.append(Row(title, cells, depth=depth, key=key))
    return table_of(columns, rows, "", caption, "stacked", depth) if rows else None


def _factor_cell(comparison: Comparison | None) -> Cell:
    factor = sentences.factor(comparison)
    remark = sentences.detectable(comparison) if comparison is not None else ""
    return Cell(factor.text, "95%" if factor.bound else factor.spread, remark)


def difference_chart(
    name: str, title: str, comparisons: Sequence[tuple[ScenarioAnalysis, Comparison]]
) -> Chart | None:
    """Draw paired differences, a group for each metric and a line for each baseline."""
    groups: dict[str, list[Difference]] = {}
    for result, comparison in comparisons:
        difference = _difference(result, comparison)
        if difference is not None:
            groups.setdefault(difference.title, []).append(difference)
    shown = [difference for group in groups.values() for difference in group]
    if not shown:
        return None
    head = Head(
        name,
        title,
        _difference_caption(shown),
        message("the rounds of {metrics}, paired").format(
            metrics=", ".join(dict.fromkeys(comparison.metric for _, comparison in comparisons))
        ),
        listed([difference.text for difference in shown], "; "),
    )
    return differences(head, groups, prose.text("difference_axis"))


def _difference(result: ScenarioAnalysis, comparison: Comparison) -> Difference | None:
    pairs = result.pairs(comparison)
    if comparison.times is None or not pairs:
        return None
    mean = sum(base for _, base in pairs.values()) / len(pairs)
    rounds = {
        number_: value / base - 1 if comparison.ratio is not None else (value - base) / mean
        for number_, (value, base) in pairs.items()
    }
    factor = sentences.factor(comparison)
    ends = comparison.times.value, *(comparison.times.bounds or ())
    estimate = Estimate(*(end - 1 for end in ends))
    text: str = factor.text
    if factor.spread:
        text = Message("{size} [{spread}]").format(size=factor.text, spread=factor.spread)
    title, where = sentences.capitalised(comparison.definition.short), result.scenario.name
    return Difference(title, where, comparison.subject, comparison.baseline, rounds, estimate, text)


def _difference_caption(shown: Sequence[Difference]) -> str:
    rounds = max(len(difference.rounds) for difference in shown)
    reach = reach_of(shown)
    left, right = (sum(beyond(difference, reach)[side] for difference in shown) for side in (0, 1))
    every = sum(len(difference.rounds) for difference in shown)
    below_all = any(value < -1 for difference in shown for value in difference.rounds.values())
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


def _charts(result: ScenarioAnalysis, prefix: str, data: RunData | None) -> Iterator[Chart]:
    yield _rounds_chart(result, f"{prefix}-rounds")
    if data is None:
        return
    servers = result.contenders
    if result.scenario.has_load:
        yield _distribution(result, data, Times.RESPONSE, servers, f"{prefix}-latency")
    if any(arm.freshness is not None for arm in servers):
        yield _distribution(result, data, Times.STALENESS, servers, f"{prefix}-freshness")
    everyone = (*servers, *(arm for arm in result.arms if arm.is_floor))
    if any(arm.figure("bystander_p50") is not None for arm in everyone):
        chart = _distribution(result, data, Times.BYSTANDER, everyone, f"{prefix}-bystander")
        if chart.draw is not None:
            yield chart


def _rounds_chart(result: ScenarioAnalysis, name: str) -> Chart:
    """Draw every round of the figures that compare like for like, a panel for each metric."""
    shown, table = [], []
    drawn = ROUNDS if result.scenario.has_load else [(key, False) for key in ROUNDS_WITHOUT_LOAD]
    for key, per_1000 in drawn:
        metric = BY_KEY[key]
        if (metric, per_1000) not in view_of(result, View.TABLE):
            continue
        unit = metric.unit_of(per_1000=per_1000)
        above = [prose.text("above_baseline")] if metric.above_floor else []
        names = [arm.server for arm in result.contenders]
        figures = [arm.figure(key, per_1000=per_1000) for arm in result.contenders]
        named = zip(names, names, figures, strict=True)
        panel = panel_of([metric.title_of(per_1000=per_1000), *above], unit, named)
        shown += [panel] if panel.entries else []
        table += [
            (metric.key, per_1000, entry.arm, number_, value, unit)
            for entry in panel.entries
            for number_, value in entry.rounds.items()
        ]
    if not shown:
        return Chart(Head(name, prose.text("rounds_title"), prose.text("nothing_measured"), ""))
    description, source = listed([panel.text for panel in shown], "; "), prose.text("rounds_source")
    head = Head(name, prose.text("rounds_title"), prose.text("rounds"), source, description)
    data = Data(("metric", "per_1000_reads", "arm", "round", "value", "unit"), tuple(table))
    return rows(head, shown, data)


def _distribution(
    result: ScenarioAnalysis, data: RunData, times: Times, servers: Sequence[Arm], name: str
) -> Chart:
    """Draw the distribution of one kind of times, a curve for each arm."""
    timed = {arm.server: data.times(result.scenario.name, arm.server, times) for arm in servers}
    parts = {server: part for server, part in timed.items() if part is not None and part.samples}
    load = Load.FIXED_RATE if result.scenario.is_open else Load.FULL_SPEED
    curves = {server: drawn for server, part in parts.items() if (drawn := curve(part)) is not None}
    caption = prose.texts("distributions")[f"{times}, {load}"].format(first=_first_reads(servers))
    lacking = [f"{server} ({parts[server].samples:,})" for server in parts if server not in curves]
    if not curves:
        reason = prose.texts("nothing_timed")[str(times)]
        if any(len(part.answered_ms) for part in parts.values()):
            reason = message("fewer than {least} were answered").format(least=LEAST)
        caption = message("Nothing to draw: {why}.").format(why=reason)
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
    title = prose.texts("distribution_titles")[str(times)]
    head = Head(name, title, caption, source, _percentile_text(parts))
    return distribution(head, curves, _axes("distribution_axes"))


def _axes(key: str) -> tuple[str, str]:
    across, up = prose.paragraphs(key)
    return across, up


def _is_of(metric: Metric, times: Times) -> bool:
    return getattr(metric.of, "times", None) is times


def _first_reads(servers: Sequence[Arm]) -> str:
    parts = []
    for arm in servers:
        freshness = arm.freshness
        if freshness is not None and freshness.first_reads:
            first = Message("{server} {part} ({share}%)").format(
                server=arm.server,
                part=sentences.part_of(freshness.first_stale, freshness.first_reads),
                share=share(freshness.first_stale / freshness.first_reads),
            )
            parts.append(first)
        if freshness is not None and freshness.never_seen:
            never = message("{server} never showed {some} of {writes} writes").format(
                server=arm.server, some=f"{freshness.never_seen:,}", writes=f"{freshness.writes:,}"
            )
            parts.append(never)
    return listed(parts, "; ") if parts else message("none measured")


def _percentile_text(parts: dict[str, Latencies]) -> str:
    percentiles = []
    for server, part in parts.items():
        for q in (0.5, 0.99):
            percentile = part.percentile(q)
            if percentile.value_ms is not None:
                shown = lower_bound(percentile.value_ms, bound=percentile.at_least)
                percentiles.append(f"{server} p{q * 100:g} {shown} ms")
    return ", ".join(percentiles) or message("too few requests for a percentile")


def _timelines(result: ScenarioAnalysis, data: RunData, prefix: str) -> Iterator[Chart]:
    """Draw the middle one of the rounds that most arms have, by second, a chart for each arm."""
    if not result.scenario.is_open:
        return
    arms = result.contenders[:MOST_TIMELINES]
    by_arm = (data.of_arm(result.scenario.name, arm.server) for arm in arms)
    full = full_rounds(trial.record for trials in by_arm for trial in trials)
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
    texts = prose.texts("timeline")
    caption = [texts["churn"].format(churn=number(record.churn_achieved_per_s))]
    if len(story.read_s) < story.reads:
        drawn = texts["drawn"]
        caption.append(drawn.format(some=f"{len(story.read_s):,}", every=f"{story.reads:,}"))
    if len(story.unanswered_s):
        caption.append(texts["unanswered"].format(count=f"{len(story.unanswered_s):,}"))
    used = number(float(np.mean(story.cpu_ms_per_s))) if len(story.cpu_s) else MISSING
    wait = f"{number(float(np.median(story.read_ms)))} ms" if len(story.read_ms) else MISSING
    requests = number(float(story.own_requests.mean()))
    description = texts["description"].format(requests=requests, cpu=used, wait=wait)
    title = texts["title"].format(arm=story.arm, round=record.trial.round)
    return Head(name, title, listed(caption, " "), prose.text("timeline_source"), description)


def run_charts(analysis: RunAnalysis) -> list[Chart]:
    """Return the charts that compare several scenarios."""
    charts = (_capacity(analysis.scenarios), _memory(analysis.scenarios))
    return [chart for chart in charts if chart is not None]


def _rounds(arm: Arm, key: str) -> dict[int, float]:
    figure = arm.figure(key)
    return figure.rounds if figure is not None else {}


def _capacity(scenarios: Sequence[ScenarioAnalysis]) -> Chart | None:
    """Draw throughput against latency, a mark for each round of each arm."""
    answered = next(m.key for m, _ in of_view(View.HEADLINE) if m.of == Counted(Tally.ANSWERED))
    shown, table, descriptions = [], [], []
    for result in scenarios:
        for arm in result.contenders:
            medians = _rounds(arm, "p50")
            rounds = [
                (number_, reads, medians[number_])
                for number_, reads in _rounds(arm, answered).items()
                if reads > 0 and medians.get(number_, 0.0) > 0
            ]
            if not rounds:
                continue
            where = f"{arm.server}, {result.scenario.name}"
            of_round = message("{where}, round {round}: {reads} reads/s, {wait} ms")
            spots = [
                Spot(
                    reads,
                    wait,
                    of_round.format(where=where, round=n, reads=number(reads), wait=number(wait)),
                )
                for n, reads, wait in rounds
            ]
            shown.append(Cloud(arm.server, spots, hollow=result.scenario.is_open))
            table += [(result.scenario.name, arm.server, *point) for point in rounds]
            reads, wait = (float(np.mean([point[index] for point in rounds])) for index in (1, 2))
            about = message("{where}: about {reads} reads/s, median {wait} ms")
            descriptions.append(about.format(where=where, reads=number(reads), wait=number(wait)))
    if not shown:
        return None
    both = len({cloud.hollow for cloud in shown}) == 2
    caption = [prose.text("capacity"), *([prose.text("capacity_both")] if both else [])]
    source = f"{BY_KEY[answered].source}; {BY_KEY['p50'].source}"
    title = message("Throughput against latency")
    description = listed(descriptions, "; ")
    head = Head("run-throughput-latency", title, listed(caption, " "), source, description)
    data = Data(("scenario", "arm", "round", "reads_per_s", "p50_ms"), tuple(table))
    across, up = _axes("capacity_axes")
    return points(head, {up: shown}, PointAxes(across), data)


def _memory(scenarios: Sequence[ScenarioAnalysis]) -> Chart | None:
    """Draw memory over pods; ``None`` unless the run has at least two numbers of pods."""
    metric = BY_KEY["memory_end"]
    points: dict[str, list[tuple[float, int, float]]] = {}
    for result in scenarios:
        for arm in result.contenders:
            for number_, value in _rounds(arm, metric.key).items():
                points.setdefault(arm.server, []).append((result.scenario.pods, number_, value))
    every = [point for arm_points in points.values() for point in arm_points]
    if len({pods for pods, _, _ in every}) < 2:
        return None
    shown = {server: through_means(arm_points) for server, arm_points in points.items()}
    most = max(value for _, _, value in every)
    scale = scale_for([most], metric.unit)
    at_pods = message("{value} at {pods} pods")
    description = in_words(shown, scale, lambda v, x: at_pods.format(value=v, pods=number(x)))
    title = message("{metric} against the number of pods").format(metric=metric.title)
    head = Head("run-memory-pods", title, prose.text("memory"), metric.source, description)
    frame = Frame(message("pods"), scale.unit, scale, top=1.1 * most)
    data = Data(("arm", "pods", "round", "pss_bytes"), point_rows(shown))
    return lines(head, shown, frame, data)
