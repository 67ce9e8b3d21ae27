"""Read paths, versions of Kubernetes and numbers of replicas, each side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bench.analysis.result import Matrix, ReadPath, ReplicaGroup, RunAnalysis, Versions
from bench.metrics import BY_KEY, Group, Metric, View, of_view
from bench.model.message import Message, Recorded, listed, message, plural
from bench.report import prose, sentences
from bench.report.charts import Chart, Data, Head, Value
from bench.report.charts.lines import Frame, lines, point_rows, through_means, told
from bench.report.charts.points import Cloud, Grounds, Spot, points
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
"""What the chart of read paths sets against each other."""
DRAWN_VERSIONS = (
    *("lists_from_etcd", "control_plane_cpu", "api_allocations", "apiserver_memory_highest"),
    *("p50", "ready"),
)
DRAWN_REPLICAS = ("apiserver_cpu", "api_bytes", "memory_end")
PAID_BY_CONTROL_PLANE = (Group.CONTROL_PLANE, Group.INTERNALS)


# Read paths.


def matrix_section(
    index: int,
    one: Matrix,
    analysis: RunAnalysis,
    notes: Mapping[str, Notes],
) -> Section:
    """Return every read path: what it costs, what it gives, and how that is to the baseline."""
    scenario, anchor = analysis.plan.scenario(one.scenarios[0]), f"paths{index}"
    found = [
        (of, per, scale_for(values, of.unit_of(per_1000=per)))
        for of, per in of_view(View.MATRIX)
        if (values := _values(one, of.key))
    ]
    columns = []
    for of, per, scale in found:
        unit = scale.unit
        title = of.title_of(per_1000=per)
        head = listed([title, unit]) if unit else title
        columns.append(Column(head, short=listed([of.short, unit])))
    columns.append(Column(message("answers"), prose=True))
    rows = (_path_row(path, found, one, analysis, notes) for path in one.paths)
    caption, corner = _matrix_caption(one, analysis), message("read path")
    table = table_of(columns, rows, corner, caption, "stacked", Depth.TERMINAL)
    text = message("{count} read paths side by side: {route}, {pods} pods")
    heads = [text.format(count=len(one.paths), route=scenario.route, pods=f"{scenario.pods:,}")]
    heads += [Message(f"Kubernetes {scenario.kubernetes}")] if scenario.kubernetes else []
    chart = _tradeoffs(one, analysis, f"{anchor}-tradeoffs")
    return Section(anchor, listed(heads), (table, Charts((chart,) if chart else ())))


def _values(one: Matrix, key: str) -> list[float]:
    figures = [figure for path in one.paths for figure in path.figures if figure.metric == key]
    return [figure.value for figure in figures if figure.value is not None]


def _matrix_rounds(one: Matrix, analysis: RunAnalysis) -> int:
    figures = (
        analysis.figure(figure.scenario, path.server, figure.metric, per_1000=figure.per_1000)
        for path in one.paths
        for figure in path.figures
    )
    return max((len(figure.rounds) for figure in figures if figure is not None), default=0)


def _matrix_caption(one: Matrix, analysis: RunAnalysis) -> str:
    scenario, rounds = analysis.plan.scenario(one.scenarios[0]), _matrix_rounds(one, analysis)
    churn = message("{churn} writes/s").format(churn=number(scenario.churn_per_s))
    asked = listed([sentences.load(scenario), churn])
    if len(one.scenarios) > 1:
        closed = analysis.plan.scenario(one.scenarios[1])
        full = prose.text("matrix_full", load=sentences.load(closed), scenario=closed.name)
        asked = listed([asked, full], "; ")
    kind = "single" if rounds < 2 else "few" if rounds < INDICATIVE_BELOW else "enough"
    paired = prose.texts("matrix_paired")[kind].format(rounds=rounds)
    slots = {"scenario": scenario.name, "asked": asked, "baseline": one.baseline}
    return prose.text("matrix", **slots, paired=paired)


def _path_row(
    path: ReadPath,
    found: Sequence[tuple[Metric, bool, Scale]],
    one: Matrix,
    analysis: RunAnalysis,
    notes: Mapping[str, Notes],
) -> Row:
    by_key = {figure.metric: figure for figure in path.figures}
    cells = []
    for of, per, scale in found:
        figure = by_key.get(of.key)
        if figure is None or figure.value is None:
            measured = figure and analysis.figure(
                figure.scenario, path.server, of.key, per_1000=per
            )
            missing = measured.missing if measured else None
            cells.append(Cell(MISSING, remark=Recorded(missing) if missing else UNMEASURED))
        else:
            times = sentences.times_of(figure.times)
            cells.append(Cell(scale.show(figure.value), remark=times))
    answers = Cell(prose.texts("answers").get(path.contract or "", MISSING))
    pointing = notes[one.scenarios[0]].pointing(path.server)
    return Row(path.server, (*cells, answers), depth=Depth.TERMINAL, notes=pointing)


def _tradeoffs(one: Matrix, analysis: RunAnalysis, name: str) -> Chart | None:
    """Draw cost against staleness, and below it against the median read; ``None``: no cost."""
    panels: dict[str, list[Cloud]] = {}
    spans = {(p.server, k): _spread(p, k, analysis) for p in one.paths for k in (COST, *GIVEN)}
    costs = [span[0] for (_, key), span in spans.items() if key == COST and span]
    scale = scale_for(costs, BY_KEY[COST].unit_of(per_1000=True))
    said = []
    for key in GIVEN:
        for path in one.paths:
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
            said.append(text)
            cloud = Cloud(path.server, [Spot(x[0], y[0], text, x[1:], y[1:])])
            panel = message("{metric}, ms, log scale").format(metric=BY_KEY[key].short)
            panels.setdefault(panel, []).append(cloud)
    if not panels:
        return None
    drawn = {cloud.arm for clouds in panels.values() for cloud in clouds}
    lacking = [p.server for p in one.paths if p.server not in drawn]
    caption = [prose.text("tradeoffs")]
    if lacking:
        caption.append(message("Not measured: {servers}.").format(servers=", ".join(lacking)))
    source = "; ".join(BY_KEY[key].source for key in (COST, *GIVEN))
    title = message("What a read path costs, and what it gives")
    head = Head(name, title, listed(caption, " "), source, listed(said, "; "))
    rows: list[tuple[Value, ...]] = []
    for path in one.paths:
        found = [spans[path.server, key] for key in (COST, *GIVEN)]
        rows.append((path.server, *(value for span in found for value in span or (None,) * 3)))
    names = (f"{COST}_ms_per_1000_reads", *(f"{key}_ms" for key in GIVEN))
    columns = [f"{each}{part}" for each in names for part in ("", "_least", "_most")]
    data = Data(("read_path", *columns), tuple(rows))
    across = message("{metric} per 1,000 reads, {unit}").format(
        metric=BY_KEY[COST].short, unit=scale.unit
    )
    return points(head, panels, Grounds(across, scale), data)


def _spread(path: ReadPath, key: str, analysis: RunAnalysis) -> tuple[float, float, float] | None:
    """Return the mean, and the least and the most of a round."""
    figure = next((one for one in path.figures if one.metric == key), None)
    if figure is None or figure.value is None:
        return None
    found = analysis.figure(figure.scenario, path.server, key, per_1000=figure.per_1000)
    rounds = list(found.rounds.values()) if found and found.rounds else [figure.value]
    return figure.value, min(rounds), max(rounds)


# Versions of Kubernetes.


def version_section(index: int, one: Versions, analysis: RunAnalysis) -> Section:
    """Return what changed between versions: in sentences, in switches, in a table and a chart."""
    anchor = f"versions{index}"
    parts: list[Part | Section] = []
    if said := tuple(Text(text) for text in _version_sentences(one)):
        parts.append(Texts(said))
    if switched := _switched(one.versions):
        facts = (Facts(switched),)
        parts.append(
            Section(
                f"{anchor}-features",
                message("What was switched on in between"),
                facts,
                Depth.PAGE,
            )
        )
    chart = _version_chart(one, analysis, f"{anchor}-chart")
    parts += [Charts((chart,) if chart else ()), _version_table(one, analysis)]
    title = message("Between Kubernetes {versions}").format(versions=sentences.joined(one.versions))
    return Section(anchor, title, tuple(parts))


def _switched(versions: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = []
    for feature in prose.FEATURES:
        on = [version for version in versions if feature.is_on(version)]
        off = [version for version in versions if not feature.is_on(version)]
        if on and off:
            switch = message("on by default in {on}, and not in {off}: {does}.").format(
                on=sentences.joined(on), off=sentences.joined(off, sentences.OR), does=feature.does
            )
            found.append((feature.name, (switch,)))
    return tuple(found)


def _version_sentences(one: Versions) -> Iterator[str]:
    for server in dict.fromkeys(figure.server for figure in one.figures):
        if (lists := _ends(one, server, "lists_from_etcd")) is not None:
            whole = max(0.0, round(lists[0])), max(0.0, round(lists[1]))
            yield sentences.on_versions(sentences.SERVED_BY_ETCD, server, one.versions, whole)
        cost = one.figure(server, COST)
        if cost is not None and cost.times is not None:
            yield sentences.version_cost(server, one.versions, cost.times, BY_KEY[COST])
        starts = _ends(one, server, "ready_requests")
        if starts is not None and starts[0] != starts[1]:
            yield sentences.on_versions(sentences.VERSION_START, server, one.versions, starts)


def _ends(one: Versions, server: str, key: str) -> tuple[float, float] | None:
    """Return a metric on the oldest and on the newest version, where both have it."""
    found = one.figure(server, key)
    if found is None:
        return None
    oldest, newest = (found.values.get(one.versions[place]) for place in (0, -1))
    return None if oldest is None or newest is None else (oldest, newest)


def _version_table(one: Versions, analysis: RunAnalysis) -> Table:
    groups: dict[str, list[Row]] = {}
    for found in one.figures:
        of = BY_KEY[found.metric]
        scale = scale_for(found.values.values(), found.unit)
        cells = []
        for version, scenario in zip(one.versions, one.scenarios, strict=True):
            value = found.values.get(version)
            figure = analysis.figure(scenario, found.server, of.key, per_1000=found.per_1000)
            if value is None:
                missing = figure.missing if figure else None
                cells.append(Cell(MISSING, remark=missing or "not measured"))
            else:
                ends = (figure.low, figure.high) if figure else (None, None)
                cells.append(Cell(scale.show(value, *ends), scale.interval(*ends, value)))
        cells.append(Cell(sentences.times_of(found.times)))
        title = of.title_of(per_1000=found.per_1000)
        row = Row(title, tuple(cells), scale.unit, key=row_key(of, found.per_1000))
        groups.setdefault(found.server, []).append(row)
    asked = analysis.plan.scenario(one.scenarios[-1])
    against = message("{newest} against {oldest}").format(
        newest=one.versions[-1], oldest=one.versions[0]
    )
    return Table(
        "",
        tuple(Column(title) for title in (*one.versions, against)),
        tuple(Rows(tuple(rows), server) for server, rows in groups.items()),
        prose.text(
            "versions",
            asked=Message("{name}: {asked}").format(name=asked.name, asked=sentences.asked(asked)),
            oldest=one.versions[0],
            newest=one.versions[-1],
            rounds=plural(analysis.plan.rounds, "round", "rounds"),
        ),
        layout="arms",
    )


def _version_chart(one: Versions, analysis: RunAnalysis, name: str) -> Chart | None:
    """Draw each quantity that was measured on two versions, on a scale of its own."""
    shown, table = [], []
    for key in DRAWN_VERSIONS:
        found = [figure for figure in one.figures if figure.metric == key]
        if not found:
            continue
        per, unit = found[0].per_1000, found[0].unit
        own = [
            (each.server, version, analysis.figure(scenario, each.server, key, per_1000=per))
            for each in found
            for version, scenario in zip(one.versions, one.scenarios, strict=True)
        ]
        named = ((f"{arm}, {version}", arm, figure) for arm, version, figure in own)
        panel = panel_of([BY_KEY[key].title_of(per_1000=per)], unit, named)
        if len(panel.entries) < 2:
            continue
        shown.append(panel)
        table += [
            (arm, key, per, unit, version, figure.value)
            for arm, version, figure in own
            if figure is not None and figure.value is not None
        ]
    if not shown:
        return None
    said = listed([panel.told for panel in shown], "; ")
    title = message("What changed from {oldest} to {newest}").format(
        oldest=one.versions[0], newest=one.versions[-1]
    )
    head = Head(name, title, prose.text("rounds"), prose.text("version_source"), said)
    data = Data(("arm", "metric", "per_1000_reads", "unit", "kubernetes", "mean"), tuple(table))
    return rows_chart(head, shown, data)


# Replicas.


def replica_section(index: int, one: ReplicaGroup, analysis: RunAnalysis) -> Section:
    """Return what each further replica costs the control plane and the application."""
    scenario, anchor = analysis.plan.scenario(one.scenarios[0]), f"replicas{index}"
    groups: dict[str, list[Row]] = {}
    for of, _ in of_view(View.REPLICAS):
        by_control_plane = of.group in PAID_BY_CONTROL_PLANE
        paid = (
            prose.text("paid_by_control_plane")
            if by_control_plane
            else prose.text("paid_by_application")
        )
        groups.setdefault(paid, []).extend(_replica_rows(of, one))
    columns = [Column(plural(n, "replica", "replicas")) for n in one.replicas]
    further = Column(message("each further replica"))
    table = Table(
        "",
        (Column(message("server"), prose=True), *columns, further),
        tuple(Rows(tuple(rows), title) for title, rows in groups.items()),
        prose.text("replicas"),
    )
    charts = (
        _replica_chart(one, key, f"{anchor}-{key.replace('_', '-')}") for key in DRAWN_REPLICAS
    )
    asked = sentences.asked(replace(scenario, replicas=1))
    title = message("What does each further replica cost? {asked}").format(asked=asked)
    return Section(anchor, title, (table, Charts(tuple(c for c in charts if c is not None))))


def _replica_rows(of: Metric, one: ReplicaGroup) -> Iterator[Row]:
    costs = one.of(of.key)
    scale = scale_for([mean.value for cost in costs for mean in cost.means.values()], of.unit)
    for cost in costs:
        cells = [_mean(cost.means.get(n), scale) for n in one.replicas]
        each = _mean(cost.each, scale)
        if cost.each is not None and cost.each.value > 0:
            each = replace(each, value=f"+{each.value}")
        yield Row(of.title, (Cell(cost.arm), *cells, each), scale.unit, key=of.key)


def _mean(found: Estimate | None, scale: Scale) -> Cell:
    if found is None:
        return Cell(MISSING)
    shown = scale.show(found.value, found.low, found.high)
    return Cell(shown, scale.interval(found.low, found.high, found.value))


def _replica_chart(one: ReplicaGroup, key: str, name: str) -> Chart | None:
    """Draw a metric of every arm over its replicas."""
    costs, of = one.of(key), BY_KEY[key]
    if not costs:
        return None
    shown = {cost.arm: through_means(cost.points) for cost in costs}
    scale = scale_for([point[2] for cost in costs for point in cost.points], of.unit)
    with_each = message("{value} with {replicas}")
    said = told(shown, scale, lambda v, x: with_each.format(value=v, replicas=f"{x:g}"))
    title = message("{metric} against replicas").format(metric=of.title)
    head = Head(name, title, prose.text("replica_chart"), of.source, said)
    frame = Frame(message("replicas"), scale.unit, scale, whole=True)
    columns = ("server", "replicas", "round", f"{of.title}, {of.unit}")
    return lines(head, shown, frame, Data(columns, point_rows(shown)))
