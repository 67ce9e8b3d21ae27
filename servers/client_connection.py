"""A client's connection: uvicorn's HTTP protocol, with bounds against slow or large requests.

A client occupies no more than its socket and its answer. The connection is closed when
no complete request comes, when the client does not read its answer, when a request's head
is too large, and when too many requests wait. Refusals have the shape of every other error.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from servers.app import JSON, error_body
from servers.source import SourceError

IDLE_S = 75
"""Seconds that a connection may be without a complete request head, from its start or the last
answer; a pause between trials must fit."""

STALL_S = 30.0
"""Seconds that a client may leave its answer unread."""

MAX_HEAD_BYTES = 64 << 10
"""Limit of a request's target and headers: selectors and tokens can be long."""

MAX_WAITING = 256
"""Requests that may wait for the answer to an earlier one; one read can bring thousands."""


class ClientConnection(HttpToolsProtocol):
    """One connection. The base class has the pipeline, flow control and keep-alive."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the base class's own signature
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = IDLE_S
        self._refusal = SourceError(HTTPStatus.BAD_REQUEST, "the request is not valid HTTP/1.1")
        self._head_bytes = 0  # received of an incomplete head
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the idle timer."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(IDLE_S, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop every timer; the base class wakes the writers."""
        self._unset_keepalive_if_required()
        self._end_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data; unlike in the base class, a part of a head does not end the idle time."""
        self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(_too_large())
        except httptools.HttpParserUpgrade:
            pass  # no other protocol is offered: answer the request as it is
        except httptools.HttpParserError:
            self._refuse(self._refusal)

    def on_headers_complete(self) -> None:
        """Accept the request if its head is not too large, and not too many others wait."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            self._refusal = _too_large()
            raise ValueError(self._refusal.message)  # ends the parser's work
        if len(self.pipeline) >= MAX_WAITING:
            raise ValueError("too many requests wait")  # no answer to it: one is under way
        self._head_bytes = 0
        self._unset_keepalive_if_required()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:  # noqa: ARG002 - the base class's own signature
        """Drop the body: no route takes one, and none may be collected."""
        self._head_bytes = 0

    def on_message_complete(self) -> None:
        """End the request's body."""
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin the next answer; unlike in the base class, read nothing while requests wait."""
        super().on_response_complete()
        if self.pipeline:
            self.flow.pause_reading()

    def pause_writing(self) -> None:
        """Start the stall timer: the client has answers to read."""
        super().pause_writing()
        self._watch_stall()

    def resume_writing(self) -> None:
        """Stop the stall timer: the client has read."""
        self._end_stall()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, even if the client has not read the end of the last answer."""
        self.transport.abort()

    def _refuse(self, error: SourceError) -> None:
        if self.cycle is None or self.cycle.response_complete:
            body = error_body(error)
            status = HTTPStatus(error.code)
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\n"
                f"Content-Type: {JSON}\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()

    def _watch_stall(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self._stall_timer = self.loop.call_later(STALL_S, self._check_stall, unread)

    def _check_stall(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._watch_stall()
        else:
            self.transport.abort()

    def _end_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None


def _too_large() -> SourceError:
    return SourceError(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        f"the request's target and headers are larger than {MAX_HEAD_BYTES} bytes",
    )
