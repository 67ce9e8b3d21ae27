"""The store: the effect of a write, and the notifications of handlers."""

import threading

import pytest

from informer.tests.shapes import cached
from kube_informer.errors import LifecycleError
from kube_informer.events import EventType
from kube_informer.objects import CachedObject
from kube_informer.steps import Change, Changes, Replace
from kube_informer.store import Delta, DeltaType, Store


class Listener:
    def __init__(self) -> None:
        self.deltas: list[Delta] = []
        self.fills = 0

    def __call__(self, deltas: list[Delta], filled: bool) -> None:
        self.deltas += deltas
        self.fills += filled

    def take(self) -> list[tuple[str, str | None, str | None]]:
        taken, self.deltas = self.deltas, []
        return [
            (
                delta.type.value,
                delta.old and delta.old.resource_version,
                delta.new and delta.new.resource_version,
            )
            for delta in taken
        ]


def replace(version: int, *items: CachedObject) -> list:
    return [Replace(list(items), str(version), "initial")]


def change(kind: EventType, item: CachedObject, version: str | None = None) -> list:
    return [Changes([Change(kind, item)], item.resource_version if version is None else version)]


def test_the_first_fill_yields_additions_of_the_initial_list():
    store, listener = Store(), Listener()
    store.apply(None, replace(5, cached("x", 3)), listener)
    assert [(DeltaType.ADDED, True)] == [(delta.type, delta.initial) for delta in listener.deltas]
    assert 1 == listener.fills


def test_an_empty_first_fill_is_a_fill_too():
    store, listener = Store(), Listener()
    store.apply(None, replace(5), listener)
    assert (1, "5") == (listener.fills, store.snapshot().resource_version)


def test_events_carry_the_previous_state():
    store, listener = Store(), Listener()
    store.apply(None, replace(5), listener)
    store.apply(None, change(EventType.ADDED, cached("x", 6)), listener)
    store.apply(None, change(EventType.MODIFIED, cached("x", 7)), listener)
    store.apply(None, change(EventType.DELETED, cached("x", 8)), listener)
    assert [("added", None, "6"), ("updated", "6", "7"), ("deleted", "7", "8")] == listener.take()


def test_the_deletion_of_an_unknown_object_is_dropped():
    store, listener = Store(), Listener()
    store.apply(None, replace(5), listener)
    store.apply(None, change(EventType.DELETED, cached("x", 8)), listener)
    assert [] == listener.take()
    assert "8" == store.snapshot().resource_version


def test_a_relist_yields_only_differences_and_marks_unseen_deletions():
    store, listener = Store(), Listener()
    store.apply(None, replace(5, cached("same", 1), cached("gone", 2), cached("new", 3)), listener)
    listener.take()
    store.apply(None, replace(9, cached("same", 1), cached("new", 8), cached("fresh", 7)), listener)
    assert not any(delta.initial for delta in listener.deltas)
    assert [("deleted", "2", None), ("added", None, "7"), ("updated", "3", "8")] == listener.take()


def test_another_uid_under_the_same_name_is_a_deletion_and_an_addition():
    store, listener = Store(), Listener()
    store.apply(None, replace(5, cached("x", 1)), listener)
    listener.take()
    store.apply(None, replace(9, cached("x", 8, uid="other")), listener)
    assert [("deleted", "1", None), ("added", None, "8")] == listener.take()


def test_a_scope_replaces_only_its_own_objects():
    store, listener = Store(["a", "b"]), Listener()
    store.apply("a", replace(5, cached("x", 1)), listener)
    assert (0, "") == (listener.fills, store.snapshot().resource_version)
    store.apply("b", replace(6, cached("y", 2, namespace="b")), listener)
    assert (1, "5") == (listener.fills, store.snapshot().resource_version)
    store.apply("a", replace(9), listener)
    assert ["b/y"] == [item.key for item in store.snapshot()]
    assert "6" == store.snapshot().resource_version


