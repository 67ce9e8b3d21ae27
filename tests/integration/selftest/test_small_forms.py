"""Small forms of the calibration, without a cluster: real load finds the flaws of real servers."""

import os
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from statistics import median

import pytest

from bench.analysis.latency import Latencies, times_of
from bench.load.driver import Load, LoadDriver, Measured
from bench.metrics import Times
from bench.model import Targets
from bench.supervision.process import ProcessFailed, SupervisedProcess
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import HttpReadiness
from tests.integration.load.conftest import free_port, rows_of

FAITHFUL = Path(__file__).with_name("faithful.py")
TARGETS = Targets(
    namespaces=("a", "b"), pods=(("a", "one"), ("b", "two")), label_selectors=("app=x",)
)
Flawed = Callable[..., str]


@pytest.fixture
def flawed(watchdog: Watchdog, tmp_path: Path) -> Iterator[Flawed]:
    """Starts a flawed server as its command line does, and returns its address."""
    started: list[SupervisedProcess] = []

    def start(*flaw: str, faithful: tuple[str, ...] = (sys.executable, str(FAITHFUL))) -> str:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        argv = [sys.executable, "-m", "bench.selftest.proxy", *flaw, "--", *faithful]
        readiness = HttpReadiness("/readyz", "/pods")
        process = SupervisedProcess.start(
            f"flawed {flaw[0]}",
            argv,
            log=tmp_path / f"flawed-{len(started)}.log",
            watchdog=watchdog,
            env={**os.environ, "PORT": str(port)},
            ready=lambda: readiness.ask(url),
        )
        started.append(process)
        return url

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def driver(watchdog: Watchdog, tmp_path: Path) -> Iterator[Callable[..., LoadDriver]]:
    """Makes load processes that stand ready, to measure window after window."""
    with ExitStack() as stack:
        numbers = count()

        def make(url: str, *, users: int = 64, rate_rps: float | None) -> LoadDriver:
            what = Load("one-pod", (url,), users, TARGETS, rate_rps)
            folder = tmp_path / f"load-{next(numbers)}"
            made = stack.enter_context(LoadDriver(what, out=folder, watchdog=watchdog))
            made.warm_up(0.3)
            return made

        yield make


def felt(measured: Measured) -> Latencies:
    return times_of(rows_of(measured), Times.RESPONSE, 30.0)


def asked(url: str) -> int:
    with urllib.request.urlopen(f"{url}/asked", timeout=5) as answer:
        return int(answer.read())


def test_five_milliseconds_are_found_and_between_equals_less_than_that(flawed, driver):
    url = flawed("faithful")
    prompt, again = driver(url, rate_rps=40), driver(url, rate_rps=40)
    late = driver(flawed("delay", "0.005"), rate_rps=40)
    added, between = [], []
    for number in range(5):
        order = (prompt, again, late)[:: 1 if number % 2 else -1]
        seen = {one: median(felt(one.measure(1.5)).answered_ms) for one in order}
        added.append(seen[late] - seen[prompt])
        between.append(seen[again] - seen[prompt])
    assert 4.0 < median(added) < 8.0, added
    assert abs(median(between)) < 2.5, between


def test_a_stall_is_felt_in_the_open_model_and_hidden_in_the_closed(flawed, driver):
    url = flawed("stall", "0.5", "2.0")
    opened = felt(driver(url, rate_rps=80).measure(4.0)).percentile(0.9).value_ms
    closed = felt(driver(url, users=2, rate_rps=None).measure(4.0))
    hidden = closed.percentile(0.9).value_ms
    assert opened is not None
    assert hidden is not None
    # A quarter of the arrivals meets a stall and waits for 0 to 500 ms: a tenth for 300 or more.
    assert opened > 250
    assert hidden < 100
    assert max(closed.answered_ms) > 250, "each user waited once a stall"


def test_three_requests_a_read_are_three(flawed, driver):
    url = flawed("times", "3")
    load = driver(url, rate_rps=40)
    before = asked(url)
    measured = load.measure(1.5)
    assert 3 * measured.sent == asked(url) - before
    assert measured.answered == measured.sent


def test_one_in_a_hundred_hung_up_on_is_one_in_a_hundred_failed(flawed, driver):
    measured = driver(flawed("hang-up", "100"), rate_rps=100).measure(4.0)
    assert 400 == measured.sent
    assert 4 == measured.failed
    assert 0 == measured.dropped


def test_a_faithful_server_that_dies_takes_the_flawed_one_along(flawed):
    with pytest.raises(ProcessFailed, match="the faithful server ended before it said where"):
        flawed("faithful", faithful=(sys.executable, "-c", "print('no address')"))
