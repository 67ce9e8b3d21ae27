"""The cache at one moment: immutable, ordered, and a cheap base for the next snapshot.

Objects are in the API server's own order, bytewise by ``namespace/name``, in
leaves of about 64. A change copies one leaf and the tuple of leaves; everything
else is shared with the previous snapshot. Values derived from a leaf (its joined
JSON, its labels, its selectable fields) are cached in the leaf, so that after a
change only one leaf derives them anew.

Readers take a reference and need no lock. Two readers may derive a cached value at
once; both get the same, and the last one stays.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from kube_informer.errors import UnknownIndexError
from kube_informer.field_selector import NO_FIELDS, FieldSelector, ReadFields
from kube_informer.label_selector import EVERYTHING, LabelSelector, Operator, Requirement
from kube_informer.objects import CachedObject, object_key

LEAF_SIZE = 64
"""Objects of a new leaf; a leaf splits at twice that."""

IndexFunc = Callable[[CachedObject], Sequence[str]]
Span = tuple["Leaf", int, int]


class Leaf:
    """A run of objects, immutable but for its cached values."""

    __slots__ = ("_fields", "_indexes", "_joined", "_labels", "keys", "objects")

    def __init__(self, keys: Sequence[str], objects: Sequence[CachedObject]) -> None:
        # Lists while a SnapshotEditor changes the leaf, tuples once a snapshot contains it.
        self.keys = keys
        self.objects = objects
        self._joined: bytes | None = None
        self._labels: dict[tuple[str, str | None], list[int]] | None = None
        self._fields: dict[ReadFields, list[Mapping[str, str]]] = {}
        self._indexes: dict[IndexFunc, dict[str, list[int]]] = {}

    @property
    def joined(self) -> bytes:
        """The objects' JSON with commas between."""
        joined = self._joined
        if joined is None:
            joined = self._joined = b",".join([item.raw for item in self.objects])
        return joined

    def with_label(self, key: str, value: str | None = None) -> Sequence[int]:
        """Return the positions of the objects with this label, and this value if given."""
        labels = self._labels
        if labels is None:
            labels = {}
            for position, item in enumerate(self.objects):
                for name, text in item.labels.items():
                    labels.setdefault((name, text), []).append(position)
                    labels.setdefault((name, None), []).append(position)
            self._labels = labels
        return labels.get((key, value), ())

    def fields(self, position: int, read: ReadFields) -> Mapping[str, str]:
        """Return the selectable fields of the object at ``position``, without its metadata."""
        fields = self._fields.get(read)
        if fields is None:
            fields = self._fields[read] = [read(item.raw) for item in self.objects]
        return fields[position]

    def indexed(self, function: IndexFunc) -> Mapping[str, list[int]]:
        """Return the positions by each value that ``function`` returns."""
        index = self._indexes.get(function)
        if index is None:
            index = {}
            for position, item in enumerate(self.objects):
                for value in dict.fromkeys(function(item)):
                    index.setdefault(value, []).append(position)
            self._indexes[function] = index
        return index


