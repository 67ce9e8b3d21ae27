"""Client of the measuring harness, over a Unix socket (``bench.interactive.service``)."""

import json
from pathlib import Path
from typing import Any

from gevent import socket

TIMEOUT_S = 60.0
"""The mark of a test waits for the API server's metrics, and the results for their files."""
OK = 200


class HarnessError(Exception):
    """Raised when the harness does not answer, or refuses; ``status`` is HTTP, for the page."""

    def __init__(self, text: str, status: int = 502) -> None:
        super().__init__(text)
        self.status = status


class Harness:
    """The harness at the other end of the socket ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, action: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
        """Request ``action`` with ``content`` and return the answer. Raises ``HarnessError``."""
        answer: dict[str, Any]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(TIMEOUT_S)
                connection.connect(str(self._path))
                connection.sendall(json.dumps([action, content]).encode() + b"\n")
                with connection.makefile("rb") as answers:
                    status, answer = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise HarnessError(f"the harness does not answer: {error}") from error
        if status != OK:
            raise HarnessError(answer["error"], status)
        return answer
