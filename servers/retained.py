"""Snapshots kept for clients that read a list in pages, and the tokens that name them.

A snapshot is immutable and shares its objects with its neighbours, so keeping
one costs what has changed since; it is counted as if it shared nothing.
"""

import hashlib
import hmac
import secrets
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from kube_informer import Snapshot
from servers.source import SourceError

MAX_SNAPSHOTS = 8
MAX_AGE_S = 300.0
"""etcd's history, which the API server's own tokens last for, is kept 5 minutes by default."""
MAX_BYTES = 512 << 20

_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int
    snapshot: Snapshot
    size: int
    until: float


class RetainedSnapshots:
    """At most so many snapshots, for so long, of so many bytes; the oldest goes first.

    The newest one stays whatever its size: while it is the present state it
    costs nothing, and without it no list could be read in pages.
    """

    def __init__(
        self,
        *,
        max_snapshots: int = MAX_SNAPSHOTS,
        max_age_s: float = MAX_AGE_S,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_snapshots = max_snapshots
        self._max_age_s = max_age_s
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: list[_Kept] = []
        self._next = 1

    def keep(self, snapshot: Snapshot) -> int:
        """Keep ``snapshot`` from now on and return the number to ask for it by."""
        with self._lock:
            same = next((kept for kept in self._kept if kept.snapshot is snapshot), None)
            if same is None:
                size = sum(len(item.raw) for item in snapshot)
                number, self._next = self._next, self._next + 1
            else:
                size, number = same.size, same.number
                self._kept.remove(same)
            until = self._clock() + self._max_age_s
            self._kept.append(_Kept(number, snapshot, size, until))
            self._drop()
            return number

    def numbered(self, number: int) -> Snapshot | None:
        """Return the snapshot kept under ``number`` if it still is."""
        return self._find(lambda kept: kept.number == number)

    def at_version(self, resource_version: str) -> Snapshot | None:
        """Return the newest snapshot kept of that version, if there is one."""
        return self._find(lambda kept: kept.snapshot.resource_version == resource_version)

    def expire(self) -> None:
        """Let go of what is too old."""
        if self._kept:
            with self._lock:
                self._drop()

    def _find(self, wanted: Callable[[_Kept], bool]) -> Snapshot | None:
        with self._lock:
            self._drop()
            return next((kept.snapshot for kept in reversed(self._kept) if wanted(kept)), None)

    def _drop(self) -> None:
        now = self._clock()
        self._kept = [kept for kept in self._kept if now < kept.until]
        while len(self._kept) > 1 and (
            len(self._kept) > self._max_snapshots
            or sum(kept.size for kept in self._kept) > self._max_bytes
        ):
            del self._kept[0]


PRESENT = 0
"""Number that stands for the state at the time of asking: pages that need not fit together."""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Where the next page begins: after ``key``, in the snapshot of that number."""

    number: int
    namespace: str | None
    key: str


class Tokens:
    """Positions as opaque text that only the server which issued it takes back."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._decode = msgspec.json.Decoder(Position).decode

    def issue(self, position: Position) -> str:
        """Return the token for ``position``."""
        content = msgspec.json.encode(position)
        return urlsafe_b64encode(self._mac(content) + content).decode()

    def read(self, token: str) -> Position:
        """Return what ``token`` was issued for; raise :class:`SourceError` 400 for any other."""
        try:
            sealed = urlsafe_b64decode(token)
        except ValueError:
            sealed = b""
        content = sealed[_MAC_BYTES:]
        if not hmac.compare_digest(sealed[:_MAC_BYTES], self._mac(content)):
            raise SourceError(
                400,
                "invalid continue token: continue key is not valid: this server did not issue it",
            )
        return self._decode(content)

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, content, hashlib.sha256)[:_MAC_BYTES]
