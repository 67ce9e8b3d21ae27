"""Unusable kubeconfigs are refused, and an unreachable API server is reported."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from bench.cluster.certificates import Authority
from bench.cluster.existing.access import open_access
from bench.cluster.existing.errors import ClusterError

CLOSED = "https://127.0.0.1:9"
ROOT = Path(__file__).parents[3]
SECRET = "not-for-a-screen"


@pytest.fixture
def refusal(tmp_path: Path):
    """Open context ``ours`` of a kubeconfig and return the message of its refusal."""
    Authority(tmp_path)

    def refuse(cluster: Any = None, user: Any = None, context: Any = None) -> str:
        usual = {"server": CLOSED, "certificate-authority": str(tmp_path / "ca.crt")}
        document = {
            "clusters": [{"name": "c", "cluster": usual if cluster is None else cluster}],
            "users": [{"name": "u", "user": {"token": SECRET} if user is None else user}],
            "contexts": [{"name": "ours", "context": context or {"cluster": "c", "user": "u"}}],
        }
        file = tmp_path / "config"
        file.write_text(yaml.safe_dump(document))
        with pytest.raises(ClusterError) as refused:
            open_access(str(file), "ours").version()
        assert SECRET not in str(refused.value)
        return str(refused.value)

    return refuse


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"cluster": "d", "user": "u"}, "names the cluster 'd', which is not in"),
        ({"cluster": "c", "user": "v"}, "names the user 'v', which is not in"),
        ({"cluster": "c"}, "names no user"),
        ({"user": "u"}, "names no cluster"),
        ("c", "is not a kubeconfig: Expected `object`, got `str`"),
    ],
)
def test_user_and_cluster_must_be_in_the_kubeconfig(refusal, context: Any, expected: str) -> None:
    assert expected in refusal(context=context)


@pytest.mark.parametrize("cluster", [{"insecure-skip-tls-verify": True}, {"server": ""}, {}])
def test_a_cluster_without_an_address_is_reported(refusal, cluster: Any) -> None:
    assert "cluster 'c' in" in (text := refusal(cluster=cluster))
    assert "has no server" in text


def test_a_user_without_credentials_is_not_taken_for_anybody(refusal) -> None:
    assert "user 'u' in" in (text := refusal(user={}))
    assert "has no credentials" in text


def test_an_authority_that_is_no_certificate_is_reported(refusal) -> None:
    cluster = {"server": CLOSED, "certificate-authority-data": "aGVsbG8="}
    assert "the certificate-authority of cluster 'c' in" in (text := refusal(cluster=cluster))
    assert "holds no certificate in PEM" in text


def test_a_client_certificate_without_its_key_is_reported(refusal, tmp_path: Path) -> None:
    alone = str(tmp_path / "ca.crt")
    text = refusal(user={"client-certificate": alone, "client-key": alone})
    assert "client certificate and key of user 'u' in" in text
    assert "are not PEM" in text


def test_an_unreachable_api_server_is_reported_with_its_address(refusal) -> None:
    assert f"{CLOSED}, cannot be reached: Failed to establish" in refusal()


def test_an_address_that_swallows_everything_is_given_up(refusal, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as stack:
        address = deaf.getsockname()
        for _ in range(4):  # its queue is full: what comes later is dropped, as a firewall does
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(address)
        server = f"https://127.0.0.1:{address[1]}"
        text = refusal({"server": server, "certificate-authority": str(tmp_path / "ca.crt")})
    assert "cannot be reached: Connection to 127.0.0.1 timed out" in text


def test_a_credentials_plugin_that_waits_for_ever_ends_with_its_caller(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "interactiveMode": "Never",
        "command": "sh",
        "args": ["-c", f"echo $$ > {begun}.new; mv {begun}.new {begun}; exec sleep 600"],
    }
    document = {
        "contexts": [{"name": "ours", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": CLOSED}}],
        "users": [{"name": "u", "user": {"exec": plugin}}],
    }
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(document))

    bench = subprocess.Popen(
        [sys.executable, "-m", "bench", "clean", "--context", "ours", "--kubeconfig", str(file)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    while not begun.exists():
        assert bench.poll() is None
        time.sleep(0.01)
    plugin_process = psutil.Process(int(begun.read_text()))
    bench.send_signal(signal.SIGINT)
    assert 130 == bench.wait(60)
    plugin_process.wait(60)
    assert not plugin_process.is_running()
