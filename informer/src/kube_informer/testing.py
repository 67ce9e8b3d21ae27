"""A cluster in memory, for unit tests of code that uses informers.

:class:`FakeSource` replaces a :class:`Transport`. The informer on it is the real one:
the same state machine, store, handlers and threads.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kube_informer.connection import Cancel
from kube_informer.errors import SelectorError, TransportError, TransportTimeoutError
from kube_informer.events import INITIAL_EVENTS_END
from kube_informer.field_selector import parse_field_selector, selectable_fields
from kube_informer.label_selector import parse_label_selector
from kube_informer.objects import CachedObject, decode_object
from kube_informer.resource import Resource
from kube_informer.snapshot import Snapshot
from kube_informer.transport import Query

FIRST_VERSION = 1000
CANCEL_CHECK_S = 0.02
"""Seconds until a silent watch notices that its informer was stopped."""


@dataclass(frozen=True, slots=True)
class FakeRequest:
    """One list or watch that an informer sent."""

    verb: str
    path: str
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Write:
    """One change of a collection: the object before and after it, ``None`` if absent."""

    version: int
    collection: str
    before: CachedObject | None
    after: CachedObject | None


@dataclass(frozen=True, slots=True)
class _Selection:
    """The objects of one request: a collection, a namespace of it, and selectors."""

    collection: str
    namespace: str | None
    labels: str
    fields: str
    metadata_only: bool

    def of(self, objects: list[CachedObject]) -> list[CachedObject]:
        *_, group, version, plural = self.collection.split("/")
        known = selectable_fields(Resource("" if group == "api" else group, version, plural))
        return Snapshot.of(objects, "1").select(
            self.namespace,
            parse_label_selector(self.labels),
            parse_field_selector(self.fields, known),
        )

    def has(self, item: CachedObject | None) -> bool:
        return item is not None and bool(self.of([item]))

    def document(self, item: CachedObject) -> dict[str, Any]:
        decoded = item.decode()
        if not self.metadata_only:
            return decoded
        return {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": decoded["metadata"],
        }


def failure_status(code: int, reason: str, message: str = "") -> dict[str, Any]:
    """Return the ``Status`` with which an API server refuses a request."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message or reason,
    }