class Snapshot:
    """All objects at one resourceVersion. Safe from any thread, never changes.

    ``leaves`` are its runs of objects, in order, and ``firsts`` the first key of each
    run; ``indexers`` are the custom ones by name. ``filled`` is whether the whole
    state has ever come; ``resource_version`` is "" before, and also after if the
    server names no version.
    """

    __slots__ = ("filled", "firsts", "indexers", "leaves", "resource_version")

    def __init__(
        self,
        leaves: Sequence[Leaf] = (),
        resource_version: str = "",
        indexers: Mapping[str, IndexFunc] | None = None,
        *,
        filled: bool = True,
        firsts: Sequence[str] | None = None,
    ) -> None:
        self.leaves = leaves
        self.filled = filled
        self.firsts = [leaf.keys[0] for leaf in leaves] if firsts is None else firsts
        self.indexers = indexers or {}
        self.resource_version = resource_version

    @classmethod
    def of(
        cls,
        objects: Sequence[CachedObject],
        resource_version: str = "",
        indexers: Mapping[str, IndexFunc] | None = None,
        *,
        filled: bool = True,
    ) -> "Snapshot":
        """Build from objects in any order; of two objects with one key the later one stays."""
        by_key = {item.key: item for item in objects}
        keys = sorted(by_key)
        leaves = [
            Leaf(tuple(chunk), tuple([by_key[key] for key in chunk]))
            for chunk in (keys[i : i + LEAF_SIZE] for i in range(0, len(keys), LEAF_SIZE))
        ]
        return cls(leaves, resource_version, indexers, filled=filled)

    def at(self, resource_version: str) -> "Snapshot":
        """Return the same objects under a later resourceVersion."""
        return Snapshot(
            self.leaves, resource_version, self.indexers, filled=self.filled, firsts=self.firsts
        )

    def __len__(self) -> int:
        return sum([len(leaf.keys) for leaf in self.leaves])

    def __iter__(self) -> Iterator[CachedObject]:
        for leaf in self.leaves:
            yield from leaf.objects

    def get(self, namespace: str, name: str) -> CachedObject | None:
        """Return the object, or ``None``; ``namespace`` is empty for a cluster-wide one."""
        return self.get_by_key(object_key(namespace, name))

    def get_by_key(self, key: str) -> CachedObject | None:
        """Return the object stored under ``key``, or ``None``."""
        return _find(self.leaves, self.firsts, key)

    def objects(self, namespace: str | None = None) -> list[CachedObject]:
        """Return the objects in order, of one namespace or of all."""
        objects: list[CachedObject] = []
        for leaf, start, stop in self._spans(namespace):
            objects.extend(leaf.objects[start:stop])
        return objects

    def body_parts(self, namespace: str | None = None) -> list[bytes]:
        """Return pieces that, concatenated, are the objects' JSON with commas between."""
        parts: list[bytes] = []
        for leaf, start, stop in self._spans(namespace):
            if parts:
                parts.append(b",")
            if stop - start == len(leaf.keys):
                parts.append(leaf.joined)
            else:
                parts.append(b",".join([item.raw for item in leaf.objects[start:stop]]))
        return parts

    def select(
        self,
        namespace: str | None = None,
        label_selector: LabelSelector = EVERYTHING,
        field_selector: FieldSelector = NO_FIELDS,
    ) -> list[CachedObject]:
        """Return the selected objects, in order.

        A requirement of a label's presence or value uses the label index of each
        leaf, so objects without the label are not visited; fields are decoded once
        for each leaf that is searched by them.
        """
        if label_selector.is_empty and field_selector.is_empty:
            return self.objects(namespace)
        required_namespace = field_selector.required("metadata.namespace")
        if required_namespace is not None and namespace not in (None, required_namespace):
            return []
        namespace = namespace if required_namespace is None else required_namespace
        name = field_selector.required("metadata.name")
        if name is not None and namespace is not None:
            item = self.get(namespace, name)
            spans: Iterable[Span] = [(Leaf((item.key,), (item,)), 0, 1)] if item else ()
        else:
            spans = self._spans(namespace)
        requirement = label_selector.indexable()
        return [
            leaf.objects[position]
            for leaf, start, stop in spans
            for position in _candidates(leaf, start, stop, requirement)
            if label_selector.matches(leaf.objects[position].labels)
            and _fields_match(leaf, position, field_selector)
        ]

    def by_index(self, name: str, value: str) -> list[CachedObject]:
        """Return the objects for which the indexer ``name`` returned ``value``, in order.

        Raise :class:`UnknownIndexError` if no such indexer was added.
        """
        function = self._indexer(name)
        return [
            leaf.objects[i] for leaf in self.leaves for i in leaf.indexed(function).get(value, ())
        ]

    def index_values(self, name: str) -> set[str]:
        """Return every value that the indexer ``name`` returned."""
        function = self._indexer(name)
        return {value for leaf in self.leaves for value in leaf.indexed(function)}

    def _indexer(self, name: str) -> IndexFunc:
        function = self.indexers.get(name)
        if function is None:
            raise UnknownIndexError(f"no indexer {name!r}; there are {sorted(self.indexers)}")
        return function

    def _spans(self, namespace: str | None) -> Iterator[Span]:
        """Yield each leaf with objects of the namespace, and their start and stop in it."""
        if namespace is None:
            for leaf in self.leaves:
                yield leaf, 0, len(leaf.keys)
            return
        # "0" is the character after "/": only the namespace's keys are between the two bounds.
        low, high = f"{namespace}/", f"{namespace}0"
        first = max(bisect_right(self.firsts, low) - 1, 0)
        last = bisect_left(self.firsts, high)
        for leaf in self.leaves[first:last]:
            start, stop = bisect_left(leaf.keys, low), bisect_left(leaf.keys, high)
            if start < stop:
                yield leaf, start, stop


