"""One scenario: its table, its factors, its caveats and its charts; and charts over several."""

from collections.abc import Iterator, Sequence

import numpy as np

from bench.analysis import RunData
from bench.analysis.latency import Latencies
from bench.analysis.result import Arm, Comparison, RunAnalysis, ScenarioAnalysis
from bench.metrics import Load, Metric, Tally, Times, View, of_view
from bench.metrics.metric import Counted
from bench.model import Outcome, TrialRecord
from bench.report import prose, sentences
from bench.report.charts import Chart, Data, Head
from bench.report.charts.bars import Bar, Stack, bars, stacks
from bench.report.charts.differences import Difference, beyond, differences, reach_of
from bench.report.charts.distribution import LEAST, curve, distribution
from bench.report.charts.lines import Frame, Line, lines, point_rows
from bench.report.charts.points import Cloud, clouds
from bench.report.charts.timeline import Labels, Story, scales_of, story_of, timeline
from bench.report.content.rows import (
    Notes,
    columns_of,
    in_rounds,
    metric,
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
)
from bench.report.numbers import MINUS, MISSING, number, scale_for, share

MOST_TIMELINES = 3
MOST_SCENARIOS = 4
"""Scenarios that have every chart. A sweep has dozens, and its own charts say what they show."""
BARS = ("apiserver_cpu", "etcd_cpu", "api_bytes", "throughput", "memory_end")
"""Metrics that a scenario shows as bars, where arms compare like for like in them."""
SAME_WITHIN = 0.1


def anchor_of(index: int) -> str:
    """Return the anchor of a scenario's section."""
    return f"s{index}"


def scenario_section(
    index: int,
    one: ScenarioAnalysis,
    answer: Sentence | None,
    notes: Notes,
    arms: Sequence[str],
    data: RunData | None,
) -> Section:
    """Return the section of one scenario."""
    scenario, parts = one.scenario, list[Part | Section]()
    if answer is not None:
        parts.append(Text(answer.text, role="lead", depth=Depth.PAGE))
    if one.missing:
        parts.append(Text(f"No good trial of {sentences.joined(one.missing)}.", role="bad"))
    if not one.arms:
        parts.append(Text("There is nothing to show for this scenario."))
    else:
        parts.append(_table(one, notes))
    parts += _factors(one)
    if notes.notes:
        lines_ = tuple(note.line for note in notes.notes)
        parts.append(
            Section(
                f"{notes.anchor}-caveats",
                "Caveats",
                (Texts(lines_, numbered=notes.anchor, depth=Depth.PAGE),),
                depth=Depth.PAGE,
            )
        )
    if one.contenders and index < MOST_SCENARIOS:
        parts.append(Charts(tuple(_charts(one, notes.anchor, arms, data))))
        made = tuple(_timelines(one, data, notes.anchor, arms)) if data else ()
        if made:
            parts.append(
                Section(
                    f"{notes.anchor}-seconds",
                    "One round, second by second",
                    (Text(prose.text("seconds"), role="remark", depth=Depth.PAGE), Charts(made)),
                    depth=Depth.PAGE,
                )
            )
    title = f"{scenario.name}: {sentences.asked(scenario)}"
    return Section(notes.anchor, title, tuple(parts))


def _table(one: ScenarioAnalysis, notes: Notes) -> Table:
    """Return every figure of every arm, the short forms' first."""
    arms = [arm for arm in one.arms if not arm.is_control]
    brief = {(found.key, per) for found, per in of_view(View.BRIEF)}
    strong = {(found.key, per) for found, per in of_view(View.HEADLINE)}
    wanted = list(dict.fromkeys([*of_view(View.TABLE), *of_view(View.BRIEF)]))
    groups: dict[str, list[Row]] = {}
    for found, per in wanted:
        depth = Depth.TERMINAL if (found.key, per) in brief else Depth.PAGE
        row = metric_row(
            found, arms, notes, per_1000=per, depth=depth, strong=(found.key, per) in strong
        )
        if row is not None:
            groups.setdefault(found.group, []).append(row)
    floor = (
        prose.text("above_floor") if any(arm.is_floor for arm in arms) else prose.text("no_floor")
    )
    costs = floor if one.scenario.is_open else f"{prose.text('not_alike')} {floor}"
    offered = prose.texts("offered")["open" if one.scenario.is_open else "closed"]
    remarks = {"control plane": costs, "reads": offered}
    return Table(
        "",
        columns_of(arms),
        tuple(
            Group(tuple(rows), prose.texts("groups")[group], remarks.get(group, ""))
            for group, rows in (
                (each, groups[each]) for each in prose.texts("groups") if each in groups
            )
        ),
        prose.text("below", rounds=in_rounds(arms)),
        layout="arms",
        depth=Depth.TERMINAL,
    )


