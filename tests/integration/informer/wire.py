"""A TCP proxy that misbehaves on command."""

import contextlib
import socket
import struct
import threading
import time

CHUNK = 65536


class TcpProxy:
    """A proxy from a client to ``host:port``; faults apply to open and to new connections.

    ``silence`` keeps connections open and passes nothing on, ``cut`` ends the open
    ones, ``cut_after`` ends each after ``count`` bytes to the client, ``trickle``
    passes bytes on one by one, ``refuse`` accepts no new connections.
    """

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._lock = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._closed = threading.Event()
        self._trickle_s: float | None = None
        self._cut_after: int | None = None
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accept_thread = threading.Thread(target=self._accept, daemon=True)
        self._accept_thread.start()

    def silence(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._trickle_s = None
        self._cut_after = None
        self._flowing.set()

    def trickle(self, pause_s: float) -> None:
        self._trickle_s = pause_s

    def cut_after(self, count: int) -> None:
        self._cut_after = count

    def cut(self) -> None:
        """End every open connection with a reset."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            self._reset(pair)

    def refuse(self) -> None:
        """Accept no connections from now on: the kernel refuses them."""
        self._listener.close()
        # A thread blocked in accept keeps the socket alive until it is woken.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            pass
        self._accept_thread.join(5)

    def accept_again(self) -> None:
        """Accept connections again on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept_thread = threading.Thread(target=self._accept, daemon=True)
        self._accept_thread.start()

    def close(self) -> None:
        self._closed.set()
        self._flowing.set()
        self.refuse()
        self.cut()

    @property
    def open_connections(self) -> int:
        with self._lock:
            return len(self._pairs)

    def _accept(self) -> None:
        listener = self._listener
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if listener.fileno() < 0 or self._closed.is_set():
                client.close()
                return
            try:
                server = socket.create_connection(self._upstream, timeout=5)
                server.settimeout(None)
            except OSError:
                self._reset((client, client))
                continue
            self.accepted += 1
            pair = (client, server)
            with self._lock:
                self._pairs.append(pair)
            for source, sink, down in ((client, server, False), (server, client, True)):
                threading.Thread(
                    target=self._pump, args=(pair, source, sink, down), daemon=True
                ).start()

    def _pump(
        self,
        pair: tuple[socket.socket, socket.socket],
        source: socket.socket,
        sink: socket.socket,
        down: bool,
    ) -> None:
        passed = 0
        try:
            while data := source.recv(CHUNK):
                self._flowing.wait()
                if down and self._cut_after is not None and passed + len(data) > self._cut_after:
                    sink.sendall(data[: self._cut_after - passed])
                    break
                if down and self._trickle_s is not None:
                    self._drip(sink, data, self._trickle_s)
                else:
                    sink.sendall(data)
                passed += len(data)
        except OSError:
            pass  # one side is gone; the other is closed below
        with self._lock:
            if pair in self._pairs:
                self._pairs.remove(pair)
        self._reset(pair)

    def _drip(self, sink: socket.socket, data: bytes, pause_s: float) -> None:
        for i in range(len(data)):
            if self._trickle_s is None:
                sink.sendall(data[i:])
                return
            sink.sendall(data[i : i + 1])
            time.sleep(pause_s)

    def _reset(self, pair: tuple[socket.socket, socket.socket]) -> None:
        for end in pair:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
