"""The paired differences: each round a dot, around the line at "no difference"."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from bench.analysis.intervals import INDICATIVE_BELOW
from bench.report.chart import Chart, Data
from bench.report.charts.palette import colour_of
from bench.report.numbers import MINUS, NO_BREAK
from bench.report.relative import SAME_WITHIN, Relative
from bench.report.svg import GRID, INK, PAPER, STYLE, Margins, new_figure, to_svg

WIDTH_IN = 3.9
LINE_IN = 0.185
"""Height of a line of dots, and of the title above the lines of a metric."""
LONG_LABEL = 30
"""Characters that a half of the width holds; with a longer one all are smaller, and on the left
it begins at the edge."""
COLUMNS = ("metric", "scenario", "subject", "baseline", "round", "difference_of_baseline")


def paired(
    groups: Sequence[tuple[str, Sequence[Relative]]], name: str, title: str, *, note: str = ""
) -> Chart | None:
    """Draw the relative differences of each group: a title, and a line a baseline.

    ``None`` where there is nothing to draw.
    """
    groups = [(heading, list(lines)) for heading, lines in groups if lines]
    if not groups:
        return None
    lines = [line for _, group in groups for line in group]
    reach = _reach(lines)
    places = sum(len(group) + 1.35 for _, group in groups)
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, 0.5 + LINE_IN * places, Margins(left=0.1, right=0.1))
        axes = figure.add_subplot()
        axes.set_xlim(-reach * 1.1, reach * 1.1)
        axes.set_ylim(places, -0.4)
        axes.axvspan(-SAME_WITHIN, SAME_WITHIN, color=GRID, alpha=0.55, linewidth=0)
        axes.axvline(0.0, color=INK, linewidth=0.9)
        _draw_groups(axes, groups, reach)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(mpl.ticker.FixedLocator(list(np.linspace(-reach, reach, 5))))
        axes.xaxis.set_major_formatter(FuncFormatter(_percent))
        axes.set_xlabel("\N{LEFTWARDS ARROW} less    no difference    more \N{RIGHTWARDS ARROW}")
        axes.spines["bottom"].set_visible(False)
        described = "; ".join(
            f"{heading}: " + ", ".join(f"against {line.baseline} {line.words}" for line in group)
            for heading, group in groups
        )
        svg = to_svg(figure, name, title, described)
    return Chart(title, _caption(lines, note), _source(lines), svg, name, _data(lines))


def _reach(lines: Sequence[Relative]) -> float:
    """Return how far the axis goes to both sides: all of the baseline, or less if that shows all.

    What is beyond is drawn as an arrow at the edge, its figure beside it.
    """
    furthest = max(
        (abs(value) for line in lines for value in (*line.rounds.values(), line.value)), default=0.0
    )
    return next((reach for reach in (0.25, 0.5) if furthest <= reach), 1.0)


def _draw_groups(
    axes: Axes, groups: Sequence[tuple[str, Sequence[Relative]]], reach: float
) -> None:
    lines = [line for _, group in groups for line in group]
    servers = [line.baseline for line in lines]
    small = any(len(_label(line)) > LONG_LABEL for line in lines)
    place = 0.2
    for heading, group in groups:
        axes.annotate(
            heading,
            (-reach, place),
            va="center",
            color=INK,
            fontweight="bold",
            bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
        )
        for line in group:
            place += 1.0
            _draw_line(axes, line, place, reach, colour_of(line.baseline, servers))
            _write_label(axes, line, place, reach, small=small)
        place += 1.35


def _draw_line(axes: Axes, line: Relative, place: float, reach: float, colour: str) -> None:
    inside = [value for value in line.rounds.values() if abs(value) <= reach * 1.03]
    offsets = np.linspace(-0.22, 0.22, len(inside)) if len(inside) > 1 else np.zeros(len(inside))
    if line.low is not None and line.high is not None:
        low, high = (float(np.clip(bound, -reach, reach)) for bound in (line.low, line.high))
        axes.plot([low, high], [place, place], color=INK, linewidth=1.1, solid_capstyle="butt")
    axes.plot(inside, place + offsets, "o", color=colour, markersize=2.9, markeredgewidth=0)
    if abs(line.value) <= reach * 1.03:
        axes.plot([line.value], [place], "|", color=INK, markersize=8, markeredgewidth=1.4)
    else:
        edge = np.sign(line.value) * reach
        mark = ">" if line.value > 0 else "<"
        axes.plot([edge], [place], mark, color=colour, markersize=5, markeredgewidth=0)


def _label(line: Relative) -> str:
    return f"{line.words} vs{NO_BREAK}{line.baseline}"


def _write_label(axes: Axes, line: Relative, place: float, reach: float, *, small: bool) -> None:
    """Write the figure on the emptier side, beyond the band, and before a long interval."""
    left = line.value > 0
    from_edge = left and len(_label(line)) > LONG_LABEL
    if from_edge:
        at, offset = -reach * 1.1, 0
    else:
        at, offset = (-SAME_WITHIN, -3) if left else (SAME_WITHIN, 3)
    axes.annotate(
        _label(line),
        (at, place),
        xytext=(offset, 0),
        textcoords="offset points",
        ha="right" if left and not from_edge else "left",
        va="center",
        fontsize=6.6 if small else 7.6,
        color=INK,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 0.4},
    )


def _percent(value: float, _: object) -> str:
    sign = {-1.0: MINUS, 0.0: "", 1.0: "+"}[float(np.sign(round(value, 9)))]
    return f"{sign}{abs(value) * 100:.0f}%"


def _caption(lines: Sequence[Relative], note: str) -> str:
    rounds = max(len(line.rounds) for line in lines)
    parts = [
        "Each dot is one round's difference as a share of the baseline; the stroke is their mean"
        + (", the line its 95% interval" if rounds > 1 else "")
        + f". Shaded: within {SAME_WITHIN:.0%} of the baseline, practically the same.",
        "Beyond the edge: an arrow." if any(abs(line.value) > 1.03 for line in lines) else "",
        f"Below {MINUS}100%: less than the floor in the same round, which is the floor's own noise."
        if any(line.value < -1 for line in lines)
        else "",
        f"{rounds} rounds make the intervals indicative; {INDICATIVE_BELOW} are needed."
        if 1 < rounds < INDICATIVE_BELOW
        else "",
        "One round: no interval." if rounds == 1 else "",
        note,
    ]
    return " ".join(part for part in parts if part)


def _source(lines: Sequence[Relative]) -> str:
    keys = dict.fromkeys(line.aspect.key for line in lines)
    return f"the rounds of {', '.join(keys)}, paired; their files are in the table at the end"


def _data(lines: Sequence[Relative]) -> Data:
    return Data(
        COLUMNS,
        tuple(
            (line.aspect.title, line.scenario, line.subject, line.baseline, number, value)
            for line in lines
            for number, value in line.rounds.items()
        ),
    )
