"""The limits of a client's connection, on a real socket, and when it is cut off."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvloop

from servers import client_connection
from servers.asgi import AsgiServer
from servers.serve import _Worker, listen
from servers.source import Pod, PodPage, PodQuery, PodSource

BODY = b"x" * (8 << 20)
"""More than the kernel buffers for a client that reads nothing."""

REQUEST = b"GET /pods HTTP/1.1\r\nHost: x\r\n\r\n"
SMALL = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


class LargeSource(PodSource):
    """Always has the same large answer."""

    def list_pods(self, query: PodQuery) -> PodPage:
        return PodPage([BODY, BODY], "1")

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        return Pod([b"{}"], "1")


@pytest.fixture
def server() -> Iterator[_Worker]:
    """A server with one thread, and its ``address``."""
    listener = listen("127.0.0.1", 0)
    address = listener.getsockname()
    parent_alive, parent = os.pipe()
    server = _Worker(AsgiServer(LargeSource(), threads=1), parent_alive)
    thread = threading.Thread(target=lambda: uvloop.run(server.serve([listener])))
    thread.start()
    server.address = address
    yield server
    os.close(parent)
    thread.join(30)
    os.close(parent_alive)
    assert not thread.is_alive()


@pytest.fixture
def address(server: _Worker) -> tuple[str, int]:
    return server.address


def connect(address: tuple[str, int], sent: bytes = b"") -> socket.socket:
    client = socket.create_connection(address, timeout=30)
    client.sendall(sent)
    return client


def read_all(client: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    received = bytearray()
    try:
        while data := client.recv(1 << 20):
            received += data
    except ConnectionResetError:
        pass
    return bytes(received)


def read_head(client: socket.socket) -> bytes:
    """Read up to the empty line after the headers, and the bytes that came with it."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = client.recv(4096)
        assert data, received
        received += data
    return received


def test_clients_that_read_nothing_leave_the_only_thread_to_others(
    address: tuple[str, int],
) -> None:
    stalled = [connect(address, REQUEST) for _ in range(20)]
    for client in stalled:
        assert client.recv(1, socket.MSG_PEEK)  # its answer has begun

    with connect(address, b"GET /pods/a/b HTTP/1.1\r\nHost: x\r\n\r\n") as other:
        assert read_head(other).startswith(b"HTTP/1.1 200 ")
    for client in stalled:
        client.close()


def test_a_client_that_reads_slowly_gets_the_whole_answer(address: tuple[str, int]) -> None:
    with connect(address, b"GET /pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") as client:
        _, _, body = read_all(client).partition(b"\r\n\r\n")

    assert len(BODY) * 2 == body.count(b"x")
    assert body.endswith(b"]}")


@pytest.mark.parametrize("sent", [b"", b"G", SMALL[:-2], SMALL, SMALL + b"G"])
def test_a_connection_without_a_complete_request_is_closed(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int], sent: bytes
) -> None:
    monkeypatch.setattr(client_connection, "IDLE_S", 0.3)

    with connect(address, sent) as client:
        answered = read_all(client)

    assert sent.startswith(SMALL) == answered.startswith(b"HTTP/1.1 200 ")


def test_a_client_that_stops_reading_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, server: _Worker
) -> None:
    monkeypatch.setattr(client_connection, "STALL_S", 0.2)

    with connect(server.address, REQUEST) as client:
        assert client.recv(1, socket.MSG_PEEK)
        deadline = time.monotonic() + 30
        while server.server_state.connections:
            assert time.monotonic() < deadline
            time.sleep(0.01)

        assert len(read_all(client)) < 2 * len(BODY)


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (400, b"garbage\r\n\r\n"),
        (400, b"GET /pods HTTP/1.1\r\nBad Header: x\r\n\r\n"),
        (400, b"GET /pods HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
        (400, b"GET /p\xffods HTTP/1.1\r\nHost: x\r\n\r\n"),
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        (431, b"GET /pods?labelSelector=" + b"a" * (65 << 10) + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
        (431, b"GET /pods HTTP/1.1\r\nX: " + b"a" * (65 << 10) + b"\r\n\r\n"),
        (431, b"GET /pods HTTP/1.1\r\nX: " + b"a" * (65 << 10)),
        (431, b"GET /pods HTTP/1.1\r\n" + b"".join(b"X%d: a\r\n" % n for n in range(9000))),
    ],
)
def test_an_invalid_request_is_refused_in_the_shape_of_every_error(
    address: tuple[str, int], status: int, sent: bytes
) -> None:
    with connect(address, sent) as client:
        head, _, body = read_all(client).partition(b"\r\n\r\n")

    lines = head.split(b"\r\n")
    assert f"HTTP/1.1 {status} " == lines[0].decode()[:13]
    assert b"Content-Type: application/json" in lines
    error = json.loads(body)
    assert ["code", "message", "result"] == list(error)
    assert (status, None) == (error["code"], error["result"])


def test_a_long_selector_is_served(address: tuple[str, int]) -> None:
    selector = b",".join(b"a!=x%d" % number for number in range(6000))
    target = b"/pods/a?labelSelector=" + selector

    with connect(address, b"HEAD " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n") as client:
        assert read_head(client).startswith(b"HTTP/1.1 200 ")


def test_a_refusal_is_not_written_inside_an_answer_under_way(address: tuple[str, int]) -> None:
    with connect(address, REQUEST + b"garbage\r\n\r\n") as client:
        received = read_all(client)

    assert 0 == received.count(b"HTTP/1.1 400 ")


def test_a_body_is_taken_and_dropped(address: tuple[str, int]) -> None:
    body = b"z" * (1 << 20)
    head = b"POST /pods HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)

    with connect(address, head + body + SMALL) as client:
        received = b""
        while b'"alive"' not in received:
            data = client.recv(4096)
            assert data, received
            received += data

    assert received.startswith(b"HTTP/1.1 405 ")
    assert 2 == received.count(b"HTTP/1.1 ")


def test_requests_sent_at_once_are_answered_in_their_order(address: tuple[str, int]) -> None:
    paths = [b"/healthz", b"/pods/a/b", b"/unheard-of"] * 50
    sent = b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in paths)
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    with connect(address, sent + last) as client:
        received = read_all(client)

    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert [b"200", b"200", b"404"] * 50 + [b"200"] == statuses


def test_a_client_with_too_many_requests_waiting_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]
) -> None:
    monkeypatch.setattr(client_connection, "IDLE_S", 0.3)

    with connect(address, SMALL * 1000) as client:
        assert read_all(client).count(b"HTTP/1.1 ") < 1000


def test_further_requests_are_read_once_none_waits(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]
) -> None:
    monkeypatch.setattr(client_connection, "MAX_WAITING", 3)
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    with connect(address, REQUEST * 4) as client:
        received = client.recv(1 << 20)
        while received.count(b"HTTP/1.1 200 ") < 2:
            received += client.recv(1 << 20)
        client.sendall(SMALL * 2 + last)  # too many beside the two that wait
        time.sleep(0.2)  # the server could read them
        assert 7 == (received + read_all(client)).count(b"HTTP/1.1 200 ")
