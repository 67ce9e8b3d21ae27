"""The ordinary behaviour of an informer, on a real API server."""

import threading
from typing import Any

import pytest

from bench.cluster.control_plane import ControlPlane
from kube_informer import (
    CONFIGMAPS,
    NAMESPACES,
    PODS,
    HandlerError,
    LifecycleError,
    NotSyncedError,
    Observer,
    Resource,
    SelectorError,
    SharedInformerFactory,
    SyncError,
    Transport,
    drop_managed_fields,
)
from tests.integration.informer.conftest import Informers
from tests.integration.informer.replica import (
    PATIENCE_S,
    Replica,
    Writer,
    assert_in_step,
    eventually,
)


@pytest.fixture
def writer(control_plane: ControlPlane, writer_of) -> Writer:
    return writer_of(control_plane)


@pytest.mark.parametrize("stream_initial", [True, False], ids=["streamed", "listed"])
def test_the_cache_follows_every_kind_of_write(control_plane, informers, writer, stream_initial):
    writer.some_writes("before")
    informer = informers.of(
        control_plane.kubeconfig, namespaces=[writer.namespace], stream_initial=stream_initial
    )
    replica = Replica()
    registration = informer.add_event_handler(replica)
    informer.start()
    assert informer.wait_for_cache_sync(PATIENCE_S)
    assert registration.wait_for_sync(PATIENCE_S)
    writer.some_writes("after")
    writer.touch("before-1", "again")
    assert_in_step(informer, control_plane.api("admin"), writer.path, replica)


def test_a_filled_cache_and_a_watched_one_have_the_same_bytes(control_plane, informers, writer):
    watched = informers.filled(control_plane.kubeconfig, namespaces=[writer.namespace])
    version = ""
    for at in range(5):
        writer.create(f"p{at}", labels={"app": "x"})
        version = writer.touch(f"p{at}", "y")
    assert watched.wait_until(version, PATIENCE_S)
    bodies = []
    for stream_initial in (True, False):
        filled = informers.filled(
            control_plane.kubeconfig,
            namespaces=[writer.namespace],
            stream_initial=stream_initial,
        )
        bodies.append(b"".join(filled.snapshot().body_parts()))
    assert bodies == [b"".join(watched.snapshot().body_parts())] * 2


def test_all_namespaces_with_one_watch_or_some_with_one_each(
    control_plane, informers, writer, namespace
):
    other = Writer(control_plane.api("admin"), f"{namespace}-other")
    control_plane.api("admin").post("/api/v1/namespaces", {"metadata": {"name": other.namespace}})
    writer.some_writes("here")
    other.some_writes("there")
    everywhere = informers.of(control_plane.kubeconfig)
    some = informers.of(control_plane.kubeconfig, namespaces=[writer.namespace, other.namespace])
    replica = Replica()
    some.add_event_handler(replica)
    for informer in (everywhere, some):
        informer.start()
        assert informer.wait_for_cache_sync(PATIENCE_S)
    version = writer.touch("here-1", "x")
    assert everywhere.wait_until(version, PATIENCE_S)
    assert_in_step(everywhere, control_plane.api("admin"), "/api/v1/pods")
    other.create("one-more")
    last = other.touch("one-more", "seen")
    assert everywhere.wait_until(last, PATIENCE_S)
    expected = [
        item.key
        for item in everywhere.snapshot()
        if item.namespace in (writer.namespace, other.namespace)
    ]
    eventually(lambda: [item.key for item in some.snapshot()] == expected, "both watches caught up")
    other.clear()


def test_selectors_narrow_the_fetch_and_follow_objects_in_and_out(control_plane, informers, writer):
    api = control_plane.api("admin")
    writer.create("in", labels={"app": "web"})
    writer.create("out", labels={"app": "db"})
    informer = informers.of(
        control_plane.kubeconfig, namespaces=[writer.namespace], label_selector="app in (web)"
    )
    replica = Replica()
    informer.add_event_handler(replica)
    informer.start()
    assert informer.wait_for_cache_sync(PATIENCE_S)
    assert ["in"] == [item.name for item in informer.snapshot()]
    api.merge_patch(f"{writer.path}/out", {"metadata": {"labels": {"app": "web"}}})
    api.merge_patch(f"{writer.path}/in", {"metadata": {"labels": {"app": "db"}}})
    assert_in_step(informer, api, f"{writer.path}?labelSelector=app+in+(web)", replica)
    assert ["out"] == [item.name for item in informer.snapshot()]


