"""A JSON line for each request; off unless asked for, since it costs on every request."""

import threading
import time
from typing import TextIO

import msgspec
from flask import Flask, Response, g, request


def log_access(app: Flask, stream: TextIO) -> None:
    """Write a line to ``stream`` for each request that ``app`` answers.

    ``ms`` is the time to make the answer; sending the body comes after it.
    """
    lock = threading.Lock()

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    # First in line, so that a request refused by a later check is timed as well.
    hooks = app.before_request_funcs[None]
    hooks.insert(0, hooks.pop())

    @app.after_request
    def end(response: Response) -> Response:
        line = msgspec.json.encode(
            {
                "time": round(time.time(), 3),
                "method": request.method,
                "path": request.full_path.rstrip("?"),
                "status": response.status_code,
                "bytes": response.content_length,
                "ms": round((time.perf_counter() - g.begun) * 1e3, 3),
            }
        ).decode()
        with lock:
            stream.write(line + "\n")
            stream.flush()
        return response
