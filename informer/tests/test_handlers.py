"""Handlers: their own queues and threads, order, replay, resync."""

import asyncio
import ctypes
import threading
import time

import pytest

from informer.tests.shapes import cached
from kube_informer.errors import HandlerError
from kube_informer.events import EventType
from kube_informer.handlers import Processor, ResourceEventHandlerFuncs
from kube_informer.objects import CachedObject, DeletedFinalStateUnknown
from kube_informer.observer import Observer
from kube_informer.steps import Change, Changes, Replace
from kube_informer.store import Store

PATIENCE_S = 10.0


class Recorder:
    """A handler that records all notifications."""

    def __init__(self) -> None:
        self.notifications: list[tuple[str, ...]] = []
        self.changed = threading.Condition()

    def _record(self, *notification: str) -> None:
        with self.changed:
            self.notifications.append(notification)
            self.changed.notify_all()

    def on_add(self, obj: CachedObject, is_in_initial_list: bool) -> None:
        self._record("add", obj.name, "initial" if is_in_initial_list else "later")

    def on_update(self, old: CachedObject, new: CachedObject) -> None:
        self._record("update", new.name, old.resource_version, new.resource_version)

    def on_delete(self, obj: CachedObject) -> None:
        unknown = isinstance(obj, DeletedFinalStateUnknown)
        self._record("delete", obj.name, "unknown" if unknown else "seen")

    def wait_for(self, count: int) -> list[tuple[str, ...]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.notifications) >= count, PATIENCE_S)
            return list(self.notifications)


class Bench:
    """A store and its handlers, fed by the tests."""

    def __init__(self, observer: Observer | None = None) -> None:
        self.store = Store()
        self.processor = Processor(self.store, observer or Observer())

    def fill(self, version: int, *items: CachedObject) -> None:
        self.store.apply(
            None, [Replace(list(items), str(version), "initial")], self.processor.distribute
        )

    def change(self, kind: EventType, item: CachedObject) -> None:
        self.store.apply(
            None,
            [Changes([Change(kind, item)], item.resource_version)],
            self.processor.distribute,
        )

    def add(self, handler, resync: float = 0.0):
        return self.processor.add(handler, resync, None)


@pytest.fixture
def bench():
    bench = Bench()
    bench.processor.start()
    yield bench
    bench.processor.stop()


def test_a_handler_gets_the_initial_set_and_then_each_change(bench):
    handler = Recorder()
    bench.add(handler)
    bench.fill(5, cached("x", 1))
    bench.change(EventType.ADDED, cached("y", 6))
    bench.change(EventType.MODIFIED, cached("x", 7))
    bench.change(EventType.DELETED, cached("y", 8))
    bench.fill(9)
    assert [
        ("add", "x", "initial"),
        ("add", "y", "later"),
        ("update", "x", "1", "7"),
        ("delete", "y", "seen"),
        ("delete", "x", "unknown"),
    ] == handler.wait_for(5)


def test_a_handler_added_late_gets_all_present_objects_first(bench):
    bench.fill(5, cached("x", 1), cached("y", 2))
    handler = Recorder()
    registration = bench.add(handler)
    bench.change(EventType.ADDED, cached("z", 6))
    assert [
        ("add", "x", "initial"),
        ("add", "y", "initial"),
        ("add", "z", "later"),
    ] == handler.wait_for(3)
    assert registration.wait_for_sync(PATIENCE_S)


def test_a_handler_is_synced_only_after_the_initial_set_was_delivered(bench):
    gate = threading.Event()
    handler = ResourceEventHandlerFuncs(add=lambda *_: gate.wait(PATIENCE_S) and None)
    registration = bench.add(handler)
    bench.fill(5, cached("x", 1))
    assert not registration.wait_for_sync(0.05)
    gate.set()
    assert registration.wait_for_sync(PATIENCE_S)


def test_a_handler_of_an_empty_cluster_is_synced_too(bench):
    registration = bench.add(Recorder())
    assert not registration.has_synced
    bench.fill(5)
    assert registration.wait_for_sync(PATIENCE_S)


def test_a_handler_that_never_returns_delays_neither_the_store_nor_other_handlers(bench):
    gate = threading.Event()
    stuck = bench.add(ResourceEventHandlerFuncs(add=lambda *_: gate.wait(60) and None))
    handler = Recorder()
    bench.add(handler)
    bench.fill(5, *[cached(f"p{i}", i + 1) for i in range(5)])
    bench.change(EventType.ADDED, cached("z", 6))
    assert 6 == len(handler.wait_for(6))
    assert 6 == len(bench.store.snapshot())
    assert 6 == stuck.queue_depth
    gate.set()


