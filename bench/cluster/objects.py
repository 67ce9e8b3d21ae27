"""Objects of other kinds than pods: what they look like, and how churn changes them. Pure.

Nothing acts on them: a deployment makes no pods here, and nobody renews the leases.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.cluster.identities import Rule
from bench.cluster.pods import NAMESPACES, Manifest
from bench.model import Objects
from bench.plan.kinds import api_path, custom_kind

CHANGES = "informer-bench/changes"
"""The annotation that a change counts up."""


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
        """Path that it is created under."""
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
        """Return the merge patch of its change ``number``."""
        return {"metadata": {"annotations": {CHANGES: str(number)}}}


def manifest(key: ObjectKey, objects: Objects) -> Manifest:
    """Return one of the objects as it is created, its payload so long that it has its bytes."""
    payload = "x" * objects.size_bytes
    head: Manifest = {"metadata": {"name": key.name, "annotations": {CHANGES: "0"}}}
    match objects.resource:
        case "configmaps":
            return head | {"data": {"payload": payload}}
        case "secrets":
            return head | {"stringData": {"payload": payload[: len(payload) * 3 // 4]}}
    head["metadata"]["annotations"]["payload"] = payload
    if objects.definition:
        return {**custom_kind(objects.definition).example, **head}
    if objects.resource == "leases.coordination.k8s.io":
        return head | {"spec": {"holderIdentity": "nobody", "leaseDurationSeconds": 15}}
    labels = {"app": key.name}
    container = {"name": "nothing", "image": "informer-bench.local/nothing"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return head | {"spec": {"selector": {"matchLabels": labels}, "template": template}}


def draw_objects(kind: str, count: int) -> tuple[ObjectKey, ...]:
    """Return the objects of a kind."""
    return tuple(ObjectKey(kind, number) for number in range(count))


def object_rules(wanted: Sequence[Objects], *verbs: str) -> tuple[Rule, ...]:
    """Return the rules that allow ``verbs`` on all of ``wanted``."""
    split = (objects.resource.partition(".") for objects in wanted)
    return tuple(
        {"apiGroups": [group], "resources": [plural], "verbs": list(verbs)}
        for plural, _, group in split
    )


def objects_argument(objects: Objects) -> str:
    """Return what ``read_argument`` reads."""
    return f"{api_path(objects)}={objects.count}"


def read_argument(text: str) -> tuple[ObjectKey, ...]:
    """Return the objects that an argument of the churn writer names."""
    kind, _, count = text.partition("=")
    return draw_objects(kind, int(count))
