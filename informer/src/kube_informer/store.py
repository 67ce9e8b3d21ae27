"""The only mutable state: applies the machine's outputs and publishes snapshots.

One writer at a time; readers take the latest snapshot and never block.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

import msgspec

from kube_informer.errors import LifecycleError
from kube_informer.events import EventType
from kube_informer.objects import CachedObject, DeletedFinalStateUnknown
from kube_informer.observer import Observer
from kube_informer.resource_version import is_number, older, reached
from kube_informer.snapshot import IndexFunc, Snapshot, SnapshotEditor
from kube_informer.steps import Change, Changes, Output, Replace

RECENT = 4096
"""Deletions, and versions of several watches, to remember; the oldest are dropped first."""


Value = TypeVar("Value")


class DeltaType(StrEnum):
    """The kinds of change of an object in the cache."""

    ADDED = "added"
    UPDATED = "updated"
    DELETED = "deleted"


class Delta(msgspec.Struct, frozen=True, gc=False, eq=False):
    """One change of the cache, the notification of handlers.

    ``old`` is ``None`` for an addition and ``new`` for a deletion that was not seen; a
    deletion seen on the watch has the object's last state in ``new``.
    """

    type: DeltaType
    old: CachedObject | None
    new: CachedObject | None
    initial: bool = False


Listener = Callable[[list[Delta], bool], None]
"""Takes changes, and whether they complete the first fill of all scopes."""


class Store:
    """Snapshots by scope: a replacement touches only the objects of its own scope.

    An event is stale, and dropped, if the stored object is the same one (its uid)
    and not older, or if the object is known to have been deleted later. It is
    compared with that object alone: versions of the stream tell nothing about it.
    """

    def __init__(
        self, scopes: Iterable[str | None] = (None,), observer: Observer | None = None
    ) -> None:
        self._versions: dict[str | None, str | None] = dict.fromkeys(scopes)  # None: not filled
        self._observer = observer or Observer()
        self._lock = threading.Lock()
        self._moved = threading.Condition()
        self._snapshot = Snapshot(filled=False)
        self._deleted: dict[str, str] = {}  # versions by uid, of the last RECENT
        self._seen: dict[str, None] = {}  # versions of the last RECENT events
        self._closed = False
        self.raw_bytes = 0

    def snapshot(self) -> Snapshot:
        """Return the latest state; takes no lock."""
        return self._snapshot

    def add_indexers(self, indexers: Mapping[str, IndexFunc]) -> None:
        """Add indexers for :meth:`Snapshot.by_index`; raise ``LifecycleError`` for a taken name."""
        with self._lock:
            taken = sorted(set(indexers) & set(self._snapshot.indexers))
            if taken:
                raise LifecycleError(f"indexers of these names were added before: {taken}")
            now = self._snapshot
            merged = {**now.indexers, **indexers}
            self._snapshot = Snapshot(now.leaves, now.resource_version, merged, filled=now.filled)

    def apply(self, scope: str | None, outputs: list[Output], listener: Listener) -> None:
        """Apply outputs of the machine of ``scope``; call ``listener``, in order, for each."""
        for output in outputs:
            with self._lock:
                was_filled = self._snapshot.filled
                if isinstance(output, Replace):
                    deltas = self._replace(scope, output)
                else:
                    deltas = self._change(scope, output)
                filled = not was_filled and self._snapshot.filled
                if deltas or filled:
                    listener(deltas, filled)
            self.wake()

    def read_and_listen(self, begin: Callable[[Snapshot], None]) -> None:
        """Call ``begin`` with the present state while nothing can change it."""
        with self._lock:
            begin(self._snapshot)

    def wait_until(self, resource_version: str, timeout_s: float) -> bool:
        """Wait until the state includes the write of this version; return whether it does.

        It does once every scope has reached the version, and earlier if the event of
        exactly this version has come: a version belongs to one write only. Return
        false at once if the store was closed, and after the timeout for versions of
        another form than the state's.
        """
        if len(self._versions) > 1 and any(
            item.resource_version == resource_version for item in self._snapshot
        ):
            return True
        return self.wait_for(lambda: self._reached(resource_version), timeout_s)

    def wait_for(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``reached()``, checked after each change; return whether it was in time."""
        deadline = time.monotonic() + timeout_s
        with self._moved:
            while not reached():
                remaining_s = deadline - time.monotonic()
                if remaining_s <= 0 or self._closed:
                    return False
                self._moved.wait(remaining_s)
            return True

    def wake(self) -> None:
        """Let all waiting threads check again."""
        with self._moved:
            self._moved.notify_all()

    def close(self) -> None:
        """Wake the threads that wait for a version: it will not come any more."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()

    def _reached(self, version: str) -> bool:
        now = self._snapshot
        return now.filled and (reached(now.resource_version, version) or version in self._seen)

    def _advance(self, scope: str | None, version: str) -> str:
        """Set the scope's version; return the oldest of all, "" if their order is unknown."""
        self._versions[scope] = version
        versions = [text or "" for text in self._versions.values()]
        if len(versions) == 1:
            return version
        oldest = versions[0]
        for text in versions:
            if not is_number(text):
                return ""
            if older(text, oldest):
                oldest = text
        return oldest

    def _change(self, scope: str | None, output: Changes) -> list[Delta]:
        version = self._advance(scope, output.resource_version)
        if not output.changes:
            if version != self._snapshot.resource_version:
                self._snapshot = self._snapshot.at(version)
            return []
        editor = SnapshotEditor(self._snapshot)
        deltas: list[Delta] = []
        for change in output.changes:
            self._apply_event(editor, change, deltas)
        self._snapshot = editor.commit(version)
        if len(self._versions) > 1:
            for change in output.changes:
                _remember(self._seen, change.object.resource_version, None)
        return deltas

    def _apply_event(self, editor: SnapshotEditor, change: Change, deltas: list[Delta]) -> None:
        item = change.object
        stored = editor.get(item.key)
        if change.type is EventType.DELETED:
            if stored is None or _is_earlier_namesake(item, stored):
                self._observer.stale(change.type)
                return
            editor.remove(item.key)
            self.raw_bytes -= len(stored.raw)
            if stored.uid:
                last = item if older(stored.resource_version, item.resource_version) else stored
                _remember(self._deleted, stored.uid, last.resource_version)
            seen = None if isinstance(item, DeletedFinalStateUnknown) else item
            deltas.append(Delta(DeltaType.DELETED, stored, seen))
            return
        if self._is_stale(item, stored):
            self._observer.stale(change.type)
            return
        editor.put(item)
        self.raw_bytes += len(item.raw)
        if stored is not None:
            self.raw_bytes -= len(stored.raw)
        deltas.extend(_put_deltas(stored, item, initial=False))

    def _is_stale(self, item: CachedObject, stored: CachedObject | None) -> bool:
        """Return whether this state of an object is known, or older than the known one."""
        version = item.resource_version
        if stored is None:
            deleted = self._deleted.get(item.uid)
            return deleted is not None and bool(version) and reached(deleted, version)
        if stored.uid == item.uid and version and version == stored.resource_version:
            return True
        return older(version, stored.resource_version)

    def _replace(self, scope: str | None, output: Replace) -> list[Delta]:
        before = self._snapshot
        previous = self._versions[scope]
        initial = previous is None
        version = self._advance(scope, output.resource_version)
        filled = all(text is not None for text in self._versions.values())
        past = before.objects(scope)
        keys = {item.key for item in output.objects}
        retained = [
            item
            for item in past
            if item.key not in keys and (output.incomplete or item.key in output.unreadable)
        ]
        if scope is not None:
            retained += [item for item in before if item.namespace != scope]
        after = Snapshot.of([*retained, *output.objects], version, before.indexers, filled=filled)
        deltas = [
            Delta(DeltaType.DELETED, old, None) for old in past if after.get_by_key(old.key) is None
        ]
        for item in after.objects(scope):
            old = before.get_by_key(item.key)
            if old is item:
                continue
            if old is None or not _is_same(old, item):
                deltas.extend(_put_deltas(old, item, initial=initial))
        if older(output.resource_version, previous or ""):
            # The server's storage was restored: versions from before it tell nothing any more.
            self._deleted.clear()
            self._seen.clear()
        else:
            for delta in deltas:
                if delta.type is DeltaType.DELETED and delta.old is not None and delta.old.uid:
                    _remember(self._deleted, delta.old.uid, delta.old.resource_version)
        self.raw_bytes = sum(len(item.raw) for item in after)
        self._snapshot = after
        return deltas


def _remember(recent: dict[str, Value], key: str, value: Value) -> None:
    recent[key] = value
    if len(recent) > RECENT:
        del recent[next(iter(recent))]


def _is_same(old: CachedObject, new: CachedObject) -> bool:
    """Return whether two states of one key are equal; without a version, by their bytes."""
    if (old.uid, old.resource_version) != (new.uid, new.resource_version):
        return False
    return bool(new.resource_version) or old.raw == new.raw


def _is_earlier_namesake(item: CachedObject, stored: CachedObject) -> bool:
    """Return whether ``item`` is another object of ``stored``'s name, deleted before it."""
    if not item.uid or not stored.uid or item.uid == stored.uid:
        return False
    return not older(stored.resource_version, item.resource_version)


def _put_deltas(old: CachedObject | None, new: CachedObject, *, initial: bool) -> list[Delta]:
    """Return an addition or an update; of another uid, a deletion and an addition."""
    if old is None:
        return [Delta(DeltaType.ADDED, None, new, initial=initial)]
    if old.uid == new.uid:
        return [Delta(DeltaType.UPDATED, old, new)]
    return [
        Delta(DeltaType.DELETED, old, None),
        Delta(DeltaType.ADDED, None, new, initial=initial),
    ]
