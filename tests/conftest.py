"""One control plane for the whole suite; tests that break theirs start one of their own."""

import signal
from collections.abc import Callable, Iterator

import pytest

from bench.cluster.binaries import Binaries, resolve
from bench.cluster.control_plane import ControlPlane
from bench.supervision.watchdog import Watchdog


def pytest_configure() -> None:
    """Take Ctrl-C seriously, also where the suite was started in the background of a shell.

    Such a job ignores SIGINT, and so would everything that tests start and interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def watchdog() -> Iterator[Watchdog]:
    """Ends what a test leaves behind, also when the suite is killed."""
    with Watchdog() as dog:
        yield dog


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """The kube-apiserver and etcd that the benchmark itself would use."""
    return resolve(say=print)


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries, watchdog: Watchdog) -> Iterator[ControlPlane]:
    """A control plane shared by all tests. Use namespaces of your own; leave it running."""
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
