"""The interface between routes and read paths: one protocol, its query, answers and errors.

A source knows where pods come from and nothing about HTTP served to clients; that
is the routes' part. A query means what it means to the API server.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

EXACT = "Exact"
NOT_OLDER_THAN = "NotOlderThan"

POD_HEAD = b'{"kind":"Pod","apiVersion":"v1",'
"""The start of a pod in the API server's answer to a GET; the items of a list lack it."""


@dataclass(frozen=True, slots=True)
class PodQuery:
    """A client's list request; empty strings and 0 stand for "not given".

    ``namespace`` is ``None`` for all namespaces. ``limit`` is never negative.
    ``resource_version`` is a decimal number without leading zeros.
    """

    namespace: str | None = None
    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    resource_version_match: str = ""


@dataclass(frozen=True, slots=True)
class PodPage:
    """A page of pods as bytes, in the API server's order.

    ``parts``, concatenated, are the pods joined by commas: the content of a JSON
    array. ``continue_token`` is empty on the last page. ``resource_version`` is the
    version of the page's state.
    """

    parts: Sequence[bytes]
    resource_version: str
    continue_token: str = ""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod as JSON, and its own ``metadata.resourceVersion``."""

    parts: Sequence[bytes]
    resource_version: str


class SourceError(Exception):
    """A refusal or failure to report to the client, with an HTTP status.

    ``retry_after_s`` becomes the header of that name; ``continue_token`` lets a
    client continue after a 410, from the next key, in the present state.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        retry_after_s: int | None = None,
        continue_token: str = "",
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s
        self.continue_token = continue_token


class PodSource(Protocol):
    """The origin of a server's pods. Several threads call it at once.

    By default a subclass runs nothing in the background and receives no changes.
    """

    def start(self) -> None:
        """Start the background work; called once, in the serving process."""
        return

    def list_pods(self, query: PodQuery) -> PodPage:
        """Return the pods that ``query`` selects; raise :class:`SourceError`."""

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        """Return one pod, of a state not older than ``resource_version`` (a number or empty).

        Raise :class:`SourceError`, with code 404 if there is no such pod.
        """

    def event_times(self, since: int) -> Sequence[tuple[int, int]]:  # noqa: ARG002 - for sources that receive changes
        """Return ``(resourceVersion, time)`` of the changes received, from version ``since`` on.

        ``time`` is in microseconds of this machine's monotonic clock. The latest few
        thousand are kept; a source that receives no changes has none.
        """
        return ()

    def check_ready(self) -> None:
        """Return if the server is ready for requests, else raise :class:`SourceError`."""

    def close(self) -> None:
        """Stop the background work, within a second or two; safe to call again."""


class WrappedSource:
    """A source over another one. A subclass implements the lists."""

    def __init__(self, source: PodSource) -> None:
        self._source = source
        self.start = source.start
        self.event_times = source.event_times
        self.check_ready = source.check_ready
        self.close = source.close

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        """Get one pod; see :class:`PodSource`."""
        return self._source.get_pod(namespace, name, resource_version)


class ScopedSource(WrappedSource):
    """A source confined to one namespace: "all namespaces" means this one, others are refused."""

    def __init__(self, source: PodSource, namespace: str) -> None:
        super().__init__(source)
        self._namespace = namespace

    def list_pods(self, query: PodQuery) -> PodPage:
        """List the pods of this namespace; raise ``SourceError`` 403 for another."""
        if query.namespace is None:
            query = replace(query, namespace=self._namespace)
        else:
            self._check(query.namespace)
        return self._source.list_pods(query)

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        """Return a pod of this namespace; raise ``SourceError`` 403 for another."""
        self._check(namespace)
        return self._source.get_pod(namespace, name, resource_version)

    def _check(self, namespace: str) -> None:
        if namespace != self._namespace:
            raise SourceError(
                403,
                f"namespace {quoted(namespace)} is not served here: this server was started "
                f"for namespace {quoted(self._namespace)} alone (--namespace)",
            )


_ESCAPES = dict(zip('"\\\a\b\f\n\r\t\v', '"\\abfnrtv', strict=True))
"""Characters that Go writes as a backslash and a letter."""


def quoted(text: str) -> str:
    """Return ``text`` in double quotes like Go's ``%q``, which API-server messages use."""
    return '"' + "".join(map(_quoted_character, text)) + '"'


def _quoted_character(character: str) -> str:
    if character in _ESCAPES:
        return "\\" + _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def pod_not_found(name: str) -> SourceError:
    """Return the 404 for a pod, with the API server's message."""
    return SourceError(404, f"pods {quoted(name)} not found")


def too_large_resource_version(requested: str, current: str) -> SourceError:
    """Return the 504 for a version not reached in time, with the API server's message."""
    return SourceError(
        504,
        f"Timeout: Too large resource version: {requested}, current: {current}",
        retry_after_s=1,
    )
