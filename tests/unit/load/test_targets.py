"""Targets and loads as files, and targets discovered by asking a server."""

import json
import re
from dataclasses import replace

import pytest

from bench.load.discovery import DiscoveryError, targets_in
from bench.load.spec import Load, SpecError, read_spec, write_spec
from bench.model import Targets


def test_targets_come_back_as_they_were_written(tmp_path):
    targets = Targets(("a", "b"), (("a", "x"), ("b", "y")), ("app=web",))
    write_spec(tmp_path / "targets.json", targets)
    assert targets == read_spec(tmp_path / "targets.json", Targets)


@pytest.mark.parametrize("content", [None, "", "[]", '{"namespaces": ["a"], "pods": [["a"]]}'])
def test_a_file_that_is_missing_or_holds_no_targets_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "targets.json").write_text(content)
    message = "holds no targets" if content is not None else ": No such file"
    with pytest.raises(SpecError, match=rf"targets\.json ?{message}"):
        read_spec(tmp_path / "targets.json", Targets)


GOOD = Load("list-all", ("http://127.0.0.1:1",), 2, Targets(("ns-0",), (), ()))


@pytest.mark.parametrize(
    ("load", "complaint"),
    [
        (replace(GOOD, users=0), "`int` >= 1 - at `$.users`"),
        (replace(GOOD, rate_rps=-3.0), "`float` > 0.0 - at `$.rate_rps`"),
        (replace(GOOD, arrivals="bursty"), "Invalid enum value 'bursty' - at `$.arrivals`"),
    ],
)
def test_an_invalid_load_is_refused_with_the_field(tmp_path, load, complaint):
    write_spec(tmp_path / "load.json", load)
    with pytest.raises(SpecError, match=re.escape(complaint)):
        read_spec(tmp_path / "load.json", Load)


def pod(namespace, name, **labels):
    return {"metadata": {"namespace": namespace, "name": name, "labels": labels}}


def test_discovery_returns_namespaces_pods_and_labels_commonest_first():
    body = json.dumps(
        {"code": 200, "result": [pod("b", "x", app="web", tier="a"), pod("a", "y", app="web")]}
    ).encode()
    expected = Targets(("a", "b"), (("b", "x"), ("a", "y")), ("app=web", "tier=a"))
    assert expected == targets_in(body, "http://server")


def test_discovery_takes_pods_evenly_from_a_long_list():
    body = json.dumps({"result": [pod("ns", f"p{number}") for number in range(1000)]}).encode()
    pods = targets_in(body, "http://server").pods
    assert 200 == len(pods)
    assert ("ns", "p0") == pods[0]
    assert ("ns", "p995") == pods[-1]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [(b'{"result": []}', "has no pods"), (b"<html>", "did not answer with a list of pods")],
)
def test_discovery_fails_without_pods(body, complaint):
    with pytest.raises(DiscoveryError, match=complaint):
        targets_in(body, "http://server")
