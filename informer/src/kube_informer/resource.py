"""A resource of the API, and the part of it that a list and watch covers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource by its place in the API, built-in or custom; ``plural`` as in its URL.

    ``selectable_fields`` are the fields that a custom resource's definition declares,
    as labels (``"spec.color"``): its cache can be searched by them.
    """

    group: str
    version: str
    plural: str
    namespaced: bool = True
    selectable_fields: tuple[str, ...] = ()

    def path(self, namespace: str | None = None) -> str:
        """Return the URL path of the collection, of one namespace or of all."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if namespace is None:
            return f"{root}/{self.plural}"
        return f"{root}/namespaces/{namespace}/{self.plural}"


PODS = Resource("", "v1", "pods")
NODES = Resource("", "v1", "nodes", namespaced=False)
NAMESPACES = Resource("", "v1", "namespaces", namespaced=False)
CONFIGMAPS = Resource("", "v1", "configmaps")
SERVICES = Resource("", "v1", "services")


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a resource one list and watch covers. Selectors as in a query, "" for all."""

    namespace: str | None = None
    label_selector: str = ""
    field_selector: str = ""

    def query(self) -> dict[str, str]:
        """Return the query parameters that every list and watch of this scope carries."""
        selectors = {"labelSelector": self.label_selector, "fieldSelector": self.field_selector}
        return {name: value for name, value in selectors.items() if value}
