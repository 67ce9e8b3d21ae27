"""Locust users of the closed and of the open model, over the same cheap connections.

They report each request through Locust's own event, so its statistics, CSV
files, web page and workers go on working.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import ClassVar

import gevent
from gevent.pool import Pool
from locust import User, task
from locust.env import Environment

from bench.load.asking import Asker, Questions, RequestFailedError
from bench.load.connection import Connection
from bench.load.pacing import Arrivals, choices, offsets
from bench.load.phase import Phase, Stage

BURST_S = 0.1
"""A task of the closed model asks for so long before it hands back to Locust, which
then may stop the user: Locust's own loop would cost as much as a small request."""

STOP_S = 1.0
"""How long outstanding requests of a stopped user are awaited."""


@dataclass(slots=True)
class Order:
    """What the users are to do; ``rate_rps`` is the open model's, for all users together.

    ``outstanding`` bounds the open model's requests under way.
    """

    questions: Questions
    stage: Stage
    seed: int
    timeout_s: float
    rate_rps: float | None = None
    arrivals: Arrivals = Arrivals.CONSTANT
    outstanding: int = 1
    numbers: Iterator[int] = field(default_factory=count)
    """Numbers the users, so that each has a stream of choices of its own."""


class LoadUser(User):
    """What both models share."""

    abstract = True
    order: ClassVar[Order]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.number = next(self.order.numbers)
        self.asker = Asker(self.order.questions, self.order.timeout_s, self._report)
        self.phase: Phase | None = None
        self.choices: Iterator[int] = iter(())

    def enter_next_phase(self) -> Phase:
        """Wait for the phase after the present one, and draw anew for it."""
        self.phase = self.order.stage.next(after=self.phase)
        seed = f"{self.order.seed}/{self.phase.name}/{self.number}"
        self.choices = choices(self.order.questions.asks, seed)
        return self.phase

    def _report(
        self, label: str, elapsed_ms: float, size: int, wrong: RequestFailedError | None
    ) -> None:
        self.environment.events.request.fire(
            request_type="GET",
            name=label,
            response_time=elapsed_ms,
            response_length=size,
            exception=wrong,
            context={},
        )


class ClosedUser(LoadUser):
    """Asks again as soon as it was answered; it leaves a server alone that is out of reach."""

    abstract = True

    def on_start(self) -> None:
        """Make the user's connection; it opens with the first request."""
        self.connection = Connection(self.order.questions.address)

    def on_stop(self) -> None:
        """Close it."""
        self.connection.close()

    @task
    def ask_for_a_while(self) -> None:
        """Ask again and again for the length of a burst, within the phase."""
        phase = self.phase
        if phase is None or monotonic() >= phase.end_s:
            phase = self.enter_next_phase()
        asker = self.asker
        until = min(phase.end_s, monotonic() + BURST_S)
        while (now := monotonic()) < until:
            if pause := asker.backoff.remaining_s(now):
                gevent.sleep(pause)
            else:
                asker.ask(self.connection, phase, next(self.choices), now)


class OpenUser(LoadUser):
    """Starts requests at their intended times, whatever becomes of those before.

    One such user holds the whole rate. Its waiting time steps to the next intended
    start; a late one is started at once, and its latency counts from when it was
    meant to start. At most ``order.outstanding`` are under way: an arrival beyond
    that is dropped, and counted.
    """

    abstract = True
    fixed_count = 1

    def on_start(self) -> None:
        """Make the pool of requests under way and their idle connections."""
        self.pool = Pool(self.order.outstanding)
        self.idle: list[Connection] = []
        self.offsets: Iterator[float] = iter(())
        self.due: float | None = None

    def on_stop(self) -> None:
        """Await what is outstanding, not for ever, and close the connections."""
        self.pool.join(timeout=min(STOP_S, self.order.timeout_s))
        self.pool.kill()
        for connection in self.idle:
            connection.close()

    def wait_time(self) -> float:
        """Step to the next intended start, through the pause between phases if need be."""
        while (offset := next(self.offsets, None)) is None:
            phase = self.enter_next_phase()
            seed = f"{self.order.seed}/{phase.name}/arrivals"
            rate = self.order.rate_rps
            assert rate is not None, "only an order with a rate makes this user"
            self.offsets = offsets(self.order.arrivals, rate, phase.seconds, seed)
        assert self.phase is not None, "entered above"
        self.due = self.phase.begin_s + offset
        return max(0.0, self.due - monotonic())

    @task
    def arrive(self) -> None:
        """Start the request that is due, or drop it."""
        due, phase = self.due, self.phase
        if due is None or phase is None:
            return  # Locust runs a task before it first waits
        self.due = None
        index = next(self.choices)
        if self.pool.full():
            self.asker.refuse(phase, index, due, dropped=True)
        elif self.asker.backoff.remaining_s(monotonic()):
            self.asker.refuse(phase, index, due, dropped=False)
        else:
            self.pool.spawn(self._ask, phase, index, due)

    def _ask(self, phase: Phase, index: int, due: float) -> None:
        connection = self.idle.pop() if self.idle else Connection(self.order.questions.address)
        try:
            self.asker.ask(connection, phase, index, due)
        finally:
            self.idle.append(connection)