def test_cached_bytes_are_counted_through_every_change():
    store, listener = Store(), Listener()
    store.apply(None, replace(5, cached("x", 1), cached("y", 2)), listener)
    store.apply(None, change(EventType.MODIFIED, cached("x", 6, note="longer")), listener)
    store.apply(None, change(EventType.DELETED, cached("y", 7)), listener)
    assert sum(len(item.raw) for item in store.snapshot()) == store.raw_bytes


def test_waiting_for_a_version_ends_when_it_comes():
    store, listener = Store(), Listener()
    store.apply(None, replace(5), listener)
    timer = threading.Timer(
        0.05, lambda: store.apply(None, change(EventType.ADDED, cached("x", 9)), listener)
    )
    timer.start()
    assert store.wait_until("8", 10.0)
    timer.join()


def test_waiting_for_a_version_that_does_not_come_ends_in_time():
    store = Store()
    store.apply(None, replace(5), Listener())
    assert not store.wait_until("6", 0.02)


def test_waiting_ends_when_the_store_is_closed():
    store = Store()
    timer = threading.Timer(0.05, store.close)
    timer.start()
    assert not store.wait_until("6", 60.0)
    timer.join()


def test_versions_are_compared_as_numbers():
    store = Store()
    store.apply(None, replace(10), Listener())
    assert store.wait_until("9", 0.0)


def test_an_indexer_of_a_taken_name_is_refused():
    store = Store()
    store.add_indexers({"node": lambda _: []})
    with pytest.raises(LifecycleError, match="node"):
        store.add_indexers({"node": lambda _: []})


# Staleness: compared with the stored object, never with the stream


def filled_with(*items: CachedObject, version: str = "20") -> tuple[Store, Listener]:
    store, listener = Store(), Listener()
    store.apply(None, [Replace(list(items), version, "initial")], listener)
    listener.take()
    return store, listener


def test_objects_that_are_deleted_in_one_revision_are_all_deleted():
    store, listener = filled_with(*(cached(f"e{at}", at + 1) for at in range(5)))
    gone = [Change(EventType.DELETED, cached(f"e{at}", 50)) for at in range(5)]
    store.apply(None, [Changes(gone, "50")], listener)
    assert (0, 5) == (len(store.snapshot()), len(listener.take()))


@pytest.mark.parametrize("version", ["3", "7", "", "x"])
def test_a_deletion_is_applied_whatever_version_it_names(version):
    store, listener = filled_with(cached("x", 7))
    store.apply(None, change(EventType.DELETED, cached("x", version), "20"), listener)
    assert 0 == len(store.snapshot())


def test_the_deletion_of_an_earlier_object_of_that_name_leaves_the_present_one():
    store, listener = filled_with(cached("x", 9, uid="second"))
    store.apply(None, change(EventType.DELETED, cached("x", 8, uid="first"), "20"), listener)
    assert (["a/x"], []) == ([item.key for item in store.snapshot()], listener.take())


@pytest.mark.parametrize(
    ("held", "came", "taken"),
    [
        ("7", "8", True),
        ("7", "7", False),
        ("7", "6", False),
        ("9" * 5000, "1" + "0" * 5000, True),
        ("", "", True),
        ("7", "", True),
        ("", "7", True),
        ("abc", "abc", False),
        ("abc", "abd", True),
        ("7", "abc", True),
    ],
)
def test_a_state_is_applied_unless_it_is_known_to_be_a_repeat_or_older(held, came, taken):
    store, listener = filled_with(cached("x", held))
    store.apply(None, change(EventType.MODIFIED, cached("x", came, note="new"), "20"), listener)
    (item,) = store.snapshot()
    assert taken is (b"note" in item.raw)
    assert taken is bool(listener.take())


def test_past_states_of_a_deleted_object_are_dropped():
    store, listener = filled_with(cached("x", 7))
    store.apply(None, change(EventType.DELETED, cached("x", 9), "20"), listener)
    listener.take()
    store.apply(None, change(EventType.ADDED, cached("x", 7), "20"), listener)
    store.apply(None, change(EventType.MODIFIED, cached("x", 8), "20"), listener)
    assert [] == listener.take()


