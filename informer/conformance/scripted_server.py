"""An HTTP server on a loopback port that answers by a script, and records its requests."""

import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kube_informer import BodyStream, ClientConfig, Credentials, Transport, TransportError
from kube_informer.testing import FakeSource

POLL_S = 0.1
"""Seconds between a silent watch's checks whether the server is closing."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its number, the monotonic time ``at`` which it came, and its content."""

    number: int
    at: float
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def is_watch(self) -> bool:
        """Whether it requests a watch, of either form."""
        return self.query.get("watch") in ("true", "1", "True")

    @property
    def is_fill(self) -> bool:
        """Whether it requests the initial state as a stream."""
        return self.query.get("sendInitialEvents") == "true"

    @property
    def kind(self) -> str:
        """``list``, ``watch`` or ``watch-list``."""
        return "watch-list" if self.is_fill else "watch" if self.is_watch else "list"


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, and a body at once or in pieces; a piece that is a number is a pause in seconds.

    With ``hold`` the connection stays open and silent after the body. With ``drop`` it ends
    without an answer, with ``late`` only after :meth:`ScriptedServer.release`. With
    ``http_1_0`` or ``closing`` (``Connection: close``) pieces end with the connection.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes | float] = ()
    hold: bool = False
    drop: bool = False
    late: bool = False
    http_1_0: bool = False
    closing: bool = False


Script = Callable[[Request], Reply | None]
"""Answers a request, or leaves it to the fake source with ``None``."""


def refusal(status: Mapping[str, Any], **headers: str) -> Reply:
    """Return an answer with this failure Status."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status["code"], json.dumps(status).encode(), fields)


def line(kind: str, item: Mapping[str, Any]) -> bytes:
    """Return one line of a watch."""
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


class ScriptedServer:
    """Answers each request with ``answer``, which may be replaced at any time."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._serve(self)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:  # noqa: ANN401 - the base class's own
                """Report no connections that a client dropped."""
                if not isinstance(sys.exception(), OSError):
                    super().handle_error(*args)

        self._http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    def transport(self, **options: Any) -> Transport:  # noqa: ANN401 - the transport's own
        """Return a transport to it, with ``credentials`` if given."""
        return Transport(
            ClientConfig(self.url, options.pop("credentials", Credentials())), **options
        )

    def release(self) -> None:
        """End every answer that is held or late."""
        self._closing.set()

    def close(self) -> None:
        """End every answer and the server."""
        self.release()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def received(self, since: int = 0) -> list[Request]:
        """Return the received requests without the first ``since``."""
        with self._lock:
            return self.requests[since:]

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = dict(handler.headers)
        with self._lock:
            number = len(self.requests)
            request = Request(number, time.monotonic(), parts.path, query, headers)
            self.requests.append(request)
        try:
            self._write(handler, self.answer(request))
        except (OSError, TransportError):
            handler.close_connection = True  # one of the two ends is gone

    def _write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.late:
            self._closing.wait()
        if reply.drop or reply.late:
            handler.close_connection = True
            return
        if reply.http_1_0:
            handler.protocol_version = "HTTP/1.0"
        handler.send_response(reply.status)
        extra = {"Connection": "close"} if reply.closing else {}
        for name, value in (
            {"Content-Type": "application/json"} | dict(reply.headers) | extra
        ).items():
            handler.send_header(name, value)
        framed = not (reply.http_1_0 or reply.closing)
        handler.close_connection = handler.close_connection or not framed
        if reply.pieces or reply.hold:
            self._stream(handler, reply, framed=framed)
            return
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        handler.wfile.write(reply.body)

    def _stream(self, handler: BaseHTTPRequestHandler, reply: Reply, *, framed: bool) -> None:
        if framed:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in itertools.chain((reply.body,), reply.pieces):
            if isinstance(piece, float):
                self._closing.wait(piece)
            elif piece:
                frame = b"%x\r\n%b\r\n" % (len(piece), piece) if framed else piece
                handler.wfile.write(frame)
        if reply.hold:
            self._closing.wait()
            handler.close_connection = True
        elif framed:
            handler.wfile.write(b"0\r\n\r\n")


class SourceServer(ScriptedServer):
    """An API server over a :class:`FakeSource`, which answers where the ``script`` does not."""

    def __init__(
        self, source: FakeSource, kubeconfig: Path, *, http_1_0: bool, closing: bool
    ) -> None:
        self.source = source
        self.script: Script = lambda _: None
        self._http_1_0 = http_1_0
        self._close_connections = closing
        super().__init__(self._answer)
        self.kubeconfig = kubeconfig
        self.kubeconfig.write_text(json.dumps(self._kubeconfig()))

    def _kubeconfig(self) -> dict[str, Any]:
        return {
            "kind": "Config",
            "apiVersion": "v1",
            "current-context": "scripted",
            "clusters": [{"name": "scripted", "cluster": {"server": self.url}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [
                {"name": "scripted", "context": {"cluster": "scripted", "user": "nobody"}}
            ],
        }

    def release(self) -> None:
        """End every answer that is held or late, and every watch."""
        super().release()
        self.source.end_watches()

    def restart_with(self, source: FakeSource) -> None:
        """Serve another source from now on, and break off every watch as a restart does."""
        previous, self.source = self.source, source
        previous.end_watches()

    def _answer(self, request: Request) -> Reply:
        reply = self.script(request) or self._answer_of_source(request)
        return replace(reply, http_1_0=self._http_1_0, closing=self._close_connections)

    def _answer_of_source(self, request: Request) -> Reply:
        source = self.source
        stream = source.stream(
            request.path,
            request.query,
            timeout=POLL_S,
            verb="watch" if request.is_watch else "list",
            resource="",
            accept=request.headers.get("Accept", ""),
        )
        if stream.status != 200 or not request.is_watch:
            return Reply(stream.status, stream.read_all())
        return Reply(pieces=self._pieces(source, stream))

    def _pieces(self, source: FakeSource, stream: BodyStream) -> Iterator[bytes]:
        while not self._closing.is_set():
            try:
                piece = stream.read()
            except TransportError:
                continue  # silent so far
            if not piece:
                break
            yield piece
        if source is not self.source:
            raise ConnectionAbortedError("restarted: the body has no end")
