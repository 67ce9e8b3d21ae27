"""Latencies from request rows: exact order statistics, with censoring.

A request that was dropped, timed out or failed was not answered; in the
distribution from the intended start it counts as *at least* the time-out,
wherever it ends up, so that a server cannot look quick by refusing. A
percentile that falls among such rows is a lower bound.
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
    """One percentile in ms. ``value_ms`` is ``None`` when ``withheld`` says why."""

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


def from_intended(requests: pd.DataFrame, timeout_s: float | None) -> Latencies:
    """Return what a client would have felt: from the intended start to the last byte.

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


def from_send(requests: pd.DataFrame) -> Latencies:
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
