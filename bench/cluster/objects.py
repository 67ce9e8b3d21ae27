"""Objects of other kinds than pods: their manifests, and their changes by churn. Pure.

Nothing acts on them: a deployment makes no pods here, and leases are not renewed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.cluster.identities import Rule
from bench.cluster.pods import NAMESPACES, Manifest
from bench.model import Objects
from bench.plan.kinds import api_path, custom_kind

CHANGES = "informer-bench/changes"
"""Annotation that each change increments."""


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """One object of a kind, in a namespace of the pods."""

    kind: str
    """Path of all objects of the kind."""
    ordinal: int

    @property
    def namespace(self) -> str:
        """Namespace of the object."""
        return NAMESPACES[self.ordinal % len(NAMESPACES)]

    @property
    def collection(self) -> str:
        """Path under which it is created."""
        root, _, plural = self.kind.rpartition("/")
        return f"{root}/namespaces/{self.namespace}/{plural}"

    @property
    def name(self) -> str:
        """Name of the object."""
        return f"object-{self.ordinal:05d}"

    @property
    def path(self) -> str:
        """Path of the object in the API."""
        return f"{self.collection}/{self.name}"

    def change(self, number: int) -> Manifest:
        """Return the merge patch of change ``number``."""
        return {"metadata": {"annotations": {CHANGES: str(number)}}}


def manifest(key: ObjectKey, objects: Objects) -> Manifest:
    """Return the manifest of one of the objects, with a payload of its configured size."""
    payload = "x" * objects.size_bytes
    base: Manifest = {"metadata": {"name": key.name, "annotations": {CHANGES: "0"}}}
    match objects.resource:
        case "configmaps":
            return base | {"data": {"payload": payload}}
        case "secrets":
            return base | {"stringData": {"payload": payload[: len(payload) * 3 // 4]}}
    base["metadata"]["annotations"]["payload"] = payload
    if objects.definition:
        return {**custom_kind(objects.definition).example, **base}
    if objects.resource == "leases.coordination.k8s.io":
        return base | {"spec": {"holderIdentity": "nobody", "leaseDurationSeconds": 15}}
    labels = {"app": key.name}
    container = {"name": "nothing", "image": "informer-bench.local/nothing"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return base | {"spec": {"selector": {"matchLabels": labels}, "template": template}}


def draw_objects(kind: str, count: int) -> tuple[ObjectKey, ...]:
    """Return the objects of a kind."""
    return tuple(ObjectKey(kind, number) for number in range(count))


def object_rules(kinds: Sequence[Objects], *verbs: str) -> tuple[Rule, ...]:
    """Return the rules that allow ``verbs`` on all of ``kinds``."""
    split = (objects.resource.partition(".") for objects in kinds)
    return tuple(
        {"apiGroups": [group], "resources": [plural], "verbs": list(verbs)}
        for plural, _, group in split
    )


def objects_argument(objects: Objects) -> str:
    """Return the objects as an argument that ``read_argument`` reads."""
    return f"{api_path(objects)}={objects.count}"


def read_argument(text: str) -> tuple[ObjectKey, ...]:
    """Return the objects that an argument of the churn writer names."""
    kind, _, count = text.partition("=")
    return draw_objects(kind, int(count))
