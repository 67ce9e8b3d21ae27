"""How far a worker's monotonic clock is from the master's: an exchange as in NTP. Pure.

A monotonic clock counts from some moment of its own machine's, so two of them have
nothing in common but their pace. The master notes when it asks (on its clock), the
worker when it is asked (on its own), the master when it has the answer: the worker's
look lies between the two, and the exchange that took least time knows best where.
Source: D. Mills, RFC 5905, section 8.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EXCHANGES = 16
"""The shortest of so many counts: one that waited in a queue tells little."""
MOST_EXCHANGES = 200
GOOD_S = 0.0005
"""No shorter round trip is looked for, once there is one as short as this."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer; seconds on the clock of who looked."""

    asked_s: float
    seen_s: float
    """On the worker's clock."""
    answered_s: float

    @property
    def round_trip_s(self) -> float:
        """How long it took, on the master's clock."""
        return self.answered_s - self.asked_s


@dataclass(frozen=True, slots=True)
class Offset:
    """A worker's clock minus the master's, in seconds; true to ``uncertainty_s`` either way.

    The bound is hard: it is half the round trip, and would be reached only if all of
    that time had gone into one of the two directions.
    """

    offset_s: float
    uncertainty_s: float


def enough(exchanges: Sequence[Exchange]) -> bool:
    """Whether no more exchanges are needed."""
    if len(exchanges) < EXCHANGES:
        return False
    shortest_s = min(each.round_trip_s for each in exchanges)
    return shortest_s <= GOOD_S or len(exchanges) >= MOST_EXCHANGES


def estimate(exchanges: Iterable[Exchange]) -> Offset:
    """Return the offset that the shortest of ``exchanges`` shows; at least one is needed."""
    best = min(exchanges, key=lambda each: each.round_trip_s)
    middle_s = (best.asked_s + best.answered_s) / 2
    return Offset(best.seen_s - middle_s, best.round_trip_s / 2)