def test_a_removed_handler_gets_nothing_more(bench):
    handler, other = Recorder(), Recorder()
    registration = bench.add(handler)
    bench.add(other)
    bench.fill(5, cached("x", 1))
    handler.wait_for(1)
    bench.processor.remove(registration)
    bench.change(EventType.ADDED, cached("y", 6))
    other.wait_for(2)
    assert registration.join(PATIENCE_S)
    assert 1 == len(handler.notifications)


def test_removing_a_handler_twice_is_refused(bench):
    registration = bench.add(Recorder())
    bench.processor.remove(registration)
    with pytest.raises(HandlerError, match="not at this informer"):
        bench.processor.remove(registration)


def test_a_resync_notifies_of_every_object_again(bench):
    handler = Recorder()
    bench.add(handler, resync=1.0)
    bench.fill(5, cached("x", 1), cached("y", 2))
    notifications = handler.wait_for(4)
    assert [("update", "x", "1", "1"), ("update", "y", "2", "2")] == notifications[2:4]


@pytest.mark.parametrize("period", [0.5, -1.0])
def test_a_resync_more_often_than_each_second_is_refused(bench, period):
    with pytest.raises(HandlerError, match="resync_period"):
        bench.add(Recorder(), resync=period)


def test_a_handler_without_the_methods_is_refused_with_their_names(bench):
    class Half:
        def on_add(self, obj: CachedObject, is_in_initial_list: bool) -> None: ...

    with pytest.raises(HandlerError, match=r"Half has no method on_update, on_delete"):
        bench.add(Half())


def test_a_handler_gets_the_changes_of_one_object_in_order(bench):
    handler = Recorder()
    bench.add(handler)
    bench.fill(5)
    for version in range(6, 200):
        bench.change(EventType.MODIFIED, cached("x", version))
    updates = handler.wait_for(194)[1:]
    assert [str(version) for version in range(7, 200)] == [update[3] for update in updates]


# A handler's thread survives any error


class Notes(Observer):
    """Records the errors of handlers."""

    def __init__(self) -> None:
        self.failed: list[tuple[str, BaseException]] = []

    def handler_failed(self, handler: str, error: BaseException) -> None:
        self.failed.append((handler, error))


class Struck(Notes):
    """Raises in every method about handlers."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def handler_called(self, handler: str, seconds: float) -> None:
        raise self.error

    def handler_failed(self, handler: str, error: BaseException) -> None:
        super().handler_failed(handler, error)
        raise self.error


ANY_ERROR = [SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError(), RuntimeError("x")]


@pytest.mark.parametrize("error", ANY_ERROR)
@pytest.mark.parametrize(
    # The handler raises once; the observer over that, and over both notifications.
    ("observer", "failures"),
    [(Notes(), 1), *((Struck(error), 4) for error in ANY_ERROR)],
)
def test_any_error_of_a_handler_and_its_observer_is_counted_and_the_next_notification_follows(
    error, observer, failures
):
    bench = Bench(observer)
    bench.processor.start()
    seen = Recorder()

    def fail(item: CachedObject, initial: bool) -> None:
        seen.on_add(item, initial)
        if item.name == "x":
            raise error

    registration = bench.add(ResourceEventHandlerFuncs(add=fail))
    bench.fill(5, cached("x", 1), cached("y", 2))
    assert ["x", "y"] == [notification[1] for notification in seen.wait_for(2)]
    assert registration.wait_for_sync(PATIENCE_S)
    assert (failures, True, 0) == (
        registration.failures,
        registration.alive,
        registration.queue_depth,
    )
    assert (registration.name, error) == observer.failed[-1]
    bench.processor.stop()
    assert registration.join(PATIENCE_S)


def test_an_exception_sent_to_the_thread_does_not_end_it(bench):
    handler = Recorder()
    registration = bench.add(handler)
    bench.fill(5, cached("x", 1))
    handler.wait_for(1)
    thread = registration._thread
    sent = ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
    )
    bench.change(EventType.ADDED, cached("y", 6))
    bench.change(EventType.ADDED, cached("z", 7))
    bench.change(EventType.ADDED, cached("last", 8))
    deadline = time.monotonic() + PATIENCE_S
    while ("add", "last", "later") not in handler.notifications and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (1, True, 1) == (sent, registration.alive, registration.failures)
    assert ("add", "last", "later") in handler.notifications


def test_a_resync_reaches_a_handler_that_is_always_busy(bench):
    resynced = threading.Event()

    def slow(old: CachedObject, new: CachedObject) -> None:
        if old is new:
            resynced.set()
        else:
            time.sleep(0.02)

    registration = bench.add(ResourceEventHandlerFuncs(update=slow), resync=1.0)
    bench.fill(5, cached("x", 1))
    version = 5
    deadline = time.monotonic() + PATIENCE_S
    while not resynced.is_set() and time.monotonic() < deadline:
        if registration.queue_depth < 50:
            version += 1
            bench.change(EventType.MODIFIED, cached("x", version))
    assert resynced.is_set()
