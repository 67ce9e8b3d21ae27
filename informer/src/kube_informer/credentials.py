"""The identity at an API server: bearer tokens, certificates and impersonation.

Each kind of token is a source that gives the header of every request, since a token may
be renewed meanwhile. Source of the precedence: ``k8s.io/client-go`` (rest, transport).
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from urllib3 import HTTPHeaderDict

from kube_informer.errors import CredentialsError
from kube_informer.exec_plugin import ClientCertificate, ExecPlugin
from kube_informer.redaction import register_secret


class TokenSource(Protocol):
    """Returns the value of the Authorization header."""

    def header(self) -> str:
        """Return the present value, "" for none; raise :class:`CredentialsError`."""

    def reject(self) -> None:
        """Note that the server rejected the last value."""


@dataclass(frozen=True, slots=True)
class Impersonation:
    """The user to act as, in place of the authenticated user."""

    user: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers, none without a ``user``; each group and extra has its own."""
        if not self.user:
            return []
        uid = [("Impersonate-Uid", self.uid)] if self.uid else []
        groups = [("Impersonate-Group", group) for group in self.groups]
        extra = [(f"Impersonate-Extra-{quote(key, safe='')}", value) for key, value in self.extra]
        return [("Impersonate-User", self.user), *uid, *groups, *extra]


def bearer_header(token: str, origin: str) -> str:
    """Return the Authorization header for ``token``; ``origin`` names its field or file.

    White space around the token is dropped. Raise :class:`CredentialsError`, which never
    repeats the token, if it is empty or does not fit an HTTP header.
    """
    register_secret(token, origin=origin)
    trimmed = token.strip()
    if not trimmed:
        raise CredentialsError(f"{origin} is empty; log in again, or put a token there")
    if not (trimmed.isascii() and trimmed.isprintable()):
        raise CredentialsError(
            f"{origin} has a line break or a character that is not printable ASCII inside: no "
            "HTTP header can carry it; put the token there on one line"
        )
    return f"Bearer {trimmed}"


class Header:
    """An Authorization header that never changes; "" sends none."""

    def __init__(self, value: str = "") -> None:
        self._value = value

    def header(self) -> str:
        """Return the value."""
        return self._value

    def reject(self) -> None:
        """Do nothing: there is no other value."""


class TokenFile:
    """A bearer token in a file that is read again whenever the file changes.

    A change of inode, size or modification time counts, so that both an overwrite
    and Kubernetes' own atomic swap of a symbolic link are noticed. If the file becomes
    unreadable, the last token stays; ``fallback`` (the ``token`` beside a
    ``tokenFile``) is used if the file never was readable.
    """

    def __init__(self, path: str | Path, fallback: str = "") -> None:
        self._path = Path(path)
        self._seen: tuple[int, int, int] | None = None
        self._token = fallback.strip()
        self._lock = threading.Lock()

    def header(self) -> str:
        """Return the header; raise :class:`CredentialsError` if no token was ever read."""
        with self._lock:
            try:
                stat = self._path.stat()
                seen = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
                if seen != self._seen:
                    token = self._path.read_text(encoding="utf-8").strip()
                    if token:
                        self._token, self._seen = token, seen
            except (OSError, UnicodeDecodeError) as error:
                if not self._token:
                    reason = getattr(error, "strerror", None) or "it is not text"
                    raise CredentialsError(
                        f"the token file {self._path} cannot be read: {reason} (tokenFile)"
                    ) from None
            return bearer_header(self._token, f"the token file {self._path}")

    def reject(self) -> None:
        """Read the file again before the next request."""
        with self._lock:
            self._seen = None


class ExecToken:
    """The token that an exec plugin prints; "" when it prints certificates only."""

    def __init__(self, plugin: ExecPlugin, origin: str) -> None:
        self._plugin = plugin
        self._origin = origin
        self.reject = plugin.reject

    def header(self) -> str:
        """Return the header of the present token; raise :class:`CredentialsError`."""
        token = self._plugin.token()
        return bearer_header(token, self._origin) if token else ""


class Credentials:
    """The headers of a request, and the certificate of a connection.

    ``plugin`` gives the certificate if there is no ``pair``.
    """

    def __init__(
        self,
        source: TokenSource | None = None,
        impersonation: Impersonation | None = None,
        *,
        pair: ClientCertificate | None = None,
        plugin: ExecPlugin | None = None,
    ) -> None:
        self._source = source or Header()
        self._impersonation = (impersonation or Impersonation()).headers()
        self._pair = pair
        self._plugin = plugin
        self.reject = self._source.reject

    def headers(self, others: Mapping[str, str] | None = None) -> HTTPHeaderDict:
        """Return ``others``, Authorization and impersonation; raise :class:`CredentialsError`."""
        headers = HTTPHeaderDict(others or {})
        authorization = self._source.header()
        if authorization:
            headers["Authorization"] = authorization
        for name, value in self._impersonation:
            headers.add(name, value)
        return headers

    def certificate(self) -> ClientCertificate | None:
        """Return the present client certificate; raise :class:`CredentialsError`."""
        return self._pair or (self._plugin.pair() if self._plugin else None)

    def on_renewal(self, renewed: Callable[[ClientCertificate], None]) -> None:
        """Call ``renewed`` with each further certificate of an exec plugin."""
        if self._plugin is not None:
            self._plugin.on_renewal(renewed)
