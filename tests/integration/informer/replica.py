"""A handler that rebuilds the cache from notifications, and records every broken guarantee."""

import threading
import time
from collections.abc import Callable
from typing import Any

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from informer.conformance.scripted_server import Reply
from informer.tests.shapes import bookmark, line
from kube_informer import CachedObject, DeletedFinalStateUnknown, SharedInformer

PATIENCE_S = 30.0


class Replica:
    """State replayed from notifications; ``broken`` lists the invalid ones."""

    def __init__(self) -> None:
        self.state: dict[str, CachedObject] = {}
        self.broken: list[str] = []
        self.unknown_deletes = 0
        self.calls = 0
        self._latest: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def _check_order(self, item: CachedObject) -> None:
        identity = (item.key, item.uid)
        version = int(item.resource_version)
        if version <= self._latest.get(identity, 0):
            self.broken.append(f"{item.key}: {version} after {self._latest[identity]}")
        self._latest[identity] = version

    def on_add(self, obj: CachedObject, is_in_initial_list: bool) -> None:
        with self._lock:
            self.calls += 1
            if obj.key in self.state:
                self.broken.append(f"{obj.key} added twice")
            self._check_order(obj)
            self.state[obj.key] = obj

    def on_update(self, old: CachedObject, new: CachedObject) -> None:
        with self._lock:
            self.calls += 1
            if self.state.get(old.key) is not old:
                self.broken.append(f"{old.key} updated from an unknown state")
            self._check_order(new)
            self.state[new.key] = new

    def on_delete(self, obj: CachedObject) -> None:
        with self._lock:
            self.calls += 1
            self.unknown_deletes += isinstance(obj, DeletedFinalStateUnknown)
            if self.state.pop(obj.key, None) is None:
                self.broken.append(f"{obj.key} deleted but never there")

    def forget_versions(self) -> None:
        """Allow versions to start lower: the server went back in time."""
        with self._lock:
            self._latest.clear()

    def notified(self) -> dict[str, str]:
        with self._lock:
            return {key: item.resource_version for key, item in self.state.items()}


def eventually(reached: Callable[[], bool], condition: str, timeout_s: float = PATIENCE_S) -> None:
    """Return once ``reached()``; fail and name ``condition`` after the timeout."""
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {condition}"
        time.sleep(0.02)


def listed(api: Api, path: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the version and items of a LIST, with kind and apiVersion on each."""
    answer = api.get(path)
    types = {"kind": answer["kind"].removesuffix("List"), "apiVersion": answer["apiVersion"]}
    return answer["metadata"]["resourceVersion"], [types | item for item in answer["items"]]


def assert_in_step(
    informer: SharedInformer, api: Api, path: str, replica: Replica | None = None
) -> None:
    """Fail unless the cache equals a LIST, object by object and in order."""
    _, items = listed(api, path)
    # Do not compare the LIST's version: a quiet resource's lags behind until a bookmark.
    eventually(lambda: same(informer, items), f"the cache is as {path} was")
    assert items == [item.decode() for item in informer.snapshot()]
    if replica is not None:
        cached = {item.key: item.resource_version for item in informer.snapshot()}
        eventually(lambda: replica.notified() == cached, "the handler was notified of all")
        assert [] == replica.broken


def same(informer: SharedInformer, items: list[dict[str, Any]]) -> bool:
    """Return whether the cache contains exactly these items, at any version of its own."""
    expected = [(item["metadata"]["uid"], item["metadata"]["resourceVersion"]) for item in items]
    return expected == [(item.uid, item.resource_version) for item in informer.snapshot()]


def small_pod(name: str, **metadata: Any) -> dict[str, Any]:
    """Return a pod to create: the minimum that the API server accepts."""
    return {
        "metadata": {"name": name} | metadata,
        "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]},
    }


class Writer:
    """Writes pods of one namespace, and survives an API server that is away."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self.namespace = namespace
        self.path = f"/api/v1/namespaces/{namespace}/pods"

    def create(self, name: str, **metadata: Any) -> str:
        made = self._api.post(self.path, small_pod(name, **metadata))
        version: str = made["metadata"]["resourceVersion"]
        return version

    def touch(self, name: str, note: str) -> str:
        patch = {"metadata": {"annotations": {"note": note}}}
        changed = self._api.merge_patch(f"{self.path}/{name}", patch)
        version: str = changed["metadata"]["resourceVersion"]
        return version

    def delete(self, name: str) -> None:
        self._api.delete(f"{self.path}/{name}")

    def clear(self) -> None:
        for item in self._api.get(self.path)["items"]:
            self.delete(item["metadata"]["name"])

    def some_writes(self, mark: str, count: int = 6) -> None:
        """Create and change ``count`` pods, and delete every third of them."""
        for at in range(count):
            name = f"{mark}-{at}"
            self.create(name)
            self.touch(name, mark)
            if at % 3 == 0:
                self.delete(name)


def fill(version: int, *items: dict[str, Any], more: bytes = b"", hold: bool = True) -> Reply:
    """Return the streamed initial state, and the bytes after it."""
    data = b"".join(line("ADDED", item) for item in items)
    return Reply(pieces=(data + bookmark(version, initial_end=True) + more,), hold=hold)


def until_it_answers(api: Api, timeout_s: float = 60.0) -> None:
    """Return when the API server lists pods again: the start of the recovery time."""

    def answers() -> bool:
        try:
            api.get("/api/v1/pods?limit=1")
        except (ApiError, ApiUnreachableError):
            return False
        return True

    eventually(answers, "the API server answers", timeout_s)
