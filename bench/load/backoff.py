"""How long to leave a server alone that could not be reached.

Without it a user of the closed model would ask a dead server thousands of times
a second. The clock is the caller's.
"""

FIRST_S = 0.05
CAP_S = 1.0
"""Doubling from 50 ms to 1 s: a restarted server is found again within a second, and
a dead one costs each user one attempt a second."""

LOST_IN_A_ROW = 5
"""A server that could be connected to and then hung up is left alone only after so many
of these in a row: a lost connection now and then must not silence the requests around it."""


class Backoff:
    """Doubling pauses after failures in a row; one success ends them."""

    def __init__(self, first_s: float = FIRST_S, cap_s: float = CAP_S) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._in_a_row = 0
        self._pause_s = 0.0
        self._until = 0.0

    def failed(self, now: float, *, lost: bool = False) -> None:
        """Note at ``now`` (seconds) that the server could not be reached, or hung up (``lost``)."""
        self._in_a_row += 1
        if lost and self._in_a_row < LOST_IN_A_ROW:
            return
        if now < self._until:
            return  # an attempt that was under way when the pause began says nothing new
        self._pause_s = min(self._cap_s, max(self._first_s, 2 * self._pause_s))
        self._until = now + self._pause_s

    def succeeded(self) -> None:
        """Note that the server answered."""
        self._in_a_row = 0
        self._pause_s = 0.0
        self._until = 0.0

    def remaining_s(self, now: float) -> float:
        """Return the seconds still to wait at ``now``, 0 when the server may be tried."""
        return max(0.0, self._until - now)
