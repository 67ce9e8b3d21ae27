"""Remedies for servers that lack one feature or another, over scripted HTTP."""

import os
import socket
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from informer.conformance.scripted_server import Reply, Request, ScriptedServer, refusal
from informer.tests.shapes import EXPIRED, bookmark, line, listing, pod, status
from kube_informer import (
    CONFIGMAPS,
    NODES,
    PODS,
    BackoffPolicy,
    ClientConfig,
    Credentials,
    Health,
    LifecycleError,
    Observer,
    ResourceEventHandlerFuncs,
    SharedInformer,
    SharedInformerFactory,
    SyncError,
    Timing,
    Transport,
    TransportError,
)
from kube_informer.ladder import Signal
from kube_informer.machine import State
from kube_informer.steps import Broke, CheckVersion
from servers.cached import CachedSource
from servers.source import SourceError
from tests.integration.informer.replica import Replica, eventually, fill

QUICK = BackoffPolicy(initial_s=0.05, cap_s=0.4, jitter=0.0)
STOP_S = 2.0

Answer = Callable[[Request], Reply]
Start = Callable[..., tuple[SharedInformer, ScriptedServer]]


@pytest.fixture
def started(scripted, informers) -> Start:
    """Start an informer over a server with these answers."""

    def start(answer: Answer, **options: Any) -> tuple[SharedInformer, ScriptedServer]:
        server = scripted(answer)
        handler = options.pop("handler", None)
        resource = options.pop("resource", PODS)
        transport = server.transport()
        defaults = {"backoff": QUICK, "stream_initial": True}
        informer = informers.over(transport, resource, **defaults | options)
        if handler is not None:
            informer.add_event_handler(handler)
        informer.start()
        return informer, server

    return start


def cached(informer: SharedInformer) -> list[str]:
    return [f"{item.name}@{item.resource_version}" for item in informer.snapshot()]


# WatchList refused in each way

