"""Server of plain sockets that runs a test's script on each connection."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from bench.load.connection import Address

Script = Callable[[socket.socket], None]


class ScriptedServer:
    """Runs the n-th script on the n-th connection, the last one on all further ones."""

    def __init__(self, scripts: list[Script]) -> None:
        self._scripts = scripts
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self._threads[0].start()

    @property
    def address(self) -> Address:
        return Address.of(f"http://127.0.0.1:{self._listener.getsockname()[1]}")

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            script = self._scripts[min(self.accepted, len(self._scripts) - 1)]
            self.accepted += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._run, args=(script, connection))
            self._threads.append(thread)
            thread.start()

    @staticmethod
    def _run(script: Script, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            script(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Starts a server from scripts; all are closed after the test."""
    servers: list[ScriptedServer] = []

    def start(*scripts: Script) -> ScriptedServer:
        servers.append(ScriptedServer(list(scripts)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
