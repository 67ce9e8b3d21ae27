"""Changes of objects on their way into the store, to make them smaller."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from kube_informer.errors import TransformError, UndecodableError
from kube_informer.objects import CachedObject, decode_object

Transform = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes a decoded object, which it may change, and returns the object to store."""


def drop_managed_fields(obj: dict[str, Any]) -> dict[str, Any]:
    """Remove ``metadata.managedFields``, often a third of an object and seldom read."""
    obj["metadata"].pop("managedFields", None)
    return obj


def transforming(transform: Transform) -> Callable[[CachedObject], CachedObject]:
    """Return ``transform`` for cached objects; it raises only :class:`TransformError`."""

    def apply(item: CachedObject) -> CachedObject:
        name = getattr(transform, "__name__", type(transform).__name__)
        try:
            changed = transform(item.decode())
        except Exception as error:
            raise TransformError(f"transform {name} raised {error!r} on {item.key}") from error
        if not isinstance(changed, Mapping):
            raise TransformError(
                f"transform {name} returned {type(changed).__name__} for {item.key}, not a mapping"
            )
        try:
            after = decode_object(msgspec.json.encode(changed))
        except (UndecodableError, TypeError, ValueError) as error:
            raise TransformError(f"transform {name} spoilt {item.key}: {error}") from error
        if (after.key, after.resource_version) != (item.key, item.resource_version):
            raise TransformError(
                f"transform {name} gave {item.key} another name or resourceVersion: {after.key}"
            )
        return after

    return apply