NO_BOOKMARK = Reply(pieces=(line("ADDED", pod("x", 8)),))
UNANNOTATED = Reply(pieces=(line("ADDED", pod("x", 8)), 0.05, bookmark(9)), hold=True)
SILENT = Reply(pieces=(line("ADDED", pod("x", 8)),), hold=True)
WAYS = {
    str(code): refusal(status(code, message="no"))
    for code in (400, 403, 404, 405, 422, 500, 501, 503, 504)
} | {
    "ended without the bookmark": NO_BOOKMARK,
    "ended at once": Reply(),
    "bookmarks without the annotation": UNANNOTATED,
    "silent after an event": SILENT,
    "silent": Reply(hold=True),
    "a login page": Reply(body=b"<html>\nlog in\n</html>\n"),
    "dropped": Reply(drop=True),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_server_that_streams_no_initial_state_is_listed(started, way):
    def answer(request: Request) -> Reply:
        if request.is_fill:
            return way
        if request.is_watch:
            return Reply(pieces=(bookmark(9),), hold=True)
        return Reply(body=listing(9, pod("x", 8)))

    informer, _ = started(answer, timing=Timing(stream_s=0.3))
    assert informer.wait_for_cache_sync(30)
    assert ["x@8"] == cached(informer)
    eventually(lambda: informer.last_error is None, "it follows")


# Deleted objects, and objects that only seem deleted


def test_objects_deleted_in_one_revision_are_all_gone(started):
    replica = Replica()
    items = [pod(f"e{at}", 10 + at) for at in range(60)]
    gone = b"".join(line("DELETED", pod(f"e{at}", 90)) for at in range(60))
    informer, _ = started(lambda _: fill(80, *items, more=gone), handler=replica)
    assert informer.wait_for_cache_sync(30)
    eventually(lambda: not cached(informer) and replica.calls == 120, "all are gone")
    assert [] == replica.broken


def test_deletions_of_one_revision_cut_in_two_all_come(started):
    items = [pod(f"e{at}", 10 + at) for at in range(4)]
    gone = [line("DELETED", pod(f"e{at}", 90)) for at in range(4)]

    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(80, *items, more=gone[0] + gone[1], hold=False)
        if not request.is_watch:
            return Reply(body=listing(95))
        # A watch brings the events after its start version.
        again = b"".join(gone) if request.query["resourceVersion"] == "80" else b""
        return Reply(pieces=(again + bookmark(95),), hold=True)

    informer, _ = started(answer)
    assert informer.wait_for_cache_sync(30)
    eventually(lambda: not cached(informer), "all are gone")


def picky(item: dict[str, Any]) -> dict[str, Any]:
    if "bad" in item["metadata"].get("annotations", {}):
        raise ValueError("cannot shape this")
    return item


UNDECODABLE = pod("x", 8) | {"metadata": pod("x", 8)["metadata"] | {"labels": {"n": 1}}}


@pytest.mark.parametrize("stream_initial", [True, False])
@pytest.mark.parametrize(
    "newest", [UNDECODABLE, pod("x", 8, annotations={"bad": "1"})], ids=["undecodable", "unshaped"]
)
def test_an_object_that_becomes_unreadable_is_not_reported_as_deleted(
    started, newest, stream_initial
):
    replica, fills = Replica(), []

    class Fills(Observer):
        def filled(self, reason: str, objects: int) -> None:
            fills.append(reason)

    def answer(request: Request) -> Reply:
        if request.is_fill:
            return fill(9, newest) if fills else fill(5, pod("x", 3), hold=False)
        if request.is_watch:
            return refusal(EXPIRED) if len(fills) < 2 else Reply(pieces=(bookmark(9),), hold=True)
        return Reply(body=listing(9, newest) if fills else listing(5, pod("x", 3)))

    informer, _ = started(
        answer, handler=replica, transform=picky, observer=Fills(), stream_initial=stream_initial
    )
    eventually(lambda: fills == ["initial", "expired"], "fetched anew")
    eventually(lambda: informer.snapshot().resource_version == "9", "taken in")
    assert (["x@3"], {"a/x": "3"}) == (cached(informer), replica.notified())


# Paging


def test_a_page_refused_with_429_is_retried_and_earlier_pages_are_kept(started):
    lists = []

    def answer(request: Request) -> Reply:
        if request.is_watch:
            return Reply(pieces=(bookmark(9),), hold=True)
        lists.append(request.query.get("continue", "0"))
        if len(lists) % 3 == 0:
            return refusal(status(429, "TooManyRequests"), Retry_After="0")
        at = int(lists[-1])
        return Reply(body=listing(9, pod(f"p{at}", at + 1), token=str(at + 1) if at < 5 else ""))

    informer, _ = started(answer, stream_initial=False)
    assert informer.wait_for_cache_sync(30)
    assert ["0", "1", "2", "2", "3", "4", "4", "5"] == lists
    assert 6 == len(informer.snapshot())


# A resource that cannot be watched, or whose lists have no version


def test_a_resource_that_can_only_be_listed_is_listed_repeatedly(started):
    def answer(request: Request) -> Reply:
        if request.is_watch:
            return refusal(status(405, "MethodNotAllowed", "watch is not supported"))
        return Reply(body=listing("", pod(f"n{request.number}", "")))

    informer, server = started(answer)
    assert informer.wait_for_cache_sync(30)
    first = cached(informer)
    eventually(lambda: cached(informer) != first, "listed again")
    asked = server.received()
    gaps = [after.at - before.at for before, after in pairwise(asked) if not after.is_watch]
    assert min(gaps[1:]) >= QUICK.initial_s
    assert not any(request.is_fill for request in asked[1:])


# Health


def test_a_server_that_refuses_for_ever_is_behind_and_not_ready(started, scripted):
    allowed = True

    def answer(request: Request) -> Reply:
        if allowed:
            return fill(5, pod("x", 3), hold=False)
        return refusal(status(403, "Forbidden", "pods is forbidden"))

    informer, server = started(answer)
    source = CachedSource(informer, server.transport(), max_staleness_s=1.0)
    assert informer.wait_for_cache_sync(30)
    source.check_ready()
    allowed = False
    eventually(lambda: "pods is forbidden" in (informer.last_error or ""), "refused")
    before = informer.health.seconds
    eventually(lambda: informer.health.seconds > 1.0, "it grows stale")
    assert informer.health.seconds > before
    with pytest.raises(SourceError, match=r"not been current for .*pods is forbidden"):
        source.check_ready()
    assert "behind for" in str(informer.health)
    allowed = True
    eventually(lambda: informer.health.following, "given back")


def test_before_it_is_filled_every_error_has_the_reason(started):
    informer, server = started(lambda _: refusal(status(500, message="etcd is away")))
    eventually(lambda: informer.last_error == "500: etcd is away", "the reason is reported")
    source = CachedSource(informer, server.transport())
    with pytest.raises(SourceError, match="not filled yet: 500: etcd is away"):
        source.check_ready()
    assert Health("500: etcd is away", float("inf")) == informer.health
    assert not informer.wait_for_cache_sync(0.01)


def test_an_informer_that_was_not_started_or_was_stopped_says_so(scripted, informers):
    informer = informers.over(scripted(lambda _: fill(5)).transport(), stream_initial=True)
    assert "not started: call start()" == informer.last_error
    informer.start()
    assert informer.wait_for_cache_sync(30)
    eventually(lambda: informer.last_error is None, "it follows")
    informer.stop()
    assert "stopped" == informer.last_error


def test_a_fork_knows_that_nothing_feeds_it(started):
    informer, _ = started(lambda _: fill(5, pod("x", 3)))
    assert informer.wait_for_cache_sync(30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        try:
            known = "forked" in informer.health.why and len(informer.snapshot()) == 1
            try:
                informer.wait_until("9", 60)
            except LifecycleError:
                os._exit(0 if known and informer.stop() else 1)
        finally:
            os._exit(2)
    # With none of the threads, stop() has nothing to wait for in the child.
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert informer.health.following


# The version check


def test_the_version_is_requested_without_selectors_and_once_for_all_watches(scripted, informers):
    server = scripted(lambda _: Reply(body=listing(9, pod("x", 3), token="more")))
    transport = server.transport()
    informer = informers.over(transport, namespaces=["a", "b"], label_selector="app=x")
    first, second = informer._reflectors
    since = time.monotonic()
    answers = [first._check(since, 5.0), second._check(since, 5.0)]
    assert [{"limit": "1"}] == [request.query for request in server.received()]
    assert answers[0] is answers[1]
    second._check(time.monotonic(), 5.0)
    assert 2 == len(server.received())


def test_concurrent_version_checks_send_one_request_even_if_its_answer_is_slow(scripted, informers):
    server = scripted(lambda _: Reply(pieces=(0.5, listing(9))))
    informer = informers.over(server.transport(), namespaces=[f"n{at}" for at in range(10)])
    since = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        checks = [pool.submit(part._check, since, 5.0) for part in informer._reflectors]
    assert {200} == {check.result().status for check in checks}
    assert 1 == len(server.received())


def test_a_version_check_that_fails_or_hangs_fails_no_other(scripted, informers):
    replies = [Reply(drop=True), refusal(status(403)), Reply(late=True), Reply(body=listing(9))]
    server = scripted(lambda request: replies[request.number])
    informer = informers.over(server.transport(), namespaces=["a", "b", "c", "d", "e"])
    since = time.monotonic()

    def check(reflector: Any) -> int:
        try:
            return reflector._check(since, 1.0).status
        except TransportError:
            return 0

    with ThreadPoolExecutor(5) as pool:
        codes = list(pool.map(check, informer._reflectors))
    assert [0, 0, 200, 200, 403] == sorted(codes)


def test_stop_while_another_informer_requests_the_version(scripted, informers):
    server = scripted(lambda _: Reply(late=True))
    transport = server.transport()
    first, second = (informers.over(transport)._reflectors[0] for _ in range(2))
    with ThreadPoolExecutor(2) as pool:
        since = time.monotonic()
        leading = pool.submit(first._perform, CheckVersion(since, 60.0))
        eventually(lambda: server.received() != [], "the first one asks")
        following = pool.submit(second._check, since, 60.0)
        second.signal_stop()
        assert 0 == following.result(STOP_S).status
        assert not leading.done()
        first.signal_stop()
        assert isinstance(leading.result(STOP_S), Broke)


@pytest.mark.parametrize("seconds", ["99999999999", "9" * 400])
def test_a_retry_after_beyond_reason_is_bounded(started, seconds):
    informer, server = started(lambda _: refusal(status(429, message="no"), Retry_After=seconds))
    eventually(lambda: informer.last_error == "429: no", "it waits")
    time.sleep(0.2)
    assert (1, "429: no") == (len(server.received()), informer.last_error)
    assert informer.stop(STOP_S)


# Connections that the server ends after its answer


@pytest.mark.parametrize(
    "manner",
    [{"http_1_0": True}, {"headers": {"Connection": "close"}}],
    ids=["HTTP/1.0", "Connection: close"],
)
def test_a_watch_whose_connection_will_be_closed_is_timed_and_stopped_like_any_other(
    started, manner
):
    def answer(request: Request) -> Reply:
        data = line("ADDED", pod("x", 3)) + bookmark(5, initial_end=True)
        return Reply(pieces=(data, 1.5, bookmark(7)), hold=True, **manner)

    # Longer silent than it may wait for headers: that limit does not hold for the stream.
    informer, server = started(answer, timing=Timing(headers_s=0.5))
    assert informer.wait_for_cache_sync(30)
    eventually(lambda: informer.snapshot().resource_version == "7", "the quiet stream spoke")
    assert (1, None) == (len(server.received()), informer.last_error)
    assert informer.stop(STOP_S)


def test_stop_while_it_connects_to_a_host_that_does_not_answer(informers):
    deaf = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = []
    for _ in range(4):  # beyond the backlog the kernel drops connections
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(deaf.getsockname())
        waiting.append(client)
    config = ClientConfig(f"http://127.0.0.1:{deaf.getsockname()[1]}", Credentials())
    informer = informers.over(Transport(config))
    informer.start()
    cancel = informer._reflectors[0]._cancel
    eventually(lambda: cancel._connecting is not None, "it connects")
    assert informer.stop(STOP_S)
    for opened in (*waiting, deaf):
        opened.close()


# Stops in every state


def stuck_in(state: State, request: Request) -> Reply:
    """Keep an informer in ``state``: everything before it works, then no answer comes."""
    silence = Reply(late=True)
    if state is State.FILL:
        return silence
    if state is State.FILLING:
        return Reply(pieces=(line("ADDED", pod("x", 3)),), hold=True)
    if state in (State.LIST, State.LISTING) and request.is_watch:
        return refusal(status(422))
    if state is State.LISTING:
        return Reply(pieces=(b'{"kind":"PodList"',), hold=True)
    if state is State.LIST:
        return silence
    if state is State.WAIT:
        return refusal(status(500), Retry_After="60")
    if state is State.WATCHING:
        return fill(5, pod("x", 3))
    if request.number == 0:
        return fill(5, pod("x", 3), hold=False)
    if state is State.OPEN:
        return silence
    return silence if not request.is_watch else Reply(drop=True)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("times", [2, pytest.param(25, marks=pytest.mark.soak)])
def test_stop_in_every_state(started, state, times):
    """The long form stops 200 informers."""
    for _ in range(times):
        informer, server = started(lambda request: stuck_in(state, request))
        machine = informer._reflectors[0].machine
        eventually(lambda: machine.state is state, f"it is in {state}")  # noqa: B023
        begun = time.monotonic()
        assert informer.stop(STOP_S), f"{state}: {time.monotonic() - begun:.2f} s"
        assert informer.wait_for_cache_sync(60) is informer.has_synced  # at once
        server.release()


def test_a_factory_stops_its_informers_side_by_side(scripted):
    items = Reply(body=listing(5, pod("x", 3)))
    server = scripted(lambda request: Reply(hold=True) if request.is_watch else items)
    transport = server.transport()
    factory = SharedInformerFactory(transport, backoff=QUICK)
    over = threading.Event()
    first, second = factory.for_resource(PODS), factory.for_resource(CONFIGMAPS)
    stuck = threading.Event()

    def hang(*_: object) -> None:
        stuck.set()
        over.wait(60)

    first.add_event_handler(ResourceEventHandlerFuncs(add=hang))
    factory.start()
    assert factory.wait_for_cache_sync(30)
    assert stuck.wait(30)
    assert not factory.shutdown(1.0)
    assert second.join(0.0)
    over.set()
    assert factory.shutdown()
    transport.close()


# Invalid requests, and requests for absent resources


@pytest.mark.parametrize(
    ("resource", "namespaces", "error", "message"),
    [
        (PODS, "default", TypeError, r"namespaces is 'default'; give a list: \['default'\]"),
        (PODS, b"default", TypeError, "give a list"),
        (PODS, [1], TypeError, "a namespace is a string, not 1"),
        (PODS, [""], ValueError, "'' is no namespace's name"),
        (PODS, ["a/b"], ValueError, "'a/b' is no namespace's name"),
        (NODES, ["a"], ValueError, "nodes are in no namespace"),
    ],
)
def test_invalid_namespaces_are_refused(scripted, resource, namespaces, error, message):
    transport = scripted(lambda _: fill(5)).transport()
    with pytest.raises(error, match=message):
        SharedInformer(transport, resource, namespaces=namespaces)
    transport.close()


def test_a_resource_that_appears_late_is_waited_for(started):
    def answer(request: Request) -> Reply:
        return refusal(status(404, "NotFound")) if request.number < 3 else fill_or_list(request)

    def fill_or_list(request: Request) -> Reply:
        return fill(5, pod("x", 3)) if request.is_watch else Reply(body=listing(5, pod("x", 3)))

    informer, _ = started(answer)
    assert informer.wait_for_cache_sync(30)


def test_an_absent_resource_is_named_after_the_wait(started):
    slow = BackoffPolicy(initial_s=60.0, cap_s=60.0)
    informer, _ = started(lambda _: refusal(status(404, "NotFound", "none")), backoff=slow)
    with pytest.raises(SyncError, match="/api/v1/pods: 404: none"):
        informer.wait_for_cache_sync(0.5)


def test_a_write_in_one_of_several_namespaces_is_not_waited_for_in_the_others(started):
    def answer(request: Request) -> Reply:
        if "/namespaces/a/" in request.path:
            return fill(5, more=line("ADDED", pod("x", 90)))
        return fill(5)

    informer, _ = started(answer, namespaces=["a", "b"])
    assert informer.wait_for_cache_sync(30)
    assert informer.wait_until("90", 30)
    assert "5" == informer.snapshot().resource_version


def test_an_index_function_that_raises_leaves_out_only_its_object(started):
    causes: list[str] = []

    class Notes(Observer):
        def poisoned(self, cause: str) -> None:
            causes.append(cause)

    def first_label(item: Any) -> list[str]:
        return [item.labels["app"]]

    items = (pod("x", 3, labels={"app": "web"}), pod("y", 4))
    informer, _ = started(
        lambda _: fill(5, *items), observer=Notes(), indexers={"app": first_label}
    )
    assert informer.wait_for_cache_sync(30)
    assert ["a/x"] == informer.indexer.index_keys("app", "web")
    assert ["indexer app raised KeyError('app') on a/y"] == causes


def test_labels_cannot_be_changed_by_a_reader(started):
    informer, _ = started(lambda _: fill(5, pod("x", 3), pod("y", 4, labels={"app": "web"})))
    assert informer.wait_for_cache_sync(30)
    for item in informer.snapshot():
        with pytest.raises(TypeError):
            item.labels["app"] = "other"
    assert [{}, {"app": "web"}] == [dict(item.labels) for item in informer.snapshot()]


def test_an_exception_sent_to_the_reflectors_thread_does_not_end_it(started):
    informer, server = started(lambda _: fill(5, pod("x", 3)))
    assert informer.wait_for_cache_sync(30)
    machine = informer._reflectors[0].machine
    step, struck = machine.step, []

    def strike(came: Any, now: float) -> Any:
        if isinstance(came, Broke) and came.signal is not Signal.UNREACHABLE and not struck:
            struck.append(came)
            raise SystemExit
        return step(came, now)

    machine.step = strike
    informer._reflectors[0]._stream.abort()
    eventually(lambda: len(struck) + len(server.received()) > 2, "it continues")
    eventually(lambda: informer.health.following, "it follows again")


class Clumsy(Observer):
    """Raises in every method about trouble."""

    def fell_back(self, cause: str) -> None:
        raise RuntimeError(cause)

    def faulted(self, error: BaseException) -> None:
        raise RuntimeError(error)


def test_an_observer_that_raises_over_trouble_does_not_end_the_reflector(started):
    def answer(request: Request) -> Reply:
        if request.is_fill:
            return refusal(status(403, message="no"))
        return (
            Reply(pieces=(bookmark(9),), hold=True)
            if request.is_watch
            else Reply(body=listing(9, pod("x", 8)))
        )

    informer, _ = started(answer, observer=Clumsy())
    assert informer.wait_for_cache_sync(30)
    eventually(lambda: informer.health.following, "it follows")
