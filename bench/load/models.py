"""Closed and open model of load: when a user asks, over its own connections.

Locust's loop leads both (``wait_s``, then ``step``); neither knows Locust.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count, cycle, repeat
from time import monotonic

import gevent
from gevent.pool import Pool

from bench.load import routes
from bench.load.client import Questions, Report, RequestClient
from bench.load.connection import Address, Connection
from bench.load.distributed.share import WHOLE, Share
from bench.load.pacing import choices, offsets
from bench.load.phases import Phase, PhaseSwitch
from bench.load.spec import Load
from bench.model import Arrivals

BURST_S = 0.1
"""Length of a step of the closed model, after which Locust may stop the user: one step per
request would cost as much as a small request, for Locust's own loop."""

STOP_S = 1.0
"""Longest wait for the outstanding requests of a stopped user."""


@dataclass(slots=True)
class Order:
    """Work of the users of one process.

    With ``rate_rps`` the model is open: a single user offers the rate, and has at most
    ``outstanding`` requests under way. ``numbers`` numbers the users, so that each has its
    own stream of choices. Of an open model's arrivals this process makes only those of
    ``share``; other processes make the rest.

    ``questions`` are the same for each replica of the server. In the closed model a
    user stays with one replica, user k with the k-th in turn, as a client that keeps
    its connection does behind a Service. In the open model arrivals go round the
    replicas one by one, so that each gets exactly its share of the rate.
    """

    questions: Sequence[Questions]
    switch: PhaseSwitch
    seed: int
    timeout_s: float
    rate_rps: float | None = None
    arrivals: Arrivals = Arrivals.CONSTANT
    outstanding: int = 1
    numbers: Iterator[int] = field(default_factory=count)
    share: Share = WHOLE


def order_of(load: Load, share: Share = WHOLE, source: str = "") -> Order:
    """Return the order for the users of one process, who ask from the address ``source``.

    An open model's users all draw from the seed's one stream of arrivals and choices,
    of which each takes its share; a closed model's are numbered across all processes.
    Raises ``RouteError`` and ``AddressError``.
    """
    asks = routes.load(load.route).asks(load.targets)
    addresses = [replace(Address.of(url), source=source) for url in load.servers]
    is_open = load.rate_rps is not None
    return Order(
        questions=[Questions(asks, address) for address in addresses],
        switch=PhaseSwitch(),
        seed=load.seed,
        timeout_s=load.timeout_s,
        rate_rps=load.rate_rps,
        arrivals=load.arrivals,
        outstanding=share.count(load.users),
        numbers=count() if is_open else count(share.index, share.of),
        share=share,
    )


class _Present:
    """The phase a user is in, and its choices, drawn anew for each phase."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.number = next(order.numbers)
        self.phase: Phase | None = None
        self.choices: Iterator[int] = iter(())

    def enter_next(self) -> Phase:
        """Wait for the phase after the present one."""
        self.phase = self._order.switch.next(after=self.phase)
        self.choices = choices(self._order.questions[0].asks, self.seed(self.phase))
        return self.phase

    def seed(self, phase: Phase) -> str:
        """Return the seed of this user's draws in ``phase``."""
        return f"{self._order.seed}/{phase.name}/{self.number}"


class ClosedModel:
    """Asks again as soon as it is answered; pauses while the server is out of reach."""

    def __init__(self, order: Order, report: Report) -> None:
        self._present = _Present(order)
        questions = order.questions[self._present.number % len(order.questions)]
        self._client = RequestClient(questions, order.timeout_s, report)
        self._connection = Connection(questions.address)

    def wait_s(self) -> float:
        """Return 0: a user of this model never waits between steps."""
        return 0.0

    def step(self) -> None:
        """Ask again and again for the length of a burst, within the phase."""
        phase = self._present.phase
        if phase is None or monotonic() >= phase.end_s:
            phase = self._present.enter_next()
        until = min(phase.end_s, monotonic() + BURST_S)
        while (now := monotonic()) < until:
            if pause := self._client.backoff.remaining_s(now):
                gevent.sleep(min(pause, until - now))
            else:
                self._client.ask(self._connection, phase, next(self._present.choices), now)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class _Replica:
    """One replica in the open model: its address, client, and idle connections."""

    def __init__(self, questions: Questions, timeout_s: float, report: Report) -> None:
        self._address = questions.address
        self._idle: list[Connection] = []
        self.client = RequestClient(questions, timeout_s, report)

    def ask(self, phase: Phase, index: int, due: float) -> None:
        connection = self._idle.pop() if self._idle else Connection(self._address)
        try:
            self.client.ask(connection, phase, index, due)
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        for connection in self._idle:
            connection.close()


