"""Client of the harness, which measures, over a Unix socket (``bench.interactive.service``)."""

import json
from pathlib import Path
from typing import Any

from gevent import socket

TIMEOUT_S = 60.0
"""A mark of a test waits for the API server's metrics, a session for its files."""
OK = 200


class HarnessError(Exception):
    """The harness did not answer, or refused; ``status`` is what to tell the page (HTTP)."""

    def __init__(self, text: str, status: int = 502) -> None:
        super().__init__(text)
        self.status = status


class Harness:
    """The harness at the other end of the socket ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, what: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
        """Ask for ``what`` with ``content`` and return the answer. Raises ``HarnessError``."""
        answer: dict[str, Any]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(TIMEOUT_S)
                connection.connect(str(self._path))
                connection.sendall(json.dumps([what, content]).encode() + b"\n")
                with connection.makefile("rb") as answers:
                    status, answer = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise HarnessError(f"the harness does not answer: {error}") from error
        if status != OK:
            raise HarnessError(answer["error"], status)
        return answer
