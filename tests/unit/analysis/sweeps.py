"""Made-up trials of a sweep whose unit costs are known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.costrows import CostRow

CELLS = (
    ("p100-c0-r20", 100, 0.0, 20.0),
    ("p100-c40-r5", 100, 40.0, 5.0),
    ("p400-c20-r10", 400, 20.0, 10.0),
    ("p400-c40-r2", 400, 40.0, 2.0),
    ("p1000-c0-r2", 1000, 0.0, 2.0),
    ("p1000-c40-r10", 1000, 40.0, 10.0),
)
"""Name, pods, writes a second, reads a second: those of ``bench/plans/sweep.toml``."""


@dataclass(frozen=True)
class Truth:
    """Unit costs, and by what part of itself a measured CPU time varies."""

    read: float = 2.0
    read_pod: float = 0.05
    event: float = 0.4
    write: float = 5.0
    idle: float = 12.0
    noise: float = 0.03
    rv0: float = 0.8
    """A read at resourceVersion 0, as a part of one without."""


def sweep(
    truth: Truth = Truth(),
    *,
    rounds: int = 3,
    cells: Sequence[tuple[str, int, float, float]] = CELLS,
    seed: int = 1,
    arms: Sequence[str] = ("direct", "direct-rv0", "informer"),
) -> list[CostRow]:
    """Return the rows of a sweep; the arms of a block share the floor's own error."""
    return list(_rows(truth, rounds, cells, np.random.default_rng(seed), arms))


def _rows(
    truth: Truth,
    rounds: int,
    cells: Sequence[tuple[str, int, float, float]],
    random: np.random.Generator,
    arms: Sequence[str],
) -> Iterator[CostRow]:
    for number in range(1, rounds + 1):
        for name, pods, churn, reads in cells:
            base = truth.idle + truth.write * churn
            floor = base * random.normal(1.0, truth.noise)
            read = truth.read + truth.read_pod * pods
            above = {
                "direct": reads * read,
                "direct-rv0": reads * read * truth.rv0,
                "informer": churn * truth.event,
            }
            for arm in arms:
                measured = (base + above[arm]) * random.normal(1.0, truth.noise)
                yield CostRow(name, number, arm, pods, reads, churn, measured - floor, floor, reads)
