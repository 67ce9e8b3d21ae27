"""Connections that another thread can cancel, and that notice a dead peer.

This adds two things to urllib3's own connections: TCP keepalive, so that the
kernel detects a peer that vanished, and a handle by which another thread can end
a request at any stage: in the TLS handshake, waiting for the headers, or in the
middle of a body.
"""

import contextlib
import errno
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.ssltransport import SSLTransport

from kube_informer.chunks import BulkResponse


def keepalive_options() -> list[tuple[int, int, int]]:
    """Return socket options: probe after 30 s of silence, every 10 s, dead after 3 unanswered.

    They include TCP_NODELAY: urllib3 sets it by default, but a list of options
    replaces its defaults. Options that this platform lacks are left out.
    """
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    ]
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        option = getattr(socket, name, None)
        if option is not None:
            options.append((socket.IPPROTO_TCP, option, value))
    return options


class Cancel:
    """Ends the request that uses it, at once and from any thread; later requests never start.

    It holds the socket itself: where the server closes the connection after its
    answer (``Connection: close``, HTTP/1.0) the connection hands the socket to the
    answer and keeps no reference.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.socket: socket.socket | None = None
        """The socket of the request under way."""
        self._connecting: socket.socket | None = None
        self._end_program: Callable[[], None] | None = None
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Wake the thread that is blocked on the connection; idempotent."""
        with self._lock:
            self._cancelled = True
            self._shut()

    def abort(self) -> None:
        """End the request under way; further ones may be made."""
        with self._lock:
            self._shut()

    def connecting(self, sock: socket.socket) -> None:
        """Register a connection being set up, through a duplicate of its socket.

        Wrapping a socket in TLS detaches it, and the connection learns the wrapper
        only once the handshake is over; hence the duplicate.
        """
        with self._lock:
            self._drop_connecting()
            self._connecting = sock.dup()
            if self._cancelled:
                self._shut()

    def running(self, end_program: Callable[[], None] | None) -> None:
        """Register how to end a credential program that runs; ``None`` once it has ended.

        ``end_program`` must neither block nor raise.
        """
        with self._lock:
            self._end_program = end_program
            if self._cancelled:
                self._shut()

    def check(self) -> None:
        """Raise ``OSError`` if cancelled."""
        if self._cancelled:
            raise OSError(errno.ECANCELED, "given up")

    def attached(self, sock: socket.socket | SSLTransport | None) -> None:
        """Register an established connection's socket; shut it at once if cancelled already."""
        with self._lock:
            self._drop_connecting()
            # Behind an https proxy urllib3 wraps the proxy's socket, and the wrapper is none.
            self.socket = sock.socket if isinstance(sock, SSLTransport) else sock
            if self._cancelled:
                self._shut()

    def _drop_connecting(self) -> None:
        if self._connecting is not None:
            self._connecting.close()
            self._connecting = None

    def _shut(self) -> None:
        if self._end_program is not None:
            self._end_program()
        for sock in (self._connecting, self.socket):
            if sock is not None:
                # The plain shutdown: SSLSocket's own would drop the TLS state that the
                # blocked reader still uses. OSError: not connected, so no reader to wake.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


_current = threading.local()


def current_cancel() -> Cancel | None:
    """Return the handle that can end this thread's requests, if any."""
    cancel: Cancel | None = getattr(_current, "cancel", None)
    return cancel


@contextlib.contextmanager
def cancellable(cancel: Cancel | None) -> Iterator[None]:
    """Let ``cancel`` end the requests that this thread sends inside the block."""
    _current.cancel = cancel
    try:
        yield
    finally:
        _current.cancel = None


class _Cancellable(HTTPConnection):
    response_class = BulkResponse

    def _new_conn(self) -> socket.socket:
        cancel = current_cancel()
        if cancel is None:
            return super()._new_conn()
        try:
            addresses = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        failure: OSError = OSError("the name has no address")
        for family, kind, protocol, _, address in addresses:
            sock = socket.socket(family, kind, protocol)
            try:
                # Before it connects: a peer that does not answer must not delay a stop.
                cancel.connecting(sock)
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(self.timeout)
                cancel.check()
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, f"cannot connect: {failure}") from failure
        raise NewConnectionError(self, f"cannot connect: {failure}") from failure

    def connect(self) -> None:
        cancel = current_cancel()
        try:
            super().connect()
        finally:
            if cancel is not None:
                cancel.attached(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's own signature
        cancel = current_cancel()
        if cancel is not None and self.sock is not None:
            cancel.attached(self.sock)
        super().request(*args, **kwargs)


class _TlsConnection(_Cancellable, HTTPSConnection):
    pass


class PlainPool(HTTPConnectionPool):
    """urllib3's pool over connections that can be cancelled."""

    ConnectionCls = _Cancellable


class TlsPool(HTTPSConnectionPool):
    """urllib3's TLS pool over connections that can be cancelled."""

    ConnectionCls = _TlsConnection


def drop_idle(pool: HTTPConnectionPool) -> None:
    """Close the idle connections of ``pool``, which stays in use."""
    idle = pool.pool
    if idle is None:
        return  # it is closed
    connections: list[HTTPConnection | None] = []
    with contextlib.suppress(queue.Empty):
        while True:
            connections.append(idle.get(block=False))
    for connection in connections:
        if connection is not None:
            connection.close()
        idle.put(connection, block=False)
