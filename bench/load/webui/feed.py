"""The one poller that all open pages share: it asks the harness while a page is open."""

from collections import Counter, deque
from time import monotonic
from typing import Any

import gevent
from gevent.lock import Semaphore
from locust.env import Environment
from locust.runners import MasterRunner

from bench.load.webui.classes import SERVERS
from bench.load.webui.harness import Harness, HarnessError

EVERY_S = 1.0
LOOKED_S = 6.0
"""So long after a page asked last, nobody looks any more; pages ask every two seconds."""
KEPT = 900
"""Points, of a second each: the last quarter of an hour."""


class Feed:
    """Points of the last minutes, and how things stand now."""

    def __init__(self, environment: Environment, harness: Harness) -> None:
        self._environment = environment
        self._harness = harness
        self._points: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._now: dict[str, Any] = {}
        self._error: str | None = None
        self._looked = 0.0
        self._poller: gevent.Greenlet | None = None
        self._first = Semaphore()
        self._seq = 0

    @property
    def polls(self) -> bool:
        """Whether the harness is asked at present."""
        return self._poller is not None and not self._poller.dead

    def look(self, since: int) -> dict[str, Any]:
        """Return the points after number ``since``, and the state; keeps the poller going."""
        self._looked = monotonic()
        with self._first:
            if not self.polls:
                self._step()
                self._poller = gevent.spawn(self._poll)
        points = [point for point in self._points if point["seq"] > since]
        return {
            "seq": self._seq,
            "error": self._error,
            "now": self._now,
            "points": points,
            "test": self.load(),
        }

    def load(self) -> dict[str, Any]:
        """Return what Locust knows: state, users, good and bad answers of each server so far."""
        runner = self._environment.runner
        assert runner is not None, "the page is made for a runner"
        answers: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for (name, _), entry in list(runner.stats.entries.items()):
            server = name.partition(" ")[0]
            if server in SERVERS:
                answers[server] += entry.num_requests - entry.num_failures
                failed[server] += entry.num_failures
        return {
            "state": runner.state,
            "users": runner.user_count,
            "workers": runner.worker_count if isinstance(runner, MasterRunner) else None,
            "answers": dict(answers),
            "failed": dict(failed),
        }

    def _poll(self) -> None:
        while monotonic() - self._looked < LOOKED_S:
            gevent.sleep(EVERY_S)
            self._step()

    def _step(self) -> None:
        load = self.load()
        counts = {name: load[name] for name in ("users", "answers", "failed")}
        try:
            answer = self._harness.ask("step", **counts)
        except HarnessError as error:
            self._error = str(error)
            return
        self._error, self._now = None, answer["now"]
        if point := answer["point"]:
            self._seq += 1
            self._points.append({"seq": self._seq, "users": load["users"], **point})
