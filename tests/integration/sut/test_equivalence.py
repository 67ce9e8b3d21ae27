"""Comparison of answers: equal where they should be, else with differences by field."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import ControlPlane
from bench.cluster.pods import PodKey, draw_pods
from bench.cluster.population import populate
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog
from bench.sut import equivalence as equality
from bench.sut.equivalence import compare_servers, compare_with_list
from bench.sut.launch import ServerSpec
from bench.sut.registry import ServerError, server_kinds
from bench.sut.server import ServerUnderTest

NAMESPACE = "equivalence"
PODS = draw_pods(3, 12, namespace=NAMESPACE)
_changes = itertools.count(1)
StartServer = Callable[[str, ControlPlane], ServerUnderTest]


@pytest.fixture(scope="module")
def start_server(
    watchdog: Watchdog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartServer]:
    """Start a server, or return the running one; all are stopped after the last test."""
    logs = tmp_path_factory.mktemp("servers")
    started: dict[tuple[str, ControlPlane], ServerUnderTest] = {}

    def start(name: str, plane: ControlPlane) -> ServerUnderTest:
        if (name, plane) not in started:
            spec = ServerSpec.on(plane, server_kinds()[name], logs / f"{name}-{len(started)}.log")
            started[name, plane] = ServerUnderTest.start(spec, watchdog)
        return started[name, plane]

    yield start
    for server in started.values():
        server.stop()


@pytest.fixture(scope="module")
def populated(binaries: Binaries, watchdog: Watchdog) -> Iterator[ControlPlane]:
    """A control plane with only these twelve pods, which tests change and none removes.

    The control plane of the whole suite has no pods in their namespace.
    """
    with ControlPlane.start(binaries, watchdog) as plane:
        populate(plane.api("harness"), PODS)
        yield plane


def change(plane: ControlPlane, pod: PodKey) -> str:
    patch = {"status": {"message": f"changed for the {next(_changes)}th time"}}
    answer = plane.api("churn").merge_patch(f"{pod.path}/status", patch)
    version: str = answer["metadata"]["resourceVersion"]
    return version


def test_servers_of_one_cluster_answer_alike_after_a_write(
    populated: ControlPlane, start_server: StartServer
) -> None:
    servers = [start_server(name, populated) for name in ("direct", "direct-rv0", "informer")]
    version = change(populated, PODS[0])
    paths = ["/pods", f"/pods/{NAMESPACE}", f"/pods/{NAMESPACE}/{PODS[0].name}"]
    record = compare_servers(servers, paths, resource_version=version)
    assert record.equal, record.answers
    assert tuple(paths) == tuple(answer.path for answer in record.answers)


def test_servers_of_two_clusters_do_not_and_both_attempts_are_reported(
    populated: ControlPlane, control_plane: ControlPlane, start_server: StartServer
) -> None:
    servers = [start_server("direct", populated), start_server("direct", control_plane)]
    servers[1].kind = server_kinds()["direct-rv0"]  # a name to tell them apart
    record = compare_servers(servers, [f"/pods/{NAMESPACE}"], resource_version="")
    (answer,) = record.answers
    assert not record.equal
    assert 2 == answer.attempts
    assert "attempt 1: body.result: direct has 12 entries, direct-rv0 0" in answer.differences
    assert [text for text in answer.differences if text.startswith("attempt 2: ")]


def test_a_server_that_never_reaches_the_last_write_is_reported(
    populated: ControlPlane, start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equality, "CATCH_UP_S", 0.5)  # never is no nearer after ten seconds
    record = compare_servers(
        [start_server("informer", populated)], ["/healthz"], resource_version=str(10**9)
    )
    assert not record.equal
    assert "informer did not reach resourceVersion 1000000000" in record.answers[0].differences[0]


@pytest.mark.parametrize("name", ["direct", "informer"])
def test_a_server_answers_as_a_list_does(
    populated: ControlPlane, start_server: StartServer, name: str
) -> None:
    server = start_server(name, populated)
    version = change(populated, PODS[1])
    differences = compare_with_list(server, populated.api("harness"), resource_version=version)
    assert () == differences


def test_a_server_of_another_cluster_does_not_answer_as_a_list_does(
    populated: ControlPlane, control_plane: ControlPlane, start_server: StartServer
) -> None:
    server = start_server("direct", populated)
    differences = compare_with_list(
        server,
        control_plane.api("harness"),
        resource_version="",
        listed_at=f"/api/v1/namespaces/{NAMESPACE}/pods",
    )
    assert (": the API server has 0 entries, direct 12",) == differences


def test_a_stopped_server_is_reported_by_name(
    populated: ControlPlane, watchdog: Watchdog, tmp_path: Path
) -> None:
    spec = ServerSpec.on(populated, server_kinds()["direct"], tmp_path / "server.log")
    with ServerUnderTest.start(spec, watchdog) as server:
        pass
    with pytest.raises(ServerError, match="server direct did not answer /pods"):
        compare_servers([server], ["/pods"], resource_version="")


def test_a_server_that_cannot_start_shows_the_reason(
    populated: ControlPlane, watchdog: Watchdog, tmp_path: Path
) -> None:
    spec = ServerSpec.on(populated, server_kinds()["direct"], tmp_path / "server.log")
    with pytest.raises(ProcessFailed, match="cannot read"):
        ServerUnderTest.start(replace(spec, kubeconfig=tmp_path / "none"), watchdog)
