"""Connections to real sockets that behave well and badly."""

import json
import socket
import time

import pytest

from bench.load import connection as module
from bench.load.connection import Address, AddressError, Connection, NoAnswerError, Response

BODY = json.dumps({"code": 200, "result": ["x" * 100] * 20_000}).encode()  # 2 MB
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
SMALL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"
)


def answering(*answers):
    """Answer the n-th request of a connection with the n-th answer, then close."""

    def script(connection):
        for answer in answers:
            read_request(connection)
            connection.sendall(answer)

    return script


def read_request(connection):
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        received = connection.recv(4096)
        if not received:
            raise ConnectionResetError
        request += received
    return request


def ask(connection, server, *, keep=False, timeout_s=10.0):
    return connection.get(server.address.request("/pods"), timeout_s, keep=keep)


@pytest.fixture
def connect():
    opened = []

    def new(address):
        opened.append(Connection(address))
        return opened[-1]

    yield new
    for connection in opened:
        connection.close()


def test_requests_share_one_connection_and_count_their_bodies(serve, connect):
    server = serve(answering(SIZED, SIZED, SMALL, SIZED))
    connection = connect(server.address)
    sizes = [ask(connection, server).body_bytes for _ in range(4)]
    assert [len(BODY), len(BODY), 2, len(BODY)] == sizes
    assert 1 == server.accepted


def test_a_body_is_kept_only_when_asked_for(serve, connect):
    server = serve(answering(SMALL, SMALL, SIZED, SMALL))
    connection = connect(server.address)
    assert Response(200, 2, None) == ask(connection, server)
    assert Response(200, 2, b"hi") == ask(connection, server, keep=True)
    assert Response(200, len(BODY), BODY) == ask(connection, server, keep=True)
    assert Response(200, 2, None) == ask(connection, server)


def test_chunked_bodies_are_counted_without_their_framing_whenever_they_come(serve, connect):
    server = serve(answering(SMALL, SMALL, CHUNKED, CHUNKED, SMALL, CHUNKED))
    connection = connect(server.address)
    sizes = [ask(connection, server).body_bytes for _ in range(6)]
    assert [2, 2, 12, 12, 2, 12] == sizes
    assert 1 == server.accepted


def test_a_response_that_comes_byte_by_byte_is_read_to_its_end(serve, connect):
    def dribble(connection):
        for answer in (SMALL, CHUNKED, SMALL, SMALL):  # the second switches framers in mid-answer
            read_request(connection)
            for index in range(len(answer)):
                connection.sendall(answer[index : index + 1])
                time.sleep(0.0005)

    server = serve(dribble)
    connection = connect(server.address)
    assert [2, 12, 2, 2] == [ask(connection, server).body_bytes for _ in range(4)]
    assert 1 == server.accepted


def test_the_request_names_path_and_host(serve, connect):
    seen = []

    def script(connection):
        seen.append(read_request(connection))
        connection.sendall(SMALL)

    server = serve(script)
    connect(server.address).get(server.address.request("/pods?a=b"), 5.0)
    lines = seen[0].decode().split("\r\n")
    assert "GET /pods?a=b HTTP/1.1" == lines[0]
    assert f"Host: 127.0.0.1:{server.address.port}" in lines


def test_any_status_is_an_answer(serve, connect):
    server = serve(answering(SMALL.replace(b"200 OK", b"503 Service Unavailable"), SMALL))
    connection = connect(server.address)
    assert Response(503, 2) == ask(connection, server)
    assert Response(200, 2) == ask(connection, server)
    assert 1 == server.accepted


def test_a_connection_that_the_server_has_closed_is_opened_again(serve, connect):
    server = serve(answering(SMALL))
    connection = connect(server.address)
    for _ in range(3):
        assert 200 == ask(connection, server).status
        time.sleep(0.02)  # for the end of the connection to arrive
    assert 3 == server.accepted


def test_a_connection_idle_for_long_is_replaced(serve, monkeypatch, connect):
    monkeypatch.setattr(module, "IDLE_LIMIT_S", 0.01)
    server = serve(answering(SMALL, SMALL))
    connection = connect(server.address)
    ask(connection, server)
    time.sleep(0.02)
    ask(connection, server)
    assert 2 == server.accepted


@pytest.mark.parametrize(
    "answer",
    [
        SMALL.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        SMALL + b"HTTP/1.1 408 Request Timeout\r\n\r\n",
        SMALL + SMALL,
    ],
)
def test_a_connection_to_be_closed_or_with_surplus_data_is_replaced(serve, answer, connect):
    server = serve(answering(answer, SMALL))
    connection = connect(server.address)
    assert Response(200, 2) == ask(connection, server)
    assert Response(200, 2) == ask(connection, server)
    assert 2 == server.accepted


def test_a_body_without_a_length_ends_with_the_connection(serve, connect):
    server = serve(answering(b"HTTP/1.1 200 OK\r\n\r\nhello"))
    connection = connect(server.address)
    assert Response(200, 5, b"hello") == ask(connection, server, keep=True)
    assert Response(200, 5, None) == ask(connection, server)
    assert 2 == server.accepted


@pytest.mark.parametrize("cut", [0, 10, 60, len(SIZED) // 2, len(SIZED) - 1])
def test_a_truncated_answer_fails_and_the_next_request_connects_anew(serve, cut, connect):
    server = serve(answering(SIZED[:cut]), answering(SIZED))
    connection = connect(server.address)
    with pytest.raises(NoAnswerError, match="connection lost") as caught:
        ask(connection, server)
    assert caught.value.sent
    assert not caught.value.timed_out
    assert Response(200, len(BODY)) == ask(connection, server)


def reset(connection):
    read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def say_nothing(connection):
    read_request(connection)
    time.sleep(0.5)


def dribble_for_ever(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("script", "message", "timed_out"),
    [
        (answering(CHUNKED[:-5]), "connection lost", False),
        (reset, "connection lost: Connection reset by peer", False),
        (answering(b"220 mail.example ESMTP\r\n"), "not a well-formed response", False),
        (say_nothing, r"no complete answer within 0\.2 s", True),
        (dribble_for_ever, r"no complete answer within 0\.2 s", True),
    ],
)
def test_an_incomplete_or_late_answer_fails(serve, connect, script, message, timed_out):
    server = serve(script)
    with pytest.raises(NoAnswerError, match=message) as caught:
        ask(connect(server.address), server, timeout_s=0.2 if timed_out else 10.0)
    assert (True, timed_out) == (caught.value.sent, caught.value.timed_out)


def test_a_refused_connection_was_never_sent(connect):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address.of(f"http://127.0.0.1:{taken.getsockname()[1]}")
    with pytest.raises(NoAnswerError, match="cannot connect: Connection refused") as caught:
        connect(address).get(address.request("/"), 5.0)
    assert not caught.value.sent
    assert not caught.value.timed_out


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("http://localhost", Address("localhost", 80)),
        ("http://[::1]:8080/base/", Address("::1", 8080, "/base")),
    ],
)
def test_an_address_is_read_from_a_url(url, expected):
    assert expected == Address.of(url)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:80", "https://127.0.0.1", "http://", "http://h:99999", "http://h/?q=1"]
)
def test_an_unusable_url_is_refused(url):
    with pytest.raises(AddressError):
        Address.of(url)


def test_an_ipv6_address_stands_in_brackets_in_the_request():
    request = Address.of("http://[::1]:8080/base").request("/pods")
    assert request.startswith(b"GET /base/pods HTTP/1.1\r\nHost: [::1]:8080\r\n")
