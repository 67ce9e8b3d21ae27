"""One control plane for the whole suite; a test that breaks its control plane starts another."""

import gc
import logging
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator

import pytest
from xdist.scheduler import LoadFileScheduling

from bench.cluster.binaries import Binaries, resolve
from bench.cluster.control_plane import ControlPlane
from bench.supervision.watchdog import Watchdog
from kube_informer import redaction


def pytest_configure(config: pytest.Config) -> None:
    """Let signals end the children of tests, also in a shell's background or under ``nohup``.

    There SIGINT or SIGHUP is ignored, and children inherit that; they do not inherit a handler.
    The suite itself continues when its terminal is closed, as under ``nohup``.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN or hasattr(config, "workerinput"):
        signal.signal(signal.SIGHUP, lambda *_: None)


class Scheduling(LoadFileScheduling):
    """One file per worker at a time; ``tests/contract`` counts as one file, sharing its servers."""

    def _split_scope(self, nodeid: str) -> str:
        return "contract" if nodeid.startswith("tests/contract/") else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling:
    """Let one worker start the servers of the contract; each would start all of them."""
    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect tests without garbage collection: imported objects stay until the end.

    Garbage collections during the tests skip these objects too.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(autouse=True)
def restore_process_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore redactions, exception hooks and the log record factory after each test.

    Else the order of tests matters: a made-up token may be a word of another test's text, and a
    server's main function permanently changes how log records are made and exceptions shown.
    """
    monkeypatch.setattr(redaction, "_registered", redaction._registered)
    monkeypatch.setattr(redaction, "_forms", redaction._forms)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    factory = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)


@pytest.fixture(scope="session")
def watchdog() -> Iterator[Watchdog]:
    """Ends the processes that a test leaves behind, also when the suite is killed."""
    with Watchdog() as dog:
        yield dog


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """The kube-apiserver and etcd that the benchmark itself would use."""
    return resolve(say=print)


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries, watchdog: Watchdog) -> Iterator[ControlPlane]:
    """A control plane shared by all tests. Use separate namespaces; leave it running."""
    with ControlPlane.start(binaries, watchdog) as plane:
        yield plane


@pytest.fixture
def start_control_plane(
    binaries: Binaries, watchdog: Watchdog
) -> Iterator[Callable[..., ControlPlane]]:
    """Starts control planes that a test may freeze, kill and restart; stopped after the test."""
    started: list[ControlPlane] = []

    def start(*extra_args: str) -> ControlPlane:
        plane = ControlPlane.start(binaries, watchdog, extra_args=extra_args)
        started.append(plane)
        return plane

    yield start
    for plane in started:
        plane.stop()
