"""Bodies in chunks: decoded for any cuts, and returned in one piece."""

import socket
import threading
from collections.abc import Iterator
from http.client import IncompleteRead

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_informer.chunks import BulkResponse, ChunkReader

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    extension=st.sampled_from([b"", b";name=value", b"  "]),
    trailer=st.sampled_from([b"", b"Checksum: 7\r\n"]),
    cuts=st.lists(st.integers(0, 300), max_size=8),
)
def test_a_body_is_the_same_for_any_cuts(pieces, extension, trailer, cuts):
    sent = b"".join(chunk(piece, extension) for piece in pieces) + b"0\r\n" + trailer + b"\r\n"
    reader, body, start = ChunkReader(), b"", 0
    for cut in (*sorted(cut for cut in cuts if cut < len(sent)), len(sent)):
        assert not reader.ended
        body += b"".join(reader.feed(sent[start:cut]))
        start = cut
    assert (b"".join(pieces), True) == (body, reader.ended)


@pytest.mark.parametrize("data", [b"<html>\r\n", b"-4\r\n", b"4" * 70_000])
def test_an_invalid_chunk_is_refused(data):
    with pytest.raises(ValueError, match=r"chunk|invalid literal"):
        list(ChunkReader().feed(data))


@pytest.fixture
def wire() -> Iterator[tuple[socket.socket, socket.socket]]:
    server, client = socket.socketpair()
    yield server, client
    server.close()
    client.close()


def answered(client: socket.socket) -> BulkResponse:
    response = BulkResponse(client)
    response.begin()
    return response


def test_all_bytes_at_hand_are_returned_in_one_piece(wire):
    server, client = wire
    server.sendall(HEAD + chunk(b"a" * 10_000) + chunk(b"b") + chunk(b"c"))
    response = answered(client)
    assert b"a" * 10_000 + b"bc" == response.read1(1 << 20)
    server.sendall(chunk(b"d"))
    assert b"d" == response.read1(1 << 20)


def test_no_more_is_read_than_requested(wire):
    server, client = wire
    server.sendall(HEAD + b"".join(chunk(b"a" * 30_000) for _ in range(3)) + LAST)
    response = answered(client)
    assert len(response.read1(1)) < 90_000


def test_the_end_follows_the_last_bytes(wire):
    server, client = wire
    server.sendall(HEAD + chunk(b"a") + LAST)
    response = answered(client)
    assert (b"a", b"", True) == (response.read1(9), response.read1(9), response.isclosed())


@pytest.mark.parametrize("start", [b"", b"0\r\n"], ids=["blank lines", "trailers"])
def test_lines_between_chunks_are_no_part_of_the_body(wire, start):
    server, client = wire
    server.sendall(HEAD + start)
    response = answered(client)
    client.settimeout(0.2)
    over = threading.Event()

    def trickle() -> None:
        while not over.wait(0.02):
            server.sendall(b"Trailer: 7\r\n" if start else b"\r\n")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        with pytest.raises(TimeoutError):
            response.read1(9)
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("more", [b"3\r\nha", b"3\r", b""])
def test_a_body_that_breaks_off_returns_its_bytes_and_then_raises(wire, more):
    server, client = wire
    server.sendall(HEAD + chunk(b"whole") + more)
    server.close()
    response = answered(client)
    assert b"whole" + more[3:] == response.read1(9)
    with pytest.raises(IncompleteRead):
        response.read1(9)
