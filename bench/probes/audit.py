"""Follow the API server's audit log: answered requests by user.

The log is written in blocking mode: the line of a request is in the file before
its answer is complete, so that a position taken after an answer is behind that line.
"""

import datetime as dt
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

COMPLETE = "ResponseComplete"
POLL_S = 0.01
LONGEST_LINE = 1 << 20
"""Bytes; an event without bodies has a few thousand at most."""


class AuditError(Exception):
    """Raised when the audit log cannot be read or lacks an expected line."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One request: times are microseconds since the epoch, by the API server's clock."""

    audit_id: str
    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    uri: str
    stage: str
    received_us: int
    at_us: int
    user_agent: str
    """Empty if the client sent none."""


class AuditLog:
    """Read the log from position to position, across rotations; never from the beginning again.

    A position counts the bytes of the first file that was opened, and of the files that
    followed it. A rotated file is renamed (``audit-<time>.log``) and still read through its
    open handle.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: list[BinaryIO] = []

    def close(self) -> None:
        """Close the files; safe to call again."""
        for file in self._files:
            file.close()
        self._files = []

    def wait_for(self, uri: str, *, since: int, timeout_s: float) -> int:
        """Return the position behind the line of the request for ``uri`` after ``since``.

        Raises ``AuditError`` if it is not written within ``timeout_s``.
        """
        needle = f'"requestURI":"{uri}"'.encode()
        deadline = time.monotonic() + timeout_s
        while True:
            data = self._read(since, None)
            start = data.rfind(needle)
            if start >= 0 and (end := data.find(b"\n", start)) >= 0:
                return since + end + 1
            if time.monotonic() > deadline:
                raise AuditError(
                    f"the audit log did not show the request for {uri} within {timeout_s:g} s"
                )
            time.sleep(POLL_S)

    def size(self) -> int:
        """Return the position behind the last byte written so far."""
        return sum(os.fstat(file.fileno()).st_size for file in self._follow())

    def behind_last_line(self) -> int:
        """Return the position behind the last whole line written so far; raises ``AuditError``."""
        size = self.size()
        begin = max(0, size - LONGEST_LINE)
        return begin + self._read(begin, size).rfind(b"\n") + 1

    def rows(self, begin: int, end: int) -> list[AuditRow]:
        """Return one row per request of the lines from ``begin`` to ``end``, in order of answer.

        A request whose answer started and completed in between is one row, the complete one.
        """
        by_id: dict[str, AuditRow] = {}
        for line in self._read(begin, end).splitlines():
            row = _parse(line)
            if row.audit_id not in by_id or row.stage == COMPLETE:
                by_id.pop(row.audit_id, None)
                by_id[row.audit_id] = row
        return list(by_id.values())

    def lines(self, begin: int, at_most: int) -> tuple[list[AuditRow], int]:
        """Return one row per whole line behind ``begin``, and the position behind the last line.

        Both stages of a watch are rows. Reads ``at_most`` bytes; raises ``AuditError``.
        """
        data = self._read(begin, begin + at_most)
        end = data.rfind(b"\n") + 1
        return [_parse(line) for line in data[:end].splitlines()], begin + end

    def _read(self, begin: int, end: int | None) -> bytes:
        pieces, position = [], 0
        try:
            for file in self._follow():
                size = os.fstat(file.fileno()).st_size
                first = max(begin, position)
                last = position + size if end is None else min(end, position + size)
                if first < last:
                    file.seek(first - position)
                    pieces.append(file.read(last - first))
                position += size
        except OSError as error:
            raise AuditError(f"the audit log cannot be read: {error}") from error
        if position < begin:
            raise AuditError(f"the audit log was cut short: {position} bytes are left of {begin}")
        return b"".join(pieces)

    def _follow(self) -> list[BinaryIO]:
        """Open the files that followed the last one, and return all files."""
        try:
            if not self._files:
                self._files = [self._path.open("rb")]
            last = os.fstat(self._files[-1].fileno())
            if not os.path.samestat(last, self._path.stat()):
                self._files += [path.open("rb") for path in self._rotated_after(last)]
                self._files.append(self._path.open("rb"))
        except OSError as error:
            raise AuditError(f"the audit log cannot be read: {error}") from error
        return self._files

    def _rotated_after(self, last: os.stat_result) -> list[Path]:
        """Return the rotated files after ``last``; their names have their times."""
        rotated = sorted(self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}"))
        for index, path in enumerate(rotated):
            if os.path.samestat(last, path.stat()):
                return rotated[index + 1 :]
        return []  # it has been removed; its rest is read through its handle


class _User(msgspec.Struct):
    username: str = ""


class _ObjectRef(msgspec.Struct):
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


class _ResponseStatus(msgspec.Struct):
    code: int = 0


class _Event(msgspec.Struct, rename="camel"):
    audit_id: str = msgspec.field(name="auditID")
    stage: str
    request_uri: str = msgspec.field(name="requestURI")
    verb: str
    request_received_timestamp: dt.datetime
    stage_timestamp: dt.datetime
    user_agent: str = ""
    user: _User = msgspec.field(default_factory=_User)
    object_ref: _ObjectRef = msgspec.field(default_factory=_ObjectRef)
    response_status: _ResponseStatus = msgspec.field(default_factory=_ResponseStatus)


_EVENT = msgspec.json.Decoder(_Event)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def _parse(line: bytes) -> AuditRow:
    try:
        event = _EVENT.decode(line)
    except msgspec.MsgspecError as error:
        raise AuditError(
            f"not an audit event: {error}: {line[:200].decode(errors='replace')}"
        ) from error
    return AuditRow(
        audit_id=event.audit_id,
        user=event.user.username,
        verb=event.verb,
        resource=event.object_ref.resource,
        subresource=event.object_ref.subresource,
        namespace=event.object_ref.namespace,
        name=event.object_ref.name,
        code=event.response_status.code,
        uri=event.request_uri,
        stage=event.stage,
        received_us=(event.request_received_timestamp - _EPOCH) // _MICROSECOND,
        at_us=(event.stage_timestamp - _EPOCH) // _MICROSECOND,
        user_agent=event.user_agent,
    )