def _line(kind: str, item: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


def _invalid(selection: _Selection) -> dict[str, Any] | None:
    try:
        selection.of([])
    except SelectorError as error:
        return failure_status(400, "BadRequest", str(error))
    return None


@dataclass(slots=True)
class _Watch:
    """The progress of one watch."""

    selection: _Selection
    generation: int
    cancel: Cancel | None
    first: bytes = b""
    seen: int = 0


def _broke(watch: _Watch, cause: str, kind: type[TransportError]) -> TransportError:
    return kind("watch", watch.selection.collection, "memory", cause, sent=True)


class FakeSource:
    """Objects of any resources, written by a test and listed and watched by informers.

    Lists and watches behave as those of an API server: resource versions grow
    with each write, selectors narrow, a watch resumes from a version, and the
    initial state is streamed if an informer requests that. Safe from any thread.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._version = FIRST_VERSION
        self._oldest = FIRST_VERSION
        self._objects: dict[str, dict[str, CachedObject]] = {}
        self._history: list[_Write] = []
        self._uids = itertools.count(1)
        self._refusals: list[dict[str, Any]] = []
        self._generation = 0
        self._is_away = False
        self.requests: list[FakeRequest] = []

    # Changes by a test

    @property
    def resource_version(self) -> str:
        """The version of the latest write; wait for it with ``informer.wait_until``."""
        return str(self._version)

    def put(self, resource: Resource, obj: Mapping[str, Any]) -> str:
        """Create the object, or replace the one of its name; return its resourceVersion.

        ``obj`` needs ``kind`` and ``metadata.name``, and ``metadata.namespace`` if
        the resource is namespaced; uid and resourceVersion are set here. Raise
        ``ValueError`` for a missing field.
        """
        document = deepcopy(dict(obj))
        metadata = document.setdefault("metadata", {})
        required = {"kind": document.get("kind"), "metadata.name": metadata.get("name")}
        if resource.namespaced:
            required["metadata.namespace"] = metadata.get("namespace")
        if missing := [name for name, value in required.items() if not value]:
            raise ValueError(f"the object has no {', '.join(missing)}: {document}")
        api_version = f"{resource.group}/{resource.version}" if resource.group else resource.version
        document.setdefault("apiVersion", api_version)
        collection = resource.path()
        with self._changed:
            objects = self._objects.setdefault(collection, {})
            key = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
            before = objects.get(key)
            metadata.setdefault("uid", before.uid if before else f"uid-{next(self._uids)}")
            metadata["resourceVersion"] = str(self._version + 1)
            item = decode_object(json.dumps(document).encode())
            objects[item.key] = item
            self._write(collection, before, item)
        return item.resource_version

    def delete(self, resource: Resource, name: str, namespace: str = "") -> str:
        """Delete an object; return the version of its deletion. Raise ``LookupError`` if absent."""
        collection, key = resource.path(), f"{namespace}/{name}" if namespace else name
        with self._changed:
            before = self._objects.get(collection, {}).pop(key, None)
            if before is None:
                raise LookupError(f"there is no {key} in {collection}")
            self._write(collection, before, None)
            return self.resource_version

    def refuse(self, code: int, reason: str = "", message: str = "", *, times: int = 1) -> None:
        """Answer the next ``times`` lists and watches with this failure status."""
        with self._changed:
            self._refusals += [failure_status(code, reason, message)] * times

    def end_watches(self) -> None:
        """End every watch normally, as an API server does after some minutes."""
        with self._changed:
            self._generation += 1
            self._changed.notify_all()

    @contextmanager
    def away(self) -> Iterator[None]:
        """End every watch and fail every request inside the block, as if the server died."""
        with self._changed:
            self._is_away = True
        self.end_watches()
        try:
            yield
        finally:
            with self._changed:
                self._is_away = False

    def expire(self) -> None:
        """Forget past events and end every watch: a resumed watch gets 410 and lists anew."""
        with self._changed:
            self._history.clear()
            self._version += 1
            self._oldest = self._version
        self.end_watches()

    def _write(
        self, collection: str, before: CachedObject | None, after: CachedObject | None
    ) -> None:
        self._version += 1
        self._history.append(_Write(self._version, collection, before, after))
        self._changed.notify_all()

    # Requests of an informer

    def stream(
        self,
        path: str,
        query: Query = (),
        *,
        timeout: float,
        verb: str,
        resource: str,  # noqa: ARG002 - Source's signature; the path names it
        accept: str = "application/json",
        cancel: Cancel | None = None,
    ) -> "FakeStream":
        """Answer a list or a watch."""
        parameters = dict(query)
        selection = _selection(path, parameters, accept)
        with self._changed:
            code, document = 200, self._record(verb, path, parameters) or _invalid(selection)
            if document is not None:
                code = document["code"]
            elif verb == "list":
                code, document = self._list(selection, parameters)
            if document is not None:
                pieces = iter([json.dumps(document).encode()])
                return FakeStream(code, lambda _: next(pieces, b""), timeout)
            watch = _Watch(selection, self._generation, cancel)
            watch.seen = int(parameters.get("resourceVersion") or 0)
            if parameters.get("sendInitialEvents") == "true":
                watch.first, watch.seen = self._initial(selection), self._version
            elif 0 < watch.seen < self._oldest:
                gone = f"too old resource version: {watch.seen} ({self._oldest})"
                watch.first = _line("ERROR", failure_status(410, "Expired", gone))
            return FakeStream(200, lambda timeout_s: self._next(watch, timeout_s), timeout)

    def _next(self, watch: _Watch, timeout_s: float) -> bytes:
        """Wait for events of a watch and return them; ``b""`` once it has ended."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                if watch.first:
                    data, watch.first = watch.first, b""
                else:
                    data = self._events(watch.selection, watch.seen)
                    watch.seen = max(watch.seen, self._version)
                if data or watch.generation != self._generation:
                    return data
                if watch.cancel is not None and watch.cancel.cancelled:
                    raise _broke(watch, "the informer was stopped", TransportError)
                remaining_s = deadline - time.monotonic()
                if remaining_s <= 0:
                    raise _broke(watch, f"silent for {timeout_s} s", TransportTimeoutError)
                self._changed.wait(min(remaining_s, CANCEL_CHECK_S))

    def _record(self, verb: str, path: str, query: dict[str, str]) -> dict[str, Any] | None:
        """Record a request, and return the refusal set for it, if any."""
        self.requests.append(FakeRequest(verb, path, query))
        if self._is_away:
            raise TransportError(verb, path, "memory", "the fake source is away", sent=False)
        return self._refusals.pop(0) if self._refusals else None

    def _list(self, selection: _Selection, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return the status and the document of a list."""
        if int(query.get("resourceVersion") or 0) > self._version:
            return 504, failure_status(504, "Timeout", "Too large resource version")
        items = [selection.document(item) for item in self._selected(selection)]
        first = items[0] if items else {"kind": "", "apiVersion": "v1"}
        return 200, {
            "kind": f"{first['kind']}List",
            "apiVersion": first["apiVersion"],
            "metadata": {"resourceVersion": self.resource_version},
            "items": items,
        }

    def _selected(self, selection: _Selection) -> list[CachedObject]:
        return selection.of(list(self._objects.get(selection.collection, {}).values()))

    def _initial(self, selection: _Selection) -> bytes:
        lines = [_line("ADDED", selection.document(item)) for item in self._selected(selection)]
        end = {
            "resourceVersion": self.resource_version,
            "annotations": {INITIAL_EVENTS_END: "true"},
        }
        lines.append(_line("BOOKMARK", {"kind": "Bookmark", "apiVersion": "v1", "metadata": end}))
        return b"".join(lines)

    def _events(self, selection: _Selection, seen: int) -> bytes:
        """Return the lines of the events of a selection after version ``seen``."""
        lines = []
        for write in self._history:
            if write.version <= seen or write.collection != selection.collection:
                continue
            was_selected, is_selected = selection.has(write.before), selection.has(write.after)
            if is_selected and write.after is not None:
                kind = "MODIFIED" if was_selected else "ADDED"
                lines.append(_line(kind, selection.document(write.after)))
            elif was_selected and write.before is not None:
                last = selection.document(write.before)
                last["metadata"] = last["metadata"] | {"resourceVersion": str(write.version)}
                lines.append(_line("DELETED", last))
        return b"".join(lines)


def _selection(path: str, query: dict[str, str], accept: str) -> _Selection:
    head, _, tail = path.partition("/namespaces/")
    namespace, _, plural = tail.partition("/")
    scoped = bool(plural)
    return _Selection(
        f"{head}/{plural}" if scoped else path,
        namespace if scoped else None,
        query.get("labelSelector", ""),
        query.get("fieldSelector", ""),
        "as=PartialObjectMetadata" in accept,
    )


class FakeStream:
    """The body of a :class:`FakeSource`'s answer."""

    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, status: int, read: Callable[[float], bytes], timeout_s: float) -> None:
        self.status = status
        self._read = read
        self._timeout_s = timeout_s
        self._closed = False

    def read(self, timeout: float | None = None) -> bytes:
        """Return the bytes that have come; ``b""`` is the end."""
        self._timeout_s = timeout or self._timeout_s
        return b"" if self._closed else self._read(self._timeout_s)

    def read_all(self) -> bytes:
        """Return the rest of a list or of a refusal."""
        return b"".join(iter(self.read, b""))

    def close(self) -> None:
        """End the stream."""
        self._closed = True
