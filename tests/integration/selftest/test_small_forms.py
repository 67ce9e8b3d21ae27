"""Small forms of the calibration, without a cluster: real load finds the flaws of real servers.

What is counted, requests and hang-ups, is found in ``test_on_a_control_plane.py``.
"""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from bench.analysis.latency import Latencies, times_of
from bench.load.driver import Load, LoadDriver, Measured
from bench.metrics import Times
from bench.model import Arrivals, Targets
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

        def make(url: str, *, users: int = 64, **more: object) -> LoadDriver:
            what = Load("one-pod", (url,), users, TARGETS, **more)
            folder = tmp_path / f"load-{next(numbers)}"
            made = stack.enter_context(LoadDriver(what, out=folder, watchdog=watchdog))
            made.warm_up(0.3)
            return made

        yield make


def felt(measured: Measured) -> Latencies:
    return times_of(rows_of(measured), Times.RESPONSE, 30.0)


def at_once(seconds: float, *drivers: LoadDriver) -> list[Latencies]:
    """What each felt in one window, in which all of them load: what disturbs one disturbs all."""
    with ThreadPoolExecutor(len(drivers)) as pool:
        return [felt(each) for each in pool.map(lambda one: one.measure(seconds), drivers)]


def test_five_milliseconds_are_found_and_between_equals_less_than_that(flawed, driver):
    url = flawed("faithful")
    drivers = [
        driver(one, rate_rps=40, arrivals=Arrivals.POISSON, seed=seed)
        for seed, one in enumerate((url, url, flawed("delay", "0.005")))
    ]
    # the quickest: what a busy machine adds to the others is no part of the flaw
    prompt, again, late = (np.percentile(each.answered_ms, 10) for each in at_once(4.0, *drivers))
    assert 4.0 < late - prompt < 8.0
    assert abs(again - prompt) < 2.5


def test_a_stall_is_felt_in_the_open_model_and_hidden_in_the_closed(flawed, driver):
    url = flawed("stall", "0.5", "2.0")
    both = driver(url, rate_rps=80), driver(url, users=2, rate_rps=None)
    opened, closed = at_once(4.0, *both)
    felt_ms, hidden_ms = (each.percentile(0.9).value_ms for each in (opened, closed))
    assert felt_ms is not None
    assert hidden_ms is not None
    # A quarter of the arrivals meets a stall and waits for 0 to 500 ms: a tenth for 300 or more.
    assert felt_ms > 250
    assert hidden_ms < 100
    assert max(closed.answered_ms) > 250, "each user waited once a stall"


def test_a_faithful_server_that_dies_takes_the_flawed_one_along(flawed):
    with pytest.raises(ProcessFailed, match="the faithful server ended before it said where"):
        flawed("faithful", faithful=(sys.executable, "-c", "print('no address')"))
