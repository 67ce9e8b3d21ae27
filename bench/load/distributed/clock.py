"""How far a worker's monotonic clock is from the master's: an exchange as in NTP. Pure.

The master notes when it asks and when it has the answer, the worker when it is asked: its look
lies between the two, and the exchange that took least time knows best where.
Source: D. Mills, RFC 5905, section 8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

EXCHANGES = 16
"""The shortest of so many counts: one that waited in a queue tells little."""
MOST_EXCHANGES = 200
GOOD_S = 0.0005
"""No shorter round trip is looked for, once there is one as short as this."""


@dataclass(frozen=True, slots=True)
class Offset:
    """A worker's clock minus the master's, in seconds; true to ``uncertainty_s`` either way.

    The bound is hard: it is half the round trip, and would be reached only if all of
    that time had gone into one of the two directions.
    """

    offset_s: float
    uncertainty_s: float

    @classmethod
    def seen(cls, asked_s: float, seen_s: float, answered_s: float) -> Self:
        """Return what one exchange shows; ``seen_s`` is on the worker's clock."""
        return cls(seen_s - (asked_s + answered_s) / 2, (answered_s - asked_s) / 2)


def best(offsets: Sequence[Offset]) -> Offset:
    """Return the offset that the shortest exchange showed; at least one is needed."""
    return min(offsets, key=lambda each: each.uncertainty_s)


def enough(offsets: Sequence[Offset]) -> bool:
    """Whether no more exchanges are needed."""
    if len(offsets) < EXCHANGES:
        return False
    return best(offsets).uncertainty_s <= GOOD_S / 2 or len(offsets) >= MOST_EXCHANGES
