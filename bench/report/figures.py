"""The charts of a scenario. Each says in words what it shows; none is drawn of nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from bench.analysis.latency import Latencies
from bench.analysis.run import ScenarioAnalysis
from bench.analysis.summary import PRESENTATION, Arm, Figure
from bench.model import NO_SERVER
from bench.report.numbers import Scale, number, scale_for
from bench.report.svg import FLOOR, GRID, INK, MUTED, PAPER, SERIES, STYLE, new_figure, to_svg

WIDTH_IN = 3.7
"""About a phone's width at 96 px an inch, so that text keeps its size there."""
POINTS = 240
"""Points a distribution is drawn with: enough for the eye, and a small page."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: its svg, a caption, where its data come from; or, without svg, what is missing."""

    title: str
    caption: str
    source: str
    svg: str | None


def charts(scenario: ScenarioAnalysis, prefix: str) -> list[Chart]:
    """Return the charts of ``scenario``; ``prefix`` makes their ids unique on the page."""
    arms = list(scenario.arms)
    servers = [arm for arm in arms if not arm.is_floor]
    found = [
        _requests(servers, f"{prefix}-requests"),
        _latency(servers, f"{prefix}-latency"),
    ]
    above = ", above the floor" if any(arm.is_floor for arm in arms) else ""
    if scenario.scenario.is_open:
        found.append(_cost(servers, "apiserver_cpu", f"API-server CPU{above}", f"{prefix}-cpu"))
        found.append(
            _cost(
                servers,
                "api_bytes",
                f"Bytes the API server sent{above}",
                f"{prefix}-bytes",
            )
        )
    else:
        found.append(_cost(servers, "throughput", "Reads answered", f"{prefix}-throughput"))
    found.append(_cost(servers, "memory_end", "Server memory (PSS)", f"{prefix}-memory"))
    return found


def colour_of(server: str, servers: Sequence[str]) -> str:
    """Return the colour of ``server``: the known ones always have their own."""
    if server == NO_SERVER:
        return FLOOR
    if server in PRESENTATION:
        return SERIES[PRESENTATION.index(server)]
    others = [name for name in servers if name not in (*PRESENTATION, NO_SERVER)]
    spare = SERIES[len(PRESENTATION) :]
    return spare[others.index(server) % len(spare)]


def _requests(arms: Sequence[Arm], name: str) -> Chart:
    title = "Requests that reached the API server, for 1,000 reads"
    figures = {arm.server: arm.per_1000["api_requests"] for arm in arms}
    caption = "By the audit log. " + "; ".join(
        f"{arm.server}: {_verbs(arm)}" for arm in arms if arm.reached is not None
    )
    return _bars(title, caption + ".", figures, "requests for 1,000 reads", name)


def _verbs(arm: Arm) -> str:
    if not arm.reached:
        return f"none during {arm.reads:,} reads"
    parts = [f"{count:,} {verb}" for verb, count in arm.reached_by_verb.items()]
    return f"{', '.join(parts)} during {arm.reads:,} reads"


def _cost(arms: Sequence[Arm], key: str, title: str, name: str) -> Chart:
    figures = {arm.server: arm.figures[key] for arm in arms}
    caption = "Bars are means over rounds, dots the rounds"
    above = any(figure.metric.above_floor for figure in figures.values())
    caption += ", lines 95% intervals." if above else ", lines their range."
    unit = next((figure.metric.unit for figure in figures.values()), "")
    words = {"ms/s": "ms of CPU in a second", "/s": "in a second"}
    return _bars(title, caption, figures, words.get(unit, unit), name)


def _bars(title: str, caption: str, figures: dict[str, Figure], unit: str, name: str) -> Chart:
    shown = {server: figure for server, figure in figures.items() if figure.interval is not None}
    source = next((figure.metric.source for figure in figures.values()), "")
    if not shown:
        return Chart(title, "Nothing to draw: no trial measured this.", source, None)
    lacking = [server for server in figures if server not in shown]
    if lacking:
        caption += f" Not measured: {', '.join(lacking)}."
    values = [figure.interval.value for figure in shown.values() if figure.interval]
    scale = scale_for(values, unit)
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, 0.75 + 0.42 * len(shown))
        axes = figure.add_subplot()
        for row, (server, one) in enumerate(shown.items()):
            _bar(axes, row, one, colour_of(server, list(figures)), scale)
        axes.set_yticks(range(len(shown)), list(shown), color=INK)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        _zero_based(axes, negative=min(values) < 0)
        axes.set_xlabel(scale.unit)
        described = ", ".join(
            f"{server} {scale.show(one.interval.value)}"
            for server, one in shown.items()
            if one.interval
        )
        svg = to_svg(figure, name, title, f"{described} ({scale.unit})")
    return Chart(title, caption, source, svg)


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
    axes.annotate(
        scale.show(interval.value),
        (max(end, *rounds, 0.0), row),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontweight="bold",
        color=INK,
    )


