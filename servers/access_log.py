"""A JSON line for each request; off by default, since it costs on every request."""

import time
from typing import TextIO

import msgspec

from servers.asgi import AsgiServer, Scope, Send


class AccessLog:
    """Writes a line to ``stream`` for each request that ``app`` answers.

    ``ms`` is the time to make the answer, without sending the body.
    """

    def __init__(self, app: AsgiServer, stream: TextIO) -> None:
        self._app = app
        self._stream = stream

    async def __call__(self, scope: Scope, receive: object, send: Send) -> None:
        """Answer one HTTP request."""
        started = time.perf_counter()

        async def log_and_send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                self._write(scope, message, time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, log_and_send)

    def _write(self, scope: Scope, start: dict[str, object], seconds: float) -> None:
        query = scope["query_string"].decode(errors="replace")
        line = {
            "time": round(time.time(), 3),
            "method": scope["method"],
            "path": f"{scope['path']}?{query}" if query else scope["path"],
            "status": start["status"],
            "bytes": int(dict(start["headers"])[b"Content-Length"]),  # type: ignore[call-overload]  # as Flask writes it
            "ms": round(seconds * 1e3, 3),
        }
        self._stream.write(msgspec.json.encode(line).decode() + "\n")
        self._stream.flush()