def _factors(one: ScenarioAnalysis) -> Iterator[Part | Section]:
    """Return the subject against each other server, a row a metric, each with its interval."""
    subject = one.subject
    if subject is None:
        return
    baselines = [arm.server for arm in one.contenders if arm is not subject]
    rows = [
        _factor_row(one, found, baselines, per_1000=per)
        for found, per in view_of(one, View.FACTORS)
    ]
    kept = tuple(row for row in rows if any(cell.value != MISSING for cell in row.cells))
    if not kept:
        return
    ratios = [c for c in one.comparisons if c.upheld is not None]
    agreeing = sum(bool(c.upheld) for c in ratios)
    check = f" {sentences.upheld(agreeing, len(ratios))}" if ratios else ""
    yield Section(
        f"{one.scenario.name}-factors".replace(" ", "-"),
        f"{subject.server} against the others",
        (
            Table(
                "",
                tuple(Column(f"against {name}", prose=True) for name in baselines),
                (Group(kept),),
                sentences.pairing(rounds_of([subject])) + check,
                layout="stacked",
            ),
        ),
    )


def _factor_row(
    one: ScenarioAnalysis, found: Metric, baselines: Sequence[str], *, per_1000: bool
) -> Row:
    cells = []
    for name in baselines:
        comparison = one.comparison(found.key, name, per_1000=per_1000)
        said = sentences.factor(comparison, found)
        remark = sentences.detectable(comparison) if comparison is not None else ""
        cells.append(Cell(said.text, "95%" if said.bound else said.spread, remark))
    return Row(found.title_of(per_1000=per_1000), tuple(cells), key=f"factor-{found.key}")


def difference_chart(
    name: str, title: str, found: Sequence[tuple[ScenarioAnalysis, Metric, Comparison]]
) -> Chart | None:
    """Return the paired differences of comparisons: a group a metric, a line a baseline."""
    groups: dict[str, list[Difference]] = {}
    for scenario, of, one in found:
        made = _difference(scenario, of, one)
        if made is not None:
            groups.setdefault(made.title, []).append(made)
    shown = [one for group in groups.values() for one in group]
    if not shown:
        return None
    head = Head(
        name,
        title,
        _difference_caption(shown),
        f"the rounds of {', '.join(dict.fromkeys(of.key for _, of, _ in found))}, paired",
        "; ".join(f"{one.title}: {one.label}" for one in shown),
    )
    return differences(head, groups, prose.text("difference_axis"), SAME_WITHIN)


def _difference(scenario: ScenarioAnalysis, of: Metric, one: Comparison) -> Difference | None:
    pairs = scenario.pairs(one)
    if one.times is None or not pairs:
        return None
    mean = sum(base for _, base in pairs.values()) / len(pairs)
    rounds = {
        number_: own / base - 1 if one.ratio is not None else (own - base) / mean
        for number_, (own, base) in pairs.items()
    }
    said = sentences.factor(one, of)
    low, high = (bound - 1 for bound in one.times.bounds) if one.times.bounds else (None, None)
    words = f"{said.text} [{said.spread}]" if said.spread else said.text
    title, value = sentences.capitalised(of.short), one.times.value - 1
    where = scenario.scenario.name
    return Difference(title, where, one.subject, one.baseline, rounds, value, low, high, words)


