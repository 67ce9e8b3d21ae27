"""HTTP to an API server, over the connection that the official client's configuration describes.

Authentication, TLS, proxies and kubeconfig are the official client's; what is
sent and when is decided here: no retries of urllib3's, no redirects, every
request counted once.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlencode, urlsplit

import urllib3
import yaml
from kubernetes import config as kube_config
from kubernetes.client import ApiClient, Configuration
from urllib3 import exceptions as http_errors

from kube_informer.connection import Cancel, PlainPool, TlsPool, cancellable, keepalive_options
from kube_informer.credentials import bearer_header
from kube_informer.errors import CredentialsError, TransportError, TransportTimeoutError
from kube_informer.redaction import redact

READ_SIZE = 1 << 20
"""Bytes asked for at once: a body of megabytes then takes few calls."""

CONNECT_TIMEOUT_S = 5.0
"""TCP and TLS together; an API server answers in milliseconds or is in trouble."""

OnRequest = Callable[[str, str, str, int], None]
OnReceived = Callable[[int], None]
Query = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer, any status. ``headers`` are looked up without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TokenFile:
    """A bearer token in a file that is read again whenever the file changes.

    Whether it changed is told by inode, size and modification time, so both an
    overwrite and Kubernetes' own atomic swap of a symbolic link are seen.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._seen: tuple[int, int, int] | None = None
        self._token = ""
        self._lock = threading.Lock()

    def read(self) -> str:
        """Return the token; raise ``OSError`` if there has never been a readable file."""
        with self._lock:
            try:
                stat = self.path.stat()
                seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
                if seen != self._seen:
                    token = self.path.read_text(encoding="ascii").strip()
                    if token:
                        self._token, self._seen = token, seen
            except OSError:
                if not self._token:
                    raise
            return self._token


def _token_file_of(path: Path, context: str | None) -> Path | None:
    """Return the ``tokenFile`` of a context's user; the official client reads it only once."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    wanted = context or document.get("current-context")
    contexts = {entry["name"]: entry["context"] for entry in document.get("contexts") or []}
    users = {entry["name"]: entry.get("user") or {} for entry in document.get("users") or []}
    named = users.get(contexts.get(wanted, {}).get("user"), {}).get("tokenFile")
    return None if named is None else path.parent / named


class Transport:
    """A pool of connections to one API server with one identity; safe from any thread."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        pool_maxsize: int = 4,
        on_request: OnRequest | None = None,
        on_received: OnReceived | None = None,
        user_agent: str = "informer/0.1 (python)",
        token_file: TokenFile | None = None,
    ) -> None:
        configuration = deepcopy(configuration)  # the caller's stays as it is
        configuration.retries = False
        configuration.connection_pool_maxsize = pool_maxsize
        configuration.socket_options = keepalive_options()
        self._configuration = configuration
        self._token_file = token_file
        self._on_request = on_request
        self._on_received = on_received or _ignore
        self._user_agent = user_agent
        manager = ApiClient(configuration).rest_client.pool_manager
        manager.pool_classes_by_scheme = {"http": PlainPool, "https": TlsPool}
        self._manager = manager
        self._pool = manager.connection_from_url(configuration.host)
        address = urlsplit(configuration.host)
        self._prefix = address.path.rstrip("/")
        self.server: str = address.netloc

    @classmethod
    def from_kubeconfig(
        cls,
        path: str | Path,
        context: str | None = None,
        *,
        pool_maxsize: int = 4,
        on_request: OnRequest | None = None,
        on_received: OnReceived | None = None,
        user_agent: str = "informer/0.1 (python)",
    ) -> Self:
        """Connect as ``context`` of the kubeconfig at ``path`` says (its current one if ``None``).

        Raise ``kubernetes.config.ConfigException`` for a context or user that is
        not there, ``OSError`` for files that cannot be read. ``pool_maxsize`` is
        how many connections are kept; more are opened when needed. ``on_request``
        is called once with ``(verb, resource, subresource, code)`` for every
        request that was really sent, code 0 when no status came; ``on_received``
        with the size of each piece of a body that came.
        """
        configuration = Configuration()
        load: Callable[..., None] = kube_config.load_kube_config
        load(str(path), context, client_configuration=configuration, persist_config=False)
        named = _token_file_of(Path(path).absolute(), context)
        return cls(
            configuration,
            pool_maxsize=pool_maxsize,
            on_request=on_request,
            on_received=on_received,
            user_agent=user_agent,
            token_file=None if named is None else TokenFile(named),
        )

    @classmethod
    def in_cluster(
        cls,
        *,
        pool_maxsize: int = 4,
        on_request: OnRequest | None = None,
        user_agent: str = "informer/0.1 (python)",
    ) -> Self:
        """Connect from inside a pod, by the token its service account mounts."""
        configuration = Configuration()
        load: Callable[..., None] = kube_config.load_incluster_config
        load(client_configuration=configuration)
        return cls(
            configuration,
            pool_maxsize=pool_maxsize,
            on_request=on_request,
            user_agent=user_agent,
        )

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
        cancel: Cancel | None = None,
    ) -> Response:
        """GET ``path`` and read the whole body, whatever the status.

        ``timeout`` bounds each wait for bytes, in seconds. ``verb`` is the audit
        log's (get, list). Raise :class:`TransportError` when no whole answer came.
        """
        what = f"{verb} {path}"
        with cancellable(cancel):
            response = self._send(path, query, timeout, what, (verb, resource, subresource), accept)
            try:
                body = read_body(response)
            except (http_errors.HTTPError, OSError, ValueError) as error:
                response.close()
                raise self._failure(what, error, sent=True) from error
            finally:
                if cancel is not None:
                    cancel.attached(None)
            self._on_received(len(body))
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
        """GET ``path`` and hand out its body as it comes; to be closed by the caller.

        ``timeout`` bounds the wait for the headers, then each wait for bytes
        until :meth:`Stream.set_timeout` changes it.
        """
        what = f"{verb} {path}"
        cancel = cancel or Cancel()
        with cancellable(cancel):
            response = self._send(path, query, timeout, what, (verb, resource, subresource), accept)
        return Stream(
            response, cancel, lambda error: self._failure(what, error, sent=True), self._on_received
        )

    def close(self) -> None:
        """Close the idle connections; requests under way end by themselves."""
        self._manager.clear()
        self._pool.close()

    def _send(
        self,
        path: str,
        query: Query,
        timeout: float,
        what: str,
        label: tuple[str, str, str],
        accept: str,
    ) -> urllib3.BaseHTTPResponse:
        encoded = urlencode(list(query.items() if isinstance(query, Mapping) else query))
        url = f"{self._prefix}{path}?{encoded}" if encoded else f"{self._prefix}{path}"
        try:
            headers = self._headers() | {"Accept": accept}
        except (CredentialsError, OSError) as error:
            raise self._failure(what, error, sent=False) from error
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
            raise self._failure(what, error, sent=sent) from error
        if self._on_request is not None:
            self._on_request(*label, response.status)
        return response

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": self._user_agent}
        if self._token_file is not None:
            headers["Authorization"] = bearer_header(
                self._token_file.read(), f"the token in {self._token_file.path}"
            )
        else:
            # The hook behind this call renews what exec plugins and in-cluster tokens need.
            token = self._configuration.get_api_key_with_prefix(
                "BearerToken", alias="authorization"
            )
            if token and token.startswith("Bearer "):
                token = bearer_header(token.removeprefix("Bearer "), "the token of the kubeconfig")
            if token:
                headers["Authorization"] = token
        return headers

    def _failure(self, what: str, error: Exception, *, sent: bool) -> TransportError:
        verb, _, path = what.partition(" ")
        timed_out = (http_errors.TimeoutError, TimeoutError)
        kind = TransportTimeoutError if isinstance(error, timed_out) else TransportError
        return kind(verb, path, self.server, redact(f"{type(error).__name__}: {error}"), sent=sent)


