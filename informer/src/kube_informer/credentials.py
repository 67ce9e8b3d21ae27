"""The identity at an API server: bearer tokens, certificates and impersonation.

Each kind of token is a source that gives the header of every request, since a token may
be renewed meanwhile. Source of the precedence: ``k8s.io/client-go`` (rest, transport).
"""

import contextlib
import ssl
import tempfile
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


def _stamp(path: Path) -> tuple[int, int, int]:
    """Return a value that changes when the file is overwritten or replaced."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


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
                seen = _stamp(self._path)
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


def load_pair(context: ssl.SSLContext, pair: ClientCertificate, who: str) -> None:
    """Load a client certificate, which ssl takes from files only; raise ``CredentialsError``."""
    with tempfile.TemporaryDirectory(prefix="kube-informer-") as folder:
        file = Path(folder) / "pair.pem"
        file.touch(mode=0o600)
        file.write_bytes(pair.certificate.rstrip() + b"\n" + pair.key)
        try:
            # A key with a passphrase would have OpenSSL ask for it on the terminal.
            context.load_cert_chain(file, password=lambda: b"")
        except (OSError, ValueError) as error:
            mismatch = getattr(error, "reason", None) == "KEY_VALUES_MISMATCH"
            problem = "do not belong together" if mismatch else "are not PEM that can be read"
            raise CredentialsError(
                f"client certificate and key of {who} {problem}; correct client-certificate(-data) "
                "and client-key(-data), or what its exec plugin prints"
            ) from None


class PairFiles:
    """A client certificate and its key in files that are read again whenever either changes.

    While they cannot be read, or do not belong together since only one has been written,
    the last pair stays.
    """

    def __init__(self, certificate: Path, key: Path, pair: ClientCertificate, who: str) -> None:
        self._files = (certificate, key)
        self._pair = pair
        self._who = who
        self._seen: list[tuple[int, int, int]] = []
        self._renewed: list[Callable[[ClientCertificate], None]] = []
        self._lock = threading.Lock()

    def pair(self) -> ClientCertificate:
        """Return the present pair."""
        with self._lock, contextlib.suppress(OSError, CredentialsError):
            seen = [_stamp(file) for file in self._files]
            if seen != self._seen:
                pair = ClientCertificate(*(file.read_bytes() for file in self._files))
                register_secret(pair.key, origin=f"the client-key of {self._who}")
                load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pair, self._who)
                self._pair, self._seen = pair, seen
                for renewed in self._renewed:
                    renewed(pair)
        return self._pair

    def on_renewal(self, renewed: Callable[[ClientCertificate], None]) -> None:
        """Call ``renewed`` with each further pair."""
        self._renewed.append(renewed)

    def reject(self) -> None:
        """Read the files again before the next request, which then gets a new connection."""
        with self._lock:
            self._seen = []


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

    ``plugin`` gives the certificate if there is no ``pair``, which may be in files.
    """

    def __init__(
        self,
        source: TokenSource | None = None,
        impersonation: Impersonation | None = None,
        *,
        pair: ClientCertificate | PairFiles | None = None,
        plugin: ExecPlugin | None = None,
    ) -> None:
        self._source = source or Header()
        self._impersonation = (impersonation or Impersonation()).headers()
        self._pair = None if isinstance(pair, PairFiles) else pair
        self._files = pair if isinstance(pair, PairFiles) else None
        self._plugin = plugin

    def headers(self, others: Mapping[str, str] | None = None) -> HTTPHeaderDict:
        """Return ``others``, Authorization and impersonation; raise :class:`CredentialsError`.

        Before, renew the certificate of further connections if its files have changed.
        """
        if self._files is not None:
            self._files.pair()
        headers = HTTPHeaderDict(others or {})
        authorization = self._source.header()
        if authorization:
            headers["Authorization"] = authorization
        for name, value in self._impersonation:
            headers.add(name, value)
        return headers

    def certificate(self) -> ClientCertificate | None:
        """Return the present client certificate; raise :class:`CredentialsError`."""
        renewable = self._files or self._plugin
        return self._pair or (renewable.pair() if renewable else None)

    def on_renewal(self, renewed: Callable[[ClientCertificate], None]) -> None:
        """Call ``renewed`` with each further certificate of files or of an exec plugin."""
        renewable = self._files or self._plugin
        if renewable is not None:
            renewable.on_renewal(renewed)

    def reject(self) -> None:
        """Note that the server rejected the last credentials."""
        self._source.reject()
        if self._files is not None:
            self._files.reject()
