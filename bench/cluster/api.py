"""The harness's own connection to an API server: JSON in, JSON out, no retries.

It sets clusters up and inspects them. Measured requests do not use it.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from kube_informer import ClientConfig
from kube_informer.redaction import redact

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"


class ApiError(Exception):
    """Raised when the API server refuses: HTTP ``code``, and ``reason`` of its Status."""

    def __init__(self, method: str, path: str, code: int, reason: str, message: str) -> None:
        super().__init__(redact(f"{method} {path}: {code} {reason}: {message}"))
        self.code = code
        self.reason = reason


class ApiUnreachableError(Exception):
    """Raised when the API server does not answer."""


class Api:
    """A connection pool to one API server as one identity; may be shared by threads."""

    def __init__(
        self, config: ClientConfig, *, connections: int = 4, read_timeout_s: float = 60.0
    ) -> None:
        """Raises ``CredentialsError`` if an exec plugin gives no credentials."""
        self.server = config.server
        self._credentials = config.credentials
        self._pools = config.pools(
            maxsize=connections, block=True, timeout=urllib3.Timeout(connect=3, read=read_timeout_s)
        )

    def close(self) -> None:
        """Close the idle connections."""
        self._pools.clear()

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return the decoded body of ``path``."""
        return json.loads(self.get_bytes(path))

    def get_bytes(self, path: str) -> bytes:
        """Return the undecoded body of ``path``."""
        return self.request("GET", path)

    def post(self, path: str, body: Mapping[str, Any] | bytes) -> Any:  # noqa: ANN401 - likewise
        """Create an object under ``path`` and return it."""
        return json.loads(self.request("POST", path, body))

    def find(self, path: str) -> Any | None:  # noqa: ANN401 - likewise
        """Return the object at ``path``; ``None`` if there is none."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.reason != "NotFound":
                raise
            return None

    def ensure(self, path: str, body: Mapping[str, Any]) -> None:
        """Create an object under ``path`` unless one of its name exists."""
        try:
            self.post(path, body)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise

    def put(self, path: str, body: Mapping[str, Any] | bytes) -> Any:  # noqa: ANN401 - likewise
        """Replace the object at ``path`` and return it."""
        return json.loads(self.request("PUT", path, body))

    def merge_patch(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - likewise
        """Patch the object at ``path`` (RFC 7386) and return it."""
        return json.loads(self.request("PATCH", path, body, content_type=MERGE_PATCH))

    def delete(self, path: str) -> Any:  # noqa: ANN401 - likewise
        """Delete the object at ``path`` at once, without waiting for a kubelet."""
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

        Raises ``ApiError`` on a refusal, ``ApiUnreachableError`` without an answer, and
        ``CredentialsError`` if credentials are no longer available.
        """
        payload = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        content = {} if payload is None else {"Content-Type": content_type}
        headers = self._credentials.headers({"Accept": JSON, **content})
        try:
            response = self._pools.request(
                method, f"{self.server}{path}", body=payload, headers=headers, redirect=False
            )
        except HTTPError as error:
            raise ApiUnreachableError(redact(f"{method} {self.server}{path}: {error}")) from error
        if response.status == HTTPStatus.UNAUTHORIZED:
            self._credentials.reject()
        if response.status >= 400:
            raise _refusal(method, path, response.status, response.data)
        return response.data


def _refusal(method: str, path: str, code: int, body: bytes) -> ApiError:
    try:
        status = json.loads(body)
        return ApiError(method, path, code, status.get("reason", ""), status.get("message", ""))
    except (ValueError, AttributeError):
        return ApiError(method, path, code, "", body[:200].decode(errors="replace"))
