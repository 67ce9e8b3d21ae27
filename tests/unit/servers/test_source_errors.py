"""The errors that a client gets for an API server's refusals, and for a server's own failures."""

import json

import pytest

from kube_informer.transport import Response
from servers.app import create_app
from servers.direct import source_error
from servers.source import Pod, PodPage, PodQuery, PodSource, SourceError, quoted


def status(code: int, headers: dict[str, str] | None = None, **body: object) -> SourceError:
    return source_error(Response(code, headers or {}, json.dumps(body).encode()))


@pytest.mark.parametrize("code", [400, 404, 410, 422, 429, 503, 504])
def test_an_error_of_the_request_is_passed_on(code: int) -> None:
    error = status(code, message="said so")

    assert (code, "said so") == (error.code, error.message)


@pytest.mark.parametrize("code", [401, 403, 409, 500, 502, 302])
def test_an_error_of_this_server_makes_it_unavailable(code: int) -> None:
    error = status(code, message="said so")

    assert (503, 1) == (error.code, error.retry_after_s)
    assert f"({code}): said so" in error.message


def test_a_throttled_request_gets_a_time_to_retry() -> None:
    assert 7 == status(429, {"Retry-After": "7"}).retry_after_s
    assert 1 == status(429).retry_after_s
    assert 1 == status(429, {"Retry-After": "soon"}).retry_after_s


def test_a_fresh_token_comes_with_an_expired_one() -> None:
    assert "t" == status(410, metadata={"continue": "t"}).continue_token


def test_a_refusal_that_is_no_status_is_passed_on_by_its_code() -> None:
    error = source_error(Response(429, {}, b"<html>"))

    assert (429, "the API server answered 429") == (error.code, error.message)


class Broken(PodSource):
    """A source with a fault in it."""

    def check_ready(self) -> None:
        raise ZeroDivisionError

    def list_pods(self, query: PodQuery) -> PodPage:
        raise KeyError("secret")

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        raise SourceError(429, "slowly", retry_after_s=3)


@pytest.mark.parametrize("path", ["/pods", "/pods/a", "/readyz"])
def test_an_unexpected_failure_shows_the_client_no_internals(path: str) -> None:
    answer = create_app(Broken()).test_client().get(path)

    assert 500 == answer.status_code
    assert "internal error; the server's log has the trace" == answer.json["message"]
    assert b"secret" not in answer.data
    assert b"Traceback" not in answer.data


def test_a_throttled_client_gets_a_retry_after_header() -> None:
    answer = create_app(Broken()).test_client().get("/pods/a/b")

    assert (429, "3") == (answer.status_code, answer.headers["Retry-After"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a", '"a"'),
        ('"\\', r'"\"\\"'),
        ("\0\n", r'"\x00\n"'),
        ("é☃", '"é☃"'),
        ("\u200b", r'"\u200b"'),
    ],
)
def test_names_are_quoted_as_go_quotes_them(text: str, shown: str) -> None:
    assert shown == quoted(text)
