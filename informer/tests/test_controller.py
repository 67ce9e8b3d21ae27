"""The loop of a controller: waits for its caches, works, retries, and shuts down in order."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kube_informer import (
    NODES,
    PODS,
    SharedInformerFactory,
    WorkQueue,
    by_controller_uid,
    controller_of,
    on_any,
    run_controller,
)
from kube_informer.controller import log
from kube_informer.testing import FakeSource

PATIENCE_S = 30.0


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def quick_reports(monkeypatch) -> None:
    monkeypatch.setattr("kube_informer.controller.REPORT_S", 0.05)


class Reports(logging.Handler):
    """Collects the loop's log lines, to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put(record.getMessage())

    def wait_for(self, text: str) -> str:
        while text not in (line := self.lines.get(timeout=PATIENCE_S)):
            pass
        return line


@pytest.fixture
def reports() -> Iterator[Reports]:
    handler = Reports()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)


@pytest.fixture
def controlled(source) -> Iterator[Callable[..., WorkQueue[str]]]:
    """Start a controller of pods; after the test it must end."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def start(reconcile: Callable[[str], None], *others: Any, **options: Any) -> WorkQueue[str]:
        factory, keys = SharedInformerFactory(source), WorkQueue[str]()
        factory.for_resource(PODS).add_event_handler(on_any(lambda obj: keys.add(obj.key)))
        for resource in others:
            factory.for_resource(resource)
        thread = threading.Thread(
            target=run_controller, args=(factory, keys, reconcile, stop), kwargs=options
        )
        threads.append(thread)
        thread.start()
        return keys

    yield start
    stop.set()
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def pod(name: str) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "a"}}


def test_before_the_caches_are_filled_it_stops_at_once(source):
    stop, keys = threading.Event(), WorkQueue[str]()
    keys.add("a/one")
    with source.away():
        arguments = (SharedInformerFactory(source), keys, keys.done, stop)
        arguments[0].for_resource(PODS)
        thread = threading.Thread(target=run_controller, args=arguments)
        thread.start()
        stop.set()
        thread.join(5.0)  # neither REPORT_S nor drain_s, which are 10 s each
        assert not thread.is_alive()


def test_every_change_is_reconciled_and_a_failed_key_is_retried(source, controlled):
    done: queue.SimpleQueue[str] = queue.SimpleQueue()
    failures = [SystemExit(), RuntimeError("first"), SystemExit()]

    def reconcile(key: str) -> None:
        if failures:
            raise failures.pop()
        done.put(key)

    source.put(PODS, pod("one"))
    controlled(reconcile)
    assert "a/one" == done.get(timeout=PATIENCE_S)
    source.delete(PODS, "one", "a")
    assert "a/one" == done.get(timeout=PATIENCE_S)


def test_nothing_is_reconciled_before_every_cache_is_filled(
    source, controlled, reports, quick_reports
):
    done: queue.SimpleQueue[str] = queue.SimpleQueue()
    source.put(PODS, pod("one"))
    with source.away():
        controlled(done.put, NODES)
        line = reports.wait_for("not filled yet")
        assert "pods: " in line
        assert "nodes: " in line
        assert "the fake source is away" in reports.wait_for("is away")
        assert done.empty()
    assert "a/one" == done.get(timeout=PATIENCE_S)


def test_a_resource_that_does_not_exist_yet_is_named_and_waited_for(
    source, controlled, reports, quick_reports
):
    done: queue.SimpleQueue[str] = queue.SimpleQueue()
    source.put(PODS, pod("one"))
    source.refuse(404, "NotFound", "the server could not find the requested resource", times=2)
    controlled(done.put)
    reports.wait_for("/api/v1/pods: 404: the server could not find")
    assert "a/one" == done.get(timeout=PATIENCE_S)


def test_a_worker_that_does_not_end_is_reported_and_not_waited_for(source, controlled, reports):
    started, release = threading.Event(), threading.Event()

    def reconcile(_: str) -> None:
        started.set()
        release.wait(PATIENCE_S)

    source.put(PODS, pod("one"))
    stop = threading.Event()
    factory, keys = SharedInformerFactory(source), WorkQueue[str]()
    factory.for_resource(PODS).add_event_handler(on_any(lambda obj: keys.add(obj.key)))
    thread = threading.Thread(
        target=run_controller, args=(factory, keys, reconcile, stop), kwargs={"drain_s": 0.05}
    )
    thread.start()
    assert started.wait(PATIENCE_S)
    stop.set()
    reports.wait_for("the queue was not empty")
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    release.set()


def test_an_index_function_that_returns_a_str_is_reported(source, caplog):
    source.put(PODS, pod("one"))
    factory = SharedInformerFactory(source)
    informer = factory.for_resource(PODS)
    informer.add_indexers({"name": lambda item: item.name})
    factory.start()
    assert factory.wait_for_cache_sync(PATIENCE_S)
    assert set() == informer.snapshot().index_values("name")
    assert "it returned the str 'one'" in caplog.text
    factory.shutdown()


def test_the_owner_that_manages_an_object_is_found_among_its_owners(source):
    owners = [
        {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "1"},
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": "r",
            "uid": "2",
            "controller": True,
        },
    ]
    document = pod("owned")
    document["metadata"]["ownerReferences"] = owners
    source.put(PODS, document)
    source.put(PODS, pod("alone"))
    factory = SharedInformerFactory(source)
    informer = factory.for_resource(PODS)
    informer.add_indexers({"owner": by_controller_uid})
    factory.start()
    assert factory.wait_for_cache_sync(PATIENCE_S)
    owner = controller_of(informer.indexer.get_by_key("a/owned"))
    assert ("ReplicaSet", "r", "2", "apps/v1") == (
        owner.kind,
        owner.name,
        owner.uid,
        owner.api_version,
    )
    assert controller_of(informer.indexer.get_by_key("a/alone")) is None
    assert ["a/owned"] == informer.indexer.index_keys("owner", "2")
    factory.shutdown()
