"""HTTP to an API server: no retries by urllib3, no redirects, every request counted once."""

import contextlib
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3 import exceptions as http_errors

from kube_informer.client_config import ClientConfig
from kube_informer.connection import Cancel, PlainPool, TlsPool, cancellable, keepalive_options
from kube_informer.errors import CredentialsError, TransportError, TransportTimeoutError
from kube_informer.redaction import redact

READ_SIZE = 1 << 20
"""Bytes to read at once: a body of megabytes then takes few calls."""

GZIP = 16 + zlib.MAX_WBITS
"""zlib's ``wbits`` for data that starts with a gzip header."""

CONNECT_TIMEOUT_S = 5.0
"""TCP and TLS together; an API server answers in milliseconds or is in trouble."""

OnRequest = Callable[[str, str, str, int], None]
OnReceived = Callable[[int], None]
Query = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer of any status. ``headers`` ignores case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """A pool of connections to one API server with one identity; safe from any thread."""

    def __init__(
        self,
        config: ClientConfig,
        *,
        pool_maxsize: int = 4,
        on_request: OnRequest | None = None,
        on_received: OnReceived | None = None,
        user_agent: str = "informer/0.1 (python)",
        gzip: bool = False,
    ) -> None:
        """Connect by ``config``.

        ``pool_maxsize`` is the number of connections to keep; more are opened when needed.
        ``on_request`` is called once with ``(verb, resource, subresource, code)`` for every
        request that was sent, code 0 when no status came; ``on_received`` with the size
        of each piece of a body. With ``gzip`` answers of :meth:`get` may come compressed,
        and their compressed size is counted. Raise :class:`CredentialsError` if an exec
        plugin gives no credentials, and ``TypeError`` if ``config`` is no ``ClientConfig``.
        """
        if not isinstance(config, ClientConfig):
            raise TypeError(
                f"config is a {type(config).__module__}.{type(config).__name__}; give a "
                "ClientConfig: ClientConfig.load(kubeconfig, context), ClientConfig.in_cluster() "
                "or ClientConfig(server, credentials)"
            )
        self._credentials = config.credentials
        self._on_request = on_request
        self._on_received = on_received or (lambda _size: None)
        self._user_agent = user_agent
        self._encoding = {"Accept-Encoding": "gzip"} if gzip else {}
        self._manager = config.pools(maxsize=pool_maxsize, socket_options=keepalive_options())
        self._manager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}
        self._pool = self._manager.connection_from_url(config.server)
        address = urlsplit(config.server)
        self._prefix = address.path
        self.server: str = address.netloc

    @classmethod
    def from_kubeconfig(
        cls,
        path: str | Path | None = None,
        context: str | None = None,
        **options: Any,  # noqa: ANN401 - the constructor's own
    ) -> Self:
        """Connect by ``context`` of a kubeconfig; ``options`` are those of the constructor.

        Without ``path`` connect as kubectl does, in a pod by its service account. Raise
        as :meth:`ClientConfig.load`.
        """
        return cls(ClientConfig.load(path, context), **options)

    def get(
        self,
        path: str,
        query: Query = (),
        *,
        timeout: float,
        verb: str,
        resource: str,
        subresource: str = "",
        accept: str = "application/json",
    ) -> Response:
        """GET ``path`` and read the whole body, whatever the status.

        ``timeout`` bounds each wait for bytes, in seconds. ``verb`` is the audit
        log's (get, list). Raise :class:`TransportError` when no whole answer came.
        """
        label = (verb, resource, subresource)
        response = self._send(path, query, timeout, label, accept, self._encoding)
        try:
            body = read_body(response)
            self._on_received(len(body))
            if response.headers.get("Content-Encoding") == "gzip":
                body = zlib.decompress(body, wbits=GZIP)
        except (http_errors.HTTPError, OSError, ValueError, zlib.error) as error:
            response.close()
            raise self._failure(verb, path, error) from error
        return Response(response.status, response.headers, body)

    def stream(
        self,
        path: str,
        query: Query = (),
        *,
        timeout: float,
        verb: str = "watch",
        resource: str,
        subresource: str = "",
        accept: str = "application/json",
        cancel: Cancel | None = None,
    ) -> "Stream":
        """GET ``path`` and return its body as a stream, which the caller closes.

        ``timeout``, in seconds, bounds the wait for the headers, each :meth:`Stream.read`
        without its own timeout, and the whole of :meth:`Stream.read_all`.
        """
        cancel = cancel or Cancel()
        with cancellable(cancel):
            response = self._send(path, query, timeout, (verb, resource, subresource), accept)
        failure = partial(self._failure, verb, path)
        return Stream(response, cancel, failure, self._on_received, timeout)

    def close(self) -> None:
        """Close the idle connections; let requests under way end by themselves."""
        self._manager.clear()
        self._pool.close()

    def _send(
        self,
        path: str,
        query: Query,
        timeout: float,
        label: tuple[str, str, str],
        accept: str,
        encoding: Mapping[str, str] = MappingProxyType({}),
    ) -> urllib3.BaseHTTPResponse:
        encoded = urlencode(list(query.items() if isinstance(query, Mapping) else query))
        url = f"{self._prefix}{path}?{encoded}" if encoded else f"{self._prefix}{path}"
        try:
            others = {"User-Agent": self._user_agent, "Accept": accept, **encoding}
            headers = self._credentials.headers(others)
        except CredentialsError as error:
            raise self._failure(label[0], path, error, sent=False) from error
        try:
            response: urllib3.BaseHTTPResponse = self._pool.urlopen(
                "GET",
                url,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT_S, timeout), read=timeout),
            )
        except (http_errors.HTTPError, OSError, ValueError) as error:
            sent = not isinstance(
                error, (http_errors.NewConnectionError, http_errors.ConnectTimeoutError)
            )
            if sent and self._on_request is not None:
                self._on_request(*label, 0)
            raise self._failure(label[0], path, error, sent=sent) from error
        if self._on_request is not None:
            self._on_request(*label, response.status)
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._credentials.reject()
        return response

    def _failure(
        self, verb: str, path: str, error: Exception, *, sent: bool = True
    ) -> TransportError:
        timed_out = (http_errors.TimeoutError, TimeoutError)
        kind = TransportTimeoutError if isinstance(error, timed_out) else TransportError
        return kind(verb, path, self.server, redact(f"{type(error).__name__}: {error}"), sent=sent)