def read_body(response: urllib3.BaseHTTPResponse) -> bytes:
    """Read what is left of a body in one piece and give the connection back to its pool."""
    body: bytes = response.read(decode_content=False)
    response.release_conn()
    return body


def _ignore(_size: int) -> None:
    """Nobody counts."""


class Stream:
    """A body read as it comes. One thread reads; any thread may abort."""

    def __init__(
        self,
        response: urllib3.BaseHTTPResponse,
        cancel: Cancel,
        failure: Callable[[Exception], TransportError],
        on_received: OnReceived,
    ) -> None:
        self._response = response
        self._cancel = cancel
        self._failure = failure
        self._on_received = on_received
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers

    def read(self) -> bytes:
        """Return the bytes at hand, up to 1 MiB, waiting for some; ``b""`` is the end.

        Raise :class:`TransportTimeoutError` if none came in time and
        :class:`TransportError` if the connection broke.
        """
        try:
            data = self._response.read1(READ_SIZE)
        except (http_errors.HTTPError, OSError, ValueError, AttributeError) as error:
            raise self._failure(error) from error
        if not data:
            self._cancel.attached(None)  # the connection may be another's by now
        self._on_received(len(data))
        return data

    def read_all(self) -> bytes:
        """Read the rest in one piece: the body of an error."""
        try:
            body = read_body(self._response)
        except (http_errors.HTTPError, OSError, ValueError) as error:
            raise self._failure(error) from error
        finally:
            self._cancel.attached(None)
        self._on_received(len(body))
        return body

    def set_timeout(self, seconds: float) -> None:
        """Bound each further wait for bytes."""
        sock = self._cancel.socket
        if sock is not None:
            with contextlib.suppress(OSError):  # closed: the next read says so
                sock.settimeout(seconds)

    def abort(self) -> None:
        """End the stream from any thread; a blocked :meth:`read` raises or returns ``b""``."""
        self._cancel.abort()

    def close(self) -> None:
        """Drop the connection, whatever is left to be read on it. For the reading thread."""
        if self._response.connection is not None:
            self.abort()
        self._cancel.attached(None)
        self._response.close()
