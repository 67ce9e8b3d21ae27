"""Comparisons side by side: read paths, versions of Kubernetes, numbers of replicas."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bench.analysis.result import Matrix, ReadPath, ReplicaGroup, RunAnalysis, Versions
from bench.metrics import BY_KEY, Group, Metric, View, of_view
from bench.model.message import Message, Recorded, listed, message, plural
from bench.report import prose, sentences
from bench.report.charts import Chart, Data, Head, Value
from bench.report.charts.lines import Frame, in_words, lines, point_rows, through_means
from bench.report.charts.points import Cloud, PointAxes, Spot, points
from bench.report.charts.rows import panel_of
from bench.report.charts.rows import rows as rows_chart
from bench.report.content.rows import UNMEASURED, Notes, row_key
from bench.report.document import (
    Cell,
    Charts,
    Column,
    Depth,
    Facts,
    Part,
    Row,
    Section,
    Table,
    Text,
    Texts,
    table_of,
)
from bench.report.document import Group as Rows
from bench.report.numbers import MISSING, Scale, number, scale_for
from bench.stats import INDICATIVE_BELOW, Estimate

COST, GIVEN = "control_plane_cpu", ("staleness_p50", "p50")
"""The axes of the chart of read paths: their cost, and the figures against it."""
DRAWN_VERSIONS = (
    *("lists_from_etcd", "control_plane_cpu", "api_allocations", "apiserver_memory_highest"),
    *("p50", "ready"),
)
DRAWN_REPLICAS = ("apiserver_cpu", "api_bytes", "memory_end")
PAID_BY_CONTROL_PLANE = (Group.CONTROL_PLANE, Group.INTERNALS)


# Read paths.


def matrix_section(
    index: int, matrix: Matrix, analysis: RunAnalysis, notes: Mapping[str, Notes]
) -> Section:
    """Return the section of read paths: their costs and benefits, each against the baseline."""
    scenario, anchor = analysis.plan.scenario(matrix.scenarios[0]), f"paths{index}"
    metrics = [
        (metric, per, scale_for(values, metric.unit_of(per_1000=per)))
        for metric, per in of_view(View.MATRIX)
        if (values := _values(matrix, metric.key))
    ]
    columns = []
    for metric, per, scale in metrics:
        unit = scale.unit
        title = metric.title_of(per_1000=per)
        title = listed([title, unit]) if unit else title
        columns.append(Column(title, short=listed([metric.short, unit])))
    columns.append(Column(message("answers"), prose=True))
    rows = (_path_row(path, metrics, matrix, analysis, notes) for path in matrix.paths)
    caption, corner = _matrix_caption(matrix, analysis), message("read path")
    table = table_of(columns, rows, corner, caption, "stacked", Depth.TERMINAL)
    text = message("{count} read paths side by side: {route}, {pods} pods")
    titles = [text.format(count=len(matrix.paths), route=scenario.route, pods=f"{scenario.pods:,}")]
    titles += [Message(f"Kubernetes {scenario.kubernetes}")] if scenario.kubernetes else []
    chart = _tradeoffs(matrix, analysis, f"{anchor}-tradeoffs")
    return Section(anchor, listed(titles), (table, Charts((chart,) if chart else ())))


def _values(matrix: Matrix, key: str) -> list[float]:
    figures = [figure for path in matrix.paths for figure in path.figures if figure.metric == key]
    return [figure.value for figure in figures if figure.value is not None]


def _matrix_rounds(matrix: Matrix, analysis: RunAnalysis) -> int:
    figures = (
        analysis.figure(figure.scenario, path.server, figure.metric, per_1000=figure.per_1000)
        for path in matrix.paths
        for figure in path.figures
    )
    return max((len(figure.rounds) for figure in figures if figure is not None), default=0)


def _matrix_caption(matrix: Matrix, analysis: RunAnalysis) -> str:
    scenario, rounds = analysis.plan.scenario(matrix.scenarios[0]), _matrix_rounds(matrix, analysis)
    churn = message("{churn} writes/s").format(churn=number(scenario.churn_per_s))
    asked = listed([sentences.load(scenario), churn])
    if len(matrix.scenarios) > 1:
        closed = analysis.plan.scenario(matrix.scenarios[1])
        full = prose.text("matrix_full", load=sentences.load(closed), scenario=closed.name)
        asked = listed([asked, full], "; ")
    kind = "single" if rounds < 2 else "few" if rounds < INDICATIVE_BELOW else "enough"
    paired = prose.texts("matrix_paired")[kind].format(rounds=rounds)
    slots = {"scenario": scenario.name, "asked": asked, "baseline": matrix.baseline}
    return prose.text("matrix", **slots, paired=paired)


def _path_row(
    path: ReadPath,
    metrics: Sequence[tuple[Metric, bool, Scale]],
    matrix: Matrix,
    analysis: RunAnalysis,
    notes: Mapping[str, Notes],
) -> Row:
    by_key = {figure.metric: figure for figure in path.figures}
    cells = []
    for metric, per, scale in metrics:
        figure = by_key.get(metric.key)
        if figure is None or figure.value is None:
            measured = figure and analysis.figure(
                figure.scenario, path.server, metric.key, per_1000=per
            )
            missing = measured.missing if measured else None
            cells.append(Cell(MISSING, remark=Recorded(missing) if missing else UNMEASURED))
        else:
            times = sentences.times_of(figure.times)
            cells.append(Cell(scale.show(figure.value), remark=times))
    answers = Cell(prose.texts("answers").get(path.contract or "", MISSING))
    links = notes[matrix.scenarios[0]].links(path.server)
    return Row(path.server, (*cells, answers), depth=Depth.TERMINAL, notes=links)


def _tradeoffs(matrix: Matrix, analysis: RunAnalysis, name: str) -> Chart | None:
    """Draw cost against staleness, and below it against the median read; ``None`` without cost."""
    panels: dict[str, list[Cloud]] = {}
    spans = {(p.server, k): _spread(p, k, analysis) for p in matrix.paths for k in (COST, *GIVEN)}
    costs = [span[0] for (_, key), span in spans.items() if key == COST and span]
    scale = scale_for(costs, BY_KEY[COST].unit_of(per_1000=True))
    descriptions = []
    for key in GIVEN:
        for path in matrix.paths:
            x, y = spans[path.server, COST], spans[path.server, key]
            if x is None or y is None or y[1] <= 0:
                continue
            text = prose.text(
                "tradeoff",
                server=path.server,
                cost=scale.quantity(x[0]),
                of=BY_KEY[COST].short,
                given=BY_KEY[key].short,
                ms=number(y[0]),
            )
            descriptions.append(text)
            cloud = Cloud(path.server, [Spot(x[0], y[0], text, x[1:], y[1:])])
            panel = message("{metric}, ms, log scale").format(metric=BY_KEY[key].short)
            panels.setdefault(panel, []).append(cloud)
    if not panels:
        return None
    drawn = {cloud.arm for clouds in panels.values() for cloud in clouds}
    lacking = [p.server for p in matrix.paths if p.server not in drawn]
    caption = [prose.text("tradeoffs")]
    if lacking:
        caption.append(message("Not measured: {servers}.").format(servers=", ".join(lacking)))
    source = "; ".join(BY_KEY[key].source for key in (COST, *GIVEN))
    title = message("Cost, freshness and latency of read paths")
    head = Head(name, title, listed(caption, " "), source, listed(descriptions, "; "))
    rows: list[tuple[Value, ...]] = []
    for path in matrix.paths:
        path_spans = [spans[path.server, key] for key in (COST, *GIVEN)]
        rows.append((path.server, *(value for span in path_spans for value in span or (None,) * 3)))
    quantities = (f"{COST}_ms_per_1000_reads", *(f"{key}_ms" for key in GIVEN))
    columns = [f"{quantity}{part}" for quantity in quantities for part in ("", "_least", "_most")]
    data = Data(("read_path", *columns), tuple(rows))
    across = message("{metric} per 1,000 reads, {unit}").format(
        metric=BY_KEY[COST].short, unit=scale.unit
    )
    return points(head, panels, PointAxes(across, scale), data)


def _spread(path: ReadPath, key: str, analysis: RunAnalysis) -> tuple[float, float, float] | None:
    """Return the mean of the rounds, the least and the greatest; ``None`` if not measured."""
    figure = next((figure for figure in path.figures if figure.metric == key), None)
    if figure is None or figure.value is None:
        return None
    measured = analysis.figure(figure.scenario, path.server, key, per_1000=figure.per_1000)
    rounds = list(measured.rounds.values()) if measured and measured.rounds else [figure.value]
    return figure.value, min(rounds), max(rounds)


# Versions of Kubernetes.


def version_section(index: int, versions: Versions, analysis: RunAnalysis) -> Section:
    """Return the section of the changes between versions: sentences, switches, table and chart."""
    anchor = f"versions{index}"
    parts: list[Part | Section] = []
    if texts := tuple(Text(text) for text in _version_sentences(versions)):
        parts.append(Texts(texts))
    if switched := _switched(versions.versions):
        title = message("Features switched on in between")
        parts.append(Section(f"{anchor}-features", title, (Facts(switched),), Depth.PAGE))
    chart = _version_chart(versions, analysis, f"{anchor}-chart")
    parts += [Charts((chart,) if chart else ()), _version_table(versions, analysis)]
    names = sentences.joined(versions.versions)
    title = message("Kubernetes {versions} compared").format(versions=names)
    return Section(anchor, title, tuple(parts))


def _switched(versions: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    switches = []
    for feature in prose.FEATURES:
        on = [version for version in versions if feature.is_on(version)]
        off = [version for version in versions if not feature.is_on(version)]
        if on and off:
            switch = message("on by default in {on}, not in {off}: {does}.").format(
                on=sentences.joined(on), off=sentences.joined(off, sentences.OR), does=feature.does
            )
            switches.append((feature.name, (switch,)))
    return tuple(switches)


def _version_sentences(versions: Versions) -> Iterator[str]:
    for server in dict.fromkeys(figure.server for figure in versions.figures):
        if (lists := _ends(versions, server, "lists_from_etcd")) is not None:
            whole = max(0.0, round(lists[0])), max(0.0, round(lists[1]))
            yield sentences.on_versions(sentences.SERVED_BY_ETCD, server, versions.versions, whole)
        cost = versions.figure(server, COST)
        if cost is not None and cost.times is not None:
            yield sentences.version_cost(server, versions.versions, cost.times, BY_KEY[COST])
        starts = _ends(versions, server, "ready_requests")
        if starts is not None and starts[0] != starts[1]:
            yield sentences.on_versions(sentences.VERSION_START, server, versions.versions, starts)


def _ends(versions: Versions, server: str, key: str) -> tuple[float, float] | None:
    """Return a metric's values on the oldest and newest version; ``None`` if one lacks it."""
    figure = versions.figure(server, key)
    if figure is None:
        return None
    oldest, newest = (figure.values.get(versions.versions[index]) for index in (0, -1))
    return None if oldest is None or newest is None else (oldest, newest)


