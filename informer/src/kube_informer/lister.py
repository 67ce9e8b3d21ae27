"""Reads of the cache by name, namespace, selector or index, without a request."""

from collections.abc import Callable

from kube_informer.errors import NotSyncedError, SelectorError
from kube_informer.field_selector import (
    NO_FIELDS,
    POD_FIELDS,
    FieldSelector,
    SelectableFields,
    parse_field_selector,
)
from kube_informer.label_selector import EVERYTHING, LabelSelector, parse_label_selector
from kube_informer.objects import CachedObject
from kube_informer.snapshot import Snapshot

Objects = list[CachedObject]
Names = list[str]
Labels = LabelSelector | str
Fields = FieldSelector | str


def _labels(selector: Labels) -> LabelSelector:
    return parse_label_selector(selector) if isinstance(selector, str) else selector


def _once_filled(snapshot: Callable[[], Snapshot], plural: str) -> Callable[[], Snapshot]:
    """Return ``snapshot``, raising :class:`NotSyncedError` before the first fill."""

    def filled() -> Snapshot:
        current = snapshot()
        if not current.filled:
            raise NotSyncedError(f"{plural}: not filled yet; call wait_for_cache_sync first")
        return current

    return filled


class Lister:
    """Reads the latest state. Each call reads a single snapshot.

    Selectors are text or parsed; text that does not parse raises
    :class:`SelectorError`, and so does a field that ``fields`` does not contain. Before
    the first fill every read raises :class:`NotSyncedError`: an empty answer would be
    wrong.
    """

    def __init__(
        self, snapshot: Callable[[], Snapshot], what: str, fields: SelectableFields = POD_FIELDS
    ) -> None:
        self._now = _once_filled(snapshot, what)
        self._known = fields

    def _fields(self, selector: Fields) -> FieldSelector:
        if isinstance(selector, str):
            return parse_field_selector(selector, self._known)
        for term in selector.terms:
            if term.field not in self._known.names:
                raise SelectorError(f"field label not supported: {term.field}{self._known.hint}")
        return FieldSelector(selector.terms, self._known.read)

    def get(self, namespace: str, name: str) -> CachedObject | None:
        """Return the object, or ``None``; ``namespace`` is "" for a cluster-wide one."""
        return self._now().get(namespace, name)

    def list(
        self, label_selector: Labels = EVERYTHING, field_selector: Fields = NO_FIELDS
    ) -> Objects:
        """Return the selected objects of all namespaces, in the API server's order."""
        return self._now().select(None, _labels(label_selector), self._fields(field_selector))

    def namespace(self, namespace: str) -> "NamespaceLister":
        """Return a lister of one namespace."""
        return NamespaceLister(self, namespace)

    def list_in(
        self,
        namespace: str,
        label_selector: Labels = EVERYTHING,
        field_selector: Fields = NO_FIELDS,
    ) -> Objects:
        """Return the selected objects of one namespace, in the API server's order."""
        return self._now().select(namespace, _labels(label_selector), self._fields(field_selector))


class NamespaceLister:
    """Reads one namespace of the latest state."""

    def __init__(self, lister: Lister, namespace: str) -> None:
        self._lister = lister
        self._namespace = namespace

    def get(self, name: str) -> CachedObject | None:
        """Return the object, or ``None``."""
        return self._lister.get(self._namespace, name)

    def list(
        self, label_selector: Labels = EVERYTHING, field_selector: Fields = NO_FIELDS
    ) -> Objects:
        """Return the selected objects, in the API server's order."""
        return self._lister.list_in(self._namespace, label_selector, field_selector)


class Indexer:
    """client-go's view of the store: by key, and by the values of its indexers.

    Before the first fill every read raises :class:`NotSyncedError`: a controller
    would take a missing object for a deleted one.
    """

    def __init__(self, snapshot: Callable[[], Snapshot], what: str) -> None:
        self._now = _once_filled(snapshot, what)

    def get_by_key(self, key: str) -> CachedObject | None:
        """Return the object under ``namespace/name``, or ``None``."""
        return self._now().get_by_key(key)

    def list(self) -> Objects:
        """Return all objects."""
        return self._now().objects()

    def list_keys(self) -> Names:
        """Return all keys in order."""
        return [item.key for item in self._now()]

    def by_index(self, name: str, value: str) -> Objects:
        """Return the objects for which indexer ``name`` returned ``value``."""
        return self._now().by_index(name, value)

    def index_keys(self, name: str, value: str) -> Names:
        """Return the keys of the objects for which indexer ``name`` returned ``value``."""
        return [item.key for item in self.by_index(name, value)]

    def list_index_func_values(self, name: str) -> Names:
        """Return every value that indexer ``name`` returned, sorted."""
        return sorted(self._now().index_values(name))
