"""Small forms of the calibration, without a cluster: real load finds the flaws of real servers.

Counts of requests and hang-ups are tested in ``test_on_a_control_plane.py``.
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
    """Returns a function that starts a flawed server by its command line."""
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
    """Returns a function that makes ready load processes, for several windows."""
    with ExitStack() as stack:
        numbers = count()

        def make(url: str, *, users: int = 64, **more: object) -> LoadDriver:
            what = Load("one-pod", (url,), users, TARGETS, **more)
            folder = tmp_path / f"load-{next(numbers)}"
            made = stack.enter_context(LoadDriver(what, out=folder, watchdog=watchdog))
            made.warm_up(0.3)
            return made

        yield make


def response_times(measured: Measured) -> Latencies:
    return times_of(rows_of(measured), Times.RESPONSE, 30.0)


def at_once(seconds: float, *drivers: LoadDriver) -> list[Latencies]:
    """Return the response times of each in one common window, so that all share disturbances."""
    with ThreadPoolExecutor(len(drivers)) as pool:
        windows = pool.map(lambda driver: driver.measure(seconds), drivers)
        return [response_times(measured) for measured in windows]


def test_a_delay_of_five_milliseconds_is_found_and_equal_servers_differ_by_less(flawed, driver):
    url = flawed("faithful")
    drivers = [
        driver(target, rate_rps=40, arrivals=Arrivals.POISSON, seed=seed)
        for seed, target in enumerate((url, url, flawed("delay", "0.005")))
    ]
    # the fastest tenth: a busy machine delays the others, which is no part of the flaw
    prompt, again, late = (np.percentile(t.answered_ms, 10) for t in at_once(4.0, *drivers))
    assert 4.0 < late - prompt < 8.0
    assert abs(again - prompt) < 2.5


def test_a_stall_shows_in_the_open_model_and_is_hidden_in_the_closed(flawed, driver):
    url = flawed("stall", "0.5", "2.0")
    both = driver(url, rate_rps=80), driver(url, users=2, rate_rps=None)
    opened, closed = at_once(4.0, *both)
    open_ms, closed_ms = (times.percentile(0.9).value_ms for times in (opened, closed))
    assert open_ms is not None
    assert closed_ms is not None
    # A quarter of the arrivals meets a stall and waits for 0 to 500 ms: a tenth for 300 or more.
    assert open_ms > 250
    assert closed_ms < 100
    assert max(closed.answered_ms) > 250, "each user waited once a stall"


def test_a_faithful_server_that_dies_takes_the_flawed_one_along(flawed):
    with pytest.raises(ProcessFailed, match="the faithful server ended before it said where"):
        flawed("faithful", faithful=(sys.executable, "-c", "print('no address')"))
