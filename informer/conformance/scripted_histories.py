"""Histories that no real API server can play, each played to every subject alone."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from informer.conformance.processes import Subject
from informer.conformance.scripted_server import (
    Reply,
    Request,
    Script,
    SourceServer,
    line,
    refusal,
)
from kube_informer import PODS
from kube_informer.testing import FakeSource, failure_status

FAULT_S = 8.0
"""Seconds of a fault that an informer has to wait out."""

SYNC_WITHIN_S = 15.0

Truth = Mapping[str, str]
"""The content that a cache must have at the end: resourceVersions by key."""


@dataclass(frozen=True, slots=True)
class Played:
    """The end of a history: the truth, and the number of requests during a fault, if any."""

    truth: Truth
    fault_requests: int | None = None


@dataclass(frozen=True, slots=True)
class ScriptedHistory:
    """A history on a scripted server; ``script`` makes the script that answers from the start."""

    name: str
    play: Callable[[SourceServer, Subject], Played]
    script: Callable[[], Script] = lambda: _undisturbed
    http_1_0: bool = False
    closing: bool = False
    """Whether each answer carries ``Connection: close``."""
    short: bool = False
    """Whether it belongs to the short form, which ``make test`` runs."""
    streams: bool = False
    """Whether fills are streamed: kube-informer's on request, the official informer's never."""


def _refusal(code: int, reason: str, **headers: str) -> Reply:
    return refusal(failure_status(code, reason), **headers)


def _undisturbed(_: Request) -> None:
    """Leave every request to the fake source."""


def pod(name: str, version: str = "", **metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a minimal pod of namespace ``a``."""
    meta = {"name": name, "namespace": "a", "uid": f"uid-{name}"} | metadata
    if version:
        meta["resourceVersion"] = version
    return {"kind": "Pod", "apiVersion": "v1", "metadata": meta}


def some_pods() -> FakeSource:
    """Return a source with three pods."""
    source = FakeSource()
    for name in ("one", "two", "three"):
        source.put(PODS, pod(name))
    return source


def _truth(source: FakeSource) -> Truth:
    body = source.stream(PODS.path(), timeout=1.0, verb="list", resource="pods").read_all()
    metadata = [item["metadata"] for item in json.loads(body)["items"]]
    return {f"{m['namespace']}/{m['name']}": m["resourceVersion"] for m in metadata}


def _write(source: FakeSource) -> None:
    source.put(PODS, pod("four"))
    source.put(PODS, pod("two", labels={"changed": "yes"}))
    source.delete(PODS, "one", "a")


def _await_sync(subject: Subject) -> None:
    subject.wait(lambda: subject.saw("synced"), SYNC_WITHIN_S)


def _filled_then_written(server: SourceServer, subject: Subject) -> Played:
    """Wait for the fill, which the script may hinder, and write."""
    _await_sync(subject)
    _write(server.source)
    return Played(_truth(server.source))


def _fault(script: Script, *, cut: bool = True) -> Callable[[SourceServer, Subject], Played]:
    """Let ``script`` answer for a while after the fill, and write meanwhile."""

    def play(server: SourceServer, subject: Subject) -> Played:
        _await_sync(subject)
        server.script, before = script, len(server.requests)
        _write(server.source)
        if cut:
            server.source.end_watches()
        time.sleep(FAULT_S)
        sent = len(server.requests) - before
        server.script = _undisturbed
        return Played(_truth(server.source), sent)

    return play


def _fault_at_first(server: SourceServer, _: Subject) -> Played:
    """Let the initial script answer for a while, then write undisturbed."""
    time.sleep(FAULT_S)
    sent = len(server.requests)
    server.script = _undisturbed
    _write(server.source)
    return Played(_truth(server.source), sent)


def _for(kind: str, reply: Reply) -> Callable[[], Script]:
    """Answer every request of one kind with ``reply``."""
    return lambda: lambda request: reply if request.kind == kind else None


def _all(reply: Reply) -> Script:
    return lambda _: reply


# A stream of fixed lines: two pods, x at 10 and y at 11, listed at 12.

