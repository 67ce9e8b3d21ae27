"""Snapshots: ordered, immutable, joined piece by piece."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informer.tests.shapes import cached
from kube_informer import parse_field_selector, parse_label_selector
from kube_informer.errors import UnknownIndexError
from kube_informer.objects import CachedObject, decode_object
from kube_informer.snapshot import LEAF_SIZE, Snapshot, SnapshotEditor


def many(count: int) -> list[CachedObject]:
    return [
        cached(f"p{i:04d}", namespace=f"n{i % 7}", labels={"app": f"app-{i % 5}"})
        for i in range(count)
    ]


def keys(objects) -> list[str]:
    return [item.key for item in objects]


names = st.sampled_from([f"p{i}" for i in range(12)] + ["a-b", "a", "b.c"])
namespaces = st.sampled_from(["a", "a-b", "a0", "b", ""])
edits = st.lists(st.tuples(st.sampled_from(["put", "put", "remove"]), namespaces, names))


@given(edits=edits, batch=st.integers(1, 5))
def test_any_history_of_edits_equals_that_of_a_sorted_mapping(edits, batch):
    model: dict[str, CachedObject] = {}
    snapshot = Snapshot()
    for start in range(0, len(edits), batch):
        editor = SnapshotEditor(snapshot)
        for kind, namespace, name in edits[start : start + batch]:
            item = cached(name, namespace=namespace)
            if kind == "put":
                editor.put(item)
                model[item.key] = item
            elif model.pop(item.key, None) is not None:
                editor.remove(item.key)
            assert model.get(item.key) is editor.get(item.key)
        snapshot = editor.commit(str(start))
        assert [model[key] for key in sorted(model)] == list(snapshot)
        assert len(model) == len(snapshot)
        assert all(snapshot.get_by_key(key) is item for key, item in model.items())


def test_thousands_of_edits_keep_leaves_neither_too_big_nor_too_thin():
    random = Random(1)
    items = many(3000)
    model: dict[str, CachedObject] = {}
    snapshot = Snapshot()
    for _ in range(60):
        editor = SnapshotEditor(snapshot)
        for _ in range(100):
            item = random.choice(items)
            if random.random() < 0.6:
                editor.put(item)
                model[item.key] = item
            elif model.pop(item.key, None) is not None:
                editor.remove(item.key)
        snapshot = editor.commit("1")
    assert sorted(model) == keys(snapshot)
    sizes = [len(leaf.keys) for leaf in snapshot.leaves]
    assert max(sizes) < 2 * LEAF_SIZE
    assert len(model) / len(sizes) > LEAF_SIZE / 4


def test_order_is_bytewise_by_namespace_slash_name_as_the_api_server_lists():
    snapshot = Snapshot.of(
        [cached("x", namespace="a"), cached("x", namespace="a-b"), cached("x", namespace="a0")]
    )
    assert ["a-b/x", "a/x", "a0/x"] == keys(snapshot)


def test_a_snapshot_does_not_change_when_the_next_one_is_made():
    before = Snapshot.of(many(200), "1")
    body = b"".join(before.body_parts())
    editor = SnapshotEditor(before)
    editor.remove(before.objects()[3].key)
    editor.put(cached("new"))
    editor.commit("2")
    assert (200, "1", body) == (
        len(before),
        before.resource_version,
        b"".join(before.body_parts()),
    )


def test_a_change_leaves_all_but_one_leaf_shared():
    before = Snapshot.of(many(1000), "1")
    editor = SnapshotEditor(before)
    editor.put(cached("p0500", 2, namespace="n3"))
    after = editor.commit("2")
    shared = sum(old is new for old, new in zip(before.leaves, after.leaves, strict=True))
    assert len(before.leaves) - 1 == shared


@pytest.mark.parametrize("namespace", [None, "n3", "n6", "none", "n"])
def test_the_body_is_the_objects_joined_by_commas(namespace):
    snapshot = Snapshot.of(many(500), "1")
    expected = [
        item.decode() for item in snapshot if namespace is None or item.namespace == namespace
    ]
    assert expected == json.loads(b"[" + b"".join(snapshot.body_parts(namespace)) + b"]")


@pytest.mark.parametrize(
    ("labels", "fields"),
    [
        ("app=app-1", ""),
        ("app in (app-1,app-3)", ""),
        ("app!=app-1", ""),
        ("!app", ""),
        ("app", "metadata.namespace=n2"),
        ("app=app-2", "metadata.name=p0002,metadata.namespace=n2"),
        ("", "metadata.name=p0002"),
        ("", "spec.nodeName=node-1,status.phase!=Pending"),
        ("", "spec.nodeName=none"),
        ("app=app-9", ""),
    ],
)
@pytest.mark.parametrize("namespace", [None, "n2", "none"])
def test_a_selection_equals_a_check_of_every_object(labels, fields, namespace):
    snapshot = Snapshot.of(many(400), "1")
    label_selector = parse_label_selector(labels)
    field_selector = parse_field_selector(fields)
    expected = [
        item.key
        for item in snapshot
        if namespace in (None, item.namespace)
        and label_selector.matches(item.labels)
        and field_selector.matches(
            {
                "metadata.name": item.name,
                "metadata.namespace": item.namespace,
                "spec.nodeName": "node-1",
                "status.phase": "Running",
            }
        )
    ]
    assert expected == keys(snapshot.select(namespace, label_selector, field_selector))


class Counting:
    """A label selector that counts the objects that it checks."""

    def __init__(self, text: str) -> None:
        self._selector = parse_label_selector(text)
        self.is_empty = False
        self.indexable = self._selector.indexable
        self.checked = 0

    def matches(self, labels) -> bool:
        self.checked += 1
        return self._selector.matches(labels)


@pytest.mark.parametrize(
    ("selector", "namespace", "checked"),
    [
        ("rare=1", None, 1),
        ("rare in (1,2)", None, 2),
        ("rare", None, 2),
        ("rare>1", None, 2),
        ("app,rare=2,app!=x", None, 1),
        ("app=web", "n3", 100),
        ("app!=web", "n3", 100),
        ("none", None, 0),
    ],
)
def test_a_selection_checks_only_objects_that_may_match(selector, namespace, checked):
    def labels(i: int) -> dict[str, str]:
        return {"app": "web"} | ({"rare": str(i // 300)} if i in (300, 600) else {})

    items = [cached(f"p{i:04d}", namespace=f"n{i % 10}", labels=labels(i)) for i in range(1000)]
    counting = Counting(selector)
    Snapshot.of(items, "1").select(namespace, counting)
    assert checked == counting.checked


def test_two_different_namespaces_select_nothing():
    snapshot = Snapshot.of(many(50), "1")
    field_selector = parse_field_selector("metadata.namespace=n1")
    assert [] == snapshot.select("n2", field_selector=field_selector)


def test_a_pod_whose_spec_cannot_be_read_has_empty_fields():
    raw = b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x","namespace":"a"},"spec":7}'
    snapshot = Snapshot.of([decode_object(raw)], "1")
    assert [] == snapshot.select(None, field_selector=parse_field_selector("spec.nodeName=n"))


def test_custom_indexers_find_objects_by_each_returned_value():
    indexers = {"letters": lambda item: [*item.name, *item.name]}
    snapshot = Snapshot.of([cached("ab"), cached("bc")], "1", indexers)
    assert ["a/ab", "a/bc"] == keys(snapshot.by_index("letters", "b"))
    assert ["a/ab"] == keys(snapshot.by_index("letters", "a"))
    assert [] == snapshot.by_index("letters", "z")
    assert {"a", "b", "c"} == snapshot.index_values("letters")


def test_an_unknown_indexer_is_named_beside_the_known_ones():
    with pytest.raises(UnknownIndexError, match=r"no indexer 'x'; there are \['node'\]"):
        Snapshot.of([], "1", {"node": lambda _: []}).by_index("x", "y")


def test_a_cached_object_cannot_be_changed_by_a_reader():
    item = cached("x", labels={"app": "x"})
    with pytest.raises(AttributeError):
        item.name = "y"
    with pytest.raises(TypeError):
        item.labels["app"] = "y"
    item.decode()["metadata"]["name"] = "y"
    assert "x" == item.decode()["metadata"]["name"]
