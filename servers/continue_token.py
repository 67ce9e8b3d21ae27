"""Continue tokens: the start of the next page of a list, in the state of a version.

A token contains the same as the API server's own: the resourceVersion and the last key.
Every replica and worker can therefore read it, and so can the same server after a
restart. It is opaque to clients and carries a checksum, so that a token that was cut,
edited or issued by something else is refused; it is no secret and grants nothing, since
a client that may use a token may also list without one.
"""

import hashlib
from base64 import b64decode, urlsafe_b64encode
from typing import Annotated

import msgspec

from servers.source import SourceError

PRESENT = ""
"""Stands for the state at the time of the request: pages need not be consistent."""

_CHECKSUM_BYTES = 12
_PURPOSE = b"informer-bench/continue/v1"
"""Makes the checksum differ from that of any other content; changes with the format."""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """After ``key``, in the state of ``version``; ``namespace`` is ``None`` for all."""

    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,20}\Z")]
    namespace: str | None
    key: str


_decode = msgspec.json.Decoder(Position).decode


def issue(position: Position) -> str:
    """Return the token for ``position``."""
    content = msgspec.json.encode(position)
    return urlsafe_b64encode(_checksum(content) + content).decode()


def read(token: str) -> Position:
    """Return the position of ``token``; raise :class:`SourceError` 400 if it is none."""
    refusal = "invalid continue token: continue key is not valid: no server of this kind issued it"
    try:
        sealed = b64decode(token, altchars=b"-_", validate=True)
    except ValueError as error:
        raise SourceError(400, refusal) from error
    content = sealed[_CHECKSUM_BYTES:]
    if sealed[:_CHECKSUM_BYTES] != _checksum(content):
        raise SourceError(400, refusal)
    try:
        return _decode(content)
    except msgspec.DecodeError as error:
        raise SourceError(400, refusal) from error


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(_PURPOSE + content).digest()[:_CHECKSUM_BYTES]
