"""An API server over a :class:`FakeSource` that a script may interrupt, on a loopback port."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kube_informer import BodyStream, TransportError
from kube_informer.testing import FakeSource, failure_status

POLL_S = 0.1
"""How often a silent watch looks whether the server is closing."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    path: str
    query: Mapping[str, str]

    @property
    def is_watch(self) -> bool:
        """Whether it asks for a watch, of either form."""
        return self.query.get("watch") in ("true", "1", "True")

    @property
    def is_watch_list(self) -> bool:
        """Whether it asks for the initial state as a stream."""
        return self.query.get("sendInitialEvents") == "true"

    @property
    def kind(self) -> str:
        """``list``, ``watch`` or ``watch-list``."""
        return "watch-list" if self.is_watch_list else "watch" if self.is_watch else "list"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not the fake source's: whole, or held open and silent after its body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: bool = False


Script = Callable[[Request], Reply | None]
"""Answers a request, or leaves it to the fake source with ``None``."""


def refusal(code: int, reason: str, **headers: str) -> Reply:
    """Return an answer that is a Status of failure."""
    body = json.dumps(failure_status(code, reason)).encode()
    return Reply(code, body, {name.replace("_", "-"): value for name, value in headers.items()})


def line(kind: str, item: Mapping[str, Any]) -> bytes:
    """Return one line of a watch."""
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


class ScriptedServer:
    """Answers over HTTP; ``script`` may be replaced at any time. A context manager."""

    def __init__(self, source: FakeSource, kubeconfig: Path, *, http: str, closing: bool) -> None:
        self.source = source
        self.script: Script = lambda _: None
        self._close_connections = closing
        self.requests: list[Request] = []
        self._closing = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = http

            def do_GET(self) -> None:
                server._answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Say nothing of connections that a subject dropped."""

        self._http = Server(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(POLL_S,))
        self._thread.start()
        self.kubeconfig = kubeconfig
        self.kubeconfig.write_text(json.dumps(self._kubeconfig()))

    def _kubeconfig(self) -> dict[str, Any]:
        address = f"http://127.0.0.1:{self._http.server_address[1]}"
        return {
            "kind": "Config",
            "apiVersion": "v1",
            "current-context": "scripted",
            "clusters": [{"name": "scripted", "cluster": {"server": address}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [
                {"name": "scripted", "context": {"cluster": "scripted", "user": "nobody"}}
            ],
        }

    def close(self) -> None:
        """End every watch and the server."""
        self._closing.set()
        self.source.end_watches()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def restart_with(self, source: FakeSource) -> None:
        """Serve another source from now on, every watch broken off as by a restart."""
        before, self.source = self.source, source
        before.end_watches()

    def asked(self, kind: str = "", since: int = 0) -> int:
        """Return how many requests came, of one kind or of all, after the first ``since``."""
        return sum(kind in ("", one.kind) for one in self.requests[since:])

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        request = Request(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)))
        self.requests.append(request)
        try:
            reply = self.script(request)
            if reply is not None:
                self._write(handler, reply)
            else:
                self._serve(handler, request)
        except (OSError, TransportError):
            handler.close_connection = True

    def _begin(
        self, handler: BaseHTTPRequestHandler, code: int, headers: Mapping[str, str]
    ) -> None:
        handler.send_response(code)
        for name, value in ({"Content-Type": "application/json"} | dict(headers)).items():
            handler.send_header(name, value)
        if self._close_connections:
            handler.send_header("Connection", "close")

    def _write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        self._begin(handler, reply.status, reply.headers)
        if not reply.hold:
            handler.send_header("Content-Length", str(len(reply.body)))
            handler.end_headers()
            handler.wfile.write(reply.body)
            return
        send = self._open(handler)
        if reply.body:
            send(reply.body)
        self._closing.wait()
        handler.close_connection = True

    def _open(self, handler: BaseHTTPRequestHandler) -> Callable[[bytes], object]:
        """End the headers of a body without a length and return how to send pieces of it."""
        if handler.protocol_version == "HTTP/1.0" or self._close_connections:
            handler.close_connection = True
            handler.end_headers()
            return handler.wfile.write
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        return lambda piece: handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def _serve(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        source = self.source
        stream = source.stream(
            request.path,
            request.query,
            timeout=POLL_S,
            verb="watch" if request.is_watch else "list",
            resource="",
            accept=handler.headers.get("Accept", ""),
        )
        if stream.status != 200 or not request.is_watch:
            self._write(handler, Reply(stream.status, stream.read_all()))
            return
        self._begin(handler, 200, {})
        send = self._open(handler)
        for piece in self._pieces(stream):
            send(piece)
        if source is not self.source:
            handler.close_connection = True  # without the end of the body
        if not handler.close_connection:
            handler.wfile.write(b"0\r\n\r\n")

    def _pieces(self, stream: BodyStream) -> Any:  # noqa: ANN401 - a generator of bytes
        while not self._closing.is_set():
            try:
                piece = stream.read()
            except TransportError:
                continue  # silent so far
            if not piece:
                return
            yield piece