def test_a_field_selector_narrows_the_fetch(control_plane, informers, writer):
    writer.create("one")
    writer.create("two")
    informer = informers.filled(
        control_plane.kubeconfig,
        namespaces=[writer.namespace],
        field_selector="metadata.name=two",
    )
    assert ["two"] == [item.name for item in informer.snapshot()]


def crd(plural: str) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{plural}.informer.test"},
        "spec": {
            "group": "informer.test",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": plural.capitalize(), "singular": plural + "x"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": True,
                        }
                    },
                }
            ],
        },
    }


CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def test_custom_resources_are_followed_like_any_other(control_plane, informers, writer):
    api = control_plane.api("admin")
    api.post(CRDS, crd("widgets"))
    resource = Resource("informer.test", "v1", "widgets")
    informer = informers.of(control_plane.kubeconfig, resource)
    replica = Replica()
    informer.add_event_handler(replica)
    informer.start()
    path = resource.path(writer.namespace)

    def widget(name: str) -> dict[str, Any]:
        return {
            "apiVersion": "informer.test/v1",
            "kind": "Widgets",
            "metadata": {"name": name},
            "size": {"deep": [1, 2]},
        }

    # A new definition is served a moment after it is made, and refused with 404 until then.
    eventually(lambda: informer.has_synced, "the definition is served")
    api.post(path, widget("a"))
    api.post(path, widget("b"))
    api.merge_patch(f"{path}/a", {"size": {"deep": []}})
    api.delete(f"{path}/b")
    assert_in_step(informer, api, resource.path(), replica)
    api.delete(f"{CRDS}/widgets.informer.test")


def test_metadata_only_leaves_out_the_rest_and_reads_the_same_from_list_and_watch(
    control_plane, informers, writer
):
    writer.create("one", labels={"app": "x"})
    bodies = []
    for stream_initial in (True, False):
        informer = informers.filled(
            control_plane.kubeconfig,
            namespaces=[writer.namespace],
            metadata_only=True,
            stream_initial=stream_initial,
        )
        bodies.append(b"".join(informer.snapshot().body_parts()))
    (item,) = informer.snapshot()
    assert ("PartialObjectMetadata", "meta.k8s.io/v1", {"app": "x"}) == (
        item.decode()["kind"],
        item.decode()["apiVersion"],
        dict(item.labels),
    )
    assert "spec" not in item.decode()
    assert bodies[0] == bodies[1]


def test_cluster_wide_resources_are_followed(control_plane, informers, writer):
    informer = informers.filled(control_plane.kubeconfig, NAMESPACES)
    item = informer.lister().get("", writer.namespace)
    assert item is not None
    assert writer.namespace == item.key


def test_an_event_of_one_and_a_half_megabytes_is_applied(control_plane, informers, writer):
    api = control_plane.api("admin")
    informer = informers.of(control_plane.kubeconfig, CONFIGMAPS, namespaces=[writer.namespace])
    replica = Replica()
    informer.add_event_handler(replica)
    informer.start()
    assert informer.wait_for_cache_sync(PATIENCE_S)
    path = CONFIGMAPS.path(writer.namespace)
    api.post(path, {"metadata": {"name": "small"}, "data": {}})
    # A ConfigMap holds 1 MiB at most; quotes are escaped, so this is 1.5 MB on the wire.
    api.post(
        path, {"metadata": {"name": "big"}, "data": {"x": "'" * 512 * 1024 + '"' * 500 * 1024}}
    )
    api.merge_patch(f"{path}/small", {"data": {"y": "1"}})
    assert_in_step(informer, api, path, replica)
    big = informer.lister().get(writer.namespace, "big")
    assert big is not None
    assert len(big.raw) > 1_500_000
    for name in ("big", "small"):
        api.delete(f"{path}/{name}")


