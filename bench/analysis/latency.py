"""Times from request rows and from the freshness probe: exact order statistics, with censoring.

A request that was dropped, timed out or failed was not answered; in the distribution from
the intended start it counts as *at least* the time-out, wherever it ends up, so that a
server cannot look quick by refusing. A percentile that falls among such rows is a lower
bound.

A write's staleness lies between two bounds, both since its acknowledgement: the send of the
last read that did not show it (0 if none) and the end of the first that did. Figures are of
the upper bound: what a client may have to wait at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

SAMPLES_BEYOND = 10
"""A percentile needs this many samples beyond it: 1,000 for p99, 100 for p90, 20 for p50."""


@dataclass(frozen=True, slots=True)
class Percentile:
    """One percentile in ms; ``at_least``: it fell among the unanswered.

    ``value_ms`` is ``None`` when ``withheld`` says why it is not stated.
    """

    q: float
    value_ms: float | None
    at_least: bool
    samples: int
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class Latencies:
    """Latencies in ms, ascending; unanswered requests are counted in ``censored``.

    ``bound_ms`` is what is known of the censored ones: they took at least so long.
    """

    answered_ms: Floats
    censored: int
    bound_ms: float

    @property
    def samples(self) -> int:
        """Number of requests, answered or not."""
        return len(self.answered_ms) + self.censored

    def percentile(self, q: float) -> Percentile:
        """Return percentile ``q`` (0 < q < 1) by nearest rank: a value that was measured."""
        needed = samples_needed(q)
        if self.samples < needed:
            reason = f"needs {needed:,} requests, has {self.samples:,}"
            return Percentile(q, None, at_least=False, samples=self.samples, withheld=reason)
        # The epsilon undoes the rounding of q * n: 0.99 * 1000 is 990.0000000000001 in binary.
        rank = int(np.ceil(q * self.samples - 1e-9))
        if rank > len(self.answered_ms):
            return Percentile(q, self.bound_ms, at_least=True, samples=self.samples)
        value = float(self.answered_ms[rank - 1])
        return Percentile(q, value, at_least=False, samples=self.samples)


def samples_needed(q: float) -> int:
    """Return how many requests percentile ``q`` needs to be stated."""
    return round(SAMPLES_BEYOND / (1 - q))


def response_times(requests: pd.DataFrame, timeout_s: float | None) -> Latencies:
    """Return the times from the intended start to the last byte: what a client would wait.

    Without a known ``timeout_s`` the bound of the unanswered is the longest wait seen.
    """
    ok = requests["outcome"] == "ok"
    latency = (requests["done_us"] - requests["intended_us"]).to_numpy(dtype=np.float64) / 1e3
    answered = np.sort(latency[ok.to_numpy()])
    if timeout_s is not None:
        bound = timeout_s * 1e3
    else:
        seen = latency[~np.isnan(latency)]
        bound = float(seen.max()) if len(seen) else 0.0
    return Latencies(answered, int((~ok).sum()), bound)


def service_times(requests: pd.DataFrame) -> Latencies:
    """Return the service time of answered requests: from the actual send to the last byte."""
    ok = requests[requests["outcome"] == "ok"]
    latency = (ok["done_us"] - ok["sent_us"]).to_numpy(dtype=np.float64) / 1e3
    return Latencies(np.sort(latency), 0, 0.0)


def pool(parts: Iterable[Latencies]) -> Latencies:
    """Pool the rounds of an arm: percentiles are of all requests, never averages of percentiles."""
    parts = list(parts)
    answered = np.sort(np.concatenate([part.answered_ms for part in parts] or [np.empty(0)]))
    censored = sum(part.censored for part in parts)
    # The smallest bound holds for every part.
    bound = min((part.bound_ms for part in parts if part.censored), default=0.0)
    return Latencies(answered, censored, bound)


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


def read_freshness(rows: pd.DataFrame) -> Freshness | None:
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
