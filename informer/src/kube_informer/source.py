"""The two requests that an informer makes, as protocols: a connection or a fake answers them."""

from collections.abc import Mapping
from typing import Protocol

from kube_informer.connection import Cancel
from kube_informer.transport import Query, Response


class EventStream(Protocol):
    """The body of a watch, read piece by piece on one thread."""

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer."""

    def read(self) -> bytes:
        """Return bytes as they come; ``b""`` is the end.

        Raise :class:`TransportTimeoutError` if none came in time and
        :class:`TransportError` if the stream broke.
        """

    def read_all(self) -> bytes:
        """Return the rest of the body: that of an error."""

    def set_timeout(self, seconds: float) -> None:
        """Bound each further wait for bytes, in seconds."""

    def close(self) -> None:
        """End the stream; idempotent."""


class Source(Protocol):
    """Answers lists and watches: :class:`Transport`, or :class:`FakeSource` in unit tests."""

    def get(
        self,
        path: str,
        query: Query = (),
        *,
        timeout: float,
        verb: str,
        resource: str,
        accept: str = ...,
        cancel: Cancel | None = None,
    ) -> Response:
        """Return a whole answer; raise :class:`TransportError` where none came."""

    def stream(
        self,
        path: str,
        query: Query = (),
        *,
        timeout: float,
        resource: str,
        accept: str = ...,
        cancel: Cancel | None = None,
    ) -> EventStream:
        """Return an answer whose body is read as it comes."""