def _candidates(leaf: Leaf, start: int, stop: int, needed: Requirement | None) -> Sequence[int]:
    if needed is None:
        return range(start, stop)
    if needed.operator is not Operator.IN:
        positions = leaf.with_label(needed.key)
    elif len(needed.values) == 1:
        (value,) = needed.values
        positions = leaf.with_label(needed.key, value)
    else:
        positions = sorted(i for v in needed.values for i in leaf.with_label(needed.key, v))
    if stop - start == len(leaf.keys):
        return positions
    return [i for i in positions if start <= i < stop]


def _fields_match(leaf: Leaf, position: int, selector: FieldSelector) -> bool:
    item = leaf.objects[position]

    def value_of(name: str) -> str:
        if name == "metadata.name":
            return item.name
        if name == "metadata.namespace":
            return item.namespace
        return leaf.fields(position, selector.read).get(name, "")

    return selector.matches_values(value_of)


class SnapshotEditor:
    """Makes the next snapshot from a base by any number of changes, for one writer."""

    def __init__(self, base: Snapshot) -> None:
        self._leaves = list(base.leaves)
        self._firsts = list(base.firsts)
        self._open: dict[Leaf, tuple[list[str], list[CachedObject]]] = {}
        self._indexers = base.indexers
        self._filled = base.filled

    def get(self, key: str) -> CachedObject | None:
        """Return the object now stored under ``key``, or ``None``."""
        return _find(self._leaves, self._firsts, key)

    def put(self, item: CachedObject) -> None:
        """Store ``item``, in place of another object of its key."""
        if not self._leaves:
            self._leaves.append(Leaf((item.key,), (item,)))
            self._firsts.append(item.key)
            return
        leaf_index = max(bisect_right(self._firsts, item.key) - 1, 0)
        keys, objects = self._opened(leaf_index)
        position = bisect_left(keys, item.key)
        if position < len(keys) and keys[position] == item.key:
            objects[position] = item
            return
        keys.insert(position, item.key)
        objects.insert(position, item)
        self._firsts[leaf_index] = keys[0]
        if len(keys) >= 2 * LEAF_SIZE:
            right = Leaf(tuple(keys[LEAF_SIZE:]), tuple(objects[LEAF_SIZE:]))
            del keys[LEAF_SIZE:], objects[LEAF_SIZE:]
            self._leaves.insert(leaf_index + 1, right)
            self._firsts.insert(leaf_index + 1, right.keys[0])

    def remove(self, key: str) -> None:
        """Remove the object stored under ``key``, which must exist."""
        leaf_index = bisect_right(self._firsts, key) - 1
        keys, objects = self._opened(leaf_index)
        position = bisect_left(keys, key)
        del keys[position], objects[position]
        if keys:
            self._firsts[leaf_index] = keys[0]
            self._merge(leaf_index)
        else:
            self._drop(leaf_index)

    def commit(self, resource_version: str) -> Snapshot:
        """Return the snapshot; the editor is used up."""
        for leaf, (keys, objects) in self._open.items():
            leaf.keys, leaf.objects = tuple(keys), tuple(objects)
        return Snapshot(
            self._leaves,
            resource_version,
            self._indexers,
            filled=self._filled,
            firsts=self._firsts,
        )

    def _opened(self, leaf_index: int) -> tuple[list[str], list[CachedObject]]:
        """Return keys and objects of a leaf of this editor, to change in place."""
        leaf = self._leaves[leaf_index]
        lists = self._open.get(leaf)
        if lists is None:
            lists = list(leaf.keys), list(leaf.objects)
            leaf = self._leaves[leaf_index] = Leaf(*lists)
            self._open[leaf] = lists
        return lists

    def _drop(self, leaf_index: int) -> None:
        self._open.pop(self._leaves[leaf_index], None)
        del self._leaves[leaf_index], self._firsts[leaf_index]

    def _merge(self, leaf_index: int) -> None:
        """Join a leaf that shrank with the next one, so that leaves stay few and full."""
        if leaf_index + 1 >= len(self._leaves):
            return
        right = self._leaves[leaf_index + 1]
        if len(self._leaves[leaf_index].keys) + len(right.keys) > LEAF_SIZE:
            return
        keys, objects = self._opened(leaf_index)
        keys.extend(right.keys)
        objects.extend(right.objects)
        self._drop(leaf_index + 1)


def _find(leaves: Sequence[Leaf], firsts: Sequence[str], key: str) -> CachedObject | None:
    """Return the object under ``key``; ``firsts`` are the first keys of the leaves."""
    leaf_index = bisect_right(firsts, key) - 1
    if leaf_index < 0:
        return None
    leaf = leaves[leaf_index]
    position = bisect_left(leaf.keys, key)
    if position < len(leaf.keys) and leaf.keys[position] == key:
        return leaf.objects[position]
    return None
