"""Paired differences: each round a dot, around the line at "no difference"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from bench.report.charts import Chart, Data, Head
from bench.report.charts.axes import Margins, label, single
from bench.report.charts.palette import Palette, mark_of
from bench.report.numbers import MINUS, NO_BREAK

WIDTH_IN, MARGIN_IN = 4.4, 0.1
LINE_IN = 0.185
"""Height of a line of dots, and of the title above the lines of a metric."""
LARGEST, OF_HEIGHT = 7.6, 0.58
"""Points that a figure beside the dots has at most, and a letter's width as a share of them."""
COLUMNS = ("metric", "scenario", "subject", "baseline", "round", "difference_of_baseline")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, subject less baseline, as shares of the baseline."""

    title: str
    scenario: str
    subject: str
    baseline: str
    rounds: Mapping[int, float]
    value: float
    low: float | None
    high: float | None
    words: str
    """The share and its interval, as they stand beside the dots."""

    @property
    def label(self) -> str:
        """What stands beside the dots."""
        return f"{self.words} vs{NO_BREAK}{self.baseline}"


def reach_of(shown: Sequence[Difference]) -> float:
    """Return how far the axis goes to both sides: all of the baseline, or less if that shows all.

    What is beyond is drawn as an arrow at the edge, its figure beside it.
    """
    furthest = max(
        (abs(value) for one in shown for value in (*one.rounds.values(), one.value)), default=0.0
    )
    return 0.5 if furthest <= 0.5 else 1.0


def beyond(one: Difference, reach: float) -> list[float]:
    """Return the rounds of a difference that the axis does not reach."""
    return [value for value in one.rounds.values() if abs(value) > reach * 1.03]


def differences(
    head: Head, groups: Mapping[str, Sequence[Difference]], axis: str, same_within: float
) -> Chart:
    """Return a chart with a title and a line a baseline for each group."""
    shown = [one for group in groups.values() for one in group]
    rows = tuple(
        (one.title, one.scenario, one.subject, one.baseline, round_, value)
        for one in shown
        for round_, value in one.rounds.items()
    )
    places = sum(len(group) + 1.35 for group in groups.values())
    return Chart(
        head,
        Data(COLUMNS, rows),
        (WIDTH_IN, 0.5 + LINE_IN * places),
        partial(_draw, groups=groups, axis=axis, same_within=same_within, places=places),
    )


def _draw(
    figure: Figure,
    palette: Palette,
    *,
    groups: Mapping[str, Sequence[Difference]],
    axis: str,
    same_within: float,
    places: float,
) -> None:
    shown = [one for group in groups.values() for one in group]
    arms = [one.baseline for one in shown]
    reach = reach_of(shown)
    # A figure stands in one half of the axes, beyond the band: all are as large as fits there.
    room = (WIDTH_IN - 2 * MARGIN_IN) * 72 * (1.1 * reach - same_within) / (2.2 * reach)
    size = min(LARGEST, room / (OF_HEIGHT * max(len(one.label) for one in shown)))
    axes = single(figure, Margins(left=MARGIN_IN, right=MARGIN_IN))
    axes.set_xlim(-reach * 1.1, reach * 1.1)
    axes.set_ylim(places, -0.4)
    axes.axvspan(-same_within, same_within, color=palette.grid, alpha=0.55, linewidth=0)
    axes.axvline(0.0, color=palette.ink, linewidth=0.9)
    place = 0.2
    for title, group in groups.items():
        label(axes, title, (-reach, place), palette, fontsize=9, xytext=(0, 0))
        for one in group:
            place += 1.0
            _dots(axes, one, place, reach, palette, arms)
            left = one.value > 0
            label(
                axes,
                one.label,
                (-same_within if left else same_within, place),
                palette,
                xytext=(-3 if left else 3, 0),
                ha="right" if left else "left",
                fontsize=size,
                fontweight="normal",
            )
        place += 1.35
    axes.set_yticks([])
    axes.xaxis.set_major_locator(FixedLocator(np.linspace(-reach, reach, 5).tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(_percent))
    axes.set_xlabel(axis)
    axes.spines["bottom"].set_visible(False)


def _dots(
    axes: Axes, one: Difference, place: float, reach: float, palette: Palette, arms: Sequence[str]
) -> None:
    colour, mark = palette.of(one.baseline, arms), mark_of(one.baseline, arms)
    inside = [value for value in one.rounds.values() if abs(value) <= reach * 1.03]
    offsets = np.linspace(-0.22, 0.22, len(inside)) if len(inside) > 1 else np.zeros(len(inside))
    if one.low is not None and one.high is not None:
        low, high = (float(np.clip(bound, -reach, reach)) for bound in (one.low, one.high))
        axes.plot([low, high], [place, place], color=palette.ink, lw=1.1, solid_capstyle="butt")
    axes.plot(inside, place + offsets, mark, color=colour, markersize=2.9, markeredgewidth=0)
    if abs(one.value) <= reach * 1.03:
        axes.plot([one.value], [place], "|", color=palette.ink, ms=8, markeredgewidth=1.4)
    else:
        edge = float(np.sign(one.value)) * reach
        arrow = ">" if one.value > 0 else "<"
        axes.plot([edge], [place], arrow, color=colour, markersize=5, markeredgewidth=0)


def _percent(value: float, _: object) -> str:
    sign = {-1.0: MINUS, 0.0: "", 1.0: "+"}[float(np.sign(round(value, 9)))]
    return f"{sign}{abs(value) * 100:.0f}%"