def _difference_caption(shown: Sequence[Difference]) -> str:
    rounds = max(len(one.rounds) for one in shown)
    reach = reach_of(shown)
    hidden = sum(len(beyond(one, reach)) for one in shown)
    every = sum(len(one.rounds) for one in shown)
    parts = [
        prose.text("differences", same=f"{SAME_WITHIN:.0%}"),
        f"{hidden} of {every} dots lie beyond the edge." if hidden else "",
        f"Below {MINUS}100%: less than the floor in the same round, which is noise of the floor."
        if any(value < -1 for one in shown for value in one.rounds.values())
        else "",
        sentences.pairing(rounds) if rounds < 2 else "",
    ]
    return " ".join(part for part in parts if part)


def _charts(
    one: ScenarioAnalysis, prefix: str, arms: Sequence[str], data: RunData | None
) -> Iterator[Chart]:
    servers = one.contenders
    yield _requests(servers, f"{prefix}-requests", arms)
    if data is not None:
        yield _distribution(one, data, Times.RESPONSE, servers, f"{prefix}-latency", arms)
    shown = view_of(one, View.TABLE)
    for key in BARS:
        if (metric(key), False) in shown:
            yield _bars(metric(key), one, f"{prefix}-{key.replace('_', '-')}", arms)
    if data is None:
        return
    if any(arm.freshness is not None for arm in servers):
        yield _distribution(one, data, Times.STALENESS, servers, f"{prefix}-freshness", arms)
    everyone = (*servers, *(arm for arm in one.arms if arm.is_floor))
    if any(arm.figure("bystander_p50") is not None for arm in everyone):
        made = _distribution(one, data, Times.BYSTANDER, everyone, f"{prefix}-bystander", arms)
        if made.draw is not None:
            yield made


def _requests(servers: Sequence[Arm], name: str, arms: Sequence[str]) -> Chart:
    counted = {
        arm.server: Stack(arm.api_requests_by_verb, arm.reads)
        for arm in servers
        if arm.api_requests is not None and arm.reads
    }
    lacking = [arm.server for arm in servers if arm.server not in counted]
    said = [
        f"{server}: {', '.join(f'{n:,} {verb}' for verb, n in one.counts.items()) or 'none'} "
        f"during {one.reads:,} reads"
        for server, one in counted.items()
    ]
    caption = f"{'; '.join(said)}." if said else "Nothing to draw: no trial counted this."
    if lacking and said:
        caption += f" Not counted, or no read answered: {', '.join(lacking)}."
    source = metric("api_requests").source
    title = "Requests that reached the API server, by verb"
    return stacks(Head(name, title, caption, source), counted, arms, "requests per 1,000 reads")


def _bars(of: Metric, one: ScenarioAnalysis, name: str, arms: Sequence[str]) -> Chart:
    found = {arm.server: arm.figure(of.key) for arm in one.contenders}
    shown, lacking = {}, []
    for server, figure in found.items():
        if figure is None or figure.value is None:
            lacking.append(server)
        else:
            rounds, above = figure.rounds, of.above_floor
            low, high = (figure.low, figure.high) if above else _ends(rounds)
            shown[server] = Bar(figure.value, low, high, rounds, is_interval=above)
    above = of.above_floor and any(arm.is_floor for arm in one.arms)
    title = f"{of.title}{', above the floor' if above else ''}"
    caption = prose.texts("bars")["interval" if of.above_floor else "range"]
    if not shown:
        caption = "Nothing to draw: no trial measured this."
    elif lacking:
        caption += f" Not measured: {', '.join(lacking)}."
    scale = scale_for([bar.value for bar in shown.values()], of.unit)
    head = Head(name, title, caption, of.source)
    return bars(head, shown, arms, scale, of.unit, scale.unit)


def _ends(rounds: dict[int, float]) -> tuple[float | None, float | None]:
    return (min(rounds.values()), max(rounds.values())) if rounds else (None, None)


