"""Bound the staleness of each write of a probe by the reads after it. Pure: no clock, no network.

Several writes may be pending at once: each read is compared with all of them that
were acknowledged before it was sent.
"""

from dataclasses import dataclass

READ_EVERY_US = 5_000
"""Interval of reads, while the oldest pending write is younger than a quarter of a second."""
SPARSER = 0.02
"""Interval after that, as a share of that write's age. A server whose answers are seconds old
would otherwise be read hundreds of times per write, which would hide the cost of the load."""


@dataclass
class FreshnessRow:
    """One write and the reads after it; see ``results/README.md`` for the columns.

    Times are microseconds, all from one begin.
    """

    acked_us: int
    resource_version: int
    first_sent_us: int | None = None
    first_stale: bool | None = None
    stale_sent_us: int | None = None
    fresh_done_us: int | None = None
    reads: int = 0
    event_us: int | None = None


class Staleness:
    """Rows of all writes; a write is pending until a read shows it, or it is given up."""

    def __init__(self, bound_us: int) -> None:
        self._bound_us = bound_us
        self._pending: list[FreshnessRow] = []
        self.rows: list[FreshnessRow] = []

    @property
    def is_pending(self) -> bool:
        """Whether a write is pending."""
        return bool(self._pending)

    def next_read_in_us(self, now_us: int) -> int:
        """Return the time from ``now_us`` to the next read, if no write is acknowledged earlier."""
        waited_us = now_us - self._pending[0].acked_us if self._pending else 0
        return max(READ_EVERY_US, int(SPARSER * waited_us))

    def wrote(self, acked_us: int, resource_version: int, *, awaited: bool) -> None:
        """Record an acknowledged write; ``awaited``: a reader reads until it shows."""
        row = FreshnessRow(acked_us, resource_version)
        self.rows.append(row)
        if awaited:
            self._pending.append(row)

    def read(self, sent_us: int, done_us: int, version: int | None) -> None:
        """Record a read that showed ``version``; ``None``: it failed and shows nothing.

        Writes acknowledged after the read was sent are not judged by it, since it need not
        show them. If it does show them, the next read judges them.
        """
        pending = []
        for row in self._pending:
            if row.acked_us <= sent_us:
                self._judge(row, sent_us, done_us, version)
            if row.fresh_done_us is None and done_us - row.acked_us < self._bound_us:
                pending.append(row)
        self._pending = pending

    @staticmethod
    def _judge(row: FreshnessRow, sent_us: int, done_us: int, version: int | None) -> None:
        row.reads += 1
        if version is None:
            return
        stale = version < row.resource_version
        if row.first_sent_us is None:
            row.first_sent_us, row.first_stale = sent_us, stale
        if stale:
            row.stale_sent_us = sent_us
        else:
            row.fresh_done_us = done_us
