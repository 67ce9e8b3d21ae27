"""Lines of audit logs from files, folders and standard input, also ``.gz`` and multi-line JSON."""

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from io import BufferedReader

CHUNK = 1 << 20
GZIP = b"\x1f\x8b"
LONGEST = 16 << 20
"""Most bytes of a line that is read: an event with bodies has a megabyte at most."""
STDIN = "-"
MUST_GATHER = "audit_logs"
"""Folder of an OpenShift must-gather with the audit logs, in one folder for each server."""
KUBE_APISERVER = "kube-apiserver"
"""Its folder in there; its log includes the requests that other API servers log."""
ENDINGS = (".log", ".json", ".jsonl", ".ndjson", ".txt", ".gz")
JOINT = (b'}{"messageType"', b'}\n{"messageType"')
"""CloudWatch's subscriptions put no separator between two documents."""
WRAPPERS = (b'"events"', b'"items"', b'"entries"', b'"records"', b'"logEvents"')
"""Keys whose lists hold the records of a multi-line export."""


class SourceError(Exception):
    """Raised for an unreadable log; the message names it and the expected input."""


@dataclass(slots=True)
class Sources:
    """The logs: files, bytes read so far, and defects."""

    paths: Sequence[Path | None]
    """``None``: standard input."""
    bytes_read: int = 0
    cut_short: list[str] = field(default_factory=list)
    """Truncated compressed files."""
    too_long: int = 0
    """Number of lines longer than ``LONGEST``, which were left out."""

    @property
    def total(self) -> int:
        """Bytes of all files on disk; standard input counts as 0."""
        return sum(path.stat().st_size for path in self.paths if path is not None)

    def records(self) -> Iterator[bytes]:
        """Yield every line; records over several lines are joined.

        Raises ``SourceError`` for a file that cannot be read.
        """
        for path in self.paths:
            yield from _joined(self._lines(path))

    def _lines(self, path: Path | None) -> Iterator[bytes]:
        name = "standard input" if path is None else str(path)
        try:
            with sys.stdin.buffer if path is None else path.open("rb") as file:
                counted = cast("BinaryIO", _Counted(self, file))
                packed = cast("BufferedReader", file).peek(2)[:2] == GZIP
                # read1: read would keep back data before a truncated end
                yield from self._split(
                    gzip.GzipFile(fileobj=counted).read1 if packed else counted.read
                )
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.cut_short.append(f"{name} ({error})")
        except OSError as error:
            raise SourceError(f"{name} cannot be read: {error.strerror or error}") from error

    def _split(self, read: Callable[[int], bytes]) -> Iterator[bytes]:
        rest, skipping = b"", False
        while chunk := read(CHUNK):
            *lines, rest = (rest + chunk).replace(*JOINT).split(b"\n")
            yield from lines[skipping:]  # leaves out the end of a line that is too long
            skipping = skipping and not lines
            if len(rest) > LONGEST:
                self.too_long += not skipping
                rest, skipping = b"", True
        if rest and not skipping:
            yield rest


class _Counted:
    """A file that counts the bytes read from it."""

    def __init__(self, sources: Sources, file: BinaryIO) -> None:
        self._sources, self._file = sources, file

    def read(self, size: int = -1) -> bytes:
        """Read from the file, and count the bytes."""
        data = self._file.read(size)
        self._sources.bytes_read += len(data)
        return data


def find(arguments: Sequence[str]) -> Sources:
    """Return the files that ``arguments`` name: files, folders with logs in them, or ``-``.

    Of a must-gather only the audit logs of kube-apiserver are taken. Raises ``SourceError``.
    """
    paths: list[Path | None] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STDIN:
            paths.append(None)
        elif path.is_dir():
            paths += _in_folder(path)
        elif path.exists():
            paths.append(path)
        else:
            raise SourceError(f"there is no {argument}: name a file, a folder, or - (stdin)")
    return Sources(list(dict.fromkeys(paths)))


def _in_folder(folder: Path) -> list[Path]:
    walked = (Path(root) / name for root, _, names in os.walk(folder) for name in names)
    files = sorted(path for path in walked if path.suffix in ENDINGS)
    gathered = [path for path in files if MUST_GATHER in path.parts]
    files = [path for path in gathered if KUBE_APISERVER in path.parts] or gathered or files
    if not files:
        raise SourceError(f"{folder} has no file that ends in {', '.join(ENDINGS)}")
    return files


def _joined(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield ``lines``; join records that a tool has pretty-printed over several lines.

    Such tools write one bracket a line, so depth is counted at the ends of lines only.
    """
    pending: list[bytes] = []
    size = depth = base = 0
    for line in lines:
        if not pending and line.endswith(b"}") and line.startswith(b"{"):  # nearly all lines
            yield line
            continue
        text = line.strip()
        whole = text.startswith(b"{") and text != b"{"
        if not pending and (whole or (not depth and not text.endswith((b"{", b"[")))):
            yield text.removesuffix(b",")
            continue
        opens, closes = text.endswith((b"{", b"[")), text.startswith((b"}", b"]"))
        if opens and text.startswith(WRAPPERS) and (not pending or depth == base + 1):
            pending, size = [], 0  # its elements are the records; deeper keys are of bodies
        elif pending or text == b"{":
            base = base if pending else depth
            pending.append(text)
            size += len(text)
        depth = max(depth + opens - closes, 0)
        if pending and (depth <= base or size > LONGEST):
            yield b"".join(pending).removesuffix(b",")
            pending, size = [], 0
    yield from pending[:1]  # the rest has no end
