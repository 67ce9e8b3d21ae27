"""Client of the harness, which measures: JSON over HTTP over a Unix socket."""

import http.client
import json
from pathlib import Path
from typing import Any

from gevent import socket

TIMEOUT_S = 60.0
"""A mark of a test waits for the API server's metrics, a session for its files."""


class HarnessError(Exception):
    """The harness did not answer, or refused; ``status`` is what to tell the page (HTTP)."""

    def __init__(self, text: str, status: int = 502) -> None:
        super().__init__(text)
        self.status = status


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("harness", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Harness:
    """The harness at the other end of the socket ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, what: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
        """POST ``content`` to ``/what`` and return the answer. Raises ``HarnessError``."""
        connection = _Connection(self._path)
        try:
            connection.request("POST", f"/{what}", json.dumps(content).encode())
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise HarnessError(f"the harness does not answer: {error}") from error
        finally:
            connection.close()
        if response.status != 200:
            raise HarnessError(str(answer.get("error", response.status)), response.status)
        return answer