def test_a_transform_applies_to_filled_and_watched_objects(control_plane, informers, writer):
    writer.create("filled")
    informer = informers.filled(
        control_plane.kubeconfig, namespaces=[writer.namespace], transform=drop_managed_fields
    )
    assert informer.wait_until(writer.create("watched"), PATIENCE_S)
    assert [("filled", False), ("watched", False)] == [
        (item.name, b"managedFields" in item.raw) for item in informer.snapshot()
    ]


def test_a_transform_that_fails_on_one_object_leaves_it_out_and_reports_it(
    control_plane, informers, writer
):
    poison: list[str] = []

    class Notes(Observer):
        def poisoned(self, cause: str) -> None:
            poison.append(cause)

    def picky(obj: dict[str, Any]) -> dict[str, Any]:
        if obj["metadata"]["name"] == "bad":
            raise RuntimeError("bad")
        return obj

    writer.create("bad")
    writer.create("good")
    informer = informers.filled(
        control_plane.kubeconfig,
        namespaces=[writer.namespace],
        transform=picky,
        observer=Notes(),
    )
    assert ["good"] == [item.name for item in informer.snapshot()]
    assert 1 == len(poison)
    assert f"transform picky raised RuntimeError('bad') on {writer.namespace}/bad" == poison[0]


def test_a_write_is_readable_after_a_wait_for_its_version(control_plane, informers, writer):
    informer = informers.filled(control_plane.kubeconfig, namespaces=[writer.namespace])
    for at in range(20):
        version = writer.create(f"p{at}")
        assert informer.wait_until(version, PATIENCE_S)
        assert informer.lister().get(writer.namespace, f"p{at}") is not None


def test_later_events_do_not_change_a_snapshot(control_plane, informers, writer):
    writer.create("one")
    informer = informers.filled(control_plane.kubeconfig, namespaces=[writer.namespace])
    before = informer.snapshot()
    body = b"".join(before.body_parts())
    assert informer.wait_until(writer.touch("one", "x"), PATIENCE_S)
    assert body == b"".join(before.body_parts())
    assert body != b"".join(informer.snapshot().body_parts())


def test_indexers_follow_the_objects(control_plane, informers, writer):
    informer = informers.filled(
        control_plane.kubeconfig,
        namespaces=[writer.namespace],
        indexers={"node": lambda item: [item.decode()["spec"]["nodeName"]]},
    )
    version = writer.create("one")
    assert informer.wait_until(version, PATIENCE_S)
    assert [f"{writer.namespace}/one"] == informer.indexer.index_keys("node", "node-1")
    assert ["node-1"] == informer.indexer.list_index_func_values("node")


def test_a_factory_shares_informers_and_starts_and_stops_them_together(control_plane, writer):
    writer.create("one")
    transport = Transport.from_kubeconfig(control_plane.kubeconfig, "admin")
    observed: list[Resource] = []

    def observe(resource: Resource) -> Observer:
        observed.append(resource)
        return Observer()

    factory = SharedInformerFactory(
        transport,
        namespaces=[writer.namespace],
        transform=drop_managed_fields,
        observe=observe,
    )
    pods = factory.for_resource(PODS)
    assert pods is factory.for_resource(PODS)
    assert pods is not factory.for_resource(PODS, label_selector="app=x")
    factory.start()
    nodes = factory.for_resource(NAMESPACES)
    factory.start()
    assert factory.wait_for_cache_sync(PATIENCE_S)
    item = pods.lister().namespace(writer.namespace).get("one")
    assert item is not None
    assert b"managedFields" not in item.raw
    assert [PODS, PODS, NAMESPACES] == observed
    assert nodes.has_synced
    assert factory.shutdown()
    transport.close()


class Failing:
    """Raises on every notification."""

    def __init__(self) -> None:
        self.calls = 0

    def on_add(self, obj, is_in_initial_list) -> None:
        self.calls += 1
        raise RuntimeError("failing")

    def on_update(self, old, new) -> None:
        self.on_add(new, False)

    def on_delete(self, obj) -> None:
        self.on_add(obj, False)


