"""Rows of marks: rounds as dots, their mean and its interval, the figure in the margin.

``rows`` draws a panel for each quantity, on its own scale from zero; ``differences`` draws one
axis of shares around "no difference".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Paper
from matplotlib.ticker import FixedLocator, FuncFormatter
from rich.cells import cell_len

from bench.analysis.result import SAME_WITHIN, Figure
from bench.model.message import Message, listed, message
from bench.report.charts import Chart, Data, Head, Mark
from bench.report.charts.axes import (
    SMALL,
    WIDTH_IN,
    Margins,
    grid,
    heading,
    legend,
    legend_in,
    panels,
    scaled_ticks,
    width_of,
)
from bench.report.charts.palette import Palette
from bench.report.numbers import MINUS, Scale, scale_for
from bench.stats import Estimate

ROW_IN, PANEL_IN = 0.24, 0.56
"""Heights of a row, and of what stands above and below the rows of a panel."""
NARROW_IN = 1.0
"""Width below which an axis has room for two ticks only."""
LARGEST, OF_HEIGHT = 7.6, 0.55
"""Largest font size of a figure beside the dots, in points, and a letter's width as its share."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row: the figure of an arm with its interval, its rounds, and words for the margin."""

    name: str
    arm: str
    estimate: Estimate
    rounds: Mapping[int, float]
    words: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One quantity: its title with the unit, its scale, and its rows."""

    title: str
    scale: Scale
    entries: Sequence[Entry]

    @property
    def text(self) -> Message:
        """The panel in words."""
        text = Message("{name} {words}")
        figures = [text.format(name=entry.name, words=entry.words) for entry in self.entries]
        return Message("{title}: {figures}").format(title=self.title, figures=listed(figures))


def panel_of(
    heads: Sequence[str], unit: str, figures: Iterable[tuple[str, str, Figure | None]]
) -> Panel:
    """Return the panel of figures (name, arm, figure), without those that have no value."""
    measured = [(name, arm, figure) for name, arm, figure in figures if figure is not None]
    scale = scale_for([figure.value for _, _, figure in measured], unit)
    entries = [
        Entry(name, arm, estimate, figure.rounds, scale.estimate(estimate))
        for name, arm, figure in measured
        if (estimate := figure.estimate) is not None
    ]
    return Panel(listed([*heads, *([scale.unit] if scale.unit else [])]), scale, entries)


def rows(head: Head, shown: Sequence[Panel], data: Data) -> Chart:
    """Return a chart with a panel for each quantity."""
    height = sum(PANEL_IN + ROW_IN * len(panel.entries) for panel in shown)
    return Chart(head, data, (WIDTH_IN, height), partial(_draw, shown=shown))


def _draw(figure: Paper, palette: Palette, *, shown: Sequence[Panel]) -> list[Mark]:
    margins = Margins(
        left=width_of(entry.name for panel in shown for entry in panel.entries),
        right=0.82 * width_of(entry.words for panel in shown for entry in panel.entries),
    )
    heights = [ROW_IN * len(panel.entries) for panel in shown]
    most = 4 if WIDTH_IN - margins.left - margins.right > NARROW_IN else 2
    marks: list[Mark] = []
    for axes, panel in zip(panels(figure, margins, heights, PANEL_IN), shown, strict=True):
        names = [entry.name for entry in panel.entries]
        axes.set_yticks(range(len(names)), names, color=palette.ink)
        axes.set_ylim(len(names) - 0.4, -0.6)
        ends = [0.0]
        for y, entry in enumerate(panel.entries):
            _row(axes, entry, y, palette)
            estimate = entry.estimate
            text = Message("{name}: {words}").format(name=entry.name, words=entry.words)
            if (count := len(entry.rounds)) > 1:
                text = message("{told}, {rounds} rounds").format(told=text, rounds=count)
            marks.append(Mark(axes, estimate.value, y, text))
            axes.text(
                1.02, y, entry.words, transform=axes.get_yaxis_transform(),
                va="center", fontsize=7.6, color=palette.ink,
            )  # fmt: skip
            ends += [*entry.rounds.values(), estimate.value, *(estimate.bounds or ())]
        low, high = min(ends), max(ends) or 1.0
        axes.set_xlim(low - 0.03 * (high - low), high + 0.04 * (high - low))
        scaled_ticks(axes.xaxis, (low, high), panel.scale, most)
        grid(axes, palette, across_only=True)
        axes.axvline(0.0, color=palette.muted, linewidth=0.8)
        axes.spines["bottom"].set_visible(False)
        heading(axes, panel.title, palette, margins.left - 0.05)
    return marks


def _row(axes: Axes, entry: Entry, y: float, palette: Palette) -> None:
    """Draw the rounds of a row, its interval and its mean."""
    if entry.estimate.bounds is not None:
        axes.plot(entry.estimate.bounds, [y] * 2, color=palette.ink, linewidth=1.1)
    values = list(entry.rounds.values())
    offsets = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else np.zeros(len(values))
    named = {line.get_label() for line in axes.lines}
    axes.plot(
        values,
        y + offsets,
        palette.mark(entry.arm),
        color=palette.of(entry.arm),
        markersize=3,
        markeredgewidth=0,
        label=f"_{entry.arm}" if entry.arm in named else entry.arm,
    )
    mean = [entry.estimate.value]
    axes.plot(mean, [y], "|", color=palette.ink, markersize=9, markeredgewidth=1.6)


# Differences.


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, subject less baseline, as shares of the baseline."""

    title: str
    scenario: str
    subject: str
    baseline: str
    rounds: Mapping[int, float]
    estimate: Estimate
    words: str
    """The factor and its interval, as they stand beside the dots."""

    @property
    def text(self) -> Message:
        """The difference in words."""
        text = message("{metric}: {words} against {baseline}")
        return text.format(metric=self.title, words=self.words, baseline=self.baseline)


