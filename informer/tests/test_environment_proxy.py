"""NO_PROXY exempts the servers that Go exempts: the table of golang.org/x/net/http/httpproxy."""

from pathlib import Path

import pytest
import yaml

from kube_informer import ClientConfig
from kube_informer.environment_proxy import environment_proxy

PROXY = "http://corp:3128"
NO_PROXY = (
    "foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, "
    "10.0.0.0/30, 2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, "
    "2002:db8:a::45/64"
)
LOCAL = ["localhost", "127.0.0.1", "127.0.0.2", "::1"]
EXEMPT = [
    "192.168.1.1",
    "192.168.1.3",
    "10.0.0.2",
    "2001:db8::52:0:1",
    "2001:db8::52:0:3",
    "2002:db8:a::123",
    "www.barbaz.net",
    "foobar.com",
    "www.foobar.com",
    "nested.wildcard.io",
]
OTHERS = [
    "::2",
    "192.168.1.2",
    "192.168.1.4",
    "2001:db8::52:0:2",
    "fe80::424b:c8be:1643:a1b6",
    "barbaz.net",
    "foofoobar.com",
    "baz.com",
    "localhost.net",
    "local.localhost",
    "barbarbaz.net",
    "wildcard.io",
    "awildcard.io",
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)


@pytest.mark.parametrize("host", [*LOCAL, *EXEMPT, *OTHERS])
def test_no_proxy_exempts_the_servers_that_go_exempts(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", NO_PROXY)

    assert (PROXY if host in OTHERS else "") == environment_proxy("https", host, 80)


@pytest.mark.parametrize("no_proxy", ["", ":1", ",", "10", "10.0.0.0/33", "2.3"])
def test_an_entry_that_matches_nothing_exempts_only_this_machine(
    no_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", no_proxy)

    assert [PROXY, PROXY, ""] == [
        environment_proxy("https", host, None) for host in ("example.com", "10.1.2.3", "localhost")
    ]


@pytest.mark.parametrize("host", OTHERS)
def test_a_star_exempts_every_server(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "foo, *")

    assert "" == environment_proxy("https", host, None)


def test_upper_case_goes_before_lower_case_and_an_empty_variable_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://lower:1")
    assert PROXY == environment_proxy("https", "example.com", None)

    monkeypatch.setenv("HTTPS_PROXY", "")
    assert "http://lower:1" == environment_proxy("https", "example.com", None)


@pytest.mark.parametrize(("no_proxy", "expected"), [("10.0.0.0/8,.svc", ""), (".svc", PROXY)])
def test_a_kubeconfig_without_a_proxy_url_uses_the_proxy_of_the_environment(
    no_proxy: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", no_proxy)
    path = tmp_path / "config"
    document = {
        "clusters": [{"name": "c", "cluster": {"server": "https://10.1.2.3:6443"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(document))

    assert expected == ClientConfig.load(path).proxy