def _version_table(versions: Versions, analysis: RunAnalysis) -> Table:
    groups: dict[str, list[Row]] = {}
    for entry in versions.figures:
        metric = BY_KEY[entry.metric]
        scale = scale_for(entry.values.values(), entry.unit)
        cells = []
        for version, scenario in zip(versions.versions, versions.scenarios, strict=True):
            value = entry.values.get(version)
            figure = analysis.figure(scenario, entry.server, metric.key, per_1000=entry.per_1000)
            if value is None:
                missing = figure.missing if figure else None
                cells.append(Cell(MISSING, remark=missing or "not measured"))
            else:
                ends = (figure.low, figure.high) if figure else (None, None)
                cells.append(Cell(scale.show(value, *ends), scale.interval(*ends, value)))
        cells.append(Cell(sentences.times_of(entry.times)))
        title = metric.title_of(per_1000=entry.per_1000)
        row = Row(title, tuple(cells), scale.unit, key=row_key(metric, entry.per_1000))
        groups.setdefault(entry.server, []).append(row)
    asked = analysis.plan.scenario(versions.scenarios[-1])
    oldest, newest = versions.versions[0], versions.versions[-1]
    against = message("{newest} against {oldest}").format(newest=newest, oldest=oldest)
    return Table(
        "",
        tuple(Column(title) for title in (*versions.versions, against)),
        tuple(Rows(tuple(rows), server) for server, rows in groups.items()),
        prose.text(
            "versions",
            asked=Message("{name}: {asked}").format(name=asked.name, asked=sentences.asked(asked)),
            oldest=oldest,
            newest=newest,
            rounds=plural(analysis.plan.rounds, "round", "rounds"),
        ),
        layout="arms",
    )


