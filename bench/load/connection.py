"""One kept-alive HTTP/1.1 connection that reads bodies as cheaply as Python can.

Parser and buffer are used again for each response: a 4.4 MB body costs no object of its own.
"""

from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

from gevent import socket

from bench.load.framing import Framer, FramingError, KeepingFramer

BUFFER_BYTES = 256 * 1024
"""The best from 64 KiB to 1 MiB: smaller buffers take more calls, bigger ones leave the cache."""

_BUFFER = memoryview(bytearray(BUFFER_BYTES))
"""One buffer for all connections saves a tenth of the CPU against one each: it stays in
the processor's cache. Nothing else can run between its filling and its parsing, since
gevent switches only where a call would block, and all connections live in one thread."""

IDLE_LIMIT_S = 1.0
"""A connection idle for longer is replaced: some servers close after 2 s, and a request
that crosses that close on the wire would fail through no fault of the server's."""


class AddressError(ValueError):
    """Raised for a server's URL that this client cannot use."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int
    prefix: str = ""
    source: str = ""
    """The local address to connect from; "" leaves the choice to the kernel."""

    @classmethod
    def of(cls, url: str) -> "Address":
        """Read ``http://host[:port][/prefix]``; raise ``AddressError`` for anything else."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.query or parts.fragment:
            raise AddressError(f"a server is given as http://host:port, not {url!r}")
        try:
            port = parts.port or 80
        except ValueError as error:
            raise AddressError(f"{url!r} has no usable port: {error}") from error
        return cls(parts.hostname, port, parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """``host:port``, as it stands in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL that this was read from, port included."""
        return f"http://{self.authority}{self.prefix}"

    def request(self, path: str) -> bytes:
        """Return the bytes of a GET of ``path``."""
        return (
            f"GET {self.prefix}{path} HTTP/1.1\r\nHost: {self.authority}\r\n"
            "User-Agent: informer-bench\r\nAccept: application/json\r\n\r\n"
        ).encode("ascii")


@dataclass(frozen=True, slots=True)
class Response:
    """One complete answer. ``body`` is ``None`` unless it was to be kept."""

    status: int
    body_bytes: int
    body: bytes | None = None


class NoAnswerError(Exception):
    """Raised for a request without a complete answer: never sent, timed out, or cut off."""

    def __init__(self, text: str, *, sent: bool, timed_out: bool = False) -> None:
        super().__init__(text)
        self.sent = sent
        self.timed_out = timed_out


class Connection:
    """A connection that opens itself when needed and closes itself after any error."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._used = 0.0
        self._has_length = False  # whether the last answer had a Content-Length
        self._reset()

    def _reset(self) -> None:
        self._counting = Framer()
        self._keeping = KeepingFramer()

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._reset()

    def get(self, request: bytes, timeout_s: float, *, keep: bool = False) -> Response:
        """Send ``request`` and read its answer to the end, both within ``timeout_s``.

        Raises ``NoAnswerError`` when there is no complete answer. This and any other
        interruption closes the connection.
        """
        deadline = monotonic() + timeout_s
        sent = whole = False
        try:
            sock = self._opened(timeout_s)
            sock.settimeout(_left_s(deadline))
            sock.sendall(request)
            sent = True
            framer = self._receive(sock, deadline, keep=keep)
            whole = framer.keep_alive and not framer.surplus
        except TimeoutError as error:
            text = f"no complete answer within {timeout_s:g} s"
            raise NoAnswerError(text, sent=sent, timed_out=True) from error
        except OSError as error:
            failure = "connection lost" if sent else "cannot connect"
            raise NoAnswerError(f"{failure}: {error.strerror or error}", sent=sent) from error
        except FramingError as error:
            raise NoAnswerError(str(error), sent=sent) from error
        finally:
            if not whole:
                self.close()
        self._used = monotonic()
        self._has_length = framer.content_length is not None
        return Response(framer.status, framer.body_bytes, b"".join(framer.pieces) if keep else None)

    def _opened(self, timeout_s: float) -> socket.socket:
        if self._socket is not None and self._is_stale(self._socket):
            self.close()
        if self._socket is None:
            server = (self._address.host, self._address.port)
            source = (self._address.source, 0) if self._address.source else None
            self._socket = socket.create_connection(server, timeout_s, source)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _is_stale(self, sock: socket.socket) -> bool:
        """Whether the peer has closed the connection since the last answer, or is about to."""
        if monotonic() - self._used > IDLE_LIMIT_S:
            return True
        sock.settimeout(0.0)
        try:
            sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False  # open and silent: fit for use
        except OSError:
            return True
        return True  # closed, or sending unasked

    def _receive(self, sock: socket.socket, deadline: float, *, keep: bool) -> Framer:
        """Receive until one answer is complete, and return its framer."""
        framer = self._counting if self._has_length and not keep else self._keeping
        self._keeping.keep = keep
        framer.begin()
        head = b""  # kept while the answer's head is incomplete
        while not framer.complete:
            sock.settimeout(_left_s(deadline))
            received = sock.recv_into(_BUFFER)
            if received == 0:
                if framer.ends_with_connection:
                    break
                raise ConnectionResetError("the server closed it before the answer was complete")
            data = _BUFFER[:received]
            framer.feed(data)
            if framer is self._counting and framer.length_unknown:
                # only the body itself shows its length: start again with the framer that sees it
                self._counting = Framer()
                framer = self._keeping
                framer.begin()
                framer.feed(memoryview(head + data))
            elif not framer.head_complete:
                head += data
        return framer


def _left_s(deadline: float) -> float:
    left_s = deadline - monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s
