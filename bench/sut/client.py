"""Client of the ``/pods`` routes at one address."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from bench.supervision.waiting import wait_until
from bench.sut.registry import ServerError, ServerKind

VERSION_HEADER = "X-Resource-Version"
OK = 200
AGAIN_S = 0.02


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of a server under test."""

    status: int
    resource_version: str
    """Of the snapshot behind the answer; "" if the answer names none."""
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return the decoded body. Raises ``ServerError`` if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ServerError(f"not JSON: {self.body[:80]!r}") from error


class Endpoint:
    """One address of a server under test: a replica's, or that of one of its workers."""

    def __init__(self, kind: ServerKind, name: str, url: str) -> None:
        self.kind = kind
        self.name = name
        """Its name in messages."""
        self.url = url
        """``http://host:port``."""

    @cached_property
    def _pool(self) -> urllib3.HTTPConnectionPool:
        return urllib3.connectionpool.connection_from_url(
            self.url, retries=False, timeout=urllib3.Timeout(connect=3, read=60)
        )

    def get(self, path: str) -> Reply:
        """Return the answer to ``path``; raise ``ServerError`` if none, or compressed unasked."""
        try:
            answer = self._pool.request("GET", path)
        except HTTPError as error:
            raise ServerError(f"{self.name} did not answer {path}: {error}") from error
        encoding = answer.headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            raise ServerError(
                f"{self.name} answers {path} compressed ({encoding}), which was not requested: its "
                "bytes and CPU are not comparable; let it compress only for Accept-Encoding"
            )
        version = answer.headers.get(VERSION_HEADER, "")
        return Reply(answer.status, version if version.isdecimal() else "", answer.data)

    def metrics(self) -> str:
        """Return the server's own metrics as Prometheus text, "" if it has none."""
        reply = self.get("/metrics")
        return reply.body.decode(errors="replace") if reply.status == OK else ""

    def names_versions(self, path: str) -> bool:
        """Return whether the answer to ``path`` has a resourceVersion."""
        return self.get(path).resource_version != ""

    def wait_for_version(self, path: str, resource_version: str, *, timeout_s: float) -> bool:
        """Request ``path`` until its answer is at least ``resource_version``; "" is any.

        Returns whether that happened within ``timeout_s``.
        """

        def is_reached() -> bool:
            seen = self.get(path).resource_version
            return not resource_version or bool(seen and int(seen) >= int(resource_version))

        return wait_until(is_reached, timeout_s, AGAIN_S)

    def close(self) -> None:
        """Close idle connections."""
        if "_pool" in self.__dict__:
            self._pool.close()