def test_an_object_that_left_the_selection_may_come_back():
    store, listener = filled_with(cached("x", 7))
    store.apply(None, change(EventType.DELETED, cached("x", 9), "20"), listener)
    store.apply(None, change(EventType.ADDED, cached("x", 10), "20"), listener)
    assert ["10"] == [item.resource_version for item in store.snapshot()]


# A server whose storage was restored


def test_after_a_restore_an_object_that_was_deleted_at_a_later_version_is_added():
    store, listener = filled_with(cached("listed", 80), cached("seen", 81), version="90")
    store.apply(None, change(EventType.DELETED, cached("seen", 91)), listener)
    store.apply(None, replace(60), listener)
    for name, version in (("listed", 66), ("seen", 67)):
        store.apply(None, change(EventType.ADDED, cached(name, version)), listener)
    assert ["66", "67"] == [item.resource_version for item in store.snapshot()]


def test_after_a_restore_events_from_before_it_do_not_end_a_wait():
    store, listener = Store(["a", "b"]), Listener()
    for scope in ("a", "b"):
        store.apply(scope, replace(50), listener)
    store.apply("a", change(EventType.ADDED, cached("x", 80)), listener)
    assert store.wait_until("80", 0.0)
    store.apply("a", replace(60), listener)
    assert not store.wait_until("80", 0.0)


# "Filled" does not depend on the version


def test_a_list_without_a_version_fills_the_store():
    store, listener = Store(), Listener()
    store.apply(None, [Replace([cached("x", "")], "", "initial")], listener)
    assert (True, 1, "") == (
        store.snapshot().filled,
        listener.fills,
        store.snapshot().resource_version,
    )
    assert store.wait_until("0", 0.0)


def test_a_list_of_objects_without_versions_is_compared_by_bytes():
    store, listener = filled_with(cached("same", ""), cached("new", ""), version="")
    fresh = cached("new", "", note="new")
    store.apply(None, [Replace([cached("same", ""), fresh], "", "no_version")], listener)
    assert ["a/new"] == [delta.new.key for delta in listener.deltas]


# No deletion without a cause


def test_an_object_that_becomes_unreadable_keeps_its_last_state():
    store, listener = filled_with(cached("x", 7), cached("gone", 8))
    store.apply(None, [Replace([], "30", "expired", frozenset({"a/x"}))], listener)
    assert ["a/x"] == [item.key for item in store.snapshot()]
    assert [("deleted", "8", None)] == listener.take()


def test_nothing_is_deleted_if_an_object_comes_without_a_readable_key():
    store, listener = filled_with(cached("x", 7), cached("y", 8))
    store.apply(None, [Replace([cached("y", 8)], "30", "expired", incomplete=True)], listener)
    assert (["a/x", "a/y"], []) == ([item.key for item in store.snapshot()], listener.take())


# Several watches


def test_a_wait_for_a_write_ends_when_its_own_watch_brings_it():
    store, listener = Store(["a", "b"]), Listener()
    store.apply("a", replace(5, cached("listed", 4)), listener)
    store.apply("b", replace(5), listener)
    store.apply("a", change(EventType.ADDED, cached("x", 9), "9"), listener)
    store.apply("a", change(EventType.DELETED, cached("x", 12), "12"), listener)
    assert [True, True, True, False] == [
        store.wait_until(version, 0.0) for version in ("4", "9", "12", "11")
    ]


@pytest.mark.parametrize(("first", "second"), [("5", ""), ("5", "abc"), ("", "")])
def test_versions_of_several_watches_without_an_order_have_no_oldest(first, second):
    store, listener = Store(["a", "b"]), Listener()
    store.apply("a", [Replace([], first, "initial")], listener)
    store.apply("b", [Replace([], second, "initial")], listener)
    assert (True, "") == (store.snapshot().filled, store.snapshot().resource_version)
