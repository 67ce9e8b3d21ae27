"""Lists in pages: joined they are the list; tokens are opaque and expire."""

from collections.abc import Callable

import pytest

from bench.cluster.api import Api
from bench.cluster.pods import PodKey
from bench.sut.peers import PEERS
from servers.registry import SERVERS
from tests.contract.client import NAMESPACE, Client, Reference
from tests.contract.conftest import StartServer
from tests.contract.test_versions import touch

PAGING = [name for name in (*SERVERS, *PEERS) if name != "direct-rv0"]
"""At resourceVersion 0 the API server's watch cache ignores the limit."""

KEPT_SNAPSHOTS = 8


@pytest.fixture(params=PAGING)
def paging(request: pytest.FixtureRequest, clients: dict[str, Client]) -> Client:
    """Each server that answers in pages."""
    return clients[request.param]


@pytest.mark.parametrize("limit", [3, 1000, 1, 10, 15])
@pytest.mark.parametrize("path", ["/pods", f"/pods/{NAMESPACE}"])
def test_pages_joined_are_the_list(
    asked: list[Client], caught_up: Callable[[], str], path: str, limit: int
) -> None:
    caught_up()

    for server in asked:
        pages = server.pages(path, limit)

        joined = [pod for page in pages for pod in page.pods]
        assert server.ask(path).pods == joined, server.name


@pytest.mark.parametrize("limit", [2, 5, 1, 3])
@pytest.mark.parametrize(
    "selector",
    [{"labelSelector": "tier=backend"}, {"fieldSelector": "status.phase=Running"}],
    ids=["labels", "fields"],
)
def test_selected_pages_joined_are_the_selected_list(
    asked: list[Client], reference: Reference, selector: dict[str, str], limit: int
) -> None:
    expected = reference.names(**selector)

    for server in asked:
        pages = server.pages("/pods", limit, **selector)

        assert expected == [name for page in pages for name in page.names], server.name


def test_a_page_is_as_long_as_its_limit_and_names_the_next(paging: Client) -> None:
    pages = paging.pages(f"/pods/{NAMESPACE}", 4)

    assert [4, 4, 2] == [len(page.pods) for page in pages]
    assert ["code", "message", "result", "continue"] == list(pages[0].body)
    assert ["code", "message", "result"] == list(pages[-1].body)


@pytest.mark.parametrize("limit", [1, 4])
def test_direct_rv0_ignores_a_limit_as_the_api_server_does(
    clients: dict[str, Client], reference: Reference, limit: int
) -> None:
    expected = reference.names(NAMESPACE, limit=str(limit), resourceVersion="0")

    answer = clients["direct-rv0"].ask(f"/pods/{NAMESPACE}", limit=str(limit))

    assert 10 == len(expected)
    assert expected == answer.names
    assert "continue" not in answer.body


@pytest.mark.parametrize(
    "parameters", [{}, {"resourceVersionMatch": "NotOlderThan"}, {"labelSelector": "tier=backend"}]
)
def test_version_0_ignores_a_limit_as_the_api_server_does(
    compared: list[Client], reference: Reference, parameters: dict[str, str]
) -> None:
    parameters = {"resourceVersion": "0", "limit": "4", **parameters}
    expected = reference.names(NAMESPACE, **parameters)

    for server in compared:
        answer = server.ask(f"/pods/{NAMESPACE}", **parameters)

        assert (server.name, expected) == (server.name, answer.names)
        assert "continue" not in answer.body, server.name


def test_a_page_that_ends_with_the_list_is_the_last(paging: Client) -> None:
    assert [5, 5] == [len(page.pods) for page in paging.pages(f"/pods/{NAMESPACE}", 5)]


def test_a_continued_list_without_limit_has_all_the_rest(paging: Client) -> None:
    first = paging.ask(f"/pods/{NAMESPACE}", limit="3")

    rest = paging.ask(f"/pods/{NAMESPACE}", **{"continue": first.body["continue"]})

    assert 7 == len(rest.pods)
    assert "continue" not in rest.body


def test_all_pages_show_the_state_of_the_first(
    paging: Client, api: Api, population: list[PodKey]
) -> None:
    first = paging.ask(f"/pods/{NAMESPACE}", limit="1")
    touch(api, population[9])

    rest = paging.ask(f"/pods/{NAMESPACE}", **{"continue": first.body["continue"]})

    assert first.version == rest.version
    assert all(int(p["metadata"]["resourceVersion"]) <= int(first.version) for p in rest.pods)


def test_a_version_cannot_be_requested_with_a_token(paging: Client) -> None:
    token = paging.ask(f"/pods/{NAMESPACE}", limit="1").body["continue"]

    answer = paging.ask(f"/pods/{NAMESPACE}", **{"continue": token, "resourceVersion": "5"})

    assert 400 == answer.status
    expected = "specifying resource version is not allowed when using continue"
    assert expected == answer.body["message"]


