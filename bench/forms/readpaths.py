"""The read paths of a run as one table of text."""

from bench.forms.figures import MISSING, figure, quantity, times
from bench.forms.sheet import Cell, Grid
from bench.forms.summary import ReadPathFigure, ReadPathsSummary, ReadPathSummary


def read_path_grid(one: ReadPathsSummary) -> Grid:
    """Return a row a read path: each figure, and how many times the baseline's it is."""
    titles = {each.metric: each.title for path in one.paths for each in path.figures}
    likes = {
        metric: max((abs(found.value) for found in _column(one, metric) if found.value), default=0)
        for metric in titles
    }
    return Grid(
        f"{len(one.paths)} read paths side by side",
        ("read path", *titles.values(), "answers"),
        tuple(_row(path, likes) for path in one.paths),
        remark=f"Scenarios {' and '.join(one.scenarios)}. In brackets: how many times that of "
        f"{one.baseline}, with the 95% interval, paired by round.",
        prose=frozenset({0, len(titles) + 1}),
    )


def _column(one: ReadPathsSummary, metric: str) -> list[ReadPathFigure]:
    return [each for path in one.paths for each in path.figures if each.metric == metric]


def _row(path: ReadPathSummary, likes: dict[str, float]) -> tuple[Cell, ...]:
    found = {each.metric: each for each in path.figures}
    cells = (Cell(_said(found.get(metric), like)) for metric, like in likes.items())
    return (Cell(path.server), *cells, Cell(path.contract or MISSING))


def _said(one: ReadPathFigure | None, like: float) -> str:
    if one is None or one.value is None:
        return MISSING
    shown = quantity(one.value, one.unit, like)
    if one.times is None:
        return shown
    value, low, high = one.times
    within = "" if low is None or high is None else f", {figure(low)} to {figure(high)}"
    return f"{shown} ({times(value)}{within})"
