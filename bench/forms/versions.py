"""Versions of Kubernetes side by side, as one table of text."""

from bench.forms.figures import MISSING, figure, quantity, times
from bench.forms.sheet import Cell, Grid
from bench.forms.summary import VersionFigure, VersionsSummary


def version_grid(one: VersionsSummary) -> Grid:
    """Return a row a server and aspect: each version, and the newest against the oldest."""
    return Grid(
        f"Between Kubernetes {' and '.join(one.versions)}",
        ("", *one.versions, f"{one.versions[-1]} against {one.versions[0]}"),
        tuple(_row(each) for each in one.figures),
        remark=f"Scenarios {' and '.join(one.scenarios)}. The last column: how many times, with "
        "the 95% interval, paired by round.",
    )


def _row(each: VersionFigure) -> tuple[Cell, ...]:
    like = max((abs(value) for value in each.values.values() if value is not None), default=0.0)
    values = (Cell(quantity(value, each.unit, like)) for value in each.values.values())
    return (Cell(f"{each.server}: {each.title}"), *values, Cell(_times(each)))


def _times(each: VersionFigure) -> str:
    if each.times is None:
        return MISSING
    value, low, high = each.times
    within = "" if low is None or high is None else f" [{figure(low)} to {figure(high)}]"
    return times(value) + within
