"""One kept-alive HTTP/1.1 connection that reads bodies as cheaply as Python can.

A kept parser frames what one buffer receives: a 4.4 MB body costs no object of its own.
"""

from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

from gevent import socket

from bench.load.framing import Framer, FramingError, KeepingFramer

BUFFER_BYTES = 256 * 1024
"""The best of 64 KiB to 1 MiB tried: smaller ones take more calls, bigger ones leave the cache."""

_BUFFER = memoryview(bytearray(BUFFER_BYTES))
"""One for all connections, which saves a tenth of the CPU against one each: it stays in
the processor's cache. Nothing else can run between its filling and its parsing, since
gevent switches only where a call would block, and all connections live in one thread."""

IDLE_LIMIT_S = 1.0
"""A connection idle for longer is replaced: some servers close after 2 s, and a request
that crosses that close on the wire would fail through no fault of the server's."""


class AddressError(ValueError):
    """A server's URL that cannot be asked."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int
    prefix: str = ""
    source: str = ""
    """The address of this machine to ask from; "" leaves it to the kernel."""

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
    """One complete answer. ``body`` is there only if it was to be kept."""

    status: int
    body_bytes: int
    body: bytes | None = None


class NoAnswerError(Exception):
    """A request without a complete answer: never sent, timed out, or cut off."""

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
        self._tells_length = False  # until an answer does
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

        Raises ``NoAnswerError`` when there is no complete answer; the connection is
        closed then, as it is when the request is cut short by anything else.
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
            what = "connection lost" if sent else "cannot connect"
            raise NoAnswerError(f"{what}: {error.strerror or error}", sent=sent) from error
        except FramingError as error:
            raise NoAnswerError(str(error), sent=sent) from error
        finally:
            if not whole:
                self.close()
        self._used = monotonic()
        self._tells_length = framer.content_length is not None
        return Response(framer.status, framer.body_bytes, b"".join(framer.pieces) if keep else None)

    def _opened(self, timeout_s: float) -> socket.socket:
        if self._socket is not None and self._is_stale(self._socket):
            self.close()
        if self._socket is None:
            where = (self._address.host, self._address.port)
            source = (self._address.source, 0) if self._address.source else None
            self._socket = socket.create_connection(where, timeout_s, source)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _is_stale(self, sock: socket.socket) -> bool:
        """Whether the peer closed the connection, or may be about to, since the last answer."""
        if monotonic() - self._used > IDLE_LIMIT_S:
            return True
        sock.settimeout(0.0)
        try:
            sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False  # open and silent, as it should be
        except OSError:
            return True
        return True  # closed, or speaking unasked

    def _receive(self, sock: socket.socket, deadline: float, *, keep: bool) -> Framer:
        """Receive until one answer is complete, and return the framer that saw it."""
        framer = self._counting if self._tells_length and not keep else self._keeping
        self._keeping.keep = keep
        framer.begin()
        head = b""  # of an answer whose head did not come in one piece
        while not framer.complete:
            sock.settimeout(_left_s(deadline))
            received = sock.recv_into(_BUFFER)
            if received == 0:
                if framer.ends_with_connection:
                    break
                raise ConnectionResetError("the server closed it before the answer was complete")
            data = _BUFFER[:received]
            framer.feed(data)
            if framer is self._counting and framer.length_untold:
                # only the body itself tells its length: start again with the framer that sees it
                self._counting = Framer()
                framer = self._keeping
                framer.begin()
                framer.feed(memoryview(head + data))
            elif not framer.head_complete:
                head += data
        return framer


def _left_s(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left
