"""The connection: counts, errors, and files that are read again."""

import gzip
import threading
import time

import pytest
from kubernetes.client import Configuration

from informer.conformance.scripted_server import Reply
from kube_informer import (
    Credentials,
    TokenFile,
    Transport,
    TransportError,
    TransportTimeoutError,
)
from kube_informer.connection import Cancel


def test_another_type_than_client_config_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"a kubernetes\..*Configuration; give a ClientConfig: "):
        Transport(Configuration())


def test_every_request_sent_is_counted_once_with_its_status(scripted):
    calls: list[tuple[str, str, str, int]] = []
    codes = [200, 429, 500, 404]
    server = scripted(lambda request: Reply(codes[request.number], b"{}"))
    transport = server.transport(on_request=lambda *call: calls.append(call))
    answers = [
        transport.get("/x", timeout=5, verb="get", resource="pods", subresource="log").status
        for _ in codes
    ]
    assert codes == answers
    assert [("get", "pods", "log", code) for code in codes] == calls
    assert len(codes) == len(server.received())
    transport.close()


def test_a_request_without_an_answer_is_counted_with_code_0_and_not_repeated(scripted):
    calls: list[tuple[str, str, str, int]] = []
    server = scripted(lambda _: Reply(drop=True))
    transport = server.transport(on_request=lambda *call: calls.append(call))
    with pytest.raises(TransportError, match=r"list /x at 127\.0\.0\.1") as failure:
        transport.get("/x", timeout=5, verb="list", resource="pods")
    assert failure.value.sent
    assert [("list", "pods", "", 0)] == calls
    assert 1 == len(server.received())
    transport.close()


def test_a_refused_connection_is_not_counted_as_a_request(scripted):
    calls: list[tuple[str, str, str, int]] = []
    server = scripted(lambda _: Reply())
    transport = server.transport(on_request=lambda *call: calls.append(call))
    server.close()
    with pytest.raises(TransportError, match="refused") as failure:
        transport.get("/x", timeout=5, verb="list", resource="pods")
    assert not failure.value.sent
    assert [] == calls
    transport.close()


def test_an_answer_that_does_not_come_in_time_has_its_own_type(scripted):
    server = scripted(lambda _: Reply(pieces=(1.0, b"late")))
    transport = server.transport()
    with pytest.raises(TransportTimeoutError):
        transport.get("/x", timeout=0.1, verb="get", resource="pods")
    transport.close()


def test_the_body_of_an_error_that_does_not_end_times_out(scripted):
    server = scripted(lambda _: Reply(500, pieces=(b" ", 0.05) * 200))
    transport = server.transport()
    stream = transport.stream("/x", timeout=0.3, resource="pods")
    with pytest.raises(TransportTimeoutError, match="did not end in time"):
        stream.read_all()
    stream.close()
    transport.close()


def test_a_blocked_read_is_ended_from_another_thread(scripted):
    server = scripted(lambda _: Reply(pieces=(b"first",), hold=True))
    transport = server.transport()
    stream = transport.stream("/x", timeout=60, resource="pods")
    assert b"first" == stream.read()
    timer = threading.Timer(0.1, stream.abort)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(TransportError):
        stream.read()
    assert time.monotonic() - begun < 30
    timer.join()
    stream.close()
    transport.close()


def test_a_cancelled_handle_ends_requests_before_and_after(scripted):
    server = scripted(lambda _: Reply(hold=True))
    transport = server.transport()
    cancel = Cancel()
    timer = threading.Timer(0.1, cancel.cancel)
    timer.start()
    for _ in range(2):
        with pytest.raises(TransportError):
            transport.stream("/x", timeout=60, resource="pods", cancel=cancel).read()
    timer.join()
    transport.close()


def test_a_token_is_read_again_when_its_file_changes_and_kept_while_it_is_away(scripted, tmp_path):
    file = tmp_path / "token"
    file.write_text("one\n")
    server = scripted(lambda _: Reply(body=b"{}"))
    transport = server.transport(credentials=Credentials(TokenFile(file)))

    def sent() -> str:
        transport.get("/x", timeout=5, verb="get", resource="pods")
        return server.received()[-1].headers["Authorization"]

    headers = [sent()]
    fresh = tmp_path / "fresh"
    fresh.write_text("two\n")
    fresh.replace(file)
    headers.append(sent())
    file.unlink()
    headers.append(sent())
    assert ["Bearer one", "Bearer two", "Bearer two"] == headers
    transport.close()


def test_a_token_file_that_was_never_there_is_named(scripted, tmp_path):
    server = scripted(lambda _: Reply())
    calls: list[object] = []
    transport = server.transport(
        credentials=Credentials(TokenFile(tmp_path / "none")),
        on_request=lambda *call: calls.append(call),
    )
    with pytest.raises(TransportError, match="none"):
        transport.get("/x", timeout=5, verb="get", resource="pods")
    assert ([], []) == (server.received(), calls)
    transport.close()


def test_a_packed_answer_is_unpacked_and_counted_packed(scripted):
    whole = b'{"items": []}' * 1_000
    packed = gzip.compress(whole)
    server = scripted(lambda _: Reply(body=packed, headers={"Content-Encoding": "gzip"}))
    received: list[int] = []
    transport = server.transport(gzip=True, on_received=received.append)
    assert whole == transport.get("/x", timeout=5, verb="list", resource="pods").body
    assert [len(packed)] == received
    assert "gzip" == server.received()[0].headers["Accept-Encoding"]
    transport.close()


def test_a_packed_answer_that_is_damaged_is_a_failure_of_the_request(scripted):
    cut = gzip.compress(b"x" * 1_000)[:-20]
    server = scripted(lambda _: Reply(body=cut, headers={"Content-Encoding": "gzip"}))
    transport = server.transport(gzip=True)
    with pytest.raises(TransportError, match="list /x"):
        transport.get("/x", timeout=5, verb="list", resource="pods")
    transport.close()


def test_packed_answers_are_requested_only_on_demand(scripted):
    server = scripted(lambda _: Reply(body=b"{}"))
    transport = server.transport()
    transport.get("/x", timeout=5, verb="list", resource="pods")
    assert "gzip" not in server.received()[0].headers.get("Accept-Encoding", "")
    transport.close()
