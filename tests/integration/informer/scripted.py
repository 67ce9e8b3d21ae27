"""An HTTP server that says what a test wants it to say, and remembers what it was asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kube_informer import ClientConfig, Credentials, Transport


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: the how-manieth, when (monotonic), and what for."""

    number: int
    at: float
    path: str
    query: dict[str, str]
    headers: dict[str, str]

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") == "true"

    @property
    def is_fill(self) -> bool:
        return "sendInitialEvents" in self.query


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, and a body at once or in pieces; a piece that is a number is a pause in seconds.

    With ``hold`` the connection stays open and silent after the body; with ``late``
    nothing is answered at all, until :meth:`ScriptedServer.release`. With ``http_1_0``
    the body has no length and ends with the connection.
    """

    status: int = 200
    body: bytes = b""
    pieces: tuple[bytes | float, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    hold: bool = False
    drop: bool = False
    http_1_0: bool = False
    late: bool = False


def refusal(status: dict[str, Any], **headers: str) -> Reply:
    """A Status of failure as a whole answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status["code"], json.dumps(status).encode(), headers=named)


class ScriptedServer:
    """Answers each request as ``answer`` says; ``answer`` may be replaced at any time."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                script._serve(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def transport(self, **options: Any) -> Transport:
        config = ClientConfig(
            f"http://127.0.0.1:{self.port}", options.pop("credentials", Credentials())
        )
        return Transport(config, **options)

    def release(self) -> None:
        """End every answer that is held or late."""
        self._closing.set()

    def close(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def asked(self, since: int = 0) -> list[Request]:
        with self._lock:
            return self.requests[since:]

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        with self._lock:
            request = Request(
                len(self.requests),
                time.monotonic(),
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                dict(handler.headers),
            )
            self.requests.append(request)
        reply = self.answer(request)
        try:
            self._write(handler, reply)
        except OSError:
            handler.close_connection = True  # the client went away, as some tests want

    def _write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.late:
            self._closing.wait(60)
        if reply.drop or reply.late:
            handler.close_connection = True
            return
        if reply.http_1_0:
            handler.protocol_version = "HTTP/1.0"
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if not reply.pieces and not reply.hold:
            handler.send_header("Content-Length", str(len(reply.body)))
            handler.end_headers()
            handler.wfile.write(reply.body)
            return
        self._stream(handler, reply)
        if reply.hold:
            self._closing.wait(60)
        elif not reply.http_1_0:
            handler.wfile.write(b"0\r\n\r\n")
            return
        handler.close_connection = True

    def _stream(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if not reply.http_1_0:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in self._pieces(reply):
            framed = piece if reply.http_1_0 else b"%x\r\n%b\r\n" % (len(piece), piece)
            handler.wfile.write(framed)

    def _pieces(self, reply: Reply) -> Iterator[bytes]:
        for piece in (reply.body, *reply.pieces):
            if isinstance(piece, float):
                self._closing.wait(piece)
            elif piece:
                yield piece