def _distribution(
    one: ScenarioAnalysis,
    data: RunData,
    times: Times,
    servers: Sequence[Arm],
    name: str,
    arms: Sequence[str],
) -> Chart:
    """Return the chart of one kind of times, an arm a curve."""
    found = {arm.server: data.times(one.scenario.name, arm.server, times) for arm in servers}
    parts = {server: each for server, each in found.items() if each is not None and each.samples}
    load = Load.FIXED_RATE if one.scenario.is_open else Load.FULL_SPEED
    curves = {server: made for server, each in parts.items() if (made := curve(each)) is not None}
    caption = prose.texts("distributions")[f"{times}, {load}"].format(first=_first_reads(servers))
    lacking = [f"{server} ({parts[server].samples:,})" for server in parts if server not in curves]
    if not curves:
        answered = any(len(part.answered_ms) for part in parts.values())
        why = (
            f"fewer than {LEAST} were answered"
            if answered
            else prose.texts("nothing_timed")[str(times)]
        )
        caption = f"Nothing to draw: {why}."
    else:
        cut = [
            f"{server}: {part.censored:,} of {part.samples:,} unanswered, its curve ends before "
            "them."
            for server, part in parts.items()
            if part.censored
        ]
        few = [f"Too few answered to draw: {', '.join(lacking)}."] if lacking else []
        caption = " ".join([caption, *cut, *few])
    source = next(m.source for m, _ in of_view(View.TABLE) + of_view(View.BILL) if _is_of(m, times))
    head = Head(
        name, prose.texts("distribution_titles")[str(times)], caption, source, _spoken(parts)
    )
    return distribution(head, curves, _axes("distribution_axes"), arms)


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
            part = share(one.first_stale / one.first_reads)
            said.append(f"{arm.server} {one.first_stale:,} of {one.first_reads:,} ({part}%)")
        if one is not None and one.never_seen:
            said.append(f"{arm.server} never showed {one.never_seen:,} of {one.writes:,} writes")
    return "; ".join(said) or "none judged"


def _spoken(parts: dict[str, Latencies]) -> str:
    said = []
    for server, part in parts.items():
        for q in (0.5, 0.99):
            one = part.percentile(q)
            if one.value_ms is not None:
                bound = "at least " if one.at_least else ""
                said.append(f"{server} p{q * 100:g} {bound}{number(one.value_ms)} ms")
    return ", ".join(said) or "too few requests for a percentile"


