"""Another project's server: its start, account, readiness and answers, and reports of its flaws."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.cluster.control_plane import ControlPlane
from bench.cluster.pods import draw_pods
from bench.cluster.population import populate
from bench.model import External
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog
from bench.sut.equivalence import compare_servers, compare_with_list
from bench.sut.launch import ServerSpec
from bench.sut.registry import ServerError, ServerKind, server_kinds
from bench.sut.server import ServerUnderTest

NAMESPACE = "external-servers"
PODS = draw_pods(11, 6, namespace=NAMESPACE)
PROGRAM = Path(__file__).with_name("pods_server.py")
Start = Callable[..., ServerUnderTest]


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane) -> ControlPlane:
    populate(control_plane.api("harness"), PODS)
    return control_plane


@pytest.fixture(scope="module")
def direct(
    plane: ControlPlane, watchdog: Watchdog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerUnderTest]:
    """A server of ours, to compare with."""
    log = tmp_path_factory.mktemp("direct") / "server.log"
    with ServerUnderTest.start(ServerSpec.on(plane, server_kinds()["direct"], log), watchdog) as it:
        yield it


@pytest.fixture
def start(plane: ControlPlane, watchdog: Watchdog, tmp_path: Path) -> Iterator[Start]:
    """Start the server with flaws."""
    started: list[ServerUnderTest] = []

    def start(*flaws: str, seconds: float = 20) -> ServerUnderTest:
        command = f"exec {sys.executable} {PROGRAM} {' '.join(flaws)}"
        kind = ServerKind.of(External("theirs", command, ready_timeout_s=seconds))
        log = tmp_path / f"server-{len(started)}.log"
        server = ServerUnderTest.start(ServerSpec.on(plane, kind, log), watchdog)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def test_it_gets_requests_at_the_port_of_its_environment(start: Start) -> None:
    assert 200 == start().get("/pods").status


def test_a_server_without_readyz_is_ready_when_it_serves_pods(start: Start) -> None:
    listed = start("no-readyz").get(f"/pods/{NAMESPACE}").json()["result"]
    assert len(PODS) == len(listed)


def test_it_reads_as_the_account_of_external_servers(start: Start, plane: ControlPlane) -> None:
    server = start()
    server.get("/pods?marked=here")
    users = [
        json.loads(line)["user"]["username"]
        for line in plane.audit_log.read_text().splitlines()
        if "marked=here" in line
    ]
    assert users
    assert {"system:serviceaccount:informer-bench:external"} == set(users)


def test_its_kubeconfig_has_no_other_account(start: Start, plane: ControlPlane) -> None:
    start()
    written = plane.kubeconfig.with_name("kubeconfig-external")
    assert 0o600 == written.stat().st_mode & 0o777
    assert "admin" not in written.read_text()
    assert "tokens/external" in written.read_text()
    assert "tokens/direct" not in written.read_text()


def test_its_answers_are_compared_as_ours_are(start: Start, direct: ServerUnderTest) -> None:
    servers = [direct, start("names-versions")]
    record = compare_servers(servers, ["/pods"], resource_version="1")
    assert record.equal, record.answers
    assert () == record.without_version


def test_a_server_that_names_no_version_is_compared_and_recorded_as_such(
    start: Start, direct: ServerUnderTest
) -> None:
    record = compare_servers([direct, start()], ["/pods"], resource_version="1")
    assert ("theirs",) == record.without_version
    assert record.equal, record.answers


def test_a_server_that_names_no_version_may_take_a_moment_to_agree(
    start: Start, plane: ControlPlane
) -> None:
    assert () == compare_with_list(start(), plane.api("harness"), resource_version=str(10**9))


@pytest.mark.parametrize(
    ("flaw", "difference"),
    [
        ("loses-a-pod", f"direct has {len(PODS)} entries, theirs {len(PODS) - 1}"),
        ("talks-nonsense", "not JSON: b'not JSON"),
    ],
)
def test_wrong_answers_are_reported(
    start: Start, direct: ServerUnderTest, flaw: str, difference: str
) -> None:
    servers = [direct, start("names-versions", flaw)]
    record = compare_servers(servers, [f"/pods/{NAMESPACE}"], resource_version="1")
    assert not record.equal
    assert difference in " ".join(record.answers[0].differences)


def test_a_server_that_compresses_its_answers_unasked_is_refused(
    start: Start, direct: ServerUnderTest
) -> None:
    servers = [direct, start("packs")]
    with pytest.raises(ServerError, match=r"server theirs answers /pods compressed \(gzip\)"):
        compare_servers(servers, ["/pods"], resource_version="1")


def test_a_server_that_dies_is_reported_with_the_end_of_its_log(start: Start) -> None:
    with pytest.raises(ProcessFailed) as caught:
        start("dies")
    assert "server theirs ended with exit code 1 before it was ready" in str(caught.value)
    assert "out of luck" in str(caught.value)


def test_a_server_that_never_gets_ready_is_reported_with_its_last_answer(start: Start) -> None:
    with pytest.raises(ProcessFailed) as caught:
        start("never-ready", seconds=4)
    assert "was not ready within 4 s (/readyz is answered 503)" in str(caught.value)
    assert "reads as external of informer-bench" in str(caught.value)


def test_a_missing_command_is_reported(
    plane: ControlPlane, watchdog: Watchdog, tmp_path: Path
) -> None:
    kind = ServerKind.of(External("theirs", "no-such-program --port $PORT"))
    with pytest.raises(ProcessFailed, match="not found"):
        ServerUnderTest.start(ServerSpec.on(plane, kind, tmp_path / "server.log"), watchdog)
