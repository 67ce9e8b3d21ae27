"""Service over a Unix socket in a private folder: only this user can reach it.

A connection carries one question, a line of JSON (its name, and its arguments by name), and its
answer, another line (an HTTP status, and an object), for ``bench.load.webui.harness``.
"""

import json
import socketserver
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.supervision.stoppable import Stoppable

MOST_BYTES = 1_000_000

Handlers = Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]


class Refused(Exception):  # noqa: N818 - the request's result
    """Raised when a request cannot be fulfilled now; ``status`` is the HTTP status."""

    def __init__(self, text: str, status: int = 409) -> None:
        super().__init__(text)
        self.status = status


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


class Service(Stoppable):
    """Answers each question by the handler of its name, until stopped."""

    def __init__(self, path: Path, handlers: Handlers) -> None:
        self.path = path
        self._server = _Server(str(path), _handler_class(handlers))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting questions."""
        self._server.shutdown()
        self._server.server_close()
        self.path.unlink(missing_ok=True)


def _handler_class(handlers: Handlers) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            name, content = json.loads(self.rfile.readline(MOST_BYTES))
            try:
                status, answer = 200, handlers[name](content)
            except Refused as refused:
                status, answer = refused.status, {"error": str(refused)}
            self.wfile.write(json.dumps([status, answer]).encode() + b"\n")

    return Handler