_FIRST = {"a/x": "10", "a/y": "11"}
_END = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {
        "resourceVersion": "12",
        "annotations": {"k8s.io/initial-events-end": "true"},
    },
}


def _listing(version: str, items: Sequence[dict[str, Any]], token: str = "") -> bytes:
    metadata = {"resourceVersion": version} | ({"continue": token} if token else {})
    body = {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": list(items)}
    return json.dumps(body).encode()


def _lines(*lines: bytes, version: str = "12") -> Callable[[], Script]:
    """Answer a fill with x and y, and the first watch with ``lines``; then stay silent."""
    items = [pod("x", "10"), pod("y", "11")]

    def make() -> Script:
        pending = [b"".join(lines)]

        def answer(request: Request) -> Reply:
            tail = pending.pop() if pending and request.is_watch else b""
            if request.is_fill:
                fill = b"".join(line("ADDED", item) for item in items)
                return Reply(body=fill + line("BOOKMARK", _END) + tail, hold=True)
            if request.is_watch:
                return Reply(body=tail, hold=True)
            return Reply(body=_listing(version, items))

        return answer

    return make


def _holds(truth: Truth) -> Callable[[SourceServer, Subject], Played]:
    def play(_: SourceServer, subject: Subject) -> Played:
        _await_sync(subject)
        return Played(truth)

    return play


def _in_pages(fault: Reply) -> Callable[[], Script]:
    """List in pages of one object if a limit is given; the second page is ``fault`` once."""

    def make() -> Script:
        pending = [fault]

        def answer(request: Request) -> Reply:
            if request.is_fill:
                return _refusal(422, "Invalid")
            if request.is_watch:
                return Reply(hold=True)
            items = [pod("x", "10"), pod("y", "11"), pod("z", "12")]
            if not {"limit", "continue"} & request.query.keys():
                return Reply(body=_listing("1003", items))
            token = request.query.get("continue", "")
            if token == "second" and pending:
                return pending.pop()
            page = {"": 0, "second": 1, "third": 2}[token]
            next_token = ("second", "third", "")[page]
            return Reply(body=_listing("1003", items[page : page + 1], next_token))

        return answer

    return make


_PAGED = {"a/x": "10", "a/y": "11", "a/z": "12"}


def _pages_counted(server: SourceServer, subject: Subject) -> Played:
    _await_sync(subject)
    return Played(_PAGED, sum(request.kind == "list" for request in server.received()))


def _without_versions() -> Script:
    """Script a resource that can only be listed, and whose lists have no version."""

    def answer(request: Request) -> Reply:
        if request.is_watch:
            return _refusal(405, "MethodNotAllowed")
        return Reply(body=_listing("", [pod("x"), pod("y")]))

    return answer


def _back_in_time(server: SourceServer, subject: Subject) -> Played:
    """Replace the data by an older copy, as when etcd is restored from a backup."""
    _await_sync(subject)
    server.source.put(PODS, pod("four"))
    subject.wait(lambda: "a/four" in subject.notified(), SYNC_WITHIN_S)
    restored = FakeSource()
    restored.put(PODS, pod("one"))
    server.restart_with(restored)
    return Played(_truth(restored))


def _expired(server: SourceServer, subject: Subject) -> Played:
    _await_sync(subject)
    with server.source.away():
        _write(server.source)
    server.source.expire()
    return Played(_truth(server.source))


_LOGIN = Reply(body=b"<html>log in</html>", headers={"Content-Type": "text/html"})
_ORDINARY = line(
    "BOOKMARK", {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}}
)
_GONE = line("ERROR", failure_status(410, "Expired", "too old resource version"))

_WATCH_LIST_REPLIES: Mapping[str, Reply] = {
    **{
        f"refused with {code}": _refusal(code, reason)
        for code, reason in (
            (400, "BadRequest"),
            (403, "Forbidden"),
            (404, "NotFound"),
            (405, "MethodNotAllowed"),
            (422, "Invalid"),
            (429, "TooManyRequests"),
            (500, "InternalError"),
            (501, "NotImplemented"),
            (503, "ServiceUnavailable"),
            (504, "Timeout"),
        )
    },
    "ends empty": Reply(),
    "is an ordinary watch": Reply(body=_ORDINARY, hold=True),
    "stays silent": Reply(hold=True),
}

