"""The harness's own connection to an API server: JSON in, JSON out, no retries.

For setting a cluster up and looking at it. What is measured does not go through
here.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from bench.cluster.certificates import KeyPair
from kube_informer.credentials import bearer_header
from kube_informer.redaction import redact

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"


class ApiError(Exception):
    """The API server said no: ``code`` (HTTP), ``reason`` and ``message`` of its Status."""

    def __init__(self, method: str, path: str, code: int, reason: str, message: str) -> None:
        super().__init__(redact(f"{method} {path}: {code} {reason}: {message}"))
        self.code = code
        self.reason = reason


class ApiUnreachableError(Exception):
    """No answer came from the API server."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to reach an API server and who to be there: a certificate, or a token.

    ``authority`` vouches for the server, ``None`` for those that this machine trusts. The
    token is in a file or is asked for, each time anew, since it may be renewed meanwhile.
    ``server_name`` is what the server's certificate says, where its address does not.
    """

    server: str
    authority: Path | None
    client: KeyPair | None = None
    token: Path | Callable[[], str] | None = None
    server_name: str | None = None

    def authorization(self) -> str | None:
        """Return the header for the token as it is now, ``None`` where there is none.

        Raises ``CredentialsError`` for a token that no header can carry.
        """
        if self.token is None:
            return None
        if isinstance(self.token, Path):
            return bearer_header(self.token.read_text(), f"the token in {self.token}")
        return bearer_header(self.token(), f"the token for {self.server}")


class Api:
    """A connection pool to one API server as one identity; may be shared by threads."""

    def __init__(
        self, credentials: Credentials, *, connections: int = 4, read_timeout_s: float = 60.0
    ) -> None:
        client = credentials.client
        self.server = credentials.server
        self._authorization = credentials.authorization
        self._prefix = urlsplit(credentials.server).path.rstrip("/")
        self._pool = urllib3.connectionpool.connection_from_url(
            credentials.server,
            maxsize=connections,
            block=True,
            retries=False,
            timeout=urllib3.Timeout(connect=3, read=read_timeout_s),
            cert_reqs="CERT_REQUIRED",
            ca_certs=str(credentials.authority) if credentials.authority else None,
            cert_file=str(client.certificate) if client else None,
            key_file=str(client.key) if client else None,
            server_hostname=credentials.server_name,
            assert_hostname=credentials.server_name,
        )

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return the decoded body of ``path``."""
        return json.loads(self.get_bytes(path))

    def get_bytes(self, path: str) -> bytes:
        """Return the body of ``path`` as it came."""
        return self.request("GET", path)

    def post(self, path: str, body: Mapping[str, Any] | bytes) -> Any:  # noqa: ANN401 - likewise
        """Create an object under ``path`` and return it."""
        return json.loads(self.request("POST", path, body))

    def put(self, path: str, body: Mapping[str, Any] | bytes) -> Any:  # noqa: ANN401 - likewise
        """Replace the object at ``path`` and return it."""
        return json.loads(self.request("PUT", path, body))

    def merge_patch(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - likewise
        """Patch the object at ``path`` (RFC 7386) and return it."""
        return json.loads(self.request("PATCH", path, body, content_type=MERGE_PATCH))

    def delete(self, path: str) -> Any:  # noqa: ANN401 - likewise
        """Delete the object at ``path`` at once: no kubelet is there to wait for."""
        return json.loads(self.request("DELETE", path, {"gracePeriodSeconds": 0}))

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        content_type: str = JSON,
    ) -> bytes:
        """Send one request and return the body of the answer.

        Raises ``ApiError`` on a refusal and ``ApiUnreachableError`` without an answer.
        """
        payload = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Accept": JSON}
        if payload is not None:
            headers["Content-Type"] = content_type
        authorization = self._authorization()
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            response = self._pool.request(
                method, f"{self._prefix}{path}", body=payload, headers=headers
            )
        except HTTPError as error:
            raise ApiUnreachableError(redact(f"{method} {self.server}{path}: {error}")) from error
        if response.status >= 400:
            raise _refusal(method, path, response.status, response.data)
        return response.data


def _refusal(method: str, path: str, code: int, body: bytes) -> ApiError:
    try:
        status = json.loads(body)
        return ApiError(method, path, code, status.get("reason", ""), status.get("message", ""))
    except (ValueError, AttributeError):
        return ApiError(method, path, code, "", body[:200].decode(errors="replace"))
