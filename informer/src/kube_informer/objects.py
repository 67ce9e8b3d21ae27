"""Objects kept as the bytes that came off the wire, with only their metadata decoded.

List items of built-in kinds carry no ``kind`` and ``apiVersion``, watch events
do. Decoding writes both in front, as the API server does for events, so that an
object reads the same from a list and from a watch.
"""

import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from kube_informer.errors import UndecodableError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient


MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The errors that decoding raises over bytes of another form, or nested too deeply to decode."""


class CachedObject(msgspec.Struct, frozen=True, gc=False, eq=False):
    """One object of the cache. Immutable; decoded further only on demand."""

    key: str
    """``namespace/name``, or ``name`` of a cluster-wide object; code points sort as bytes do."""
    namespace: str
    name: str
    uid: str
    resource_version: str
    raw: bytes
    """The whole object as JSON, ``kind`` and ``apiVersion`` first."""
    labels: Mapping[str, str]
    """Read-only."""

    def decode(self) -> dict[str, Any]:
        """Return the object as a new mapping, which the caller may change."""
        decoded: dict[str, Any] = msgspec.json.decode(self.raw)
        return decoded

    def typed(self, model: str) -> Any:  # noqa: ANN401 - the official client's models have no common type
        """Return the object as a model of the official client, ``"V1Pod"`` say. Slow."""
        return _official_client().deserialize(self.raw.decode(), model, "application/json")


@cache
def _official_client() -> "ApiClient":
    # It takes a second to import, and few programs need models.
    from kubernetes.client import ApiClient, Configuration

    return ApiClient(Configuration())


class DeletedFinalStateUnknown(CachedObject, frozen=True, gc=False, eq=False):
    """An object whose deletion was not seen, in its last known state."""

    @classmethod
    def of(cls, last: CachedObject) -> "DeletedFinalStateUnknown":
        """Return ``last`` as the last known state of a deleted object."""
        return cls(*msgspec.structs.astuple(last))

    @classmethod
    def unseen(cls, key: str) -> "DeletedFinalStateUnknown":
        """Return a deletion of which only the key could be read."""
        namespace, _, name = key.rpartition("/")
        return cls(key, namespace, name, "", "", b"", _NO_LABELS)


class _Metadata(msgspec.Struct, gc=False):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""  # noqa: N815 - Kubernetes' spelling
    labels: dict[str, str] | None = None


class Head(msgspec.Struct, gc=False):
    """The part of an object that is decoded on its way in."""

    metadata: _Metadata
    kind: str = ""
    apiVersion: str = ""  # noqa: N815 - Kubernetes' spelling


_decode_head = msgspec.json.Decoder(Head).decode


def object_key(namespace: str, name: str) -> str:
    """Return ``namespace/name``, or ``name`` where there is no namespace."""
    return f"{namespace}/{name}" if namespace else name


_NO_LABELS: Mapping[str, str] = MappingProxyType({})


@lru_cache(maxsize=4096)
def _shared(labels: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Return one mapping for all objects with these labels, such as all pods of one owner."""
    return MappingProxyType({sys.intern(key): sys.intern(value) for key, value in labels})


def decode_object(
    raw: "bytes | msgspec.Raw", prefix: bytes = b"", head: Head | None = None
) -> CachedObject:
    """Return one object: its own copy of the bytes, and its metadata.

    ``prefix`` replaces the opening brace of an object that names no kind; ``head`` is its
    metadata if already decoded. Raise :class:`UndecodableError` if it is no Kubernetes object.
    """
    try:
        head = head or _decode_head(raw)
    except MALFORMED as error:
        message = f"not a Kubernetes object ({error}): {excerpt(raw)}"
        raise UndecodableError(message, _key_of(raw)) from error
    metadata = head.metadata
    name = metadata.name
    if not name:
        raise UndecodableError(f"an object without metadata.name: {excerpt(raw)}")
    namespace = sys.intern(metadata.namespace)
    labels = metadata.labels
    return CachedObject(
        object_key(namespace, name),
        namespace,
        name,
        metadata.uid,
        metadata.resourceVersion,
        bytes(raw) if head.kind or not prefix else b"".join((prefix, memoryview(raw)[1:])),
        _shared(tuple(labels.items())) if labels else _NO_LABELS,
    )


class _Name(msgspec.Struct, gc=False):
    name: str
    namespace: str = ""


class _Named(msgspec.Struct, gc=False):
    metadata: _Name


def _key_of(raw: "bytes | msgspec.Raw") -> str:
    """Return the key of an otherwise undecodable object, "" if it cannot be decoded either."""
    try:
        metadata = msgspec.json.decode(raw, type=_Named).metadata
    except MALFORMED:
        return ""
    return object_key(metadata.namespace, metadata.name)


def excerpt(raw: "bytes | msgspec.Raw", limit: int = 120) -> str:
    """Return the start of ``raw`` for an error message."""
    data = bytes(raw)
    shown = data[:limit].decode("utf-8", "replace")
    return shown if len(data) <= limit else f"{shown}... ({len(data)} bytes)"
