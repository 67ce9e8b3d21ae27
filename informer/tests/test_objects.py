"""Objects as bytes: metadata decoded, the rest on demand."""

import json

import pytest

from informer.tests.shapes import listing, pod
from kube_informer.errors import UndecodableError
from kube_informer.objects import DeletedFinalStateUnknown, decode_list, decode_object


def test_list_items_and_events_read_byte_alike():
    item = pod("x", 3, labels={"app": "x"})
    event = json.dumps(item, separators=(",", ":")).encode()
    (listed,) = decode_list(listing(7, item)).items
    assert event == listed.raw
    assert event == decode_object(event).raw


def test_a_list_item_that_names_its_kind_is_kept_as_it_came():
    body = (
        b'{"kind":"ThingList","apiVersion":"x/v1","metadata":{"resourceVersion":"1"},'
        b'"items":[{"apiVersion":"x/v1","kind":"Thing","metadata":{"name":"t"}}]}'
    )
    (item,) = decode_list(body).items
    assert b'{"apiVersion":"x/v1","kind":"Thing","metadata":{"name":"t"}}' == item.raw


def test_the_bytes_kept_are_a_copy_and_do_not_hold_the_body():
    body = listing(7, *[pod(f"p{at}", at) for at in range(3)])
    for item in decode_list(body).items:
        assert isinstance(item.raw, bytes)
        assert len(item.raw) < len(body)


def test_one_item_that_cannot_be_decoded_does_not_spoil_the_list():
    body = (
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},'
        b'"items":[{"metadata":{"name":"a"}},{"metadata":{"name":4}},{"metadata":{"name":"c"}}]}'
    )
    found = decode_list(body)
    assert (["a", "c"], 1) == ([item.name for item in found.items], len(found.undecodable))


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"items":[]}', b'{"metadata":4}'])
def test_a_body_that_is_no_list_is_refused(body):
    with pytest.raises(UndecodableError, match="not a list"):
        decode_list(body)


def test_a_null_list_of_items_is_an_empty_one():
    assert [] == decode_list(b'{"metadata":{"resourceVersion":"1"},"items":null}').items


def test_a_cluster_wide_object_has_its_name_as_key():
    item = decode_object(b'{"kind":"Node","apiVersion":"v1","metadata":{"name":"n1"}}')
    assert ("n1", "") == (item.key, item.namespace)


def test_a_pod_is_given_as_the_official_clients_model_when_asked():
    item = decode_object(json.dumps(pod("x", 3)).encode())
    model = item.typed("V1Pod")
    assert ("V1Pod", "x", "node-1") == (
        type(model).__name__,
        model.metadata.name,
        model.spec.node_name,
    )


def test_an_object_whose_end_nobody_saw_still_reads_as_it_was():
    last = decode_object(json.dumps(pod("x", 3)).encode())
    gone = DeletedFinalStateUnknown.of(last)
    assert (last.key, last.raw, last.uid) == (gone.key, gone.raw, gone.uid)