def test_version_0_beside_a_token_is_no_version(paging: Client) -> None:
    first = paging.ask(f"/pods/{NAMESPACE}", limit="5")
    parameters = {"continue": first.body["continue"], "resourceVersion": "0"}

    assert 5 == len(paging.ask(f"/pods/{NAMESPACE}", **parameters).pods)


@pytest.mark.parametrize("token", ["abc", "=", "%%%", "\u2603", "eyJ2IjoxfQ", "A" * 200])
def test_an_invalid_token_is_refused(compared: list[Client], token: str) -> None:
    for server in compared:
        answer = server.ask("/pods", **{"continue": token})

        assert (server.name, 400) == (server.name, answer.status)
        message = answer.body["message"]
        assert message.startswith("invalid continue token: continue key is not valid: ")


def test_a_token_continues_at_another_server_of_the_same_kind_or_is_gone_with_a_new_one(
    start_server: StartServer, informer: Client
) -> None:
    replica = start_server("informer").client  # or the same one after a restart
    replica.wait_for("/readyz", lambda answer: answer.status == 200)
    first = informer.ask(f"/pods/{NAMESPACE}", limit="4")

    rest = replica.ask(f"/pods/{NAMESPACE}", **{"continue": first.body["continue"]})
    if rest.status == 410:  # the replica was never at the version of that page, or is past it
        rest = replica.ask(f"/pods/{NAMESPACE}", **{"continue": rest.body["continue"]})

    assert replica.ask(f"/pods/{NAMESPACE}").names == first.names + rest.names


def test_a_token_of_a_state_that_another_server_is_past_is_gone_there(
    start_server: StartServer, informer: Client, api: Api, population: list[PodKey]
) -> None:
    first = informer.ask(f"/pods/{NAMESPACE}", limit="4")
    written = touch(api, population[9])
    replica = start_server("informer").client
    replica.wait_for("/readyz", lambda answer: answer.status == 200)

    expired = replica.ask(f"/pods/{NAMESPACE}", **{"continue": first.body["continue"]})
    rest = replica.ask(f"/pods/{NAMESPACE}", **{"continue": expired.body["continue"]})

    assert 410 == expired.status
    assert "too old to display a consistent list" in expired.body["message"]
    assert 6 == len(rest.pods)
    assert int(written) <= int(rest.version)


def test_every_worker_takes_the_tokens_of_the_others(
    start_server: StartServer, population: list[PodKey]
) -> None:
    server = start_server("informer", "--workers", "2").client
    server.wait_for("/readyz", lambda answer: answer.status == 200)
    for _ in range(10):  # a connection each, taken by either worker
        first = server.ask(f"/pods/{NAMESPACE}", limit="4")
        rest = server.ask(f"/pods/{NAMESPACE}", **{"continue": first.body["continue"]})

        if rest.status == 410:
            rest = server.ask(f"/pods/{NAMESPACE}", **{"continue": rest.body["continue"]})
        assert (200, 6) == (rest.status, len(rest.pods))


def test_tokens_belong_to_one_kind_of_server(direct: Client, informer: Client) -> None:
    for issuer, other in ((direct, informer), (informer, direct)):
        token = issuer.ask("/pods", limit="1").body["continue"]

        assert 400 == other.ask("/pods", **{"continue": token}).status


def test_the_informers_tokens_belong_to_the_path_they_were_issued_for(informer: Client) -> None:
    token = informer.ask("/pods", limit="1").body["continue"]

    assert 400 == informer.ask(f"/pods/{NAMESPACE}", **{"continue": token}).status


def test_a_changed_token_is_refused_by_the_informer(informer: Client) -> None:
    token = informer.ask("/pods", limit="1").body["continue"]

    for at in range(0, len(token) - 2, 7):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert 400 == informer.ask("/pods", **{"continue": changed}).status


def test_the_informers_oldest_snapshot_is_dropped_and_its_token_replaced(
    informer: Client, api: Api, population: list[PodKey]
) -> None:
    path = f"/pods/{NAMESPACE}"
    first = informer.ask(path, limit="4")
    for _ in range(KEPT_SNAPSHOTS):
        written = touch(api, population[0])
        informer.ask(path, resourceVersion=written)
        assert 200 == informer.ask(path, limit="1").status

    expired = informer.ask(path, **{"continue": first.body["continue"]})
    rest = informer.ask(path, **{"continue": expired.body["continue"]})

    assert 410 == expired.status
    assert "too old to display a consistent list" in expired.body["message"]
    assert informer.ask(path).pods[4:] == rest.pods
    assert int(first.version) < int(rest.version)


def test_paging_at_the_informer_sends_the_api_server_no_request(informer: Client) -> None:
    name = "informer_bench_upstream_requests_total"
    before = informer.counted(name)

    informer.pages("/pods", 2)

    assert before == informer.counted(name)
