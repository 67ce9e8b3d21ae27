"""The fake source behaves like an API server towards an informer."""

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kube_informer import (
    CONFIGMAPS,
    NODES,
    PODS,
    BackoffPolicy,
    CachedObject,
    DeletedFinalStateUnknown,
    Resource,
    ResourceEventHandlerFuncs,
    SharedInformer,
    SyncError,
)
from kube_informer.testing import FakeSource

PATIENCE_S = 30.0
QUICK = BackoffPolicy(initial_s=0.01, cap_s=0.05)


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def informer_of(source: FakeSource) -> Iterator[Callable[..., SharedInformer]]:
    started: list[SharedInformer] = []

    def start(resource: Resource = PODS, **options: Any) -> SharedInformer:
        started.append(SharedInformer(source, resource, backoff=QUICK, **options))
        started[-1].start()
        return started[-1]

    yield start
    assert [True] * len(started) == [informer.stop() for informer in started]


def pod(name: str, *, namespace: str = "a", **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"kind": "Pod", "metadata": metadata, "status": {"phase": "Running"}}


def names(informer: SharedInformer) -> list[str]:
    return [item.key for item in informer.snapshot()]


def test_a_write_between_the_opening_of_a_stream_and_its_first_read_is_sent(source):
    source.put(PODS, pod("one"))
    query = [("watch", "true"), ("sendInitialEvents", "true")]
    stream = source.stream("/api/v1/pods", query, timeout=1.0, verb="watch", resource="pods")
    source.put(PODS, pod("two"))
    assert b'"two"' not in stream.read(1.0)
    assert b'"two"' in stream.read(1.0)


@pytest.mark.parametrize("stream_initial", [True, False], ids=["streamed", "listed"])
def test_an_informer_is_filled_and_follows_every_write(source, informer_of, stream_initial):
    source.put(PODS, pod("one"))
    informer = informer_of(stream_initial=stream_initial)
    assert informer.wait_for_cache_sync(PATIENCE_S)
    assert ["a/one"] == names(informer)
    source.put(PODS, pod("two"))
    source.put(PODS, pod("one", app="web"))
    assert informer.wait_until(source.delete(PODS, "two", "a"), PATIENCE_S)
    assert ["a/one"] == names(informer)
    assert {"app": "web"} == dict(informer.snapshot().get("a", "one").labels)


def test_objects_read_the_same_from_a_list_and_a_stream(source, informer_of):
    source.put(PODS, pod("one"))
    source.put(NODES, {"kind": "Node", "metadata": {"name": "n"}})
    streamed, listed = informer_of(), informer_of(stream_initial=False)
    for informer in (streamed, listed):
        assert informer.wait_for_cache_sync(PATIENCE_S)
    assert (
        streamed.snapshot().get("a", "one").decode() == listed.snapshot().get("a", "one").decode()
    )
    assert "v1" == streamed.snapshot().get("a", "one").decode()["apiVersion"]


def test_selectors_and_namespaces_narrow_and_objects_move_in_and_out(source, informer_of):
    informer = informer_of(
        namespaces=["a"], label_selector="app=web", field_selector="status.phase=Running"
    )
    assert informer.wait_for_cache_sync(PATIENCE_S)
    source.put(PODS, pod("in", app="web"))
    source.put(PODS, pod("elsewhere", namespace="b", app="web"))
    source.put(PODS, pod("other", app="db"))
    assert informer.wait_until(source.put(PODS, pod("late", app="web")), PATIENCE_S)
    assert ["a/in", "a/late"] == names(informer)
    source.put(PODS, pod("in", app="db"))
    assert informer.wait_until(source.put(PODS, pod("other", app="web")), PATIENCE_S)
    assert ["a/late", "a/other"] == names(informer)


def test_metadata_alone_can_be_requested(source, informer_of):
    source.put(PODS, pod("one"))
    informer = informer_of(metadata_only=True)
    assert informer.wait_for_cache_sync(PATIENCE_S)
    (item,) = informer.snapshot()
    assert {"kind", "apiVersion", "metadata"} == set(item.decode())


def test_a_write_to_one_resource_does_not_reach_another(source, informer_of):
    informer = informer_of()
    assert informer.wait_for_cache_sync(PATIENCE_S)
    source.put(CONFIGMAPS, {"kind": "ConfigMap", "metadata": {"name": "one", "namespace": "a"}})
    assert informer.wait_until(source.put(PODS, pod("one")), PATIENCE_S)
    assert ["a/one"] == names(informer)


def test_a_watch_that_ended_is_resumed_and_an_expired_one_fills_anew(source, informer_of):
    deleted: queue.SimpleQueue[CachedObject] = queue.SimpleQueue()
    informer = informer_of()
    informer.add_event_handler(ResourceEventHandlerFuncs(delete=deleted.put))
    source.put(PODS, pod("one"))
    assert informer.wait_until(source.put(PODS, pod("two")), PATIENCE_S)
    source.end_watches()
    source.delete(PODS, "one", "a")
    assert "a/one" == deleted.get(timeout=PATIENCE_S).key
    source.expire()
    source.put(PODS, pod("three"))
    assert informer.wait_until(source.resource_version, PATIENCE_S)
    assert ["a/three", "a/two"] == names(informer)


def test_a_deletion_that_no_watch_brought_has_its_final_state_unknown(source, informer_of):
    deleted: queue.SimpleQueue[CachedObject] = queue.SimpleQueue()
    informer = informer_of()
    informer.add_event_handler(ResourceEventHandlerFuncs(delete=deleted.put))
    assert informer.wait_until(source.put(PODS, pod("one")), PATIENCE_S)
    with source.away():
        source.delete(PODS, "one", "a")
        source.expire()
    assert isinstance(deleted.get(timeout=PATIENCE_S), DeletedFinalStateUnknown)


def test_refused_requests_are_retried_and_recorded(source, informer_of):
    source.put(PODS, pod("one"))
    source.refuse(500, message="out of order", times=2)
    assert informer_of().wait_for_cache_sync(PATIENCE_S)
    assert 3 <= len(source.requests)
    assert {"/api/v1/pods"} == {request.path for request in source.requests}


def test_a_wait_for_an_unknown_resource_raises(source, informer_of):
    source.refuse(404, "NotFound", "the server could not find the requested resource", times=100)
    with pytest.raises(SyncError, match="could not find"):
        informer_of().wait_for_cache_sync(PATIENCE_S)


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        ({"metadata": {"name": "x", "namespace": "a"}}, "kind"),
        ({"kind": "Pod", "metadata": {"namespace": "a"}}, "metadata.name"),
        ({"kind": "Pod", "metadata": {"name": "x"}}, "metadata.namespace"),
    ],
)
def test_an_incomplete_object_is_refused_by_name(source, document, missing):
    with pytest.raises(ValueError, match=f"the object has no {missing}"):
        source.put(PODS, document)


def test_deleting_an_absent_object_is_an_error(source):
    with pytest.raises(LookupError, match="there is no a/one in /api/v1/pods"):
        source.delete(PODS, "one", "a")
