"""How old the answers were, from the probe's writes and the reads that followed them.

A write's staleness lies between two bounds, both since its acknowledgement: the
send of the last read that did not show it (0 if none) and the end of the first
that did. Figures are of the upper bound: what a client may have to wait at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.analysis.latency import Floats, Latencies, pool


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a probe found of one server, in one trial or pooled over several."""

    upper: Latencies
    """Upper bounds in ms. Writes that were never seen are censored."""
    lower: Latencies
    """Lower bounds in ms of the same writes."""
    first_reads: int
    """Writes after which a read was answered at all."""
    first_stale: int
    """Those whose first read was older than the write: read-your-writes violations."""
    event_delay: Latencies
    """From acknowledgement to the server's own event, in ms, where it tells; may be negative."""

    @property
    def writes(self) -> int:
        """Writes that a server was asked about."""
        return self.upper.samples

    @property
    def never_seen(self) -> int:
        """Writes that no read showed as long as was waited."""
        return self.upper.censored


def of_rows(rows: pd.DataFrame) -> Freshness | None:
    """Read a trial's freshness table; ``None`` if no write was read back (no server was there)."""
    rows = rows[rows["reads"] > 0]
    if rows.empty:
        return None
    acked = rows["acked_us"]
    seen = rows["fresh_done_us"].notna()
    upper = _ms(rows["fresh_done_us"][seen] - acked[seen])
    # The floor of a wait whose last stale read is known; a write without one may have been fresh.
    least = ((rows["stale_sent_us"] - acked) / 1e3).fillna(0.0).clip(lower=0.0)
    unseen = int((~seen).sum())
    bound = float(least[~seen].min()) if unseen else 0.0
    told = rows["event_us"].notna()
    judged = rows["first_stale"].notna()
    return Freshness(
        upper=Latencies(np.sort(upper), unseen, bound),
        lower=Latencies(np.sort(least[seen].to_numpy(dtype=np.float64)), unseen, bound),
        first_reads=int(judged.sum()),
        first_stale=int(rows["first_stale"][judged].astype(bool).sum()),
        event_delay=Latencies(np.sort(_ms(rows["event_us"][told] - acked[told])), 0, 0.0),
    )


def pool_freshness(parts: Iterable[Freshness | None]) -> Freshness | None:
    """Pool trials: bounds are of all writes, never averages of percentiles."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    return Freshness(
        upper=pool(part.upper for part in known),
        lower=pool(part.lower for part in known),
        first_reads=sum(part.first_reads for part in known),
        first_stale=sum(part.first_stale for part in known),
        event_delay=pool(part.event_delay for part in known),
    )


def _ms(microseconds: pd.Series) -> Floats:
    return np.asarray(microseconds, dtype=np.float64) / 1e3
