"""Offset of a worker's monotonic clock from the master's: an exchange as in NTP. Pure.

The master notes when it asks and when it has the answer. The worker reads its clock between
the two, and the shortest exchange shows best when.
Source: D. Mills, RFC 5905, section 8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

EXCHANGES = 16
"""Only the shortest of these counts: an exchange that waited in a queue says little."""
MOST_EXCHANGES = 200
GOOD_S = 0.0005
"""A round trip as short as this ends the search for a shorter one."""


@dataclass(frozen=True, slots=True)
class Offset:
    """A worker's clock minus the master's, in seconds; true to ``uncertainty_s`` either way.

    The bound is hard: it is half the round trip, which the error reaches only if all of
    that time was spent in one of the two directions.
    """

    offset_s: float
    uncertainty_s: float

    @classmethod
    def of_exchange(cls, asked_s: float, worker_s: float, answered_s: float) -> Self:
        """Return the offset that one exchange shows; ``worker_s`` is on the worker's clock."""
        return cls(worker_s - (asked_s + answered_s) / 2, (answered_s - asked_s) / 2)


def best(offsets: Sequence[Offset]) -> Offset:
    """Return the offset that the shortest exchange showed; ``offsets`` must not be empty."""
    return min(offsets, key=lambda offset: offset.uncertainty_s)


def enough(offsets: Sequence[Offset]) -> bool:
    """Whether no more exchanges are needed."""
    if len(offsets) < EXCHANGES:
        return False
    return best(offsets).uncertainty_s <= GOOD_S / 2 or len(offsets) >= MOST_EXCHANGES