def _zero_based(axes: Axes, *, negative: bool) -> None:
    """Begin the value axis at zero (or below, where a difference is), with room for labels."""
    low, high = axes.get_xlim()
    low, high = min(low, 0.0), max(high, 0.0)
    if not negative:
        low = 0.0
    if high <= low:
        high = low + 1.0
    axes.set_xlim(low, high + 0.2 * (high - low))
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.grid(visible=True, axis="x")
    axes.set_axisbelow(True)
    axes.axvline(0.0, color=MUTED, linewidth=0.8)
    axes.spines["bottom"].set_visible(False)


def _latency(arms: Sequence[Arm], name: str) -> Chart:
    title = "Latency, from the intended start"
    source = (
        "requests.parquet: done_us - intended_us of rows with outcome ok, as a share of all rows"
    )
    drawn = [arm for arm in arms if len(arm.felt.answered_ms)]
    if not drawn:
        return Chart(title, "Nothing to draw: no request was answered.", source, None)
    caption = "Share of reads answered within a time (log scale): further left is quicker."
    for arm in arms:
        if arm.felt.censored:
            caption += f" {arm.server}: {arm.felt.censored:,} of {arm.felt.samples:,} unanswered."
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, 2.5)
        axes = figure.add_subplot()
        servers = [arm.server for arm in arms]
        axes.set_xscale("log")
        for arm in drawn:
            axes.plot(*_curve(arm.felt), color=colour_of(arm.server, servers), linewidth=1.8)
        for place, arm in enumerate(drawn):
            _name_curve(axes, arm, colour_of(arm.server, servers), place, len(drawn))
        axes.set_ylim(0, 1.0)
        axes.yaxis.set_major_locator(mpl.ticker.FixedLocator([0, 0.25, 0.5, 0.75, 1.0]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda _value, _: ""))
        axes.grid(visible=True, color=GRID)
        axes.set_axisbelow(True)
        axes.set_xlabel("ms")
        described = ", ".join(_median(arm) for arm in drawn)
        svg = to_svg(figure, name, title, described)
    return Chart(title, caption, source, svg)


def _median(arm: Arm) -> str:
    one = arm.percentiles[0]
    if one.value_ms is None:
        return f"{arm.server}: too few requests for a median"
    return f"{arm.server}: median {'at least ' if one.at_least else ''}{number(one.value_ms)} ms"


def _name_curve(axes: Axes, arm: Arm, colour: str, place: int, of: int) -> None:
    values, shares = _curve(arm.felt)
    # Labels at their own heights, so that curves that lie together can still be told apart.
    height = (place + 1) / (of + 1) * 0.8 + 0.1
    share = min(height, float(shares[-1]))
    at = float(values[int(np.searchsorted(shares, share).clip(0, len(values) - 1))])
    left, right = axes.get_xlim()
    # Near the right edge the name goes to the left of its curve, or it would leave the page.
    flip = np.log(at / left) > 0.7 * np.log(right / left)
    axes.annotate(
        arm.server,
        (at, share),
        xytext=(-7 if flip else 7, -3),
        textcoords="offset points",
        ha="right" if flip else "left",
        color=INK,
        fontweight="bold",
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.8},
    )
    axes.plot([at], [share], "o", color=colour, markersize=3)


def _curve(latencies: Latencies) -> tuple[np.ndarray, np.ndarray]:
    """Thin the empirical distribution to ``POINTS`` order statistics, both ends kept."""
    answered = latencies.answered_ms
    count = len(answered)
    ranks = np.unique(np.linspace(0, count - 1, min(POINTS, count)).round().astype(int))
    # A latency of 0 has no place on a log scale; the clock's own step is 1 us.
    return np.maximum(answered[ranks], 1e-3), (ranks + 1) / latencies.samples
