"""The request of an informer, as a protocol that a connection or a fake implements."""

from collections.abc import Mapping
from typing import Protocol

from kube_informer.connection import Cancel
from kube_informer.transport import Query


class BodyStream(Protocol):
    """The body of a list or watch, read piece by piece on one thread."""

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer."""

    def read(self, timeout: float | None = None) -> bytes:
        """Return bytes as they come; ``b""`` is the end.

        ``timeout``, in seconds, bounds this wait and further ones. Raise
        :class:`TransportTimeoutError` if none come in time and :class:`TransportError`
        if the stream broke.
        """

    def read_all(self) -> bytes:
        """Return the rest of the body in one piece."""

    def close(self) -> None:
        """End the stream; idempotent."""


class Source(Protocol):
    """Answers lists and watches: :class:`Transport`, or :class:`FakeSource` in unit tests."""

    def stream(
        self,
        path: str,
        query: Query = (),
        *,
        timeout: float,
        verb: str,
        resource: str,
        accept: str = ...,
        cancel: Cancel | None = None,
    ) -> BodyStream:
        """Return the answer to a list or watch (``verb``), whose body is read as it comes.

        Raise :class:`TransportError` if no answer comes.
        """
