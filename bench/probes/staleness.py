"""From a probe's writes and reads to bounds of each write's staleness. Pure: no clock, no network.

Several writes may wait to be seen at once: each read is judged against all of
them that were acknowledged before it was sent.
"""

from dataclasses import dataclass

READ_EVERY_US = 5_000
"""Between two reads, while the oldest write that waits is younger than a quarter of a second."""
SPARSER = 0.02
"""Then: as a share of how long that write has waited. A server whose answers are seconds old would
otherwise be read hundreds of times for one write, and the load's own cost drown in that."""


@dataclass
class FreshnessRow:
    """One write and what the reads after it showed; see ``results/README.md`` for the columns.

    Microseconds, all from one begin.
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
    """Keeps the rows; a write is pending until a read shows it, or it is given up."""

    def __init__(self, bound_us: int) -> None:
        self._bound_us = bound_us
        self._pending: list[FreshnessRow] = []
        self.rows: list[FreshnessRow] = []

    @property
    def is_pending(self) -> bool:
        """Whether a write waits to be seen."""
        return bool(self._pending)

    def next_read_in_us(self, now_us: int) -> int:
        """Return how long after ``now_us`` to read again, if no write is acknowledged meanwhile."""
        waited_us = now_us - self._pending[0].acked_us if self._pending else 0
        return max(READ_EVERY_US, int(SPARSER * waited_us))

    def wrote(self, acked_us: int, resource_version: int, *, awaited: bool) -> None:
        """Take note of an acknowledged write; ``awaited``: somebody reads until it shows."""
        row = FreshnessRow(acked_us, resource_version)
        self.rows.append(row)
        if awaited:
            self._pending.append(row)

    def read(self, sent_us: int, done_us: int, version: int | None) -> None:
        """Judge a read that showed ``version``; ``None``: it failed and shows nothing.

        Writes acknowledged after the read was sent are not judged by it: it may
        rightly not show them. One that shows them all the same is left to the next.
        """
        still = []
        for row in self._pending:
            if row.acked_us <= sent_us:
                self._judge(row, sent_us, done_us, version)
            if row.fresh_done_us is None and done_us - row.acked_us < self._bound_us:
                still.append(row)
        self._pending = still

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
