"""Every server as a real process over the suite's control plane, and pods to read."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import servers
from bench.cluster.api import Api
from bench.cluster.control_plane import ControlPlane
from bench.cluster.pods import PodKey, Workload
from bench.cluster.population import create_pod, ensure_namespace
from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.peers import PEERS, built_peers
from bench.sut.registry import ServerError
from bench.sut.server import ServerUnderTest
from servers.registry import SERVERS
from servers.server import Contract
from servers.variants.ttl import TTL
from tests.contract.client import EMPTY, NAMESPACE, NEIGHBOUR, Client, Reference

COMPARED = [n for n, server in SERVERS.items() if server.contract is not Contract.METADATA]
COMPARED += PEERS
"""The servers that answer with whole pods."""
CHECKING = ("direct", "informer", *PEERS)
"""The servers whose code checks requests: ours and the peers', each before a source that requests
and one that watches. The refusals of ``servers.query`` hold for all others too."""
OF_EACH_KIND = ("direct", "typed", "informer", "official-informer")
"""A server for each way in which ours read from the API server or watch it."""
CASES_OF_ALL = 2

TTL_S = 0.1


def draw() -> list[PodKey]:
    """Return the pods of the contract, in the order of their creation."""

    def workload(namespace: str, app: str, tier: str) -> Workload:
        return Workload(
            namespace, app, tier, 5, app.replace("-", "") + "hash", f"{namespace}-{app}", 0
        )

    workloads = [
        workload(NAMESPACE, "web-1", "frontend"),
        workload(NAMESPACE, "api-1", "backend"),
        workload(NEIGHBOUR, "web-1", "frontend"),
    ]
    return [PodKey(item, ordinal) for item in workloads for ordinal in range(item.replicas)]


class Clients(dict[str, Client]):
    """Clients by server; a lookup of a peer in Go skips the test if it cannot be built."""

    reason = ""

    def __missing__(self, name: str) -> Client:
        pytest.skip(self.reason)


@pytest.fixture(scope="session")
def api(control_plane: ControlPlane) -> Api:
    return control_plane.api("admin")


@pytest.fixture(scope="session")
def population(api: Api) -> list[PodKey]:
    """Ten pods in one namespace, five in a neighbour, some unlike the rest."""
    pods = draw()
    for namespace in (NAMESPACE, NEIGHBOUR, EMPTY):
        ensure_namespace(api, namespace)
    for pod in pods:
        create_pod(api, pod)
    odd = {"metadata": {"annotations": {"note": 'a "quote", a \\ and <html> & ünïcödé ☃ 😀'}}}
    api.merge_patch(pods[0].path, odd)
    api.merge_patch(f"{pods[1].path}/status", {"status": {"phase": "Pending", "podIPs": None}})
    return pods


@pytest.fixture(scope="session")
def reference(api: Api, population: list[PodKey]) -> Reference:
    return Reference(api)


@pytest.fixture(scope="session")
def clients(
    control_plane: ControlPlane,
    population: list[PodKey],
    watchdog: Watchdog,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Client]]:
    """Every server, each in its own process, all over one API server."""
    logs = tmp_path_factory.mktemp("servers")
    started = {
        name: run_server(name, *_options(name), plane=control_plane, watchdog=watchdog, logs=logs)
        for name in SERVERS
    }
    for running in started.values():
        running.client.wait_for("/readyz", lambda answer: answer.status == 200)
    clients = Clients({name: running.client for name, running in started.items()})
    peers = []
    try:
        kinds = built_peers(PEERS, print).values()
    except ServerError as error:
        kinds, clients.reason = (), str(error)
    for kind in kinds:
        spec = ServerSpec.on(control_plane, kind, logs / f"{kind.name}.log")
        peers.append(ServerUnderTest.start(spec, watchdog))
        clients[kind.name] = Client(kind.name, peers[-1].url)
    yield clients
    for running in started.values():
        running.process.stop()
    for peer in peers:
        peer.stop()


def _options(name: str) -> list[str]:
    """Return the options that keep a server's answers fresh enough for the tests."""
    return ["--set", f"ttl_s={TTL_S}"] if TTL in SERVERS[name].options else []


@pytest.fixture
def compared(clients: dict[str, Client]) -> list[Client]:
    """All servers with whole pods, for a test with its own cases."""
    return [clients[name] for name in COMPARED if name in clients or name not in PEERS]


@pytest.fixture
def asked(request: pytest.FixtureRequest, compared: list[Client]) -> list[Client]:
    """All servers in the first cases of a test, those of ``CHECKING`` in the others."""
    if all(index < CASES_OF_ALL for index in request.node.callspec.indices.values()):
        return compared
    return [client for client in compared if client.name in CHECKING]


@pytest.fixture(params=COMPARED)
def server(request: pytest.FixtureRequest, clients: dict[str, Client]) -> Client:
    """Each server in turn."""
    return clients[request.param]


@pytest.fixture
def informer(clients: dict[str, Client]) -> Client:
    return clients["informer"]


@pytest.fixture
def direct(clients: dict[str, Client]) -> Client:
    return clients["direct"]


@pytest.fixture
def caught_up(api: Api, clients: dict[str, Client]) -> Callable[[], str]:
    """Return a function that waits until every server has the API server's present version."""

    def wait() -> str:
        # a write, so that a watch of pods sees the version
        path = draw()[2].path
        written = api.merge_patch(path, {"metadata": {"annotations": {"at": str(time.time_ns())}}})
        version: str = written["metadata"]["resourceVersion"]
        time.sleep(TTL_S)
        for client in clients.values():
            deadline = time.monotonic() + 10
            while int(client.ask("/pods").version) < int(version):
                assert time.monotonic() < deadline, f"{client.name} does not reach {version}"
                time.sleep(0.01)
        return version

    return wait


@dataclass(frozen=True)
class RunningServer:
    """A server that a test may break."""

    process: SupervisedProcess
    client: Client
    log: Path


StartServer = Callable[..., RunningServer]


@pytest.fixture
def start_server(
    control_plane: ControlPlane, watchdog: Watchdog, tmp_path: Path
) -> Iterator[StartServer]:
    """Start ``python -m servers`` with arguments; it listens, ready or not."""
    started: list[RunningServer] = []

    def start(name: str, *arguments: str, plane: ControlPlane = control_plane) -> RunningServer:
        logs = tmp_path / str(len(started))
        logs.mkdir()
        started.append(run_server(name, *arguments, plane=plane, watchdog=watchdog, logs=logs))
        return started[-1]

    yield start
    for running in started:
        running.process.stop()


def run_server(
    name: str, *arguments: str, plane: ControlPlane, watchdog: Watchdog, logs: Path
) -> RunningServer:
    log = logs / f"{name}.log"
    command = [sys.executable, "-m", "servers", name, "--port", "0"]
    command += ["--kubeconfig", str(plane.kubeconfig), *arguments]
    process = SupervisedProcess.start(
        name,
        command,
        log=log,
        watchdog=watchdog,
        cwd=Path(servers.__file__).parents[1],
        ready=lambda: "/pods reads" in log.read_text(),
    )
    url = log.read_text().partition("http://")[2].partition("/pods")[0]
    return RunningServer(process, Client(name, f"http://{url}"), log)