COLUMNS = ("metric", "scenario", "subject", "baseline", "round", "difference_of_baseline")
WIDE_IN, WORDS_IN, LINE_IN, LEFT_IN, TOP_IN = 4.4, 2.3, 0.19, 0.24, 0.1
MOST_IN_LEGEND = 3
LIMIT = 1.03
"""Multiple of the reach within which a mark is still drawn."""


def reach_of(rows_: Sequence[Difference]) -> float:
    """Return the end of the axis on both sides: 1, all of the baseline, or 0.5 if that shows all.

    A mark beyond it is an arrow at the edge, with its figure beside it.
    """
    values = [value for row in rows_ for value in (*row.rounds.values(), row.estimate.value)]
    furthest = max(map(abs, values), default=0.0)
    return 0.5 if furthest <= 0.5 else 1.0


def beyond(difference: Difference, reach: float) -> tuple[int, int]:
    """Return how many rounds lie beyond the axis on the left, and on the right."""
    values = list(difference.rounds.values())
    return (
        sum(value < -reach * LIMIT for value in values),
        sum(value > reach * LIMIT for value in values),
    )


def differences(head: Head, groups: Mapping[str, Sequence[Difference]], axis: str) -> Chart:
    """Return a chart with a row for each difference, below the title of its group."""
    rows_ = [row for group in groups.values() for row in group]
    rounds = tuple(
        (row.title, row.scenario, row.subject, row.baseline, round_, value)
        for row in rows_
        for round_, value in row.rounds.items()
    )
    left, top, _ = _beside(rows_)
    lines_in = LINE_IN * (len(rows_) + 1.3 * len(groups))
    size = (WIDE_IN + left - LEFT_IN, 0.3 + top + lines_in)
    drawn = partial(_draw_differences, groups=groups, axis=axis)
    return Chart(head, Data(COLUMNS, rounds), size, drawn)


def _beside(rows_: Sequence[Difference]) -> tuple[float, float, bool]:
    """Return the left and top margins in inches, and whether names stand beside the rows."""
    names = [*dict.fromkeys(row.baseline for row in rows_)]
    if len(names) > MOST_IN_LEGEND:
        return width_of(names), TOP_IN, True
    return LEFT_IN, legend_in(names), False


def _draw_differences(
    figure: Paper, palette: Palette, *, groups: Mapping[str, Sequence[Difference]], axis: str
) -> list[Mark]:
    rows_ = [row for group in groups.values() for row in group]
    reach, (left, top, named) = reach_of(rows_), _beside(rows_)
    margins = Margins(left=left, right=WORDS_IN, top=top)
    (axes,) = panels(figure, margins, [figure.get_size_inches()[1] - margins.top - 0.44])
    axes.axvspan(-SAME_WITHIN, SAME_WITHIN, color=palette.grid, alpha=0.55, linewidth=0)
    axes.axvline(0.0, color=palette.ink, linewidth=0.9)
    room = WORDS_IN * 72 / (OF_HEIGHT * max(cell_len(row.words) for row in rows_))
    y, marks = 0.0, list[Mark]()
    for title, group in groups.items():
        axes.text(
            0.0, y, title, transform=axes.get_yaxis_transform(),
            va="center", fontsize=SMALL, fontweight="bold", color=palette.ink,
            bbox={"facecolor": palette.paper, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
        for row in group:
            y += 1.0
            marks.append(_line(axes, row, y, reach, palette))
            if named:
                axes.text(
                    -0.03, y, row.baseline, va="center", ha="right",
                    transform=axes.get_yaxis_transform(), fontsize=LARGEST, color=palette.ink,
                )  # fmt: skip
            axes.text(
                1.02, y, row.words, va="center",
                transform=axes.get_yaxis_transform(), fontsize=min(LARGEST, room),
                color=palette.ink,
            )  # fmt: skip
        y += 1.3
    axes.set_xlim(-reach * 1.05, reach * 1.05)
    axes.set_ylim(y - 0.5, -0.6)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(FixedLocator(np.linspace(-reach, reach, 5).tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(_percent))
    axes.set_xlabel(axis)
    if not named:
        legend(axes, margins)
    axes.spines["bottom"].set_visible(False)
    return marks


def _line(axes: Axes, row: Difference, y: float, reach: float, palette: Palette) -> Mark:
    inside = {n: value for n, value in row.rounds.items() if abs(value) <= reach * LIMIT}
    ends = np.clip([row.estimate.value, *(row.estimate.bounds or ())], -reach, reach)
    clipped = Estimate(*ends.tolist())
    _row(axes, Entry(row.title, row.baseline, clipped, inside, row.words), y, palette)
    value = clipped.value
    if value != row.estimate.value:
        arrow = ">" if value > 0 else "<"
        axes.plot([value], [y], arrow, color=palette.of(row.baseline), markersize=6)
    text = message("{told}, {rounds} rounds").format(told=row.text, rounds=len(row.rounds))
    return Mark(axes, value, y, text)


def _percent(value: float, _: object) -> str:
    sign = {-1.0: MINUS, 0.0: "", 1.0: "+"}[float(np.sign(round(value, 9)))]
    return f"{sign}{abs(value) * 100:.0f}%"
