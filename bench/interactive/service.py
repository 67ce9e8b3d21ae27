"""HTTP service over a Unix socket in a private folder: only this user can reach it."""

import http.server
import json
import socketserver
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.supervision.stoppable import Stoppable

MOST_BYTES = 1_000_000

Handlers = Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]


class Refused(Exception):  # noqa: N818 - what happened to the request
    """What was asked cannot be done now; ``status`` says why in HTTP's words."""

    def __init__(self, text: str, status: int = 409) -> None:
        super().__init__(text)
        self.status = status


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class Service(Stoppable):
    """Answers POSTs of JSON, one handler a path, until stopped."""

    def __init__(self, path: Path, handlers: Handlers) -> None:
        self.path = path
        self._server = _Server(str(path), _handler_class(handlers))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Hear no more."""
        self._server.shutdown()
        self._server.server_close()
        self.path.unlink(missing_ok=True)


def _handler_class(handlers: Handlers) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, answer = self._answer()
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answer(self) -> tuple[int, dict[str, Any]]:
            handler = handlers.get(self.path.strip("/"))
            if handler is None:
                return 404, {"error": f"nothing is done at {self.path}"}
            length = int(self.headers.get("Content-Length", 0))
            if length > MOST_BYTES:
                return 413, {"error": f"{length} bytes are too many"}
            try:
                return 200, handler(json.loads(self.rfile.read(length) or b"{}"))
            except Refused as refused:
                return refused.status, {"error": str(refused)}

        def log_message(self, *_: object) -> None:
            """Log nothing: a poll a second is no news."""

    return Handler
