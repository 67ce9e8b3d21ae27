"""The body of a LIST, whole and in pieces."""

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informer.tests.shapes import listing, pod
from kube_informer import lists
from kube_informer.errors import UndecodableError
from kube_informer.lists import Item, ListReader
from kube_informer.objects import CachedObject, decode_object


def read(body: bytes, *cuts: int) -> tuple[list[Item], list[Item], ListReader]:
    """Return the items before the end of a body in pieces, all its items, and the reader."""
    reader, early, start = ListReader(), [], 0
    for cut in (*sorted(cuts), len(body)):
        early += reader.feed(body[start:cut])
        start = cut
    return early, [*early, *reader.finish()], reader


def raws(items: list[Item]) -> list[Any]:
    return [item.raw if isinstance(item, CachedObject) else str(item) for item in items]


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(lists, "BATCH", 1)


def test_list_items_and_events_read_byte_alike():
    item = pod("x", 3, labels={"app": "x"})
    event = json.dumps(item, separators=(",", ":")).encode()
    _, (listed,), _ = read(listing(7, item))
    assert [event] == raws([listed])
    assert event == decode_object(event).raw


def test_a_list_item_that_names_its_kind_is_kept_as_it_came():
    body = (
        b'{"kind":"ThingList","apiVersion":"x/v1","metadata":{"resourceVersion":"1"},'
        b'"items":[{"apiVersion":"x/v1","kind":"Thing","metadata":{"name":"t"}}]}'
    )
    _, items, _ = read(body)
    assert [b'{"apiVersion":"x/v1","kind":"Thing","metadata":{"name":"t"}}'] == raws(items)


def test_cached_bytes_are_a_copy_and_do_not_keep_the_body():
    body = listing(7, *[pod(f"p{at}", at) for at in range(3)])
    for raw in raws(read(body)[1]):
        assert (bytes, True) == (type(raw), len(raw) < len(body))


def test_one_undecodable_item_does_not_fail_the_list():
    body = (
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},'
        b'"items":[{"metadata":{"name":"a"}},{"metadata":{"name":4}},{"metadata":{"name":"c"}}]}'
    )
    first, second, third = read(body)[1]
    assert isinstance(second, UndecodableError)
    assert ["a", "c"] == [item.name for item in (first, third) if isinstance(item, CachedObject)]


@pytest.mark.parametrize("cuts", [(), (40, 5000)])
def test_an_item_nested_too_deeply_to_decode_does_not_fail_the_list(cuts, at_once):
    deep = b'{"metadata":{"name":"b"},"spec":%b"]"%b}' % (b"[" * 9000, b"]" * 9000)
    items = [b'{"metadata":{"name":"a"}}', deep, b'{"metadata":{"name":"c"}}']
    body = b'{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[%b]}' % b",".join(items)
    listed = read(body, *cuts)[1]
    assert ["a", "c"] == [item.name for item in listed if isinstance(item, CachedObject)]
    if sys.getrecursionlimit() < 9000:
        assert [UndecodableError] == [type(item) for item in listed[1:2]]


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"items":[]}', b'{"metadata":4}'])
def test_a_body_that_is_no_list_is_refused(body):
    with pytest.raises(UndecodableError, match="not a list"):
        read(body)


def test_a_null_list_of_items_is_an_empty_one():
    assert [] == read(b'{"metadata":{"resourceVersion":"1"},"items":null}')[1]


def thing(name: str) -> dict[str, Any]:
    return {"apiVersion": "x/v1", "kind": "Thing", "metadata": {"name": name}}


NESTED = {"a": [{"metadata": {"name": "inner"}}, {"metadata": {"name": "inner"}}]}
BODIES = {
    "typed": listing(7, *(pod(f"p{at}", at) for at in range(9))),
    "custom": json.dumps(
        {
            "apiVersion": "x/v1",
            "items": [thing(f"t{at}") for at in range(9)],
            "kind": "ThingList",
            "metadata": {"continue": "more", "resourceVersion": "7"},
        },
        separators=(",", ":"),
    ).encode(),
    "a type that comes last": b'{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}],'
    b'"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"}}',
    "a text like the end of an item": listing(
        7, *(pod(f"p{at}", at) | {"text": '},{"metadata":{"name":"ghost"}}'} for at in range(9))
    ),
    "items that hold the like": listing(7, *(pod(f"p{at}", at) | NESTED for at in range(9))),
    "empty": listing(7),
    "spaced": json.dumps(json.loads(listing(7, pod("x", 3), pod("y", 4))), indent=1).encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@given(cuts=st.lists(st.integers(0, 6000), max_size=6))
def test_pieces_of_any_size_give_the_items_of_the_whole_body(body, cuts):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lists, "BATCH", 1)
        _, items, reader = read(body, *cuts)
    whole = json.loads(body)
    assert [item["metadata"]["name"] for item in whole["items"]] == [
        item.name for item in items if isinstance(item, CachedObject)
    ]
    _, in_one, expected = read(body)
    assert (raws(in_one), expected.resource_version, expected.continue_token) == (
        raws(items),
        reader.resource_version,
        reader.continue_token,
    )


@pytest.mark.parametrize("name", ["typed", "custom", "a text like the end of an item"])
def test_items_are_returned_before_the_body_has_ended(name, at_once):
    body = BODIES[name]
    early, items, _ = read(body, len(body) - 40)
    assert (8, 9) == (len(early), len(items))


def test_a_body_cut_short_is_no_list(at_once):
    body = BODIES["typed"]
    with pytest.raises(UndecodableError, match="not a list"):
        read(body[:-20], len(body) - 40)
