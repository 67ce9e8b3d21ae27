"""Names in charts: how they are written, and where they cover neither each other nor a point."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from bench.report.svg import INK, PAPER

DISTANCES = (7.0, 12.0, 19.0, 29.0, 41.0, 55.0)
ANGLES = tuple(math.radians(angle) for angle in (0, 180, 90, 270, 40, 140, 320, 220))
POINT = 4.0
"""Half the side of the square that a point takes."""
NEAR = 12.0
"""A name farther from its point than this needs a line to it."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its lower left corner."""

    x: float
    y: float
    width: float
    height: float

    def shared(self, other: "Box") -> float:
        """Return the area that both cover."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        up = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(across, 0.0) * max(up, 0.0)


@dataclass(frozen=True, slots=True)
class Placed:
    """The box of a name, and whether a line has to lead to it."""

    box: Box
    led: bool


def place(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    area: Box,
    avoid: Sequence[Box] = (),
) -> list[Placed]:
    """Return a place for each name: of ``points`` and ``sizes`` in the units of ``area``.

    Names are placed one after another, those with the most neighbours first, each where
    it covers least of what is there (points, names, ``avoid``) and stays inside ``area``.
    """
    dots = [Box(x - POINT, y - POINT, 2 * POINT, 2 * POINT) for x, y in points]
    placed: dict[int, Placed] = {}
    for index in sorted(range(len(points)), key=lambda one: -_crowd(points, one)):
        others = [*dots, *avoid, *(one.box for one in placed.values())]
        placed[index] = min(
            _candidates(points[index], sizes[index]),
            key=lambda one, others=others: _cost(one[0], one[1], others, area),  # type: ignore[misc]
        )[2]
    return [placed[index] for index in range(len(points))]


def name_end(axes: Axes, text: str, x: float, y: float) -> None:
    """Write ``text`` to the right of a curve that ends at ``x``, at the height ``y``."""
    axes.annotate(
        text,
        (x, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=INK,
        fontweight="bold",
        fontsize=8.5,
        bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 0.6},
    )


def _candidates(
    point: tuple[float, float], size: tuple[float, float]
) -> list[tuple[Box, float, Placed]]:
    found = []
    for distance in DISTANCES:
        for rank, angle in enumerate(ANGLES):
            x = point[0] + math.cos(angle) * (distance + size[0] / 2)
            y = point[1] + math.sin(angle) * (distance + size[1] / 2)
            box = Box(x - size[0] / 2, y - size[1] / 2, *size)
            found.append((box, distance + rank / 10, Placed(box, distance > NEAR)))
    return found


def _cost(box: Box, effort: float, others: Sequence[Box], area: Box) -> float:
    outside = box.width * box.height - box.shared(area)
    return effort + 2.0 * sum(box.shared(other) for other in others) + 20.0 * outside


def _crowd(points: Sequence[tuple[float, float]], index: int) -> float:
    here = points[index]
    return sum(1 / (8.0 + math.dist(here, other)) for other in points)
