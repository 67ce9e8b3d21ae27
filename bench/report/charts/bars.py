"""Bars of a figure by arm: zero-based, each round a dot, the interval a line, the value beside."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.analysis.summary import Arm, Figure
from bench.report.chart import Chart, Data
from bench.report.charts.palette import colour_of
from bench.report.numbers import Scale, number, scale_for
from bench.report.svg import INK, MUTED, PAPER, STYLE, Margins, new_figure, to_svg, width_of

WIDTH_IN = 3.7
"""About a phone's width at 96 px an inch, so that text keeps its size there."""

UNITS = {"ms/s": "ms of CPU in a second", "/s": "in a second", "share": "share"}


def cost(arms: Sequence[Arm], key: str, title: str, name: str) -> Chart:
    """Draw the figure ``key`` of ``arms``, per second or of the state."""
    figures = {arm.server: arm.figures[key] for arm in arms}
    caption = "Bars are means over rounds, dots the rounds"
    above = any(figure.metric.above_floor for figure in figures.values())
    caption += ", lines 95% intervals." if above else ", lines their range."
    unit = next((figure.metric.unit for figure in figures.values()), "")
    return bars(title, caption, figures, UNITS.get(unit, unit), name)


def bars(title: str, caption: str, figures: Mapping[str, Figure], unit: str, name: str) -> Chart:
    """Draw a bar for each of ``figures``, by arm; those without a value are named instead."""
    shown = {server: figure for server, figure in figures.items() if figure.interval is not None}
    source = next((figure.metric.source for figure in figures.values()), "")
    if not shown:
        return Chart(title, "Nothing to draw: no trial measured this.", source, None, name)
    lacking = [server for server in figures if server not in shown]
    if lacking:
        caption += f" Not measured: {', '.join(lacking)}."
    values = [figure.interval.value for figure in shown.values() if figure.interval]
    scale = scale_for(values, unit)
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, 0.6 + 0.4 * len(shown), Margins(left=width_of(shown)))
        axes = figure.add_subplot()
        for row, (server, one) in enumerate(shown.items()):
            _bar(axes, row, one, colour_of(server, list(figures)), scale)
        name_rows(axes, list(shown))
        zero_based(axes, negative=min(values) < 0)
        axes.set_xlabel(scale.unit)
        described = ", ".join(
            f"{server} {scale.show(one.interval.value)}"
            for server, one in shown.items()
            if one.interval
        )
        svg = to_svg(figure, name, title, f"{described} ({scale.unit})")
    return Chart(title, caption, source, svg, name, _data(shown))


def _data(figures: Mapping[str, Figure]) -> Data:
    unit = next(iter(figures.values())).metric.unit
    rows: list[tuple[str, str, float]] = []
    for server, figure in figures.items():
        rows += [(server, f"round {number}", value) for number, value in figure.rounds.items()]
        one = figure.interval
        if one is not None:
            rows.append((server, "mean", one.value))
            if one.low is not None and one.high is not None:
                rows += [(server, "low (95%)", one.low), (server, "high (95%)", one.high)]
    return Data(("arm", "of", f"value ({unit})" if unit else "value"), tuple(rows))


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows of a chart of bars, the first at the top."""
    axes.set_yticks(range(len(names)), list(names), color=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _bar(axes: Axes, row: int, figure: Figure, colour: str, scale: Scale) -> None:
    interval = figure.interval
    if interval is None:
        return
    value = interval.value / scale.divisor
    axes.barh(row, value, height=0.56, color=colour, linewidth=0)
    end = value
    rounds = [one / scale.divisor for one in figure.rounds.values()]
    low, high = min(rounds), max(rounds)
    if figure.metric.above_floor and interval.low is not None and interval.high is not None:
        low, high = interval.low / scale.divisor, interval.high / scale.divisor
    if low < high:
        axes.plot([low, high], [row, row], color=INK, linewidth=1.0)
        axes.plot([low, high], [row, row], color=INK, linewidth=0, marker="|", markersize=6)
        end = max(end, high)
    if len(rounds) > 1:
        offsets = np.linspace(-0.16, 0.16, len(rounds)) + row
        axes.plot(rounds, offsets, ".", color=INK, markersize=2.6, alpha=0.75)
    end_label(axes, scale.show(interval.value), max(end, *rounds, 0.0), row)


def end_label(axes: Axes, text: str, at: float, row: float) -> None:
    """Write ``text`` beyond the end of a bar."""
    axes.annotate(
        text,
        (at, row),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontweight="bold",
        color=INK,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.7, "pad": 0.4},
    )


def zero_based(axes: Axes, *, negative: bool = False, room: float = 0.2) -> None:
    """Begin the value axis at zero (or below, where a difference is), with room for labels."""
    low, high = axes.get_xlim()
    low, high = min(low, 0.0), max(high, 0.0)
    if not negative:
        low = 0.0
    if high <= low:
        high = low + 1.0
    axes.set_xlim(low, high + room * (high - low))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.grid(visible=True, axis="x")
    axes.set_axisbelow(True)
    axes.axvline(0.0, color=MUTED, linewidth=0.8)
    axes.spines["bottom"].set_visible(False)
