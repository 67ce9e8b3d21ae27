"""Report the start and stop of each test to the harness, which keeps it as a trial."""

import logging
from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner

from bench.load.webui.classes import Reader
from bench.load.webui.form import OF_THE_CLASS
from bench.load.webui.harness import Harness, HarnessError
from bench.load.webui.rows import EVERY_S, Collector

SETTLE_S = 1.0
WORKERS_SETTLE_S = 5 * EVERY_S
"""The longest wait for the workers' last rows, which come with the next report after a stop."""
AS_GIVEN = ("namespace", "selector", "arrivals", "outstanding", "timeout_s")
"""Fields of the form that are reported unchanged."""

log = logging.getLogger(__name__)


class Session:
    """Reports the tests of one page to the harness."""

    def __init__(self, environment: Environment, harness: Harness, collector: Collector) -> None:
        self._environment = environment
        self._harness = harness
        self._collector = collector
        self._most_users = 0
        self._workers: set[str] = set()
        self._under_way = False
        self._ending: gevent.Greenlet | None = None

    def follow(self) -> None:
        """Listen to Locust's events."""
        self._environment.events.test_start.add_listener(self._started)  # type: ignore[no-untyped-call]
        self._environment.events.test_stop.add_listener(self._stopped)  # type: ignore[no-untyped-call]
        gevent.spawn(self._count_users)

    def _started(self, **_: object) -> None:
        self._settle()
        try:
            answer = self._harness.ask("begin", **self._description())
        except HarnessError as error:
            log.warning("this test will not be part of the session's results: %s", error)
            return
        runner = self._environment.runner
        self._most_users, self._under_way = runner.user_count if runner else 0, True
        self._workers = set(getattr(runner, "clients", ()))
        self._collector.write_into(Path(answer["folder"]))

    def _stopped(self, **_: object) -> None:
        if not self._under_way:
            return
        self._under_way = False
        self._collector.keep_local()  # the next test, which may start at once, makes new recorders
        # in its own greenlet: marks wait for the API server, and a stop must not
        self._ending = gevent.spawn(self._end)

    def hand_over(self) -> None:
        """Have all measurements written: a test under way becomes a trial that ends now.

        The rest of the test is another trial.
        """
        if self._under_way:
            self._end()
            if self._under_way:  # it was not stopped meanwhile
                self._started()
        self._settle()

    def _settle(self) -> None:
        """Wait until the test stopped last is written."""
        if self._ending is not None:
            self._ending.join()

    def _end(self) -> None:
        if isinstance(self._environment.runner, MasterRunner):
            self._await_reports()
        else:
            gevent.sleep(SETTLE_S)
        self._collector.keep_local()
        try:
            self._harness.ask("end", users=self._most_users)
        except HarnessError as error:
            log.warning("this test will not be part of the session's results: %s", error)

    def _await_reports(self) -> None:
        """Wait until each worker that began the test has reported once more."""
        reports = self._collector.reports
        before = Counter(reports)
        deadline = monotonic() + WORKERS_SETTLE_S
        while any(reports[worker] == before[worker] for worker in self._workers):
            if monotonic() > deadline:
                log.warning("the last rows of some workers did not come: the results lack them")
                return
            gevent.sleep(0.1)

    def _count_users(self) -> None:
        while True:
            runner = self._environment.runner
            self._most_users = max(self._most_users, runner.user_count if runner else 0)
            gevent.sleep(0.5)

    def _description(self) -> dict[str, Any]:
        options = self._environment.parsed_options
        assert options is not None, "a locustfile is loaded by the command line"
        classes = [user for user in self._environment.user_classes if issubclass(user, Reader)]
        chosen = options.route != OF_THE_CLASS
        return {
            "servers": sorted({user.server for user in classes}),
            "routes": [options.route] if chosen else sorted({user.route.name for user in classes}),
            "rate": options.rate or None,
            **{name: getattr(options, name) for name in AS_GIVEN},
        }
