"""Connections that can be given up from another thread, and that notice a dead peer.

Two things are added to urllib3's own connections: TCP keepalive, so that the
kernel finds a peer that vanished, and a handle by which another thread can end
a request whatever it is doing: in the TLS handshake, waiting for the headers,
or in the middle of a body.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

KEEPALIVE_IDLE_S = 30
KEEPALIVE_INTERVAL_S = 10
KEEPALIVE_PROBES = 3


def keepalive_options() -> list[tuple[int, int, int]]:
    """Socket options: probe after 30 s of silence, every 10 s, dead after 3 unanswered.

    Also TCP_NODELAY, which urllib3 sets by default and an own list replaces.
    Options this platform does not have are left out.
    """
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    ]
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_S),
        ("TCP_KEEPINTVL", KEEPALIVE_INTERVAL_S),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            options.append((socket.IPPROTO_TCP, option, value))
    return options


class Cancel:
    """Ends the request it was handed to, at once and from any thread; later ones never start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: HTTPConnection | None = None
        self._handshaking: socket.socket | None = None
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Wake whoever is blocked on the connection; idempotent."""
        with self._lock:
            self._cancelled = True
            self._shut()

    def handshaking(self, sock: socket.socket) -> None:
        """Watch over a connection being set up, through a duplicate of its socket.

        Wrapping a socket in TLS detaches it, and the wrapper is not known to
        the connection before the handshake is over; hence the duplicate.
        """
        with self._lock:
            self._handshaking = sock.dup()
            if self._cancelled:
                self._shut()

    def attached(self, connection: HTTPConnection | None) -> None:
        """Watch over an established connection; shut it at once if cancelled already."""
        with self._lock:
            if self._handshaking is not None:
                self._handshaking.close()
                self._handshaking = None
            self._connection = connection
            if self._cancelled:
                self._shut()

    def _shut(self) -> None:
        sock = self._handshaking
        if sock is None and self._connection is not None:
            sock = self._connection.sock
        if sock is None:
            return
        # The plain shutdown: SSLSocket's own would drop the TLS state that the
        # blocked reader is still using. Not connected any more: nothing to wake.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


_current = threading.local()


def current_cancel() -> Cancel | None:
    """The handle by which the requests of this thread can be ended, if any."""
    cancel: Cancel | None = getattr(_current, "cancel", None)
    return cancel


@contextlib.contextmanager
def cancellable(cancel: Cancel | None) -> Iterator[None]:
    """Let ``cancel`` end the requests this thread makes inside the block."""
    _current.cancel = cancel
    try:
        yield
    finally:
        _current.cancel = None


class _Cancellable(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        cancel = current_cancel()
        if cancel is not None:
            cancel.handshaking(sock)
        return sock

    def connect(self) -> None:
        cancel = current_cancel()
        try:
            super().connect()
        finally:
            if cancel is not None:
                cancel.attached(self)

    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's own signature
        cancel = current_cancel()
        if cancel is not None:
            cancel.attached(self)
        super().request(*args, **kwargs)


class _PlainConnection(_Cancellable):
    pass


class _TlsConnection(_Cancellable, HTTPSConnection):
    pass


class PlainPool(HTTPConnectionPool):
    """urllib3's pool over connections that can be cancelled."""

    ConnectionCls = _PlainConnection


class TlsPool(HTTPSConnectionPool):
    """urllib3's TLS pool over connections that can be cancelled."""

    ConnectionCls = _TlsConnection