HISTORIES: tuple[ScriptedHistory, ...] = (
    ScriptedHistory("ordinary life", _filled_then_written, short=True),
    ScriptedHistory("HTTP/1.0", _filled_then_written, http_1_0=True, short=True),
    ScriptedHistory("Connection: close", _filled_then_written, closing=True),
    *(
        ScriptedHistory(
            f"WatchList {behaviour}",
            _filled_then_written,
            _for("watch-list", reply),
            short=behaviour == "refused with 422",
            streams=True,
        )
        for behaviour, reply in _WATCH_LIST_REPLIES.items()
    ),
    ScriptedHistory(
        "two deletions at one version",
        _holds({}),
        _lines(line("DELETED", pod("x", "20")), line("DELETED", pod("y", "20"))),
        short=True,
    ),
    ScriptedHistory(
        "a deletion at the object's own version",
        _holds({"a/y": "11"}),
        _lines(line("DELETED", pod("x", "10"))),
    ),
    ScriptedHistory(
        "an event older than the object",
        _holds(_FIRST),
        _lines(line("MODIFIED", pod("x", "9"))),
    ),
    ScriptedHistory(
        "versions that are no numbers",
        _holds({"a/x": "abc", "a/z": "-"}),
        _lines(
            line("MODIFIED", pod("x", "abc")),
            line("ADDED", pod("z", "-")),
            line("DELETED", pod("y", "abd")),
        ),
    ),
    ScriptedHistory(
        "versions of 30 digits",
        _holds({"a/x": "9" * 30, "a/y": "11"}),
        _lines(line("MODIFIED", pod("x", "9" * 30))),
    ),
    ScriptedHistory(
        "a bookmark without a version",
        _holds({"a/x": "21", "a/y": "11"}),
        _lines(
            line("BOOKMARK", {"kind": "Pod", "apiVersion": "v1", "metadata": {}}),
            line("MODIFIED", pod("x", "21")),
        ),
    ),
    ScriptedHistory(
        "a list without a version, of what cannot be watched",
        _holds({"a/x": "", "a/y": ""}),
        _without_versions,
    ),
    ScriptedHistory(
        "an object that cannot be decoded, then a good one",
        _holds(_FIRST | {"a/z": "22"}),
        _lines(
            line("ADDED", pod("bad", "21") | {"metadata": ["no", "object"]}),
            line("ADDED", pod("z", "22")),
        ),
    ),
    ScriptedHistory(
        "429 on a page of a list",
        _pages_counted,
        _in_pages(_refusal(429, "TooManyRequests", Retry_After="1")),
    ),
    ScriptedHistory("410 on a page of a list", _pages_counted, _in_pages(_refusal(410, "Expired"))),
    ScriptedHistory("the version expires while the watch is cut", _expired, short=True),
    ScriptedHistory(
        "410 as a status on each watch",
        _fault(lambda request: _refusal(410, "Expired") if request.kind == "watch" else None),
    ),
    ScriptedHistory(
        "410 as an event on each watch",
        _fault(lambda request: Reply(body=_GONE) if request.kind == "watch" else None),
    ),
    ScriptedHistory("the server goes back in time", _back_in_time),
    ScriptedHistory(
        "rights are withdrawn and given back", _fault(_all(_refusal(403, "Forbidden")))
    ),
    ScriptedHistory("rights come late", _fault_at_first, lambda: _all(_refusal(403, "Forbidden"))),
    ScriptedHistory("the server fails (500)", _fault(_all(_refusal(500, "InternalError")))),
    ScriptedHistory("the server is busy (429)", _fault(_all(_refusal(429, "TooManyRequests")))),
    ScriptedHistory(
        "each watch is refused with 400",
        _fault(lambda request: _refusal(400, "BadRequest") if request.kind == "watch" else None),
    ),
    ScriptedHistory(
        "each watch ends at once", _fault(lambda sent: Reply() if sent.kind == "watch" else None)
    ),
    ScriptedHistory("a login page answers (200)", _fault(_all(_LOGIN))),
)
"""In the order of the table."""
