"""Owner references: which object controls another one."""

import msgspec

from kube_informer.objects import CachedObject


class OwnerReference(msgspec.Struct, frozen=True, rename="camel"):
    """One entry of ``metadata.ownerReferences``."""

    kind: str
    name: str
    uid: str
    api_version: str = ""
    controller: bool = False


class _Metadata(msgspec.Struct, rename="camel"):
    owner_references: list[OwnerReference] | None = None


class _Owned(msgspec.Struct):
    metadata: _Metadata


_decode = msgspec.json.Decoder(_Owned).decode


def controller_of(obj: CachedObject) -> OwnerReference | None:
    """Return the owner that manages ``obj`` (``controller: true``), client-go's GetControllerOf."""
    owners = _decode(obj.raw).metadata.owner_references or ()
    return next((owner for owner in owners if owner.controller), None)


def by_controller_uid(obj: CachedObject) -> list[str]:
    """Index objects by the uid of their controlling owner: finds all objects of an owner."""
    owner = controller_of(obj)
    return [] if owner is None else [owner.uid]
