"""Framing: one response ends where it ends, however its bytes are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.framing import Framer, FramingError, KeepingFramer

BODY = b'{"code":200,"result":[' + b"1," * 500 + b"1]}"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-A: b\r\n\r\n%b" % (len(BODY), BODY)


def chunked(body, size):
    pieces = [body[begin : begin + size] for begin in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


def feed(framer, data, cuts=()):
    edges = [0, *sorted(cuts), len(data)]
    for begin, end in itertools.pairwise(edges):
        framer.feed(memoryview(data)[begin:end])
    return framer


any_cuts = st.lists(st.integers(0, len(SIZED)), max_size=8)


@given(cuts=any_cuts)
def test_a_sized_response_is_whole_however_it_is_cut(cuts):
    for framer in (Framer(), KeepingFramer()):
        feed(framer, SIZED, cuts)
        assert framer.complete
        assert not framer.surplus
        assert 200 == framer.status
        assert len(BODY) == framer.body_bytes


@given(cuts=any_cuts)
def test_a_response_is_not_whole_before_its_last_byte(cuts):
    framer = feed(Framer(), SIZED[:-1], [min(cut, len(SIZED) - 1) for cut in cuts])
    assert not framer.complete


@given(cuts=any_cuts, size=st.integers(1, 600))
def test_a_chunked_body_is_kept_and_counted_without_its_framing(cuts, size):
    message = chunked(BODY, size)
    framer = feed(KeepingFramer(), message, [min(cut, len(message)) for cut in cuts])
    assert framer.complete
    assert framer.chunked
    assert BODY == b"".join(framer.pieces)
    assert len(BODY) == framer.body_bytes


def test_the_keeping_framer_keeps_nothing_unless_asked():
    framer = KeepingFramer()
    framer.keep = False
    feed(framer, SIZED)
    assert [] == framer.pieces
    assert len(BODY) == framer.body_bytes


def test_one_framer_serves_one_response_after_the_other():
    framer = KeepingFramer()
    for _ in range(3):
        framer.begin()
        feed(framer, SIZED)
        assert framer.complete
        assert framer.keep_alive
        assert BODY == b"".join(framer.pieces)


def test_bytes_beyond_the_response_are_noticed():
    framer = feed(Framer(), SIZED + SIZED)
    assert framer.complete
    assert framer.surplus
    assert len(BODY) == framer.body_bytes


def test_connection_close_is_noticed():
    framer = feed(Framer(), SIZED.replace(b"X-A: b", b"Connection: close"))
    assert framer.complete
    assert not framer.keep_alive


def test_an_interim_response_is_not_the_answer():
    framer = feed(KeepingFramer(), b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SIZED)
    assert framer.complete
    assert not framer.surplus
    assert 200 == framer.status
    assert BODY == b"".join(framer.pieces)


def test_a_body_without_a_length_ends_with_the_connection():
    framer = feed(KeepingFramer(), b"HTTP/1.1 200 OK\r\n\r\n" + BODY)
    assert not framer.complete
    assert framer.ends_with_connection
    assert len(BODY) == framer.body_bytes


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_response_that_is_not_http_is_an_error(garbage):
    with pytest.raises(FramingError, match="not a well-formed response"):
        feed(Framer(), garbage)
