"""Dumps at random moments, summed up by client.

The moments are those of a Poisson process, so that the samples see time averages
(R. W. Wolff, "Poisson Arrivals See Time Averages", Operations Research 30, 1982). Samples at equal
intervals that divide a client's period always see the same phases of it: of a client that asks
every 100 ms for 60 ms, which is 0.6 on average, a sample every 50 ms sees 0.5 or 1.

By Little's law the mean number executing is a client's rate times the time of a request.
"""

import random
import statistics
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.cluster.api import Api
from bench.top.dump import DETAILED, PATH, InFlight, RequestKind, parse

MEAN_INTERVAL_S = 0.2
COST = 0.01
"""Share of one processor that the sampling may take from the API server."""
CPU_OF_ANSWER = 2.0
"""Most processor time of an answer, as a multiple of the quickest answer's duration: the API server
also works beside and after it, as on its audit log (measured: 1.3 to 2.0 ms for 1.3 ms)."""
YOUNG = 0.5
"""Share of the median age below which a request counts as just begun."""
AGES = 10_000
"""Latest ages kept of a client's requests, so that memory does not grow with time."""
YOUNG_FROM = 10
"""Least number of requests just begun for which a rate is stated."""
Z = 1.96
"""Quantile of a 95% interval."""
NONE_SEEN = 3.0
"""Upper 95% bound of a count of nothing (exact Poisson: 2.996)."""


@dataclass(slots=True)
class ClientSamples:
    """One client's requests of one kind in the samples."""

    executing: int = 0
    """Sightings of executing requests, one per request and sample."""
    requests: int = 0
    """Distinct requests among them."""
    squares: int = 0
    """Sum over these of each request's sightings squared."""
    last: dict[float, int] = field(default_factory=dict)
    """Sightings by arrival, of the requests in the last sample."""
    waiting: int = 0
    seats: int = 0
    ages_s: deque[float] = field(default_factory=lambda: deque(maxlen=AGES))

    def add(self, executing: list[InFlight], now: float | None) -> None:
        """Add the requests that a sample shows executing at ``now``."""
        earlier = self.last
        last = {request.arrived_s: earlier.get(request.arrived_s, 0) + 1 for request in executing}
        self.last = last
        self.executing += len(executing)
        self.requests += sum(count == 1 for count in last.values())
        self.squares += sum(2 * count - 1 for count in last.values())
        self.seats += sum(request.seats for request in executing)
        if now is not None:
            self.ages_s.extend(max(0.0, now - (request.started_s or now)) for request in executing)


@dataclass(frozen=True, slots=True)
class Row:
    """A client's requests of one kind: means over the samples, with half of a 95% interval.

    ``requests`` counts the distinct ones in the samples; ``rate_per_s`` is ``None`` if too few
    had just begun, and approximately right if the requests take equally long.
    """

    asked: RequestKind
    executing: float
    error: float
    share: float
    """Share of all executing requests."""
    seats: float
    waiting: float
    requests: int
    rate_per_s: float | None


@dataclass(slots=True)
class Samples:
    """All samples, summed up by client."""

    taken: int = 0
    quickest_s: float = float("inf")
    """Duration of the quickest answer, without the round trip."""
    clients: dict[RequestKind, ClientSamples] = field(
        default_factory=lambda: defaultdict(ClientSamples)
    )

    def add(self, requests: list[InFlight], took_s: float) -> None:
        """Add a dump; the dump's own request gives the time by the API server's clock."""
        self.taken += 1
        self.quickest_s = min(self.quickest_s, took_s)
        dumps = [request.started_s for request in requests if request.path == PATH]
        now = max((started_s for started_s in dumps if started_s is not None), default=None)
        executing: defaultdict[RequestKind, list[InFlight]] = defaultdict(list)
        for request in requests:
            if request.path == PATH:
                continue
            if request.started_s is None:
                self.clients[request.asked].waiting += 1
            else:
                executing[request.asked].append(request)
        for kind, sampled in executing.items():
            self.clients[kind].add(sampled, now)

    def rows(self) -> list[Row]:
        """Return one row per client and kind, those with most executing requests first."""
        whole = sum(client.executing for client in self.clients.values())
        rows = [self._row(kind, client, whole) for kind, client in self.clients.items()]
        return sorted(rows, key=lambda row: (-row.executing, -row.waiting, row.asked.user))

    @property
    def unseen(self) -> float:
        """Greatest mean number executing that a client may have without being seen (95%)."""
        return NONE_SEEN / max(self.taken, 1)

    def _row(self, kind: RequestKind, client: ClientSamples, whole: int) -> Row:
        # requests come one by one, each is in some samples: a compound Poisson sum
        error = Z * client.squares**0.5 / self.taken
        return Row(
            kind,
            client.executing / self.taken,
            error,
            client.executing / whole if whole else 0.0,
            client.seats / self.taken,
            client.waiting / self.taken,
            client.requests,
            self._rate(client),
        )

    def _rate(self, client: ClientSamples) -> float | None:
        """Return the rate from the requests just begun: of these each sample sees rate x age."""
        if not client.ages_s:
            return None
        young_s = YOUNG * statistics.median(client.ages_s)
        young = sum(age < young_s for age in client.ages_s)
        if young < YOUNG_FROM or young_s <= 0:
            return None
        return young / len(client.ages_s) * client.executing / (self.taken * young_s)


def sample(
    api: Api, samples: Samples, for_s: float, rng: random.Random, trip_s: float = 0.0
) -> Iterator[None]:
    """Add dumps to ``samples`` for ``for_s`` seconds, and yield after each.

    ``trip_s`` of each answer's time is the round trip, which takes no processor. Raises
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
