"""Bars by arm: zero-based, each round a dot, the interval a line, the value beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.charts import Chart, Data, Head
from bench.report.charts.axes import (
    WIDTH_IN,
    Margins,
    label,
    name_rows,
    single,
    width_of,
    zero_based,
)
from bench.report.charts.palette import Palette
from bench.report.numbers import Scale, number


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of an arm: its mean, the line drawn over it, and its rounds."""

    value: float
    low: float | None
    high: float | None
    rounds: Mapping[int, float]
    is_interval: bool
    """Whether ``low`` and ``high`` are those of an interval; else the least and most of a round."""


def bars(
    head: Head, shown: Mapping[str, Bar], arms: Sequence[str], scale: Scale, unit: str, axis: str
) -> Chart:
    """Return a chart with a bar an arm; ``unit`` is the data's, ``axis`` names the value axis."""
    if not shown:
        return Chart(head)
    spoken = ", ".join(f"{arm} {scale.show(one.value)}" for arm, one in shown.items())
    return Chart(
        replace(head, description=f"{spoken} ({axis})"),
        _data(shown, unit),
        _size(shown),
        partial(_draw_bars, shown=shown, arms=arms, scale=scale, axis=axis),
    )


def _size(rows: Mapping[str, object]) -> tuple[float, float]:
    return WIDTH_IN, 0.6 + 0.4 * len(rows)


def _data(shown: Mapping[str, Bar], unit: str) -> Data:
    rows: list[tuple[str, str, float]] = []
    for arm, one in shown.items():
        rows += [(arm, f"round {round_}", value) for round_, value in one.rounds.items()]
        rows.append((arm, "mean", one.value))
        if one.is_interval and one.low is not None and one.high is not None:
            rows += [(arm, "low (95%)", one.low), (arm, "high (95%)", one.high)]
    return Data(("arm", "of", f"value ({unit})" if unit else "value"), tuple(rows))


def _draw_bars(
    figure: Figure,
    palette: Palette,
    *,
    shown: Mapping[str, Bar],
    arms: Sequence[str],
    scale: Scale,
    axis: str,
) -> None:
    axes = single(figure, Margins(left=width_of(shown)))
    ends = []
    for row, (arm, one) in enumerate(shown.items()):
        axes.barh(row, one.value / scale.divisor, height=0.56, color=palette.of(arm, arms), lw=0)
        ends.append(_spread(axes, row, one, scale, palette))
    name_rows(axes, list(shown), palette)
    zero_based(axes, palette, negative=min(one.value for one in shown.values()) < 0)
    for row, one in enumerate(shown.values()):
        label(axes, scale.show(one.value), (ends[row], row), palette, fontsize=9, xytext=(5, 0))
    axes.set_xlabel(axis)


def _spread(axes: Axes, row: int, one: Bar, scale: Scale, palette: Palette) -> float:
    """Draw the line and the rounds of a bar; return where the room for its label begins."""
    rounds = [value / scale.divisor for value in one.rounds.values()]
    end = max(one.value / scale.divisor, *rounds, 0.0)
    if one.low is not None and one.high is not None and one.low < one.high:
        low, high = one.low / scale.divisor, one.high / scale.divisor
        axes.plot([low, high], [row, row], color=palette.ink, linewidth=1.0, marker="|", ms=6)
        end = max(end, high)
    if len(rounds) > 1:
        offsets = np.linspace(-0.16, 0.16, len(rounds)) + row
        axes.plot(rounds, offsets, ".", color=palette.ink, markersize=2.6, alpha=0.75)
    return end


@dataclass(frozen=True, slots=True)
class Stack:
    """Counts of an arm by part, and what they are counted over."""

    counts: Mapping[str, int]
    reads: int

    def per_1000(self) -> dict[str, float]:
        """Return the parts for 1,000 reads."""
        return {part: 1000 * count / self.reads for part, count in self.counts.items()}

    @property
    def words(self) -> str:
        """The parts as a sum: ``1,000 list + 2 watch``."""
        parts = [f"{number(value)} {part}" for part, value in self.per_1000().items()]
        return " + ".join(parts) or "0"


def stacks(head: Head, shown: Mapping[str, Stack], arms: Sequence[str], axis: str) -> Chart:
    """Return a chart with a bar an arm, made of its parts."""
    if not shown:
        return Chart(head)
    rows = tuple(
        (arm, part, count, one.reads, 1000 * count / one.reads)
        for arm, one in shown.items()
        for part, count in (one.counts or {"none": 0}).items()
    )
    spoken = "; ".join(f"{arm}: {one.words}" for arm, one in shown.items())
    return Chart(
        replace(head, description=f"{spoken} ({axis})"),
        Data(("arm", "verb", "requests", "answered_reads", "per_1000_reads"), rows),
        _size(shown),
        partial(_draw_stacks, shown=shown, arms=arms, axis=axis),
    )


def _draw_stacks(
    figure: Figure, palette: Palette, *, shown: Mapping[str, Stack], arms: Sequence[str], axis: str
) -> None:
    axes = single(figure, Margins(left=width_of(shown)))
    for row, (arm, one) in enumerate(shown.items()):
        end = 0.0
        for value in one.per_1000().values():
            axes.barh(
                row,
                value,
                left=end,
                height=0.56,
                color=palette.of(arm, arms),
                edgecolor=palette.paper,
                linewidth=0.8 if len(one.counts) > 1 else 0,
            )
            end += value
        label(axes, one.words, (end, row), palette, fontsize=9, xytext=(5, 0))
    name_rows(axes, list(shown), palette)
    zero_based(axes, palette, room=0.42)
    axes.set_xlabel(axis)
