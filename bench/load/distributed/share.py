"""Share of a load that one of several workers generates. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Share:
    """The part of worker ``index`` (from 0) among ``of``."""

    index: int = 0
    of: int = 1

    def count(self, whole: int) -> int:
        """Return this worker's part of ``whole`` items; the parts differ by one at most."""
        return whole // self.of + (self.index < whole % self.of)

    def part(self, whole: Iterator[Item]) -> Iterator[Item]:
        """Return every ``of``-th item of ``whole``, beginning with number ``index``.

        All parts together are the whole stream: constant arrivals stay equally spaced,
        Poisson arrivals stay Poisson, and each keeps its choice.
        """
        return whole if self.of == 1 else islice(whole, self.index, None, self.of)


WHOLE = Share()
