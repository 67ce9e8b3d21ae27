"""The answers while the API server is away, refuses, or has forgotten a state."""

import json
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest

from bench.cluster.api import Api
from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import ControlPlane
from bench.cluster.population import create_pod, ensure_namespace
from bench.supervision.watchdog import Watchdog
from servers.registry import SERVERS
from tests.contract.client import NAMESPACE, NEIGHBOUR, Answer, Client
from tests.contract.conftest import OF_EACH_KIND, StartServer, draw


def is_ready(answer: Answer) -> bool:
    return answer.status == 200


def compact(plane: ControlPlane, api: Api) -> None:
    """Make etcd forget every state before the present one."""
    present = api.get("/api/v1/namespaces?limit=1")["metadata"]["resourceVersion"]
    body = json.dumps({"revision": present, "physical": True}).encode()
    with urlopen(Request(f"{plane.etcd_url}/v3/kv/compaction", body)) as answer:
        assert 200 == answer.status


@pytest.fixture(scope="module")
def plane(binaries: Binaries, watchdog: Watchdog) -> Iterator[ControlPlane]:
    """A control plane to compact and stop, with the first five pods of the contract."""
    # without the watch cache's own snapshots, the API server remembers only etcd's history
    remembering = ("--feature-gates=ListFromCacheSnapshot=false",)
    with ControlPlane.start(binaries, watchdog, extra_args=remembering) as started:
        api = started.api("admin")
        ensure_namespace(api, NAMESPACE)
        for pod in draw()[:5]:
            create_pod(api, pod)
        yield started


def test_while_the_api_server_is_away_direct_fails_and_the_informer_serves_its_cache(
    plane: ControlPlane, start_server: StartServer
) -> None:
    api = plane.api("admin")
    pods = draw()
    direct = start_server("direct", plane=plane).client
    informer = start_server("informer", plane=plane).client
    informer.wait_for("/readyz", is_ready)
    before = direct.ask("/pods")

    plane.apiserver.stop()

    for path in ("/pods", f"/pods/{NAMESPACE}/{pods[0].name}", "/readyz"):
        refused = direct.ask(path)
        assert 503 == refused.status
        assert "1" == refused.headers["Retry-After"]
        assert "the API server cannot be reached" in refused.body["message"]
    assert 200 == direct.ask("/healthz").status
    assert before.raw == informer.ask("/pods").raw

    plane.start_apiserver()
    create_pod(api, pods[6])

    assert len(before.pods) + 1 == len(direct.ask("/pods").pods)


def test_an_expired_token_is_gone_and_a_new_one_continues(
    plane: ControlPlane, start_server: StartServer
) -> None:
    api = plane.api("admin")
    direct = start_server("direct", plane=plane).client
    first = direct.ask("/pods", limit="2")
    create_pod(api, draw()[5])
    compact(plane, api)

    expired = direct.ask("/pods", **{"continue": first.body["continue"]})
    rest = direct.ask("/pods", **{"continue": expired.body["continue"]})

    assert 410 == expired.status
    assert "too old to display a consistent list" in expired.body["message"]
    assert [name for name in direct.ask("/pods").names if name > first.names[-1]] == rest.names
    old = {"resourceVersion": first.version, "resourceVersionMatch": "Exact"}
    assert 410 == direct.ask("/pods", **old).status


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_a_server_that_may_not_read_pods_is_never_ready_and_gives_the_reason(
    start_server: StartServer, clients: dict[str, Client], name: str
) -> None:
    server = start_server(name, "--context", "churn").client

    for path in ("/pods", f"/pods/{NAMESPACE}/x", "/readyz"):
        answer = server.ask(path)

        assert 503 == answer.status
        assert "1" == answer.headers["Retry-After"]
        assert "Traceback" not in answer.body["message"]
    if SERVERS[name].identity != "informer":
        assert "pods is forbidden" in server.ask("/pods").body["message"]


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_a_server_for_one_namespace_refuses_every_other(
    start_server: StartServer, clients: dict[str, Client], name: str
) -> None:
    scoped = start_server(name, "--namespace", NAMESPACE).client
    scoped.wait_for("/readyz", is_ready)
    expected = clients[name].ask(f"/pods/{NAMESPACE}")
    pod = expected.names[0].partition("/")[2]

    assert expected.raw == scoped.ask("/pods").raw == scoped.ask(f"/pods/{NAMESPACE}").raw
    assert 200 == scoped.ask(f"/pods/{NAMESPACE}/{pod}").status
    for elsewhere in (f"/pods/{NEIGHBOUR}", f"/pods/{NEIGHBOUR}/{pod}"):
        assert 403 == scoped.ask(elsewhere).status
        assert "--namespace" in scoped.ask(elsewhere).body["message"]
