"""Bodies sent in chunks: a read returns all chunks that have come, in one piece.

An API server sends one or two chunks an object; http.client returns them one by
one, through a buffer of 8 KB, which takes longer than decoding them.
"""

import math
import select
import time
from collections.abc import Iterator
from http.client import HTTPResponse, IncompleteRead
from typing import Any

RECORD_SIZE = 1 << 16
"""Bytes to read from the socket at once: more than a TLS record (16 KiB) holds."""

MAX_SIZE_LINE = 1 << 16
"""The longest line between two chunks: http.client's limit."""


class ChunkReader:
    """Decodes a chunked body (RFC 9112, 7.1); ``ended`` once all of it has come."""

    def __init__(self) -> None:
        self._rest = b""  # the start of a line between two chunks
        self._remaining = 0
        self._is_last = False
        self.ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the parts of the body in ``data``; raise ``ValueError`` for an invalid chunk."""
        data, position = self._rest + data, 0
        while position < len(data) and not self.ended:
            if self._remaining:
                piece = data[position : position + self._remaining]
                position += len(piece)
                self._remaining -= len(piece)
                yield piece
                continue
            end = data.find(b"\n", position)
            if end < 0:
                break
            self._line(data[position:end].strip())
            position = end + 1
        self._rest = data[position:]
        if len(self._rest) > MAX_SIZE_LINE:
            raise ValueError("a line between two chunks does not end")

    def _line(self, line: bytes) -> None:
        """Handle a line between chunks: the end of a chunk, a size, a trailer."""
        if self._is_last:
            self.ended = not line
        elif line:
            self._remaining = int(line.partition(b";")[0], 16)
            if self._remaining < 0:
                raise ValueError(f"a chunk of {self._remaining} bytes")
            self._is_last = not self._remaining


class BulkResponse(HTTPResponse):
    """An answer whose :meth:`read1` returns all bytes that have come, across chunks."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401 - http.client's own signature
        super().__init__(sock, *args, **options)
        self._sock = sock
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)
        self._chunks = ChunkReader()

    def read1(self, n: int = -1) -> bytes:
        """Wait for bytes of the body and return all at hand, about ``n`` at most; b"" at its end.

        Raise ``TimeoutError`` if for longer than the socket's own time limit only lines
        between chunks come. Do not mix it with the other ways to read.
        """
        if self.fp is None or not self.chunked:
            return super().read1(n)
        pieces: list[bytes] = []
        size, started = 0, time.monotonic()
        while not self._chunks.ended and (not size or (size < n and self._has_more())):
            try:
                data = self.fp.read1(RECORD_SIZE)
            except OSError:
                if not size:
                    raise
                break  # return the bytes first; the next call raises again
            if not data:
                break
            try:
                parts = list(self._chunks.feed(data))
            except ValueError as error:
                self.close()
                raise IncompleteRead(b"") from error
            pieces += parts
            size += sum(map(len, parts))
            if not size and time.monotonic() - started > (self._sock.gettimeout() or math.inf):
                raise TimeoutError("nothing of the body came")
        if self._chunks.ended or not size:
            self.close()
        if not size and not self._chunks.ended:
            raise IncompleteRead(b"")
        return b"".join(pieces)

    def _has_more(self) -> bool:
        pending = getattr(self._sock, "pending", None)  # of a TLS socket
        return bool(pending and pending()) or bool(self._readable.poll(0))
