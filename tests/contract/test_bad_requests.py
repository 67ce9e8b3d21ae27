"""Invalid requests: all servers refuse them alike and, if possible, without a request."""

import pytest

from bench.cluster.api import ApiError
from tests.contract.client import NAMESPACE, Client, Reference, by_name
from tests.contract.conftest import CHECKING

ELSEWHERE = [
    "/pods/..",
    "/pods/.",
    "/pods/%2e%2e",
    "/pods/%2E%2e",
    "/pods/%2e",
    "/pods/a%2Fb",
    "/pods/%252e%252e",
    "/pods/",
    "/pods//x",
    "//pods",
    f"/pods/{NAMESPACE}/",
    f"/pods/{NAMESPACE}/..",
    f"/pods/{NAMESPACE}/%2e%2e",
    f"/pods/{NAMESPACE}/.",
    f"/pods/{NAMESPACE}/a%2Fb",
    f"/pods/{NAMESPACE}/..%2f..%2fsecrets",
    f"/pods/{NAMESPACE}/%2e%2e%2fsecrets",
    f"/pods/{NAMESPACE}/a%25b",
    f"/pods/{NAMESPACE}/../contract",
    f"/pods/{NAMESPACE}/x/log",
    "/pods/../metrics",
    "/",
    "/api/v1/pods",
    "/unheard-of",
]

ODD_NAMES = ["UPPER", "a%20b", "%00", "%ff", "%E2%98%83", "a:b", "a;b", "a%3Fb", "a%23b", "x" * 300]

BAD_PARAMETERS = [
    (400, {"limit": "abc"}),
    (422, {"resourceVersionMatch": "Exact"}),
    (400, {"limit": ""}),
    (400, {"limit": "1.5"}),
    (400, {"limit": " 1"}),
    (400, {"limit": "1_0"}),
    (400, {"limit": "99999999999999999999"}),
    (400, {"limit": "-99999999999999999999"}),
    (400, {"limit": "9" * 5000}),
    (400, {"resourceVersion": "abc"}),
    (400, {"resourceVersion": "-1"}),
    (400, {"resourceVersion": "1.0"}),
    (400, {"resourceVersion": "18446744073709551616"}),
    (400, {"limit": "abc", "resourceVersionMatch": "Foo"}),
    (422, {"resourceVersionMatch": "NotOlderThan"}),
    (422, {"resourceVersion": "5", "resourceVersionMatch": "Foo"}),
    (422, {"resourceVersion": "0", "resourceVersionMatch": "Exact"}),
    (422, {"resourceVersionMatch": "Foo"}),
    (422, {"resourceVersionMatch": "Exact", "resourceVersion": "1", "continue": "x"}),
    (422, {"resourceVersion": "abc", "resourceVersionMatch": "Foo"}),
    # the first error in the API server's order of checks is the one reported
    (400, {"limit": "abc", "labelSelector": "a==b==c"}),
    (400, {"labelSelector": "a==b==c", "resourceVersionMatch": "Foo"}),
    (400, {"fieldSelector": "spec.nodeName=\\x", "resourceVersionMatch": "Foo"}),
    (400, {"labelSelector": "a==b==c", "resourceVersion": "999999999999"}),
    (400, {"labelSelector": "a==b==c", "resourceVersion": "abc"}),
    (400, {"fieldSelector": "foo=bar", "resourceVersion": "999999999999"}),
    (400, {"labelSelector": "a==b==c", "continue": "x"}),
    (400, {"labelSelector": "a>" + "9" * 5000}),
]


def assert_is_an_error(client: Client, path: str, status: int, method: str = "GET") -> None:
    answer = client.ask(path, method)
    assert (client.name, status) == (client.name, answer.status)
    assert "application/json" == answer.headers["Content-Type"]
    assert ["code", "message", "result"] == list(answer.body)
    assert (status, None) == (answer.body["code"], answer.body["result"])
    assert answer.body["message"]
    assert "Traceback" not in answer.body["message"]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_path_that_leads_elsewhere_is_not_found_and_refused_alike(
    asked: list[Client], path: str
) -> None:
    for client in asked:
        assert_is_an_error(client, path, 404)
    assert 1 == len({client.ask(path).raw for client in asked})


@pytest.mark.parametrize("name", CHECKING)
def test_a_path_that_leads_elsewhere_sends_no_request_to_the_api_server(
    clients: dict[str, Client], name: str
) -> None:
    server = clients[name]
    before = server.counted("informer_bench_upstream_requests_total")

    for path in ELSEWHERE:
        server.ask(path)

    assert before == server.counted("informer_bench_upstream_requests_total")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_pod_that_cannot_exist_is_not_found(asked: list[Client], name: str) -> None:
    answers = [client.ask(f"/pods/{NAMESPACE}/{name}") for client in asked]

    assert {404} == {answer.status for answer in answers}
    assert 1 == len({answer.raw for answer in answers})


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_namespace_that_cannot_exist_has_no_pods(asked: list[Client], name: str) -> None:
    pods = by_name(asked, lambda client: client.ask(f"/pods/{name}").pods)
    assert by_name(asked, lambda _: []) == pods


def test_a_missing_pod_is_not_found_with_the_api_servers_message(server: Client) -> None:
    answer = server.ask(f"/pods/{NAMESPACE}/unheard-of")

    assert 404 == answer.status
    assert 'pods "unheard-of" not found' == answer.body["message"]


@pytest.mark.parametrize(("status", "parameters"), BAD_PARAMETERS)
def test_a_bad_parameter_is_refused_with_the_api_servers_message(
    asked: list[Client], reference: Reference, status: int, parameters: dict[str, str]
) -> None:
    with pytest.raises(ApiError) as refusal:
        reference.pods(**parameters)

    assert status == refusal.value.code
    for server in asked:
        answer = server.ask("/pods", **parameters)

        assert (server.name, status) == (server.name, answer.status)
        assert str(refusal.value).endswith(f": {answer.body['message']}"), server.name


@pytest.mark.parametrize("limit", ["-1", "0", "-0", "+0", "-9223372036854775808"])
def test_a_limit_of_nothing_is_no_limit(asked: list[Client], limit: str) -> None:
    whole = by_name(asked, lambda client: client.ask("/pods").raw)
    assert whole == by_name(asked, lambda client: client.ask("/pods", limit=limit).raw)


@pytest.mark.parametrize("version", ["abc", "-1", "1.0", "18446744073709551616"])
def test_a_bad_version_for_one_pod_is_a_bad_request_everywhere(
    asked: list[Client], version: str
) -> None:
    path = f"/pods/{NAMESPACE}/unheard-of"
    answers = [client.ask(path, resourceVersion=version) for client in asked]

    assert {400} == {answer.status for answer in answers}
    assert 1 == len({answer.raw for answer in answers})


def test_one_pod_honours_no_parameter_but_the_version(server: Client) -> None:
    ignored = {"limit": "abc", "labelSelector": "a==b==c", "resourceVersionMatch": "Foo"}
    name = server.ask(f"/pods/{NAMESPACE}").pods[0]["metadata"]["name"]

    assert 200 == server.ask(f"/pods/{NAMESPACE}/{name}", **ignored).status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/pods", f"/pods/{NAMESPACE}/x", "/healthz"])
def test_servers_only_read(asked: list[Client], path: str, method: str) -> None:
    for server in asked:
        assert_is_an_error(server, path, 405, method)
        assert "GET, HEAD" == server.ask(path, method).headers["Allow"]
