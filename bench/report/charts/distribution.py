"""Distributions of waiting times, drawn so that the tail can be read: percentile against time.

The axis of percentiles is logarithmic in what is *beyond*: half, a tenth, a
hundredth of the requests, each the same step. A curve ends where the samples
end that can carry it, or where requests went unanswered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from bench.analysis.latency import SAMPLES_BEYOND, Latencies
from bench.report.chart import Chart, Data
from bench.report.charts.labels import name_end
from bench.report.numbers import number
from bench.report.svg import (
    GRID,
    MUTED,
    STYLE,
    Margins,
    new_figure,
    to_svg,
    width_of,
)

WIDTH_IN = 3.7
POINTS = 160
"""Points a distribution is drawn with: enough for the eye, and a small page."""
LEAST = 20
"""Samples below which there is no curve: not even the median could be stated."""
TICKS = (0.5, 0.9, 0.99, 0.999, 0.9999)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Part of a distribution: shares of the requests, and the time within which they were done."""

    shares: Floats
    times_ms: Floats


def curve(latencies: Latencies) -> Curve | None:
    """Return the stretch of ``latencies`` that its samples carry, thinned; ``None``: too few."""
    count, samples = len(latencies.answered_ms), latencies.samples
    if samples < LEAST or not count:
        return None
    last = min(count, samples - SAMPLES_BEYOND)
    beyond = np.geomspace(samples - 0.5, samples - last + 0.5, POINTS)
    ranks = np.unique(np.clip(np.round(samples - beyond).astype(int), 1, last))
    # A time of 0 has no place on a log scale; the clock's own step is 1 us.
    return Curve((ranks - 0.5) / samples, np.maximum(latencies.answered_ms[ranks - 1], 1e-3))


def distribution(
    title: str,
    parts: Mapping[str, Latencies],
    colours: Mapping[str, str],
    *,
    name: str,
    source: str,
    caption: str,
    empty: str = "no request was answered",
) -> Chart:
    """Draw the distributions in ``parts`` (by label) on one pair of axes."""
    curves = {label: found for label, part in parts.items() if (found := curve(part)) is not None}
    caption = " ".join([caption, *_unanswered(parts), *_too_few(parts, curves)])
    if not curves:
        answered = any(len(part.answered_ms) for part in parts.values())
        why = f"fewer than {LEAST} were answered" if answered else empty
        return Chart(title, f"Nothing to draw: {why}.", source, None, name)
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, 2.6, Margins(top=0.26))
        axes = figure.add_subplot()
        for label, one in curves.items():
            axes.plot(_place(one.shares), one.times_ms, color=colours[label], linewidth=1.9)
        _scales(axes, curves)
        _name_ends(axes, curves, colours)
        svg = to_svg(figure, name, title, ", ".join(_spoken(parts)))
    return Chart(title, caption, source, svg, name, _data(curves))


def _place(shares: Floats) -> Floats:
    return -np.log10(1 - shares)


def _scales(axes: Axes, curves: Mapping[str, Curve]) -> None:
    axes.set_yscale("log")
    furthest = max(float(one.shares[-1]) for one in curves.values())
    ticks = [tick for tick in TICKS if tick <= furthest + 1e-9]
    # Beyond the last request there is room for the names of the curves.
    names = min(width_of(curves) / (WIDTH_IN - 0.5), 0.6)
    axes.set_xlim(0, float(_place(np.array([furthest]))[0]) * max(1.34, 1 / (1 - names)))
    axes.xaxis.set_major_locator(
        FixedLocator([float(_place(np.array([tick]))[0]) for tick in ticks])
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 - 100 * 10**-value:.4g}%"))
    axes.set_xlabel("share of requests, the slowest to the right")
    lowest = min(float(one.times_ms[0]) for one in curves.values())
    highest = max(float(one.times_ms[-1]) for one in curves.values())
    # Half a decade of air on a narrow range, or the scale would have a single tick.
    if highest / lowest < 10:
        middle = float(np.sqrt(lowest * highest))
        lowest, highest = min(lowest, middle / 3.2), max(highest, middle * 3.2)
    axes.set_ylim(lowest / 1.15, highest * 1.25)
    log_ticks(axes.yaxis, lowest, highest)
    axes.set_title("ms, log scale", loc="left", fontsize=8.5, color=MUTED)
    axes.grid(visible=True, color=GRID)
    axes.set_axisbelow(True)


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Label a log axis as people count: 1, 10, 100; on a short one 1, 2, 5, 10, 20."""
    axis.set_major_locator(LogLocator(base=10, subs=(1.0,) if high / low > 80 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axis.set_minor_locator(NullLocator())


def _name_ends(axes: Axes, curves: Mapping[str, Curve], colours: Mapping[str, str]) -> None:
    """Write each name at the end of its curve, moved apart where they would lie on each other."""
    low, high = (float(np.log10(value)) for value in axes.get_ylim())
    gap = (high - low) * 0.085
    wanted = sorted((float(np.log10(one.times_ms[-1])), label) for label, one in curves.items())
    heights: list[float] = []
    for height, _ in wanted:
        heights.append(max(height, heights[-1] + gap) if heights else height)
    over = heights[-1] - (high - gap / 2)
    if over > 0:
        heights = [height - over for height in heights]
    for (_, label), height in zip(wanted, heights, strict=True):
        one = curves[label]
        end = float(_place(one.shares)[-1])
        axes.plot([end], [one.times_ms[-1]], "o", color=colours[label], markersize=3.5)
        name_end(axes, label, end, 10**height)


def _unanswered(parts: Mapping[str, Latencies]) -> list[str]:
    return [
        f"{label}: {part.censored:,} of {part.samples:,} unanswered, its curve ends before them."
        for label, part in parts.items()
        if part.censored
    ]


def _too_few(parts: Mapping[str, Latencies], curves: Mapping[str, Curve]) -> list[str]:
    lacking = [
        f"{label} ({part.samples:,})" for label, part in parts.items() if label not in curves
    ]
    return [f"Too few answered to draw: {', '.join(lacking)}."] if lacking else []


def _spoken(parts: Mapping[str, Latencies]) -> list[str]:
    said = []
    for label, part in parts.items():
        for q in (0.5, 0.99):
            one = part.percentile(q)
            if one.value_ms is not None:
                bound = "at least " if one.at_least else ""
                said.append(f"{label} p{q * 100:.0f} {bound}{number(one.value_ms)} ms")
    return said or ["too few requests for a percentile"]


def _data(curves: Mapping[str, Curve]) -> Data:
    rows: list[tuple[str, float, float]] = []
    for label, one in curves.items():
        pairs: Sequence[tuple[float, float]] = list(
            zip(one.shares.tolist(), one.times_ms.tolist(), strict=True)
        )
        rows += [(label, round(share, 6), at) for share, at in pairs]
    return Data(("arm", "share_of_requests", "ms"), tuple(rows))
