"""Throughput against latency: what each arm answered, and how long it took, a dot a round."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from bench.analysis.run import ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.report.arms import contenders
from bench.report.chart import Chart, Data
from bench.report.charts.distribution import log_ticks
from bench.report.charts.palette import colour_of
from bench.report.numbers import number
from bench.report.svg import GRID, INK, MUTED, PAPER, STYLE, Margins, new_figure, to_svg

TITLE = "Throughput against latency"
SOURCE = "requests.parquet: rows with outcome ok over window_s; median of done_us - intended_us"
Point = tuple[int, float, float]


def throughput_latency(scenarios: Sequence[ScenarioAnalysis], name: str) -> Chart | None:
    """Draw every round of every arm; hollow where arrivals had a fixed rate. ``None``: no point."""
    found = [
        (one, arm, points)
        for one in scenarios
        for arm in contenders(one.arms)
        if (points := _points(arm))
    ]
    if not found:
        return None
    servers = list(dict.fromkeys(arm.server for _, arm, _ in found))
    with mpl.rc_context(STYLE):
        figure = new_figure(3.7, 2.7, Margins(top=0.26))
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        for one, arm, points in found:
            colour = colour_of(arm.server, servers)
            hollow = one.scenario.is_open
            axes.plot(
                [point[1] for point in points],
                [point[2] for point in points],
                "o",
                color=colour,
                markerfacecolor="none" if hollow else colour,
                markersize=4.6 if hollow else 4.0,
                markeredgewidth=1.0,
            )
        _widen(axes, [point for _, _, points in found for point in points])
        taken: list[tuple[float, float]] = []
        for arm, points in _ends(found):
            _name(axes, arm.server, points, taken)
        log_ticks(axes.xaxis, *axes.get_xlim())
        log_ticks(axes.yaxis, *axes.get_ylim())
        axes.grid(visible=True, color=GRID)
        axes.set_axisbelow(True)
        axes.set_xlabel("reads answered in a second, log scale")
        axes.set_title("median latency, ms, log scale", loc="left", fontsize=8.5, color=MUTED)
        svg = to_svg(figure, name, TITLE, _described(found))
    kinds = {one.scenario.is_open for one, _, _ in found}
    caption = "A dot a round; to the right and down is better."
    if len(kinds) == 2:
        caption += " Filled: clients at full speed. Hollow: at a fixed rate, which caps it."
    rows = tuple(
        (one.scenario.name, arm.server, *point) for one, arm, points in found for point in points
    )
    data = Data(("scenario", "arm", "round", "reads_per_s", "p50_ms"), rows)
    return Chart(TITLE, caption, SOURCE, svg, name, data)


def _points(arm: Arm) -> list[Point]:
    rates, medians = arm.figures["throughput"].rounds, arm.figures["p50"].rounds
    return [
        (number, rate, medians[number])
        for number, rate in rates.items()
        if rate > 0 and medians.get(number, 0.0) > 0
    ]


def _ends(
    found: Sequence[tuple[ScenarioAnalysis, Arm, list[Point]]],
) -> list[tuple[Arm, list[Point]]]:
    """Return one cloud a server to write its name at: that with the highest throughput."""
    best: dict[str, tuple[Arm, list[Point]]] = {}
    for _, arm, points in found:
        known = best.get(arm.server)
        if known is None or max(p[1] for p in points) > max(p[1] for p in known[1]):
            best[arm.server] = (arm, points)
    return list(best.values())


def _name(
    axes: Axes, server: str, points: Sequence[Point], taken: list[tuple[float, float]]
) -> None:
    """Write a name above its cloud, or below where another cloud's name is already."""
    x = float(np.exp(np.mean(np.log([point[1] for point in points]))))
    heights = [point[2] for point in points]
    middle = float(np.exp(np.mean(np.log(heights))))
    near = [
        one
        for one in taken
        if max(one[0] / x, x / one[0]) < 4 and max(one[1] / middle, middle / one[1]) < 3
    ]
    taken.append((x, middle))
    y = min(heights) if near else max(heights)
    left, right = axes.get_xlim()
    part = np.log(x / left) / np.log(right / left)
    side = "right" if part > 0.66 else "left" if part < 0.33 else "center"
    axes.annotate(
        server,
        (x, y),
        xytext=(0, -6 if near else 6),
        textcoords="offset points",
        ha=side,
        va="top" if near else "bottom",
        color=INK,
        fontweight="bold",
        fontsize=8.5,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
    )


def _widen(axes: Axes, points: Sequence[Point]) -> None:
    """Leave room for the names, and at least a decade both ways."""
    for index, set_limits in ((1, axes.set_xlim), (2, axes.set_ylim)):
        values = [point[index] for point in points]
        low, high = min(values), max(values)
        middle = (low * high) ** 0.5
        set_limits(min(low / 1.6, middle / 4), max(high * 2.2, middle * 4))


def _described(found: Sequence[tuple[ScenarioAnalysis, Arm, list[Point]]]) -> str:
    return "; ".join(
        f"{arm.server} under {one.scenario.name}: about "
        f"{number(float(np.mean([p[1] for p in points])))} reads/s, median "
        f"{number(float(np.mean([p[2] for p in points])))} ms"
        for one, arm, points in found
    )