def _version_chart(versions: Versions, analysis: RunAnalysis, name: str) -> Chart | None:
    """Draw each quantity measured on at least two versions, each on its own scale."""
    shown, table = [], []
    for key in DRAWN_VERSIONS:
        figures = [figure for figure in versions.figures if figure.metric == key]
        if not figures:
            continue
        per, unit = figures[0].per_1000, figures[0].unit
        measured = [
            (entry.server, version, analysis.figure(scenario, entry.server, key, per_1000=per))
            for entry in figures
            for version, scenario in zip(versions.versions, versions.scenarios, strict=True)
        ]
        named = ((f"{arm}, {version}", arm, figure) for arm, version, figure in measured)
        panel = panel_of([BY_KEY[key].title_of(per_1000=per)], unit, named)
        if len(panel.entries) < 2:
            continue
        shown.append(panel)
        table += [
            (arm, key, per, unit, version, figure.value)
            for arm, version, figure in measured
            if figure is not None and figure.value is not None
        ]
    if not shown:
        return None
    description = listed([panel.text for panel in shown], "; ")
    oldest, newest = versions.versions[0], versions.versions[-1]
    title = message("Changes from {oldest} to {newest}").format(oldest=oldest, newest=newest)
    head = Head(name, title, prose.text("rounds"), prose.text("version_source"), description)
    data = Data(("arm", "metric", "per_1000_reads", "unit", "kubernetes", "mean"), tuple(table))
    return rows_chart(head, shown, data)


