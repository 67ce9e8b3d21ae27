"""A cost against the number of replicas, an arm a line, each round a mark."""

import matplotlib as mpl
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.analysis.replicas import ReplicaGroup
from bench.report.chart import Chart, Data
from bench.report.charts.palette import colour_of
from bench.report.numbers import number, scale_for
from bench.report.svg import GRID, INK, STYLE, new_figure, to_svg

WIDTH_IN, HEIGHT_IN = 3.7, 2.6
SIDE = 0.35
"""Room for the names at the right, in replicas' steps of the axis's length / 10."""


def replica_cost_chart(group: ReplicaGroup, key: str, name: str) -> Chart:
    """Draw the metric ``key`` of every arm of ``group`` over its replicas."""
    costs = group.of(key)
    metric = costs[0].metric
    scale = scale_for([value for cost in costs for _, _, value in cost.points], metric.unit)
    title = f"{metric.title} against replicas"
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, HEIGHT_IN)
        axes = figure.add_subplot()
        ends = []
        for cost in costs:
            colour = colour_of(cost.arm, group.arms)
            means = [mean.value / scale.divisor for mean in cost.means.values()]
            axes.plot([*cost.means], means, color=colour, linewidth=1.8)
            axes.plot(
                [n for n, _, _ in cost.points],
                [value / scale.divisor for _, _, value in cost.points],
                "o",
                color=colour,
                markersize=3.5,
                alpha=0.6,
            )
            ends.append((means[-1], cost.arm))
        low, high = axes.get_ylim()
        low, high = min(0.0, low), max(high, 1e-9)
        height = -float("inf")
        for end, arm in sorted(ends):
            height = max(end, height + 0.09 * (high - low))
            axes.annotate(
                arm,
                (group.replicas[-1], height),
                xytext=(7, 0),
                textcoords="offset points",
                va="center",
                color=INK,
                fontweight="bold",
            )
        axes.set_ylim(low, high)
        width = group.replicas[-1] - group.replicas[0]
        axes.set_xlim(group.replicas[0] - 0.05 * width, group.replicas[-1] + SIDE * width)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(float(value))))
        axes.set_xticks(list(group.replicas))
        axes.set_xlabel("replicas")
        axes.set_ylabel(scale.unit)
        axes.grid(visible=True, color=GRID)
        axes.set_axisbelow(True)
        described = "; ".join(
            f"{cost.arm}: "
            + ", ".join(
                f"{scale.show(mean.value)} {scale.unit} with {n}" for n, mean in cost.means.items()
            )
            for cost in costs
        )
        svg = to_svg(figure, name, title, described)
    rows = tuple((cost.arm, *point) for cost in costs for point in cost.points)
    return Chart(
        title,
        "Each mark is one round, lines join the means. The reads are the same in all: only the "
        "processes that share them differ.",
        metric.source,
        svg,
        name,
        Data(("server", "replicas", "round", f"{metric.title}, {metric.unit}"), rows),
    )
