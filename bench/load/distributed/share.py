"""The share of one of several workers. Pure."""

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
        """Return this worker's part of ``whole`` things; the parts differ by one at most."""
        return whole // self.of + (self.index < whole % self.of)

    def part(self, whole: Iterator[Item]) -> Iterator[Item]:
        """Return every ``of``-th thing of ``whole``, beginning with number ``index``.

        All parts together are the whole, whatever stream it is: constant arrivals stay
        equally spaced, Poisson arrivals Poisson, and each goes with its own choice.
        """
        return whole if self.of == 1 else islice(whole, self.index, None, self.of)


WHOLE = Share()
