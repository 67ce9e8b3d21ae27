"""Distributions of waiting times, drawn so that the tail can be read: percentile against time.

The axis of percentiles is logarithmic in the share *beyond*: a tenth, a hundredth and a
thousandth of the requests are equal steps apart.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.analysis.latency import SAMPLES_BEYOND, Latencies
from bench.report.charts import Chart, Data, Head
from bench.report.charts.lines import Frame, Line, lines
from bench.report.numbers import Scale

POINTS = 120
"""Points a distribution is drawn with: enough for the eye, and a small page."""
LEAST = 20
"""Samples below which there is no curve: not even the median could be stated."""
TICKS = (0.5, 0.9, 0.99, 0.999, 0.9999)


def curve(latencies: Latencies) -> Line | None:
    """Return the part of ``latencies`` that its samples support, thinned; ``None``: too few.

    Its ``x`` are -log10 of the share beyond.
    """
    count, samples = len(latencies.answered_ms), latencies.samples
    if samples < LEAST or not count:
        return None
    last = min(count, samples - SAMPLES_BEYOND)
    beyond = np.geomspace(samples - 0.5, samples - last + 0.5, POINTS)
    ranks = np.unique(np.clip(np.round(samples - beyond).astype(int), 1, last))
    # A time of 0 has no place on a log scale; the clock's own step is 1 us.
    times_ms = np.maximum(latencies.answered_ms[ranks - 1], 1e-3)
    return Line(-np.log10(1 - (ranks - 0.5) / samples), times_ms)


def _share(x: float) -> str:
    return f"{100 - 100 * 10**-x:.4g}%"


def distribution(head: Head, curves: Mapping[str, Line], axes: tuple[str, str]) -> Chart:
    """Return a chart of the curves on one pair of axes; without a curve it has no ``draw``."""
    if not curves:
        return Chart(replace(head, description=""))
    rows = tuple(
        (arm, round(1 - 10**-x, 6), ms)
        for arm, line in curves.items()
        for x, ms in zip(line.x.tolist(), line.value.tolist(), strict=True)
    )
    furthest = max(float(line.x[-1]) for line in curves.values())
    ticks = {float(-np.log10(1 - tick)): _share(-np.log10(1 - tick)) for tick in TICKS}
    ticks = {x: label for x, label in ticks.items() if x <= furthest + 1e-9}
    frame = Frame(axes[0], axes[1], Scale(1.0, "ms"), log=True, ticks=ticks, x_text=_share)
    return lines(head, curves, frame, Data(("arm", "share_of_requests", "ms"), rows))
