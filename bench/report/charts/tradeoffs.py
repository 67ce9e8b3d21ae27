"""What a read path costs the control plane, against how fresh and how quick its answers are."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bench.analysis.readpaths import Matrix, ReadPath
from bench.report.chart import Chart, Data, Value
from bench.report.charts.distribution import log_ticks
from bench.report.charts.labels import Box, place
from bench.report.charts.palette import colour_of
from bench.report.numbers import number, scale_for
from bench.report.svg import GRID, INK, MUTED, PAPER, STYLE, Margins, new_figure, to_svg

TITLE = "What a read path costs, and what it gives"
SOURCE = (
    "trial.json apiserver_cpu_s + etcd_cpu_s less the arm none; freshness.parquet: "
    "fresh_done_us - acked_us; requests.parquet: done_us - intended_us"
)
COST = "control_plane_cpu"
GIVEN = (
    ("staleness_p50", "median staleness, at most, ms, log scale"),
    ("p50", "median read, ms, log scale"),
)
WIDTH_IN, PANEL_IN = 4.3, 2.5
MARGINS = Margins(left=0.48, right=0.1, bottom=0.44, top=0.26)
GAP_IN = 0.42
FONT = 8.5
POINTS = 72.0


@dataclass(frozen=True, slots=True)
class Spot:
    """One read path: means, and the least and the most of a round."""

    server: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]


def tradeoffs(matrix: Matrix, name: str) -> Chart | None:
    """Draw cost against staleness, and below it against the median read; ``None``: no cost."""
    panels = [(key, title, _spots(matrix.paths, key)) for key, title in GIVEN]
    drawn = [(key, title, spots) for key, title, spots in panels if spots]
    if not drawn:
        return None
    servers = [path.server for path in matrix.paths]
    scale = scale_for((spot.x[0] for _, _, spots in drawn for spot in spots), "ms")
    height = MARGINS.top + MARGINS.bottom + len(drawn) * PANEL_IN + (len(drawn) - 1) * GAP_IN
    limits = _x_limits([spot for _, _, spots in drawn for spot in spots])
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, height, MARGINS)
        for index, (_, title, spots) in enumerate(drawn):
            top = height - MARGINS.top - index * (PANEL_IN + GAP_IN)
            axes = figure.add_axes(
                (
                    MARGINS.left / WIDTH_IN,
                    (top - PANEL_IN) / height,
                    (WIDTH_IN - MARGINS.left - MARGINS.right) / WIDTH_IN,
                    PANEL_IN / height,
                )
            )
            _panel(axes, spots, servers, limits)
            axes.xaxis.set_major_locator(FixedLocator(_ticks(*limits, scale.divisor)))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: scale.show(value)))
            axes.set_title(title, loc="left", fontsize=FONT, color=MUTED)
        axes.set_xlabel(f"control-plane CPU for 1,000 reads, {scale.unit}")
        svg = to_svg(figure, name, TITLE, _described(drawn))
    return Chart(TITLE, _caption(matrix, drawn), SOURCE, svg, name, _data(matrix))


def _spots(paths: Sequence[ReadPath], key: str) -> list[Spot]:
    found = []
    for path in paths:
        x, y = _span(path, COST), _span(path, key)
        if x is not None and y is not None and y[1] > 0:
            found.append(Spot(path.server, x, y))
    return found


def _span(path: ReadPath, key: str) -> tuple[float, float, float] | None:
    entry = path.entries.get(key)
    if entry is None or entry.figure.interval is None:
        return None
    value = entry.figure.interval.value
    rounds = [*entry.figure.rounds.values()] or [value]
    return value, min(rounds), max(rounds)


def _x_limits(spots: Sequence[Spot]) -> tuple[float, float]:
    low = min(0.0, *(spot.x[1] for spot in spots))
    high = max(spot.x[2] for spot in spots)
    pad = 0.06 * (high - low or 1.0)
    return low - pad, high + pad


def _ticks(low: float, high: float, divisor: float) -> list[float]:
    """Return round numbers of what is shown, in what is drawn."""
    ticks = MaxNLocator(nbins=6, steps=[1, 2, 5, 10]).tick_values(low / divisor, high / divisor)
    return [float(tick) * divisor for tick in ticks]


def _panel(
    axes: Axes, spots: Sequence[Spot], servers: Sequence[str], limits: tuple[float, float]
) -> None:
    axes.set_yscale("log")
    axes.set_xlim(*limits)
    low, high = min(spot.y[1] for spot in spots), max(spot.y[2] for spot in spots)
    axes.set_ylim(min(low / 1.7, (low * high) ** 0.5 / 3), max(high * 1.7, (low * high) ** 0.5 * 3))
    axes.grid(visible=True, color=GRID)
    axes.set_axisbelow(True)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    for spot in spots:
        colour = colour_of(spot.server, servers)
        axes.plot([spot.x[1], spot.x[2]], [spot.y[0]] * 2, color=colour, linewidth=1.1)
        axes.plot([spot.x[0]] * 2, [spot.y[1], spot.y[2]], color=colour, linewidth=1.1)
        axes.plot([spot.x[0]], [spot.y[0]], "o", color=colour, markersize=5)
    log_ticks(axes.yaxis, *axes.get_ylim())
    _names(axes, spots)


def _names(axes: Axes, spots: Sequence[Spot]) -> None:
    """Write each name where there is room, with a line to its point where that is not beside it."""
    width = (WIDTH_IN - MARGINS.left - MARGINS.right) * POINTS
    height = PANEL_IN * POINTS
    (left, right), (bottom, top) = axes.get_xlim(), np.log(axes.get_ylim())
    points = [
        (
            (spot.x[0] - left) / (right - left) * width,
            float((np.log(spot.y[0]) - bottom) / (top - bottom) * height),
        )
        for spot in spots
    ]
    sizes = [(0.56 * FONT * len(spot.server) + 3, FONT * 1.25) for spot in spots]
    placed = place(points, sizes, Box(0, 0, width, height))
    for spot, (x, y), one in zip(spots, points, placed, strict=True):
        middle = (one.box.x + one.box.width / 2, one.box.y + one.box.height / 2)
        line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
        axes.annotate(
            spot.server,
            (spot.x[0], spot.y[0]),
            xytext=(middle[0] - x, middle[1] - y),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=FONT,
            color=INK,
            fontweight="bold",
            arrowprops=line if one.led else None,
            bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.3},
        )


def _caption(matrix: Matrix, drawn: Sequence[tuple[str, str, list[Spot]]]) -> str:
    given = "lower is fresher above and quicker below" if len(drawn) == 2 else "lower is better"
    shown = {spot.server for _, _, spots in drawn for spot in spots}
    lacking = [path.server for path in matrix.paths if path.server not in shown]
    text = (
        f"A dot a read path: to the left is cheaper for the control plane, {given}. "
        "Lines: the least and the most of a round."
    )
    return text + (f" Not measured: {', '.join(lacking)}." if lacking else "")


def _described(drawn: Sequence[tuple[str, str, list[Spot]]]) -> str:
    return "; ".join(
        f"{spot.server}: {number(spot.x[0])} ms of control-plane CPU for 1,000 reads, "
        f"{title.split(',')[0]} {number(spot.y[0])} ms"
        for _, title, spots in drawn
        for spot in spots
    )


def _data(matrix: Matrix) -> Data:
    keys = (COST, *(key for key, _ in GIVEN))
    rows: list[tuple[Value, ...]] = []
    for path in matrix.paths:
        spans = [_span(path, key) for key in keys]
        rows.append((path.server, *(value for span in spans for value in span or (None,) * 3)))
    names = ("control_plane_cpu_ms_per_1000_reads", "staleness_p50_ms", "p50_ms")
    parts = ("", "_least", "_most")
    return Data(("read_path", *(f"{name}{part}" for name in names for part in parts)), tuple(rows))
