"""Informers that are stopped after their test, and checks for threads and sockets they leave."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import ControlPlane
from bench.supervision.watchdog import Watchdog
from informer.conformance.scripted_server import Reply, Request, ScriptedServer
from kube_informer import PODS, BackoffPolicy, Resource, SharedInformer, Transport
from kube_informer.connection import _Cancellable
from tests.integration.informer.replica import PATIENCE_S, Writer, eventually
from tests.integration.informer.wire import TcpProxy

QUICK = BackoffPolicy(initial_s=0.1, cap_s=2.0)
"""Delays of the fault tests: the same sequence with a lower cap."""

_numbers = itertools.count()


def own_threads() -> set[str]:
    """Return the names of the live informer threads."""
    return {
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(("reflector ", "handler "))
    }


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    """Fail a test whose informers outlive it."""
    before = own_threads()
    yield
    eventually(lambda: own_threads() <= before, f"threads ended: {own_threads() - before}", 30.0)


@pytest.fixture(autouse=True)
def no_sockets_left(monkeypatch) -> Iterator[None]:
    """Fail a test after which a connection of an informer's transport is still open."""
    # Keys of both ends: connections to two servers may have the same port at this end.
    opened: set[tuple[int, int]] = set()
    connect = _Cancellable.connect

    def noting(connection: _Cancellable) -> None:
        connect(connection)
        with suppress(OSError):  # it was cancelled already
            opened.add((connection.sock.getsockname()[1], connection.sock.getpeername()[1]))

    monkeypatch.setattr(_Cancellable, "connect", noting)
    yield

    def still_open() -> set[tuple[int, int]]:
        sockets = psutil.Process().net_connections("tcp")
        live = (psutil.CONN_ESTABLISHED, psutil.CONN_CLOSE_WAIT)
        return opened & {(s.laddr.port, s.raddr.port) for s in sockets if s.status in live}

    eventually(lambda: not still_open(), f"sockets closed: {still_open()}", 30.0)


@pytest.fixture(scope="module")
def breakable(binaries: Binaries, watchdog: Watchdog) -> Iterator[ControlPlane]:
    """The module's own control plane, to kill and freeze; each test restores it."""
    with ControlPlane.start(binaries, watchdog) as plane:
        plane.outlive_etcd()  # tests kill etcd and start it again
        yield plane


@pytest.fixture
def namespace() -> str:
    """An unused name; the test creates the namespace."""
    return f"inf-{next(_numbers)}"


@pytest.fixture
def writer_of(namespace: str) -> Iterator[Callable[[ControlPlane], Writer]]:
    """Make the namespace in a control plane, and return a writer of pods there."""
    made: list[Writer] = []

    def make(plane: ControlPlane) -> Writer:
        api = plane.api("admin")
        api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
        made.append(Writer(api, namespace))
        return made[-1]

    yield make
    for writer in made:
        writer.clear()


class Informers:
    """Makes informers with quick delays, and stops them with their connections."""

    def __init__(self) -> None:
        self._made: list[SharedInformer] = []
        self._transports: list[Transport] = []

    def over(
        self, transport: Transport, resource: Resource = PODS, **options: Any
    ) -> SharedInformer:
        self._transports.append(transport)
        informer = SharedInformer(transport, resource, **{"backoff": QUICK} | options)
        self._made.append(informer)
        return informer

    def of(
        self,
        kubeconfig: Path,
        resource: Resource = PODS,
        *,
        context: str = "admin",
        on_request: Callable[[str, str, str, int], None] | None = None,
        **options: Any,
    ) -> SharedInformer:
        transport = Transport.from_kubeconfig(kubeconfig, context, on_request=on_request)
        return self.over(transport, resource, **options)

    def filled(self, *args: Any, **options: Any) -> SharedInformer:
        """Make an informer as :meth:`of` does, start it, and wait until it is filled."""
        informer = self.of(*args, **options)
        informer.start()
        assert informer.wait_for_cache_sync(PATIENCE_S)
        return informer

    def close(self) -> None:
        for informer in self._made:
            informer.stop()
        for transport in self._transports:
            transport.close()


@pytest.fixture
def informers() -> Iterator[Informers]:
    """Make informers that are stopped after the test."""
    made = Informers()
    yield made
    made.close()


@pytest.fixture
def scripted() -> Iterator[Callable[[Callable[[Request], Reply]], ScriptedServer]]:
    """Start HTTP servers that follow a script."""
    made: list[ScriptedServer] = []

    def start(answer: Callable[[Request], Reply]) -> ScriptedServer:
        made.append(ScriptedServer(answer))
        return made[-1]

    yield start
    for server in made:
        server.close()


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Callable[[ControlPlane], tuple[TcpProxy, Path]]]:
    """Put a TCP proxy before a control plane; return it with a kubeconfig that goes through it."""
    made: list[TcpProxy] = []

    def start(plane: ControlPlane) -> tuple[TcpProxy, Path]:
        proxy = TcpProxy("127.0.0.1", int(plane.url.rpartition(":")[2]))
        made.append(proxy)
        document = yaml.safe_load(plane.kubeconfig.read_text())
        for cluster in document["clusters"]:
            cluster["cluster"]["server"] = f"https://127.0.0.1:{proxy.port}"
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        return proxy, path

    yield start
    for proxy in made:
        proxy.close()