class Blocking(Failing):
    """Does not return from the first call until the test is over."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()

    def on_add(self, obj, is_in_initial_list) -> None:
        self.calls += 1
        self.over.wait(60)


def test_handlers_that_raise_or_block_delay_neither_the_cache_nor_other_handlers(
    control_plane, informers, writer
):
    informer = informers.of(control_plane.kubeconfig, namespaces=[writer.namespace])
    failing, blocking, replica = Failing(), Blocking(), Replica()
    informer.add_event_handler(failing)
    stuck = informer.add_event_handler(blocking)
    informer.add_event_handler(replica)
    writer.some_writes("before")
    informer.start()
    assert informer.wait_for_cache_sync(PATIENCE_S)
    try:
        writer.some_writes("after")
        assert_in_step(informer, control_plane.api("admin"), writer.path, replica)
        eventually(lambda: failing.calls == replica.calls, "the handler that raises got all")
        assert (1, False) == (blocking.calls, stuck.has_synced)
        assert replica.calls == stuck.queue_depth
    finally:
        blocking.over.set()
    eventually(lambda: stuck.queue_depth == 0, "it got the rest in the end")


# Bad input


def test_a_label_selector_that_does_not_parse_is_refused_before_any_request(
    control_plane, informers
):
    with pytest.raises(SelectorError, match="unable to parse requirement"):
        informers.of(control_plane.kubeconfig, label_selector="a in (")


def test_an_empty_list_of_namespaces_is_refused(control_plane, informers):
    with pytest.raises(ValueError, match="namespaces is empty"):
        informers.of(control_plane.kubeconfig, namespaces=[])


@pytest.mark.parametrize("stream_initial", [True, False], ids=["streamed", "listed"])
def test_a_wait_for_a_resource_that_the_server_lacks_names_it(
    control_plane, informers, stream_initial
):
    informer = informers.of(
        control_plane.kubeconfig,
        Resource("no.such", "v1", "things"),
        stream_initial=stream_initial,
    )
    informer.start()
    with pytest.raises(SyncError, match=r"/apis/no\.such/v1/things: 404") as refusal:
        informer.wait_for_cache_sync(PATIENCE_S)
    assert 404 == refusal.value.code


def test_a_wait_with_a_field_that_the_server_rejects_names_it(control_plane, informers):
    informer = informers.of(control_plane.kubeconfig, field_selector="spec.nope=1")
    informer.start()
    with pytest.raises(SyncError, match=r"field label not supported: spec\.nope"):
        informer.wait_for_cache_sync(PATIENCE_S)


def test_reads_before_the_first_fill_raise(control_plane, informers):
    informer = informers.of(control_plane.kubeconfig)
    with pytest.raises(NotSyncedError, match="call wait_for_cache_sync first"):
        informer.lister().get("a", "b")
    with pytest.raises(NotSyncedError):
        informer.lister().namespace("a").list()
    with pytest.raises(NotSyncedError):
        informer.indexer.get_by_key("a/b")
    with pytest.raises(NotSyncedError):
        informer.indexer.list_keys()
    assert not informer.has_synced
    assert not informer.wait_for_cache_sync(0.01)


def test_an_informer_is_started_once_and_not_after_its_stop(control_plane, informers):
    informer = informers.of(control_plane.kubeconfig)
    informer.start()
    with pytest.raises(LifecycleError, match="started once"):
        informer.start()
    informer.stop()
    with pytest.raises(LifecycleError, match="started once"):
        informer.start()
    with pytest.raises(LifecycleError, match="was stopped"):
        informer.add_event_handler(Replica())


def test_a_handler_without_the_methods_is_refused(control_plane, informers):
    with pytest.raises(HandlerError, match="object has no method on_add, on_update, on_delete"):
        informers.of(control_plane.kubeconfig).add_event_handler(object())


def test_reads_from_many_threads_while_events_come_see_whole_states(
    control_plane, informers: Informers, writer
):
    """Each write creates one pod and then deletes the previous one: one or two pods at any time."""
    informer = informers.of(control_plane.kubeconfig, namespaces=[writer.namespace])
    writer.create("p0")
    informer.start()
    assert informer.wait_for_cache_sync(PATIENCE_S)
    odd: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            count = len(informer.lister().list())
            if count not in (1, 2):
                odd.append(count)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for at in range(1, 20):
        writer.create(f"p{at}")
        writer.delete(f"p{at - 1}")
    done.set()
    for reader in readers:
        reader.join()
    assert [] == odd