_Arrival = tuple[Phase, float, int, _Replica]
"""Phase, time due on the monotonic clock, index of the question, and replica to ask."""


class OpenModel:
    """Starts requests at their intended times, whatever happens to earlier ones.

    Waiting steps to the next intended start; a late request starts at once, and its
    latency counts from its intended start. An arrival is counted as dropped while
    ``order.outstanding`` requests are under way, and as failed while the server is
    out of reach.
    """

    def __init__(self, order: Order, report: Report) -> None:
        self._order = order
        self._present = _Present(order)
        self._replicas = [
            _Replica(questions, order.timeout_s, report) for questions in order.questions
        ]
        self._pool = Pool(order.outstanding)
        self._arrivals: Iterator[_Arrival] = iter(())
        self._upcoming: _Arrival | None = None
        self._due: _Arrival | None = None
        self._beginning = 0
        """Arrivals whose greenlets have not run yet."""
        self._broken: Exception | None = None

    def wait_s(self) -> float:
        """Step to the next intended start, and return the seconds until it; may await a phase."""
        while self._upcoming is None:
            self._draw_arrivals(self._present.enter_next())
        self._due, self._upcoming = self._upcoming, next(self._arrivals, None)
        return max(0.0, self._due[1] - monotonic())

    def are_due(self) -> bool:
        """Whether the present phase has arrivals that have not been made yet."""
        return bool(self._due or self._upcoming or self._beginning)

    def give_up(self) -> None:
        """Count the arrivals that were not made as dropped, and stop making them."""
        not_made = chain(filter(None, (self._due, self._upcoming)), self._arrivals)
        self._due = self._upcoming = None  # the step of the due arrival then does nothing
        for phase, due, index, replica in not_made:
            replica.client.refuse(phase, index, due, dropped=True)

    def _draw_arrivals(self, phase: Phase) -> None:
        rate = self._order.rate_rps
        assert rate is not None, "only an order with a rate makes this model"
        seed = f"{self._present.seed(phase)}/arrivals"
        starts = offsets(self._order.arrivals, rate, phase.seconds, seed)
        due = (phase.begin_s + start for start in starts)
        turns = cycle(self._replicas)
        self._arrivals = self._order.share.part(
            zip(repeat(phase), due, self._present.choices, turns, strict=False)
        )
        self._upcoming = next(self._arrivals, None)
        phase.arrivals = self

    def step(self) -> None:
        """Start the due request, or count it as refused; raise the error of an earlier one."""
        if self._broken is not None:
            raise self._broken
        arrival, self._due = self._due, None
        if arrival is None:
            return  # Locust takes a step before it first waits
        phase, due, index, replica = arrival
        if self._pool.full():
            replica.client.refuse(phase, index, due, dropped=True)
        elif replica.client.backoff.remaining_s(monotonic()):
            replica.client.refuse(phase, index, due, dropped=False)
        else:
            self._beginning += 1
            self._pool.spawn(self._ask, phase, due, index, replica)

    def _ask(self, phase: Phase, due: float, index: int, replica: _Replica) -> None:
        self._beginning -= 1
        try:
            replica.ask(phase, index, due)
        except Exception as error:
            self._broken = error  # nobody waits for this greenlet
            raise

    def close(self) -> None:
        """Await outstanding requests for a limited time, and close the connections."""
        self._pool.join(timeout=min(STOP_S, self._order.timeout_s))
        self._pool.kill()
        for replica in self._replicas:
            replica.close()


Model = ClosedModel | OpenModel
