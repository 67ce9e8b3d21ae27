"""Objects as bytes: metadata decoded, the rest on demand."""

import json

from informer.tests.shapes import pod
from kube_informer.objects import DeletedFinalStateUnknown, decode_object


def test_a_cluster_wide_object_has_its_name_as_key():
    item = decode_object(b'{"kind":"Node","apiVersion":"v1","metadata":{"name":"n1"}}')
    assert ("n1", "") == (item.key, item.namespace)


def test_a_pod_can_be_read_as_the_official_clients_model():
    item = decode_object(json.dumps(pod("x", 3)).encode())
    model = item.typed("V1Pod")
    assert ("V1Pod", "x", "node-1") == (
        type(model).__name__,
        model.metadata.name,
        model.spec.node_name,
    )


def test_an_object_of_unseen_deletion_still_reads_as_before():
    last = decode_object(json.dumps(pod("x", 3)).encode())
    gone = DeletedFinalStateUnknown.of(last)
    assert (last.key, last.raw, last.uid) == (gone.key, gone.raw, gone.uid)
