"""The lines of a watch: split from chunks as they come, decoded one by one."""

import re
from enum import StrEnum

import msgspec

from kube_informer.errors import UndecodableError
from kube_informer.objects import MALFORMED, Head, excerpt
from kube_informer.redaction import redact

INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class EventType(StrEnum):
    """The types of watch events."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"
    ERROR = "ERROR"


CHANGES = {kind.value: kind for kind in (EventType.ADDED, EventType.MODIFIED, EventType.DELETED)}
"""The types that change an object, by their name on the wire."""


class LineBuffer:
    """Splits chunks into lines; a line in many pieces is joined once, not piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0
        """Bytes of the line that has not ended yet."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that ``chunk`` completes, without line ends and blank lines."""
        end = chunk.rfind(b"\n")
        if end < 0:
            self._pieces.append(chunk)
            self.size += len(chunk)
            return []
        if self._pieces:
            self._pieces.append(chunk[:end])
            whole = b"".join(self._pieces)
        else:
            whole = chunk[:end]
        rest = chunk[end + 1 :]
        self._pieces = [rest] if rest else []
        self.size = len(rest)
        return [line for line in whole.split(b"\n") if line]


class WatchEvent(msgspec.Struct, gc=False):
    """One line: its type, its object, and the object's ``head`` if decoded with the line."""

    type: str
    object: bytes | msgspec.Raw
    head: Head | None = None


class _Line(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


class _Change(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    type: str
    object: Head


_CHANGE = re.compile(rb'\{"type":"(?:ADDED|MODIFIED|DELETED)","object":')
_decode_line = msgspec.json.Decoder(_Line).decode
_decode_change = msgspec.json.Decoder(_Change).decode


def decode_event(line: bytes) -> WatchEvent:
    """Decode a line; raise :class:`UndecodableError` if it is no event."""
    # Nearly all lines have one form, with nothing after the object: its position is known,
    # and the line is parsed once instead of twice.
    opening = _CHANGE.match(line)
    if opening is not None and line.endswith(b"}"):
        try:
            change = _decode_change(line)
        except MALFORMED:
            pass  # decoded below, which reports the error
        else:
            return WatchEvent(change.type, line[opening.end() : -1], change.object)
    try:
        event = _decode_line(line)
    except MALFORMED as error:
        raise UndecodableError(f"not a watch event ({error}): {excerpt(line)}") from error
    return WatchEvent(event.type, event.object)


class _BookmarkMetadata(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815 - Kubernetes' spelling
    annotations: dict[str, str] | None = None


class _Bookmark(msgspec.Struct):
    metadata: _BookmarkMetadata


def decode_bookmark(raw: bytes | msgspec.Raw) -> tuple[str, bool]:
    """Return a bookmark's resourceVersion and whether it ends the initial events."""
    try:
        metadata = msgspec.json.decode(raw, type=_Bookmark).metadata
    except MALFORMED as error:
        raise UndecodableError(f"not a bookmark ({error}): {excerpt(raw)}") from error
    ends = (metadata.annotations or {}).get(INITIAL_EVENTS_END) == "true"
    return metadata.resourceVersion, ends


class _Cause(msgspec.Struct):
    reason: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] | None = None


class Status(msgspec.Struct):
    """A Kubernetes ``Status``: the fields that decide the next step."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: _Details | None = None

    @property
    def is_expired(self) -> bool:
        """Whether the server no longer keeps the requested version."""
        return self.code == 410 or self.reason in ("Expired", "Gone")

    @property
    def is_too_large(self) -> bool:
        """Whether the server has not reached the requested version yet."""
        causes = (self.details.causes if self.details else None) or ()
        if any(cause.reason == "ResourceVersionTooLarge" for cause in causes):
            return True
        return self.reason == "Timeout" and "Too large resource version" in self.message


def decode_status(body: "bytes | msgspec.Raw", code: int = 0) -> Status:
    """Decode a ``Status``; of other bytes, return one with ``code`` and their start.

    Its message is redacted: a gateway may repeat the token that it refuses.
    """
    try:
        status = msgspec.json.decode(body, type=Status)
    except MALFORMED:
        status = Status(message=excerpt(body))
    status.code = status.code or code
    status.message = redact(status.message)
    return status