# Replicas.


def replica_section(index: int, group: ReplicaGroup, analysis: RunAnalysis) -> Section:
    """Return the section on each further replica's cost for control plane and application."""
    scenario, anchor = analysis.plan.scenario(group.scenarios[0]), f"replicas{index}"
    groups: dict[str, list[Row]] = {}
    for metric, _ in of_view(View.REPLICAS):
        by_control_plane = metric.group in PAID_BY_CONTROL_PLANE
        paid = (
            prose.text("paid_by_control_plane")
            if by_control_plane
            else prose.text("paid_by_application")
        )
        groups.setdefault(paid, []).extend(_replica_rows(metric, group))
    columns = [Column(plural(n, "replica", "replicas")) for n in group.replicas]
    further = Column(message("each further replica"))
    table = Table(
        "",
        (Column(message("server"), prose=True), *columns, further),
        tuple(Rows(tuple(rows), title) for title, rows in groups.items()),
        prose.text("replicas"),
    )
    charts = (
        _replica_chart(group, key, f"{anchor}-{key.replace('_', '-')}") for key in DRAWN_REPLICAS
    )
    asked = sentences.asked(replace(scenario, replicas=1))
    title = message("What does each further replica cost? {asked}").format(asked=asked)
    return Section(anchor, title, (table, Charts(tuple(c for c in charts if c is not None))))


def _replica_rows(metric: Metric, group: ReplicaGroup) -> Iterator[Row]:
    costs = group.of(metric.key)
    scale = scale_for([mean.value for cost in costs for mean in cost.means.values()], metric.unit)
    for cost in costs:
        cells = [_mean(cost.means.get(n), scale) for n in group.replicas]
        further = _mean(cost.each, scale)
        if cost.each is not None and cost.each.value > 0:
            further = replace(further, value=f"+{further.value}")
        yield Row(metric.title, (Cell(cost.arm), *cells, further), scale.unit, key=metric.key)


def _mean(estimate: Estimate | None, scale: Scale) -> Cell:
    if estimate is None:
        return Cell(MISSING)
    shown = scale.show(estimate.value, estimate.low, estimate.high)
    return Cell(shown, scale.interval(estimate.low, estimate.high, estimate.value))


def _replica_chart(group: ReplicaGroup, key: str, name: str) -> Chart | None:
    """Draw a metric of every arm over the number of replicas."""
    costs, metric = group.of(key), BY_KEY[key]
    if not costs:
        return None
    shown = {cost.arm: through_means(cost.points) for cost in costs}
    scale = scale_for([point[2] for cost in costs for point in cost.points], metric.unit)
    with_each = message("{value} with {replicas}")
    description = in_words(shown, scale, lambda v, x: with_each.format(value=v, replicas=f"{x:g}"))
    title = message("{metric} against replicas").format(metric=metric.title)
    head = Head(name, title, prose.text("replica_chart"), metric.source, description)
    frame = Frame(message("replicas"), scale.unit, scale, whole=True)
    columns = ("server", "replicas", "round", f"{metric.title}, {metric.unit}")
    return lines(head, shown, frame, Data(columns, point_rows(shown)))
