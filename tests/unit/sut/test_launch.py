"""The kubeconfig of others' server or client: one account, in a form that all libraries read."""

import stat

import yaml

from bench.cluster.identities import write_kubeconfig
from bench.sut.launch import _write_single_context


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
