"""Clients that send nothing, send slowly or do not read delay no others."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from bench.cluster.pods import PodKey
from tests.contract.client import NAMESPACE, Client
from tests.contract.conftest import StartServer

REQUEST = b"GET /pods HTTP/1.1\r\nHost: x\r\n\r\n"
THREADS = "2"
IDLE, HALF, STALLED = 1100, 50, 8
"""Clients of each kind: more than the server's threads; idle ones more than a thousand."""


@pytest.fixture
def many_open_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(stack: ExitStack, client: Client, sent: bytes) -> socket.socket:
    host, _, port = client.address.partition(":")
    connection = stack.enter_context(socket.socket())
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((host, int(port)))
    connection.sendall(sent)
    return connection


@pytest.mark.parametrize("name", ["direct", "informer"])
def test_slow_clients_keep_a_server_neither_from_serving_nor_from_ending(
    start_server: StartServer, population: list[PodKey], many_open_files: None, name: str
) -> None:
    server = start_server(name, "--threads", THREADS)
    server.client.wait_for("/readyz", lambda answer: answer.status == 200)
    with ExitStack() as stack:
        for count, sent in ((IDLE, b""), (HALF, REQUEST[:1]), (STALLED, REQUEST * 100)):
            for _ in range(count):
                connect(stack, server.client, sent)

        for path in ("/healthz", "/readyz", "/metrics", "/pods", f"/pods/{NAMESPACE}") * 3:
            assert 200 == server.client.ask(path).status

        psutil.Process(server.process.pid).terminate()
        assert 0 == server.process.wait(30)


@pytest.mark.parametrize("name", ["direct", "informer"])
def test_clients_that_wait_for_a_version_that_never_comes_delay_no_others(
    start_server: StartServer, population: list[PodKey], name: str
) -> None:
    server = start_server(name, "--threads", THREADS)
    server.client.wait_for("/readyz", lambda answer: answer.status == 200)
    future = b"GET /pods?resourceVersion=999999999999 HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as stack:
        waiting = [connect(stack, server.client, future) for _ in range(40)]  # a minute for 2

        assert 200 == server.client.ask("/pods").status
        for connection in waiting:
            connection.setblocking(False)
        unanswered = 0
        for connection in waiting:
            try:
                connection.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                unanswered += 1
        assert unanswered > 0
