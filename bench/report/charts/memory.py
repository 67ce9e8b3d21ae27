"""The server's memory: against the number of pods where a run has several, else as bars."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.analysis.run import ScenarioAnalysis
from bench.analysis.summary import Arm
from bench.report.arms import contenders
from bench.report.chart import Chart, Data
from bench.report.charts.bars import cost
from bench.report.charts.labels import name_end
from bench.report.charts.palette import colour_of
from bench.report.numbers import number, scale_for
from bench.report.svg import GRID, MUTED, STYLE, Margins, new_figure, to_svg

TITLE = "Server memory against the number of pods"
SOURCE = "trial.json: server_pss_end_bytes, pods_at_start"
Points = list[tuple[int, int, float]]
"""Pods, round, bytes."""


def memory(arms: Sequence[Arm], name: str) -> Chart:
    """Draw memory at the end of a trial, an arm a bar."""
    return cost(arms, "memory_end", "Server memory at the end (PSS)", name)


def memory_against_pods(scenarios: Sequence[ScenarioAnalysis], name: str) -> Chart | None:
    """Draw memory over pods; ``None`` unless the run has at least two numbers of pods."""
    clouds: dict[str, Points] = {}
    for one in scenarios:
        for arm in contenders(one.arms):
            rounds = arm.figures["memory_end"].rounds
            clouds.setdefault(arm.server, []).extend(
                (one.scenario.pods, number_, value) for number_, value in rounds.items()
            )
    clouds = {server: points for server, points in clouds.items() if points}
    if len({point[0] for points in clouds.values() for point in points}) < 2:
        return None
    scale = scale_for((point[2] for points in clouds.values() for point in points), "B")
    with mpl.rc_context(STYLE):
        figure = new_figure(3.7, 2.6, Margins(left=0.5, top=0.26))
        axes = figure.add_subplot()
        ends = []
        for server, points in clouds.items():
            colour = colour_of(server, list(clouds))
            xs, means = _means(points)
            axes.plot([p[0] for p in points], [p[2] / scale.divisor for p in points], "o",
                      color=colour, markersize=2.8, markeredgewidth=0)  # fmt: skip
            axes.plot(xs, means / scale.divisor, color=colour, linewidth=1.8)
            ends.append((float(means[-1]) / scale.divisor, float(xs[-1]), server))
        high = axes.get_ylim()[1]
        axes.set_ylim(0, high * 1.1)
        axes.set_xlim(0, max(end[1] for end in ends) * 1.34)
        _name_ends(axes, ends, gap=high * 1.1 * 0.08)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.grid(visible=True, color=GRID)
        axes.set_axisbelow(True)
        axes.set_xlabel("pods")
        axes.set_title(scale.unit, loc="left", fontsize=8.5, color=MUTED)
        svg = to_svg(figure, name, TITLE, _described(clouds))
    rows = tuple((server, *point) for server, points in clouds.items() for point in points)
    data = Data(("arm", "pods", "round", "pss_bytes"), rows)
    caption = "At the end of each trial; dots are rounds, lines join their means."
    return Chart(TITLE, caption, SOURCE, svg, name, data)


def _means(points: Points) -> tuple[np.ndarray, np.ndarray]:
    xs = sorted({point[0] for point in points})
    means = [float(np.mean([point[2] for point in points if point[0] == x])) for x in xs]
    return np.array(xs, dtype=np.float64), np.array(means)


def _name_ends(
    axes: mpl.axes.Axes, ends: Sequence[tuple[float, float, str]], *, gap: float
) -> None:
    at = -np.inf
    for value, x, server in sorted(ends):
        at = max(value, at + gap)
        name_end(axes, server, x, at)


def _described(clouds: Mapping[str, Points]) -> str:
    parts = []
    for server, points in clouds.items():
        xs, means = _means(points)
        said = ", ".join(
            f"{number(value / 1e6)} MB at {int(x):,} pods"
            for x, value in zip(xs, means, strict=True)
        )
        parts.append(f"{server}: {said}")
    return "; ".join(parts)
