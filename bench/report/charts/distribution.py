"""Distributions of waiting times, drawn so that the tail can be read: percentile against time.

The axis of percentiles is logarithmic in what is *beyond*: half, a tenth, a
hundredth of the requests, each the same step. A curve ends where the samples
end that can carry it, or where requests went unanswered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from bench.analysis.latency import SAMPLES_BEYOND, Latencies
from bench.report.charts import Chart, Data, Head
from bench.report.charts.axes import (
    WIDTH_IN,
    Margins,
    grid,
    heading,
    log_ticks,
    name_ends,
    single,
    width_of,
)
from bench.report.charts.palette import Palette, dash_of, mark_of

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
    head: Head, shown: Mapping[str, Curve], axes: tuple[str, str], arms: Sequence[str]
) -> Chart:
    """Return the curves on one pair of axes; without a curve there is nothing to draw."""
    if not shown:
        return Chart(replace(head, description=""))
    rows = tuple(
        (arm, round(share, 6), at)
        for arm, one in shown.items()
        for share, at in zip(one.shares.tolist(), one.times_ms.tolist(), strict=True)
    )
    return Chart(
        head,
        Data(("arm", "share_of_requests", "ms"), rows),
        (WIDTH_IN, 2.6),
        partial(_draw, shown=shown, names=axes, arms=arms),
    )


def _place(shares: Floats) -> Floats:
    return -np.log10(1 - shares)


def _draw(
    figure: Figure,
    palette: Palette,
    *,
    shown: Mapping[str, Curve],
    names: tuple[str, str],
    arms: Sequence[str],
) -> None:
    axes = single(figure, Margins(top=0.26, right=width_of(shown)))
    axes.set_yscale("log")
    ends = {}
    for arm, one in shown.items():
        colour, at = palette.of(arm, arms), _place(one.shares)
        stroke = {"color": colour, "linewidth": 1.9, "linestyle": dash_of(arm, arms)}
        axes.plot(at, one.times_ms, **stroke)  # type: ignore[arg-type]  # a stroke's own words
        axes.plot(at[-1:], one.times_ms[-1:], mark_of(arm, arms), color=colour, markersize=4)
        ends[arm] = (float(at[-1]), float(one.times_ms[-1]))
    furthest = max(float(one.shares[-1]) for one in shown.values())
    ticks = np.array([tick for tick in TICKS if tick <= furthest + 1e-9])
    axes.set_xlim(0, float(_place(np.array([furthest]))[0]) * 1.03)
    axes.xaxis.set_major_locator(FixedLocator(_place(ticks).tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 - 100 * 10**-value:.4g}%"))
    lowest = min(float(one.times_ms[0]) for one in shown.values())
    highest = max(float(one.times_ms[-1]) for one in shown.values())
    # Half a decade of air on a narrow range, or the scale would have a single tick.
    if highest / lowest < 10:
        middle = float(np.sqrt(lowest * highest))
        lowest, highest = min(lowest, middle / 3.2), max(highest, middle * 3.2)
    axes.set_ylim(lowest / 1.15, highest * 1.25)
    log_ticks(axes.yaxis, lowest, highest)
    axes.set_xlabel(names[0])
    heading(axes, names[1], palette)
    grid(axes, palette)
    name_ends(axes, ends, palette)
