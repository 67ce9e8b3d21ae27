"""Small forms of the calibration, without a cluster: real load finds the flaws of real servers."""

import os
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from bench.analysis.latency import Latencies, from_intended, from_send
from bench.launch import Readiness
from bench.load.driver import Load, LoadDriver, Measured
from bench.model import Targets
from bench.supervision.process import ProcessFailed, SupervisedProcess
from bench.supervision.watchdog import Watchdog
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
        argv = [sys.executable, "-m", "bench.calibration.proxy", *flaw, "--", *faithful]
        readiness = Readiness()
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
def load(watchdog: Watchdog, tmp_path: Path) -> Callable[..., Measured]:
    """Loads a server for a window, after a short warm-up."""
    runs = iter(range(100))

    def run(url: str, seconds: float, *, users: int = 64, rate_rps: float | None) -> Measured:
        what = Load("one-pod", url, users, TARGETS, rate_rps)
        with LoadDriver(what, out=tmp_path / f"load-{next(runs)}", watchdog=watchdog) as driver:
            driver.warm_up(0.3)
            return driver.measure(seconds)

    return run


def felt(measured: Measured) -> Latencies:
    return from_intended(rows_of(measured), 30.0)


def asked(url: str) -> int:
    with urllib.request.urlopen(f"{url}/asked", timeout=5) as answer:
        return int(answer.read())


def test_the_same_against_the_same_differs_by_less_than_what_is_looked_for(flawed, load):
    url = flawed("faithful")
    differences = [
        median(from_send(rows_of(load(url, 1.5, rate_rps=40))).answered_ms)
        - median(from_send(rows_of(load(url, 1.5, rate_rps=40))).answered_ms)
        for _ in range(3)
    ]
    assert abs(median(differences)) < 2.5


def test_five_milliseconds_are_found(flawed, load):
    prompt, late = flawed("faithful"), flawed("delay", "0.005")
    differences = []
    for number in range(4):
        pair = {}
        for url in (prompt, late) if number % 2 else (late, prompt):
            pair[url] = median(felt(load(url, 1.5, rate_rps=40)).answered_ms)
        differences.append(pair[late] - pair[prompt])
    assert 4.0 < median(differences) < 7.0


def test_a_stall_is_felt_in_the_open_model_and_hidden_in_the_closed(flawed, load):
    url = flawed("stall", "0.5", "2.0")
    opened = felt(load(url, 4.0, rate_rps=80)).percentile(0.95).value_ms
    closed = felt(load(url, 4.0, users=2, rate_rps=None))
    hidden = closed.percentile(0.95).value_ms
    assert opened is not None
    assert hidden is not None
    # A quarter of the arrivals meets a stall and waits for 0 to 500 ms: a fifth of them above 400.
    assert 300 < opened
    assert hidden < 150
    assert max(closed.answered_ms) > 300, "each user waited once a stall"


def test_three_requests_a_read_are_three(flawed, load):
    url = flawed("times", "3")
    before = asked(url)
    with_warm_up = load(url, 1.5, rate_rps=40)
    reads = (asked(url) - before) / 3
    assert reads == round(reads)
    assert with_warm_up.sent <= reads < with_warm_up.sent + 20, "the warm-up's few besides"


def test_one_in_a_hundred_hung_up_on_is_one_in_a_hundred_failed(flawed, load):
    measured = load(flawed("hang-up", "100"), 4.0, rate_rps=100)
    assert 400 == measured.sent
    assert 4 == measured.failed
    assert 0 == measured.dropped


def test_a_faithful_server_that_dies_takes_the_flawed_one_along(flawed):
    with pytest.raises(ProcessFailed, match="the faithful server ended before it said where"):
        flawed("faithful", faithful=(sys.executable, "-c", "print('no address')"))