def _timelines(
    one: ScenarioAnalysis, data: RunData | None, prefix: str, arms: Sequence[str]
) -> Iterator[Chart]:
    """Return the middle one of the rounds that most arms have, second by second, an arm a chart."""
    if data is None or not one.scenario.is_open:
        return
    servers = [arm.server for arm in one.contenders[:MOST_TIMELINES]]
    by_round: dict[int, list[TrialRecord]] = {}
    for server in servers:
        for trial in data.of_arm(one.scenario.name, server):
            if trial.record.outcome is Outcome.OK:
                by_round.setdefault(trial.trial.round, []).append(trial.record)
    most = max((len(records) for records in by_round.values()), default=0)
    full = sorted(n for n, records in by_round.items() if len(records) == most)
    records = by_round[full[len(full) // 2]] if full else []
    stories = [s for record in records if (s := story_of(data.reader, record)) is not None]
    if not stories:
        return
    scales = scales_of(stories)
    for index, story in enumerate(stories):
        head = _timeline_head(story, f"{prefix}-time-{index}")
        yield timeline(head, story, scales, Labels(**prose.texts("timeline_labels")), arms)


def _timeline_head(story: Story, name: str) -> Head:
    record = story.record
    caption = [f"{number(record.churn_achieved_per_s)} writes/s to pods during it."]
    if len(story.read_s) < story.reads:
        caption.append(f"{len(story.read_s):,} of {story.reads:,} reads drawn.")
    if len(story.unanswered_s):
        caption.append(f"Crosses: {len(story.unanswered_s):,} unanswered.")
    cpu = (
        f"{number(float(np.mean(story.cpu_ms_per_s)))} ms/s of CPU"
        if len(story.cpu_s)
        else "no CPU"
    )
    wait = f"{number(float(np.median(story.read_ms)))} ms" if len(story.read_ms) else MISSING
    description = (
        f"on average {number(float(story.own.mean()))} requests/s, {cpu}, median latency {wait}"
    )
    title = f"Second by second: {story.arm}, round {record.trial.round}"
    return Head(name, title, " ".join(caption), prose.text("timeline_source"), description)


def run_charts(analysis: RunAnalysis, arms: Sequence[str]) -> Iterator[Section]:
    """Return the charts that hold several scenarios against each other."""
    made = (_capacity(analysis.scenarios, arms), _memory(analysis.scenarios, arms))
    charts = tuple(chart for chart in made if chart is not None)
    if charts:
        yield Section("across", "Across the scenarios", (Charts(charts),), depth=Depth.PAGE)


def _rounds(arm: Arm, key: str) -> dict[int, float]:
    figure = arm.figure(key)
    return figure.rounds if figure is not None else {}


def _capacity(scenarios: Sequence[ScenarioAnalysis], arms: Sequence[str]) -> Chart | None:
    """Return throughput against latency, a mark a round of every arm."""
    answered = next(m.key for m, _ in of_view(View.HEADLINE) if m.of == Counted(Tally.ANSWERED))
    shown, rows, said = [], [], []
    for one in scenarios:
        for arm in one.contenders:
            medians = _rounds(arm, "p50")
            points = [
                (number_, reads, medians[number_])
                for number_, reads in _rounds(arm, answered).items()
                if reads > 0 and medians.get(number_, 0.0) > 0
            ]
            if points:
                own = tuple(point[1:] for point in points)
                shown.append(Cloud(arm.server, own, hollow=one.scenario.is_open))
                rows += [(one.scenario.name, arm.server, *point) for point in points]
                reads, wait = (float(np.mean(part)) for part in zip(*own, strict=True))
                said.append(
                    f"{arm.server} under {one.scenario.name}: about {number(reads)} reads/s, "
                    f"median {number(wait)} ms"
                )
    if not shown:
        return None
    both = len({one.hollow for one in shown}) == 2
    caption = prose.text("capacity") + (f" {prose.text('capacity_both')}" if both else "")
    source = f"{metric(answered).source}; {metric('p50').source}"
    head = Head(
        "run-throughput-latency", "Throughput against latency", caption, source, "; ".join(said)
    )
    data = Data(("scenario", "arm", "round", "reads_per_s", "p50_ms"), tuple(rows))
    return clouds(head, shown, _axes("capacity_axes"), data, arms)


def _memory(scenarios: Sequence[ScenarioAnalysis], arms: Sequence[str]) -> Chart | None:
    """Return memory over pods; ``None`` unless the run has at least two numbers of pods."""
    of = metric("memory_end")
    points: dict[str, list[tuple[float, int, float]]] = {}
    for one in scenarios:
        for arm in one.contenders:
            for number_, value in _rounds(arm, of.key).items():
                points.setdefault(arm.server, []).append((one.scenario.pods, number_, value))
    if len({point[0] for own in points.values() for point in own}) < 2:
        return None
    shown = {}
    for server, own in points.items():
        pods = sorted({point[0] for point in own})
        means = [float(np.mean([p[2] for p in own if p[0] == size])) for size in pods]
        shown[server] = Line(np.array(pods, float), np.array(means), points=own)
    scale = scale_for([point[2] for own in points.values() for point in own], of.unit)
    said = "; ".join(
        f"{server}: "
        + ", ".join(
            f"{scale.quantity(value)} at {number(size)} pods"
            for size, value in zip(one.x.tolist(), one.value.tolist(), strict=True)
        )
        for server, one in shown.items()
    )
    title = f"{of.title} against the number of pods"
    head = Head("run-memory-pods", title, prose.text("memory"), of.source, said)
    top = 1.1 * max(point[2] for own in points.values() for point in own)
    frame = Frame("pods", scale.unit, scale, top=top)
    data = Data(("arm", "pods", "round", "pss_bytes"), point_rows(shown))
    return lines(head, shown, frame, data, arms)
