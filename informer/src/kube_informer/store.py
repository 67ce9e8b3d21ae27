"""The one place that is written to: takes in what the machine found, publishes snapshots.

One writer at a time; readers take the latest snapshot and are never blocked.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kube_informer.errors import LifecycleError
from kube_informer.events import EventType
from kube_informer.machine import Change, Changes, Output, Replace, older
from kube_informer.objects import CachedObject
from kube_informer.snapshot import IndexFunc, Snapshot, SnapshotEditor


class DeltaType(StrEnum):
    """What happened to an object of the cache."""

    ADDED = "added"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Delta:
    """One change of the cache, as handlers are told of it.

    ``old`` is ``None`` for an addition and ``new`` for a deletion, save that a
    deletion seen on the watch has in ``new`` the object's last state.
    """

    type: DeltaType
    old: CachedObject | None
    new: CachedObject | None
    initial: bool = False
    final_state_unknown: bool = False


Listener = Callable[[list[Delta], bool], None]
"""Told of changes, and whether they complete the first fill of all scopes."""


class Store:
    """Snapshots by scope: a replacement touches only the objects of its own scope."""

    def __init__(self, scopes: Iterable[str | None] = (None,)) -> None:
        self._versions: dict[str | None, str] = dict.fromkeys(scopes, "")
        self._lock = threading.Lock()
        self._moved = threading.Condition()
        self._snapshot = Snapshot()
        self._closed = False
        self.raw_bytes = 0

    def snapshot(self) -> Snapshot:
        """Return the latest state; takes no lock."""
        return self._snapshot

    def add_indexers(self, indexers: Mapping[str, IndexFunc]) -> None:
        """Let :meth:`Snapshot.by_index` answer by these; raise where a name is taken."""
        with self._lock:
            taken = sorted(set(indexers) & set(self._snapshot.indexers))
            if taken:
                raise LifecycleError(f"indexers of these names were added before: {taken}")
            now = self._snapshot
            self._snapshot = Snapshot(
                now.leaves, now.resource_version, {**now.indexers, **indexers}
            )

    def apply(self, scope: str | None, outputs: list[Output], listener: Listener) -> None:
        """Take in outputs of the machine of ``scope``; tell ``listener``, in order, of each."""
        for output in outputs:
            with self._lock:
                was_filled = bool(self._snapshot.resource_version)
                if isinstance(output, Replace):
                    deltas = self._replace(scope, output)
                else:
                    deltas = self._change(scope, output)
                filled = not was_filled and bool(self._snapshot.resource_version)
                if deltas or filled:
                    listener(deltas, filled)
            with self._moved:
                self._moved.notify_all()

    def read_and_listen(self, begin: Callable[[Snapshot], None]) -> None:
        """Call ``begin`` with the present state while nothing can change it."""
        with self._lock:
            begin(self._snapshot)

    def wait_until(self, resource_version: str, timeout_s: float) -> bool:
        """Wait until the state is at least of this version; return whether it is.

        False at once when the store was closed, or where versions cannot be compared.
        """
        return self.wait_for(lambda: self._reached(resource_version), timeout_s)

    def wait_for(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``reached`` says so, asked after each change; return whether it did."""
        deadline = time.monotonic() + timeout_s
        with self._moved:
            while not reached():
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    return False
                self._moved.wait(left)
            return True

    def wake(self) -> None:
        """Let those who wait look again."""
        with self._moved:
            self._moved.notify_all()

    def close(self) -> None:
        """Wake whoever waits for a version that will not come any more."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()

    def _reached(self, resource_version: str) -> bool:
        now = self._snapshot.resource_version
        if not now:
            return False
        return now == resource_version or older(resource_version, now)

    def _advance(self, scope: str | None, version: str) -> str:
        """Note the scope's version; return the oldest of all, "" while one has none."""
        self._versions[scope] = version
        versions = list(self._versions.values())
        if len(versions) == 1:
            return version
        if "" in versions:
            return ""
        return min(versions, key=lambda text: int(text) if text.isdecimal() else 0)

    def _change(self, scope: str | None, output: Changes) -> list[Delta]:
        version = self._advance(scope, output.resource_version)
        if not output.changes:
            if version != self._snapshot.resource_version:
                self._snapshot = self._snapshot.at(version)
            return []
        editor = SnapshotEditor(self._snapshot)
        deltas: list[Delta] = []
        for change in output.changes:
            self._one(editor, change, deltas)
        self._snapshot = editor.commit(version)
        return deltas

    def _one(self, editor: SnapshotEditor, change: Change, deltas: list[Delta]) -> None:
        item = change.object
        if change.type is EventType.DELETED:
            before = editor.remove(item.key)
            if before is not None:
                self.raw_bytes -= len(before.raw)
                deltas.append(Delta(DeltaType.DELETED, before, item))
            return
        before = editor.put(item)
        self.raw_bytes += len(item.raw)
        if before is not None:
            self.raw_bytes -= len(before.raw)
        deltas.extend(_put_deltas(before, item, initial=False))

    def _replace(self, scope: str | None, output: Replace) -> list[Delta]:
        before = self._snapshot
        initial = not self._versions[scope]
        version = self._advance(scope, output.resource_version)
        kept: list[CachedObject] = []
        if scope is not None:
            kept = [item for item in before if item.namespace != scope]
        after = Snapshot.of([*kept, *output.objects], version, before.indexers)
        deltas = [
            Delta(DeltaType.DELETED, old, None, final_state_unknown=True)
            for old in before.objects(scope)
            if after.get_by_key(old.key) is None
        ]
        for item in after.objects(scope):
            old = before.get_by_key(item.key)
            if old is None or (old.uid, old.resource_version) != (item.uid, item.resource_version):
                deltas.extend(_put_deltas(old, item, initial=initial))
        self.raw_bytes = sum(len(item.raw) for item in after)
        self._snapshot = after
        return deltas


def _put_deltas(old: CachedObject | None, new: CachedObject, *, initial: bool) -> list[Delta]:
    """An addition or an update; another uid is another object, and the old one is gone."""
    if old is None:
        return [Delta(DeltaType.ADDED, None, new, initial=initial)]
    if old.uid == new.uid:
        return [Delta(DeltaType.UPDATED, old, new)]
    return [
        Delta(DeltaType.DELETED, old, None, final_state_unknown=True),
        Delta(DeltaType.ADDED, None, new, initial=initial),
    ]
