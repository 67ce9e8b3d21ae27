"""Peers in Go on a machine without Go: one line, with the remedy."""

import pytest

from bench.sut.peers import PEERS, built_peers
from bench.sut.registry import ServerError


def test_without_peers_nothing_is_built():
    assert {} == built_peers(["direct", "informer", "none"], pytest.fail)


def test_without_go_the_remedy_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(ServerError) as refused:
        built_peers([*PEERS, "informer"], [].append)
    text = str(refused.value)
    assert text.startswith("direct-go and informer-go cannot be built: there is no go on the PATH")
    assert text.endswith(
        "Put Go 1.26 or newer on the PATH, or leave them out of the plan's 'servers'"
    )
