"""Times from request rows and from the freshness probe: exact order statistics, with censoring.

A request that was dropped, timed out or failed was not answered; in the distribution from
the intended start it counts as *at least* the time-out (dropped: the rest of the window)
and ranks behind all answered ones, so that a server cannot look quick by refusing. A
percentile that falls among such rows is a lower bound.

A write's staleness lies between two bounds, both since its acknowledgement: the send of the
last read that did not show it (0 if none) and the end of the first that did. Figures are of
the upper bound: the longest wait of a client.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.metrics import Times

Floats = npt.NDArray[np.float64]

SAMPLES_BEYOND = 10
"""A percentile needs this many samples beyond it: 1,000 for p99, 100 for p90, 20 for p50."""


@dataclass(frozen=True, slots=True)
class Percentile:
    """One percentile; no ``value_ms`` if ``withheld``; ``at_least``: it is among the unanswered."""

    q: float
    value_ms: float | None
    at_least: bool
    samples: int
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class Latencies:
    """Latencies in ms, ascending."""

    answered_ms: Floats
    unanswered_ms: Floats = field(default_factory=lambda: np.empty(0))
    """Lower bound of the time of each request without an answer."""

    @property
    def censored(self) -> int:
        """Number of requests that were not answered."""
        return len(self.unanswered_ms)

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
            # However long the unanswered took, at least this many took this long.
            least = np.sort(np.concatenate([self.answered_ms, self.unanswered_ms]))[rank - 1]
            return Percentile(q, float(least), at_least=True, samples=self.samples)
        value = float(self.answered_ms[rank - 1])
        return Percentile(q, value, at_least=False, samples=self.samples)


def samples_needed(q: float) -> int:
    """Return how many requests percentile ``q`` needs to be stated."""
    return round(SAMPLES_BEYOND / (1 - q))


def times_of(
    rows: pd.DataFrame,
    times: Times,
    timeout_s: float | None = None,
    window_s: float = math.inf,
) -> Latencies:
    """Return ``times`` of the ``rows`` of its table.

    Without ``timeout_s`` each unanswered request took at least the time waited (column
    ``times.waited``), or the longest time seen. A request that was never sent, because too many
    were outstanding, has no time-out: its bound is the end of the window of ``window_s``.
    """
    since, until = _floats(rows[times.since]), _floats(rows[times.until])
    took_ms = (until - since) / 1e3
    asked = np.ones(len(rows), bool) if times.asked is None else _floats(rows[times.asked]) > 0
    answered = (rows["outcome"] == "ok").to_numpy() if "outcome" in rows else ~np.isnan(until)
    unanswered = asked & ~answered
    if timeout_s is not None:
        least_ms = np.full(len(rows), timeout_s * 1e3)
        dropped = (rows["outcome"] == "dropped").to_numpy()
        left_ms = (window_s * 1e6 - since).clip(min=0.0) / 1e3
        least_ms[dropped] = np.minimum(least_ms, left_ms)[dropped]
    elif times.waited is not None:
        least_ms = np.nan_to_num(_floats(rows[times.waited]) - since).clip(min=0.0) / 1e3
    else:
        longest = float(took_ms[asked & ~np.isnan(took_ms)].max(initial=0.0))
        least_ms = np.full(len(rows), longest)
    answered_ms = np.sort(took_ms[asked & answered])
    if times.answered_only:
        return Latencies(answered_ms)
    return Latencies(answered_ms, np.sort(least_ms[unanswered]))


def send_lags(requests: pd.DataFrame) -> Floats:
    """Return how long after its intended start each request was sent, in ms, ascending."""
    return np.sort(_floats((requests["sent_us"] - requests["intended_us"]).dropna()) / 1e3)


def pool(parts: Iterable[Latencies]) -> Latencies:
    """Pool the rounds of an arm: percentiles are of all requests, never averages of percentiles."""
    parts = list(parts)
    answered, unanswered = (
        np.sort(np.concatenate(times or [np.empty(0)]))
        for times in (
            [part.answered_ms for part in parts],
            [part.unanswered_ms for part in parts],
        )
    )
    return Latencies(answered, unanswered)


FRESHNESS = ("acked_us", "reads", "first_stale", "stale_sent_us", "fresh_done_us")
"""Columns of the freshness table that its counts are taken from."""


@dataclass(frozen=True, slots=True)
class FreshnessCounts:
    """The freshness probe's counts of one arm, in one trial or over all rounds."""

    writes: int
    never_seen: int
    """Writes that no read showed before the probe stopped waiting."""
    first_reads: int
    """Writes after which a read was answered."""
    first_stale: int
    """Those whose first read was older than the write: read-your-writes violations."""
    longest_stale_ms: float | None = None
    """Of these, the longest time from the acknowledgement to a read that showed the write."""


def freshness_counts(rows: pd.DataFrame) -> FreshnessCounts | None:
    """Count the rows of the freshness table; ``None`` if no write was read back: no server."""
    rows = rows[rows["reads"] > 0]
    if rows.empty:
        return None
    judged = rows["first_stale"].dropna().astype(bool)
    unseen = int(rows["fresh_done_us"].isna().sum())
    stale = judged[judged].index
    shown_ms = ((rows["fresh_done_us"] - rows["acked_us"]).loc[stale] / 1e3).dropna()
    longest = float(shown_ms.max()) if len(shown_ms) else None
    return FreshnessCounts(len(rows), unseen, len(judged), int(judged.sum()), longest)


def _floats(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
