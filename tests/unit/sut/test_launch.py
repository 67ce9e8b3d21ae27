"""The environment of others' server or client: its address, and a kubeconfig of one account."""

import stat

import pytest
import yaml

from bench.cluster.identities import write_kubeconfig
from bench.sut.launch import ServerSpec, _write_single_context
from bench.sut.registry import ServerKind


def test_a_kubeconfig_of_one_context_has_the_token_for_libraries_that_read_no_file(tmp_path):
    tokens = [tmp_path / name for name in ("client-mine", "harness")]
    for token in tokens:
        token.write_text(f"the-token-of-{token.name}")
    whole = tmp_path / "kubeconfig"
    write_kubeconfig(whole, {"server": "https://127.0.0.1:6443"}, None, tokens)
    path = _write_single_context(whole, "client-mine")
    config = yaml.safe_load(path.read_text())
    assert "client-mine" == config["current-context"]
    (user,) = config["users"]
    assert {"tokenFile": str(tokens[0]), "token": "the-token-of-client-mine"} == user["user"]
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.2", "http://127.0.0.2:8080"), ("::1", "http://[::1]:8080")]
)
def test_a_command_gets_the_address_to_listen_on(tmp_path, host, url):
    token = tmp_path / "direct"
    token.write_text("token")
    kubeconfig = tmp_path / "kubeconfig"
    write_kubeconfig(kubeconfig, {"server": "https://127.0.0.1:6443"}, None, [token])
    kind = ServerKind("direct-go", "direct", "", command="exec peers direct")
    spec = ServerSpec(
        kind=kind, kubeconfig=kubeconfig, log=tmp_path / "server.log", host=host, port=8080
    )
    launch = spec.launch()
    assert url == launch.url()
    assert (host, "8080") == (launch.environment["HOST"], launch.environment["PORT"])
