"""A server as a process: its start, its errors, its end."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import yaml

import servers
from bench.cluster.control_plane import ControlPlane
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.peers import built_peers
from bench.sut.registry import ServerError
from bench.sut.server import ServerUnderTest
from servers.registry import SERVERS
from tests.contract.client import NAMESPACE, Client
from tests.contract.conftest import StartServer

ROOT = Path(servers.__file__).parents[1]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "servers", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def assert_fails_in_one_line(
    done: subprocess.CompletedProcess[str], code: int, *words: str
) -> None:
    assert code == done.returncode, done.stderr
    assert "" == done.stdout
    assert 1 == len(done.stderr.splitlines()), done.stderr
    for word in words:
        assert word in done.stderr


def test_help_names_every_server_route_and_exit_code() -> None:
    shown = run("--help").stdout

    for word in [*SERVERS, "/pods/<namespace>/<name>", "/readyz", "exit codes", "--kubeconfig"]:
        assert word in shown


def test_the_list_of_servers_is_json_with_the_identity_of_each() -> None:
    listed = json.loads(run("--list").stdout)

    assert list(SERVERS) == [entry["name"] for entry in listed]
    assert {"name", "identity", "summary", "contract"} == set(listed[0])


def test_an_unknown_server_is_refused_with_the_known_ones(control_plane: ControlPlane) -> None:
    done = run("cached", "--kubeconfig", control_plane.kubeconfig)

    assert 2 == done.returncode
    assert all(name in done.stderr for name in SERVERS)


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    done = run("direct", "--kubeconfig", tmp_path / "none")

    assert_fails_in_one_line(done, 3, str(tmp_path / "none"), "No such file", "--kubeconfig")


def test_an_unknown_context_is_refused_with_the_known_ones(control_plane: ControlPlane) -> None:
    done = run("direct", "--kubeconfig", control_plane.kubeconfig, "--context", "nobody")

    assert_fails_in_one_line(done, 3, "'nobody'", "informer", "churn", "--context")


def test_a_missing_authority_is_named(control_plane: ControlPlane, tmp_path: Path) -> None:
    file = tmp_path / "config"
    text = control_plane.kubeconfig.read_text()
    file.write_text(text.replace("certificate-authority: ", "certificate-authority: /none"))

    assert_fails_in_one_line(run("direct", "--kubeconfig", file), 3, "/none")


def test_an_api_server_that_is_away_is_named(control_plane: ControlPlane, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    file = tmp_path / "config"
    text = control_plane.kubeconfig.read_text()
    file.write_text(text.replace(control_plane.url, f"https://127.0.0.1:{port}"))

    done = run("informer", "--kubeconfig", file)

    assert_fails_in_one_line(done, 4, f"https://127.0.0.1:{port}", "refused")


def test_an_api_server_of_another_authority_is_not_trusted(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    from bench.cluster.certificates import Authority

    other = Authority(tmp_path).certificate
    file = tmp_path / "config"
    lines = control_plane.kubeconfig.read_text().splitlines()
    file.write_text(
        "\n".join(
            f"    certificate-authority: {other}" if "certificate-authority:" in line else line
            for line in lines
        )
    )

    done = run("direct", "--kubeconfig", file)

    assert_fails_in_one_line(done, 4, control_plane.url, "CERTIFICATE_VERIFY_FAILED")


def test_a_taken_port_is_named(control_plane: ControlPlane) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("informer", "--kubeconfig", control_plane.kubeconfig, "--port", port)

    assert_fails_in_one_line(done, 6, f"127.0.0.1 port {port}", "in use", "--port")


def test_without_a_context_of_its_own_a_server_takes_the_current_one(
    start_server: StartServer, control_plane: ControlPlane, tmp_path: Path
) -> None:
    text = control_plane.kubeconfig.read_text().replace("name: direct", "name: other")
    file = tmp_path / "config"
    file.write_text(text.replace("user: direct", "user: other"))

    server = start_server("direct", "--kubeconfig", str(file))

    assert "as context 'admin'" in server.log.read_text()


def with_token(control_plane: ControlPlane, file: Path, change: Callable[[str], str]) -> str:
    """Write a kubeconfig that contains the changed token of user ``direct``; return the token."""
    document = yaml.safe_load(control_plane.kubeconfig.read_text())
    user = next(entry["user"] for entry in document["users"] if entry["name"] == "direct")
    token = Path(user.pop("tokenFile")).read_text().strip()
    user["token"] = change(token)
    file.write_text(yaml.safe_dump(document))
    return token


@pytest.mark.parametrize("name", ["direct", "typed"])
def test_white_space_around_a_token_is_not_sent(
    start_server: StartServer, control_plane: ControlPlane, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "config"
    with_token(control_plane, file, lambda token: f" {token}\n")

    server = start_server(name, "--kubeconfig", str(file), "--context", "direct")

    assert 200 == server.client.ask("/readyz").status
    assert 200 == server.client.ask(f"/pods/{NAMESPACE}").status


def test_a_token_that_no_header_can_carry_is_refused_without_its_value(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    file = tmp_path / "config"
    token = with_token(control_plane, file, lambda token: f"{token}\n{token}")

    done = run("direct", "--kubeconfig", file, "--context", "direct")

    assert_fails_in_one_line(done, 3, str(file), "token", "one line")
    assert token not in done.stderr


@pytest.mark.parametrize(
    ("name", "sent"), [("direct", signal.SIGTERM), ("informer", signal.SIGINT)]
)
def test_a_signal_ends_a_server_cleanly(
    start_server: StartServer, name: str, sent: signal.Signals
) -> None:
    server = start_server(name)
    server.client.wait_for("/readyz", lambda answer: answer.status == 200)
    children = psutil.Process(server.process.pid).children(recursive=True)

    psutil.Process(server.process.pid).send_signal(sent)

    assert 0 == server.process.wait(60)
    assert [] == psutil.wait_procs(children, timeout=60)[1]  # init reaps them when it gets to it
    assert "Traceback" not in server.log.read_text()


def test_a_client_that_stops_reading_does_not_keep_a_server_from_ending(
    start_server: StartServer,
) -> None:
    server = start_server("informer")
    server.client.wait_for("/readyz", lambda answer: answer.status == 200)
    host, _, port = server.client.address.partition(":")
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect((host, int(port)))
        stalled.sendall(b"GET /pods HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
        time.sleep(0.2)

        psutil.Process(server.process.pid).terminate()

        assert 0 == server.process.wait(60)


def test_a_server_whose_worker_dies_ends_and_is_not_replaced(start_server: StartServer) -> None:
    server = start_server("informer")
    server.client.wait_for("/readyz", lambda answer: answer.status == 200)
    (worker,) = psutil.Process(server.process.pid).children()

    worker.kill()

    assert 5 == server.process.wait(60)
    assert "the worker died" in server.log.read_text()


def test_the_access_log_is_off_by_default_and_json_if_on(start_server: StartServer) -> None:
    silent, spoken = start_server("direct"), start_server("direct", "--access-log")
    path = f'/pods/{NAMESPACE}?labelSelector=a%22"%0a'
    for server in (silent, spoken):
        Client("raw", f"http://{server.client.address}").ask("/pods/..")
        server.client.ask(path.replace('"', "%22"))

    assert 1 == len(silent.log.read_text().splitlines())
    first, second = [json.loads(line) for line in spoken.log.read_text().splitlines()[1:]]
    assert ("GET", "/pods/..", 404) == (first["method"], first["path"], first["status"])
    assert 400 == second["status"]
    assert {"time", "method", "path", "status", "bytes", "ms"} == set(second)


def test_a_peer_listens_on_the_address_of_its_environment(
    control_plane: ControlPlane, watchdog: Watchdog, tmp_path: Path
) -> None:
    try:
        (kind,) = built_peers(["direct-go"], print).values()
    except ServerError as error:
        pytest.skip(str(error))
    spec = ServerSpec.on(control_plane, kind, tmp_path / "peer.log", host="127.0.0.2")
    with ServerUnderTest.start(spec, watchdog) as peer:
        assert "127.0.0.2" == urlsplit(peer.url).hostname
        assert 200 == peer.get("/pods").status
