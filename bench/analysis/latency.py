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

from bench.metrics import Times

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


def times_of(rows: pd.DataFrame, times: Times, timeout_s: float | None = None) -> Latencies:
    """Return ``times`` of the ``rows`` of its table.

    Without a known ``timeout_s`` the unanswered took at least what the shortest of them waited
    (column ``times.waited``), or what was seen at the longest.
    """
    since, until = _floats(rows[times.since]), _floats(rows[times.until])
    took_ms = (until - since) / 1e3
    asked = np.ones(len(rows), bool) if times.asked is None else _floats(rows[times.asked]) > 0
    answered = (rows["outcome"] == "ok").to_numpy() if "outcome" in rows else ~np.isnan(until)
    unanswered = asked & ~answered
    if timeout_s is not None:
        bound = timeout_s * 1e3
    elif times.waited is not None:
        waited_ms = np.nan_to_num(_floats(rows[times.waited]) - since).clip(min=0.0) / 1e3
        bound = float(waited_ms[unanswered].min(initial=np.inf)) if unanswered.any() else 0.0
    else:
        bound = float(took_ms[asked & ~np.isnan(took_ms)].max(initial=0.0))
    censored = 0 if times.answered_only else int(unanswered.sum())
    return Latencies(np.sort(took_ms[asked & answered]), censored, bound)


def send_lags(requests: pd.DataFrame) -> Floats:
    """Return how long after its intended start each request was sent, in ms, ascending."""
    return np.sort(_floats((requests["sent_us"] - requests["intended_us"]).dropna()) / 1e3)


def pool(parts: Iterable[Latencies]) -> Latencies:
    """Pool the rounds of an arm: percentiles are of all requests, never averages of percentiles."""
    parts = list(parts)
    answered = np.sort(np.concatenate([part.answered_ms for part in parts] or [np.empty(0)]))
    censored = sum(part.censored for part in parts)
    # The smallest bound holds for every part.
    bound = min((part.bound_ms for part in parts if part.censored), default=0.0)
    return Latencies(answered, censored, bound)


@dataclass(frozen=True, slots=True)
class FreshnessCounts:
    """What the freshness probe counted of one arm, in one trial or over all rounds."""

    writes: int
    never_seen: int
    """Writes that no read showed as long as was waited."""
    first_reads: int
    """Writes after which a read was answered at all."""
    first_stale: int
    """Those whose first read was older than the write: read-your-writes violations."""


def freshness_counts(rows: pd.DataFrame) -> FreshnessCounts | None:
    """Count the rows of the freshness table; ``None`` if no write was read back: no server."""
    rows = rows[rows["reads"] > 0]
    if rows.empty:
        return None
    judged = rows["first_stale"].dropna().astype(bool)
    unseen = int(rows["fresh_done_us"].isna().sum())
    return FreshnessCounts(len(rows), unseen, len(judged), int(judged.sum()))


def _floats(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
