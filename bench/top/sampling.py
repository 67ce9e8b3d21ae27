"""Dumps at random moments, summed up by client.

The moments are those of a Poisson process, so that what is seen is what there is on average
(R. W. Wolff, "Poisson Arrivals See Time Averages", Operations Research 30, 1982). At equal
distances a client whose period they divide is seen in the same phases again and again: of one that
asks every 100 ms for 60 ms, which is 0.6 on average, a sample every 50 ms sees 0.5 or 1.

By Little's law the mean number executing is a client's rate times how long its requests take.
"""

import random
import statistics
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.cluster.api import Api
from bench.top.dump import DETAILED, PATH, Asked, InFlight, parse

MEAN_INTERVAL_S = 0.2
COST = 0.01
"""Part of one processor that the sampling may take of the API server."""
CPU_OF_ANSWER = 2.0
"""Processor time of an answer, at most, as a multiple of how long the quickest took: the API server
works beside and after it, on its audit log for one (measured: 1.3 to 2.0 ms for 1.3 ms)."""
YOUNG = 0.5
"""Part of the median age below which a request counts as just begun."""
AGES = 10_000
"""Ages of a client's requests that are kept, the last ones: memory does not grow with the time."""
YOUNG_FROM = 10
"""Requests that have just begun, from which on a rate is stated."""
Z = 1.96
"""Of a 95% interval."""
NONE_SEEN = 3.0
"""Upper 95% bound of a count of nothing (exact Poisson: 2.996)."""


@dataclass(slots=True)
class Seen:
    """What the samples show of one client."""

    executing: int = 0
    """Seen executing, a request once a sample."""
    requests: int = 0
    """The different ones among them."""
    squares: int = 0
    """Sum over these of the square of how often each was seen."""
    last: dict[float, int] = field(default_factory=dict)
    """Arrival -> how often that request was seen; of those that the last sample showed."""
    waiting: int = 0
    seats: int = 0
    ages_s: deque[float] = field(default_factory=lambda: deque(maxlen=AGES))

    def add(self, executing: list[InFlight], now: float | None) -> None:
        """Add the requests that a sample shows executing at ``now``."""
        last = {one.arrived_s: self.last.get(one.arrived_s, 0) + 1 for one in executing}
        self.last = last
        self.executing += len(executing)
        self.requests += sum(count == 1 for count in last.values())
        self.squares += sum(2 * count - 1 for count in last.values())
        self.seats += sum(one.seats for one in executing)
        if now is not None:
            self.ages_s.extend(max(0.0, now - (one.started_s or now)) for one in executing)


@dataclass(frozen=True, slots=True)
class Row:
    """A client's requests of one kind: means over the samples, with the half of a 95% interval.

    ``requests`` are the different ones that were seen; ``rate_per_s`` is ``None`` where too few
    had just begun to tell, and about right where the requests take equally long.
    """

    asked: Asked
    executing: float
    error: float
    share: float
    """Of all that was executing."""
    seats: float
    waiting: float
    requests: int
    rate_per_s: float | None


@dataclass(slots=True)
class Samples:
    """Everything that was seen."""

    taken: int = 0
    quickest_s: float = float("inf")
    """The quickest answer, without its way."""
    seen: dict[Asked, Seen] = field(default_factory=lambda: defaultdict(Seen))

    def add(self, requests: list[InFlight], took_s: float) -> None:
        """Add a dump. What the dump itself is, tells the time by the API server's clock."""
        self.taken += 1
        self.quickest_s = min(self.quickest_s, took_s)
        own = [one.started_s for one in requests if one.path == PATH and one.started_s is not None]
        now = max(own, default=None)
        executing: defaultdict[Asked, list[InFlight]] = defaultdict(list)
        for one in requests:
            if one.path == PATH:
                continue
            if one.started_s is None:
                self.seen[one.asked].waiting += 1
            else:
                executing[one.asked].append(one)
        for asked, some in executing.items():
            self.seen[asked].add(some, now)

    def rows(self) -> list[Row]:
        """Return a row a client, those first that are executed most."""
        whole = sum(seen.executing for seen in self.seen.values())
        found = [self._row(asked, seen, whole) for asked, seen in self.seen.items()]
        return sorted(found, key=lambda row: (-row.executing, -row.waiting, row.asked.user))

    @property
    def unseen(self) -> float:
        """Mean number executing that a client may have and still not be seen (95%)."""
        return NONE_SEEN / max(self.taken, 1)

    def _row(self, asked: Asked, seen: Seen, whole: int) -> Row:
        # requests come one by one, each is seen in some samples: a compound Poisson sum
        error = Z * seen.squares**0.5 / self.taken
        return Row(
            asked,
            seen.executing / self.taken,
            error,
            seen.executing / whole if whole else 0.0,
            seen.seats / self.taken,
            seen.waiting / self.taken,
            seen.requests,
            self._rate(seen),
        )

    def _rate(self, seen: Seen) -> float | None:
        """Return the rate by how many had just begun: of these each sample sees rate x age."""
        if not seen.ages_s:
            return None
        young_s = YOUNG * statistics.median(seen.ages_s)
        young = sum(age < young_s for age in seen.ages_s)
        if young < YOUNG_FROM or young_s <= 0:
            return None
        return young / len(seen.ages_s) * seen.executing / (self.taken * young_s)


def sample(
    api: Api, samples: Samples, for_s: float, rng: random.Random, trip_s: float = 0.0
) -> Iterator[None]:
    """Add dumps to ``samples`` for ``for_s`` seconds, and yield after each.

    ``trip_s`` of the time of each answer is its way, which takes no processor. Raises
    ``ApiError``, ``ApiUnreachableError`` and ``DumpError``.
    """
    end = time.monotonic() + for_s
    while True:
        begin = time.monotonic()
        body = api.get_bytes(DETAILED)
        took_s = time.monotonic() - begin
        samples.add(parse(body), max(0.0, took_s - trip_s))
        yield
        mean_s = max(MEAN_INTERVAL_S, CPU_OF_ANSWER * samples.quickest_s / COST)
        due = begin + rng.expovariate(1 / mean_s)
        if due > end:
            time.sleep(max(0.0, end - time.monotonic()))
            return
        time.sleep(max(0.0, due - time.monotonic()))
