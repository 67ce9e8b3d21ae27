"""Two or more versions of Kubernetes, aspect by aspect: a line a server, a dot a version."""

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bench.analysis.versions import Across, ServerAcross, VersionSet
from bench.report.chart import Chart, Data, Value
from bench.report.numbers import Scale, scale_for
from bench.report.readpaths import with_unit
from bench.report.svg import GRID, INK, MUTED, PAPER, SERIES, STYLE, Margins, new_figure, to_svg

SHOWN = (
    "lists_from_etcd",
    "control_plane_cpu",
    "api_allocations",
    "apiserver_memory_highest",
    "p50",
    "ready",
)
SOURCE = "scrapes.parquet, trial.json and requests.parquet of each version; see the table"
WIDTH_IN, ROW_IN, TITLE_IN, TICKS_IN = 4.3, 0.24, 0.24, 0.24
TOP_IN = 0.3
OLDEST, NEWEST = SERIES[4], SERIES[2]
"""Colours of the first and the last version; those between are drawn in ink."""


def version_chart(one: VersionSet, name: str) -> Chart | None:
    """Draw each aspect that was measured, on a scale of its own that begins at 0."""
    panels = [(key, rows) for key in SHOWN if (rows := _rows(one.servers, key))]
    if not panels:
        return None
    left = 0.075 * max(len(server.server) for server in one.servers) + 0.12
    height = TOP_IN + sum(TITLE_IN + TICKS_IN + ROW_IN * len(rows) for _, rows in panels)
    title = f"What changed from {one.versions[0]} to {one.versions[-1]}"
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, height, Margins(left=left, right=0.12))
        top = height - TOP_IN
        _key(figure.add_axes((left / WIDTH_IN, top / height, 1 - left / WIDTH_IN, 0.02)), one)
        for _, rows in panels:
            tall = ROW_IN * len(rows)
            axes = figure.add_axes(
                (
                    left / WIDTH_IN,
                    (top - TITLE_IN - tall) / height,
                    (WIDTH_IN - left - 0.12) / WIDTH_IN,
                    tall / height,
                )
            )
            _panel(axes, rows)
            top -= TITLE_IN + TICKS_IN + tall
        svg = to_svg(figure, name, title, _described(panels, one))
    caption = "A dot a version, joined by a line a server; further left is less."
    return Chart(title, caption, SOURCE, svg, name, _data(one))


def _rows(servers: Sequence[ServerAcross], key: str) -> list[tuple[str, Across]]:
    found = [(server.server, server.row(key)) for server in servers]
    return [(name, row) for name, row in found if row is not None and len(_values(row)) > 1]


def _values(row: Across) -> list[tuple[int, float]]:
    return [
        (index, one.interval.value)
        for index, one in enumerate(row.figures)
        if one is not None and one.interval is not None
    ]


def _colour(index: int, count: int) -> str:
    return OLDEST if index == 0 else NEWEST if index == count - 1 else INK


def _key(axes: Axes, one: VersionSet) -> None:
    """Say which colour is which version, above all panels."""
    axes.axis("off")
    for index, version in enumerate(one.versions):
        axes.text(
            index * 0.28,
            2.0,
            f"\N{BLACK CIRCLE} {version}",
            transform=axes.transAxes,
            color=_colour(index, len(one.versions)),
            fontweight="bold",
            fontsize=9,
        )


def _panel(axes: Axes, rows: Sequence[tuple[str, Across]]) -> None:
    values = [value for _, row in rows for _, value in _values(row)]
    scale = _scale(rows)
    for height, (_, row) in enumerate(rows):
        found = _values(row)
        axes.plot([value for _, value in found], [height] * len(found), color=MUTED, linewidth=1.2)
        for index, value in found:
            colour = _colour(index, len(row.figures))
            axes.plot([value], [height], "o", color=colour, markeredgecolor=PAPER, markersize=7)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    low, high = min(0.0, *values), max(values) or 1.0
    axes.set_xlim(low - 0.03 * (high - low), high + 0.06 * (high - low))
    ticks = MaxNLocator(nbins=5, steps=[1, 2, 5, 10]).tick_values(
        low / scale.divisor, high / scale.divisor
    )
    axes.xaxis.set_major_locator(
        FixedLocator([t * scale.divisor for t in ticks if low <= t * scale.divisor <= high * 1.05])
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: scale.show(value)))
    axes.grid(visible=True, axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.set_title(
        with_unit(rows[0][1].aspect.title, scale), loc="left", fontsize=8.5, color=MUTED, pad=3
    )


def _scale(rows: Sequence[tuple[str, Across]]) -> Scale:
    aspect = rows[0][1].aspect
    metric = next(one.metric for one in rows[0][1].figures if one is not None)
    unit = metric.unit.split("/")[0] if aspect.per_1000 else metric.unit
    return scale_for((value for _, row in rows for _, value in _values(row)), unit)


def _described(panels: Sequence[tuple[str, list[tuple[str, Across]]]], one: VersionSet) -> str:
    said = []
    for _, rows in panels:
        scale = _scale(rows)
        for name, row in rows:
            values = ", ".join(
                f"{scale.show(value)} on {one.versions[index]}" for index, value in _values(row)
            )
            said.append(f"{with_unit(row.aspect.title, scale)}, {name}: {values}")
    return "; ".join(said)


def _data(one: VersionSet) -> Data:
    rows: list[tuple[Value, ...]] = []
    for server in one.servers:
        for row in server.rows:
            unit = next(each.metric.unit for each in row.figures if each is not None)
            for version, each in zip(one.versions, row.figures, strict=True):
                value = None if each is None or each.interval is None else each.interval.value
                shown = unit.split("/")[0] if row.aspect.per_1000 else unit
                rows.append(
                    (server.server, row.aspect.key, row.aspect.per_1000, shown, version, value)
                )
    columns = ("arm", "metric", "per_1000_reads", "unit", "kubernetes", "mean")
    return Data(columns, tuple((*row[:2], str(row[2]).lower(), *row[3:]) for row in rows))