def read_body(response: urllib3.BaseHTTPResponse) -> bytes:
    """Read the rest of a body in one piece and return the connection to its pool."""
    body: bytes = response.read(decode_content=False)
    response.release_conn()
    return body


class Stream:
    """A body, read as it comes. One thread reads; any thread may abort."""

    def __init__(
        self,
        response: urllib3.BaseHTTPResponse,
        cancel: Cancel,
        failure: Callable[[Exception], TransportError],
        on_received: OnReceived,
        timeout: float,
    ) -> None:
        self._response = response
        self._cancel = cancel
        self._failure = failure
        self._on_received = on_received
        self._timeout = timeout
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    def read(self, timeout: float | None = None) -> bytes:
        """Return the bytes at hand, about 1 MiB at most, or wait for some; ``b""`` is the end.

        ``timeout``, in seconds, bounds this wait and further ones. Raise
        :class:`TransportTimeoutError` if none came in time and :class:`TransportError`
        if the connection broke.
        """
        sock = self._cancel.socket
        if timeout is not None and sock is not None:
            with contextlib.suppress(OSError):  # closed: the read raises
                sock.settimeout(timeout)
        try:
            data = self._response.read1(READ_SIZE)
        except (http_errors.HTTPError, OSError, ValueError, AttributeError) as error:
            raise self._failure(error) from error
        if not data:
            self._cancel.attached(None)  # another request may use the connection by now
        self._on_received(len(data))
        return data

    def read_all(self) -> bytes:
        """Read the rest in one piece, such as the body of an error.

        Raise as :meth:`read`, and :class:`TransportTimeoutError` if the end does not come
        within the timeout of the request.
        """
        pieces, deadline = [], time.monotonic() + self._timeout
        while data := self.read():
            pieces.append(data)
            if time.monotonic() > deadline:
                raise self._failure(TimeoutError("the body did not end in time"))
        return b"".join(pieces)

    def abort(self) -> None:
        """End the stream from any thread; a blocked :meth:`read` raises or returns ``b""``."""
        self._cancel.abort()

    def close(self) -> None:
        """Drop the connection, with all unread bytes. Only for the reading thread."""
        if self._response.connection is not None:
            self.abort()
        self._cancel.attached(None)
        self._response.close()
