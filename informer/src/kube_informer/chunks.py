"""Bodies sent in chunks, read as far as they have come: many chunks in one piece.

An API server sends one or two chunks an object; http.client hands them out one by
one, through a buffer of 8 KB, which takes longer than decoding them.
"""

import math
import select
import time
from collections.abc import Iterator
from http.client import HTTPResponse, IncompleteRead
from typing import Any

RECORD_SIZE = 1 << 16
"""Bytes asked of the socket at once: more than a TLS record (16 KiB) holds."""

MAX_SIZE_LINE = 1 << 16
"""The longest line between two chunks, http.client's."""


class ChunkReader:
    """Takes a chunked body (RFC 9112, 7.1) apart; ``ended`` once all of it has come."""

    def __init__(self) -> None:
        self._rest = b""  # the start of a line between two chunks
        self._left = 0
        self._is_last = False
        self.ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data`` holds of the body; raise ``ValueError`` for what is no chunk."""
        data, at = self._rest + data, 0
        while at < len(data) and not self.ended:
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                yield piece
                continue
            end = data.find(b"\n", at)
            if end < 0:
                break
            self._line(data[at:end].strip())
            at = end + 1
        self._rest = data[at:]
        if len(self._rest) > MAX_SIZE_LINE:
            raise ValueError("a line between two chunks does not end")

    def _line(self, line: bytes) -> None:
        """Take in what stands between chunks: the end of one, a size, a trailer."""
        if self._is_last:
            self.ended = not line
        elif line:
            self._left = int(line.partition(b";")[0], 16)
            if self._left < 0:
                raise ValueError(f"a chunk of {self._left} bytes")
            self._is_last = not self._left


class BulkResponse(HTTPResponse):
    """An answer of which :meth:`read1` gives all that has come, whatever its chunks."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401 - http.client's own signature
        super().__init__(sock, *args, **options)
        self._sock = sock
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)
        self._chunks = ChunkReader()

    def read1(self, n: int = -1) -> bytes:
        """Wait for bytes of the body and return all at hand, until they are ``n``; b"" at its end.

        Raise ``TimeoutError`` where for longer than the socket's own time limit nothing
        comes but what stands between chunks. Not to be mixed with the other ways to read.
        """
        if self.fp is None or not self.chunked:
            return super().read1(n)
        pieces: list[bytes] = []
        size, begun = 0, time.monotonic()
        while not self._chunks.ended and (not size or (size < n and self._is_more_at_hand())):
            try:
                data = self.fp.read1(RECORD_SIZE)
            except OSError:
                if not size:
                    raise
                break  # first what came; the next call raises again
            if not data:
                break
            try:
                came = list(self._chunks.feed(data))
            except ValueError as error:
                self.close()
                raise IncompleteRead(b"") from error
            pieces += came
            size += sum(map(len, came))
            if not size and time.monotonic() - begun > (self._sock.gettimeout() or math.inf):
                raise TimeoutError("nothing of the body came")
        if self._chunks.ended or not size:
            self.close()
        if not size and not self._chunks.ended:
            raise IncompleteRead(b"")
        return b"".join(pieces)

    def _is_more_at_hand(self) -> bool:
        pending = getattr(self._sock, "pending", None)  # that of TLS
        return bool(pending and pending()) or bool(self._readable.poll(0))
