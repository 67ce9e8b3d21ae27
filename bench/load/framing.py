"""Framing of HTTP responses by httptools; bodies are counted, not kept.

httptools hands each piece of a body to Python as a new ``bytes`` object if, and
only if, its listener has ``on_body``. So there are two listeners: one that takes
the length from Content-Length, and one that sees the body, for responses that are
checked and for chunked ones, whose length no header gives.
"""

import httptools


class FramingError(Exception):
    """Raised when the received bytes are not one well-formed HTTP response."""


class Framer:
    """Frames the responses of one connection, one after the other, without their bodies.

    Call ``begin`` before each request, and ``feed`` with the received bytes until
    ``complete``. ``body_bytes`` is the Content-Length once the head is read.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Forget the last response and expect the next."""
        self.complete = False
        self.head_complete = False
        self.surplus = False
        self.keep_alive = False
        self.status = 0
        self.content_length: int | None = None
        self.chunked = False
        self.body_bytes = 0
        self.pieces: list[bytes] = []

    def feed(self, data: memoryview) -> None:
        """Parse received bytes; raise ``FramingError`` if they are not HTTP."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise FramingError(f"not a well-formed response: {error}") from error

    @property
    def length_unknown(self) -> bool:
        """Whether the head is read and does not give the body's length."""
        return self.head_complete and self.content_length is None

    @property
    def ends_with_connection(self) -> bool:
        """Whether only the end of the connection can end this body."""
        return self.length_unknown and not self.chunked

    # callbacks of httptools

    def on_message_begin(self) -> None:
        """Note a message that begins after the answer: nobody has asked for it."""
        if self.complete:
            self.surplus = True  # a second answer to one question

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note the headers that give the body's length."""
        lowered = name.lower()
        if lowered == b"content-length":
            self.content_length = int(value)
        elif lowered == b"transfer-encoding":
            self.chunked = b"chunked" in value.lower()

    def on_headers_complete(self) -> None:
        """Note status, length, and whether the connection may be kept."""
        if self.complete:
            return
        self.status = self._parser.get_status_code()
        self.keep_alive = self._parser.should_keep_alive()
        self.body_bytes = self.content_length or 0
        self.head_complete = True

    def on_message_complete(self) -> None:
        """Note the end of the answer; begin again after an interim response."""
        if self.complete:
            return
        if self.status < 200:  # 1xx comes before the response
            self.begin()
            return
        self.complete = True


class KeepingFramer(Framer):
    """Frames responses, counts the bytes of their bodies, and keeps the pieces if ``keep``."""

    keep = True

    def on_headers_complete(self) -> None:
        """Note the head, and count the body from 0."""
        super().on_headers_complete()
        if not self.complete:
            self.body_bytes = 0

    def on_body(self, piece: bytes) -> None:
        """Count a piece of the body, and keep it if ``keep``."""
        if self.complete:
            return
        self.body_bytes += len(piece)
        if self.keep:
            self.pieces.append(piece)
