"""The state machine, stepped by the test: no network, no clock."""

import json
from random import Random
from typing import Any

import pytest

from informer.tests.shapes import EXPIRED, TOO_LARGE, bookmark, line, listing, pod, status
from kube_informer.backoff import Backoff
from kube_informer.errors import TransformError
from kube_informer.events import EventType
from kube_informer.ladder import Signal
from kube_informer.machine import State, WatchMachine
from kube_informer.objects import DeletedFinalStateUnknown
from kube_informer.observer import Observer
from kube_informer.resource import Scope
from kube_informer.steps import (
    Answered,
    Broke,
    Changes,
    CheckVersion,
    Chunk,
    Ended,
    GetList,
    OpenWatch,
    Read,
    Replace,
    Wait,
    Woke,
)


class Middle(Random):
    """A random source without surprises: no jitter, watches of 450 s."""

    def random(self) -> float:
        return 0.0

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class Notes(Observer):
    """Records the observed events."""

    def __init__(self) -> None:
        self.poison: list[str] = []
        self.fills: list[str] = []
        self.stale_events = 0
        self.short_watches = 0
        self.fallbacks: list[str] = []
        self.failures: list[str] = []
        self.lists: list[tuple[int, float]] = []

    def poisoned(self, cause: str) -> None:
        self.poison.append(cause)

    def listed(self, code: int, seconds: float) -> None:
        self.lists.append((code, seconds))

    def filled(self, reason: str, objects: int) -> None:
        self.fills.append(reason)

    def stale(self, kind: str) -> None:
        self.stale_events += 1

    def watch_ended(self, lifetime_s: float, events: int, *, short: bool) -> None:
        self.short_watches += short

    def fell_back(self, cause: str) -> None:
        self.fallbacks.append(cause)

    def stream_failed(self, cause: str) -> None:
        self.failures.append(cause)


class Desk:
    """A machine and its outputs, with a clock that the test moves."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("stream_initial", True)
        self.now = 1000.0
        self.notes = Notes()
        self.machine = WatchMachine(
            options.pop("scope", Scope()),
            self.notes,
            backoff=Backoff(random=Middle()),
            random_source=Middle(),
            **options,
        )
        self.outputs: list[Any] = []
        self.action: Any = self.machine.start(self.now)

    def feed(self, result: Any, after: float = 0.0) -> Any:
        self.now += after
        outputs, self.action = self.machine.step(result, self.now)
        self.outputs += outputs
        return self.action

    def answer(self, body: bytes, after: float = 0.0) -> Any:
        """Answer 200: a list comes in pieces, that of a version check as a whole."""
        if not isinstance(self.action, GetList):
            return self.feed(Answered(200, body), after)
        self.feed(Answered(200), after)
        self.feed(Chunk(body))
        return self.feed(Ended())

    def refuse(self, body: dict[str, Any], retry_after: float = 0.0) -> Any:
        return self.feed(Answered(body["code"], json.dumps(body).encode(), retry_after))

    def wake(self) -> Any:
        return self.feed(Woke(), self.action.delay_s)

    def take(self) -> list[Any]:
        taken, self.outputs = self.outputs, []
        return taken

    def stream(self, data: bytes) -> Any:
        """Answer 200 with the first bytes of a stream."""
        self.feed(Answered(200))
        return self.feed(Chunk(data))

    def changes(self) -> list[tuple[EventType, str]]:
        """Take the only output; return the changes in it."""
        (changes,) = self.take()
        return names(changes)

    def filled(self) -> list[str]:
        """Take the only output, a fill; return the keys of its objects."""
        (replace,) = self.take()
        return [item.key for item in replace.objects]

    @classmethod
    def watching(cls, version: int = 10, **options: Any) -> "Desk":
        desk = cls(**options)
        desk.feed(Answered(200))
        desk.feed(Chunk(bookmark(version, initial_end=True)))
        desk.take()
        return desk


def names(changes: Changes) -> list[tuple[EventType, str]]:
    return [(change.type, change.object.key) for change in changes.changes]


# The first fill, streamed


def test_the_first_request_is_for_the_initial_state_as_a_stream():
    desk = Desk(scope=Scope("a", "app=x", "spec.nodeName=n"))
    assert (
        OpenWatch(
            {
                "labelSelector": "app=x",
                "fieldSelector": "spec.nodeName=n",
                "watch": "true",
                "allowWatchBookmarks": "true",
                "timeoutSeconds": "450",
                "sendInitialEvents": "true",
                "resourceVersionMatch": "NotOlderThan",
            },
            30.0,
        )
        == desk.action
    )


def test_no_output_precedes_the_end_of_the_initial_events():
    desk = Desk()
    desk.stream(line("ADDED", pod("x", 3)) + line("ADDED", pod("y", 9)))
    assert [] == desk.outputs
    desk.feed(Chunk(bookmark(9, initial_end=True)))
    (replace,) = desk.outputs
    assert isinstance(replace, Replace)
    assert (["a/x", "a/y"], "9", "initial") == (
        [item.key for item in replace.objects],
        replace.resource_version,
        replace.reason,
    )


def test_the_stream_continues_as_a_watch_within_the_same_chunk():
    desk = Desk()
    desk.stream(
        line("ADDED", pod("x", 3)) + bookmark(5, initial_end=True) + line("DELETED", pod("x", 6))
    )
    replace, changes = desk.outputs
    assert ["a/x"] == [item.key for item in replace.objects]
    assert ([(EventType.DELETED, "a/x")], "6") == (names(changes), changes.resource_version)
    assert State.WATCHING is desk.machine.state


def test_a_fill_that_breaks_off_is_discarded_and_restarted_after_a_wait():
    desk = Desk()
    desk.stream(line("ADDED", pod("ghost", 3)))
    assert Wait(0.8) == desk.feed(Broke("reset"))
    assert isinstance(desk.wake(), OpenWatch)
    desk.stream(line("ADDED", pod("x", 4)) + bookmark(4, initial_end=True))
    assert ["a/x"] == desk.filled()


# The first fill, listed


@pytest.mark.parametrize("code", [400, 405, 422])
def test_a_server_that_streams_no_initial_state_is_listed_at_once(code):
    desk = Desk()
    assert GetList({"resourceVersion": "0", "limit": "500"}, 60.0) == desk.refuse(status(code))
    assert 1 == len(desk.notes.fallbacks)


def test_a_server_that_ignores_send_initial_events_is_listed_at_its_first_bookmark():
    desk = Desk()
    desk.stream(line("ADDED", pod("x", 3)))
    assert isinstance(desk.feed(Chunk(bookmark(5)), 60.0), GetList)
    assert [] == desk.outputs


def test_a_list_is_followed_by_a_watch_from_its_version():
    desk = Desk(stream_initial=False)
    action = desk.answer(listing(7, pod("x", 3)))
    (replace,) = desk.outputs
    assert ("7", ["a/x"]) == (replace.resource_version, [item.key for item in replace.objects])
    assert ("7", None) == (
        action.query["resourceVersion"],
        action.query.get("resourceVersionMatch"),
    )


def test_pages_are_joined_before_any_output():
    desk = Desk(stream_initial=False)
    action = desk.answer(listing(7, pod("x", 3), token="more"))
    assert GetList({"limit": "500", "continue": "more"}, 60.0) == action
    assert [] == desk.outputs
    desk.answer(listing(7, pod("y", 4)))
    assert ["a/x", "a/y"] == desk.filled()


def test_a_page_that_leads_back_to_an_earlier_one_is_nonsense_and_retried_after_a_wait():
    desk = Desk(stream_initial=False)
    desk.answer(listing(7, pod("x", 3), token="one"))
    desk.answer(listing(7, pod("y", 4), token="two"))
    for delay_s, token in ((0.8, "two"), (1.6, "one")):
        assert Wait(delay_s) == desk.answer(listing(7, token=token))
        assert "the same continue token" in desk.machine.progress[1]
        if token == "two":
            assert "two" == desk.wake().query["continue"]
    assert "sendInitialEvents" in desk.wake().query
    assert [] == desk.take()


def test_a_410_in_the_middle_of_paging_restarts_the_list_in_one_piece():
    desk = Desk(stream_initial=False)
    desk.answer(listing(7, pod("ghost", 3), token="more"))
    assert GetList({}, 60.0) == desk.refuse(EXPIRED)
    desk.answer(listing(9, pod("x", 8)))
    assert ["a/x"] == desk.filled()


def test_a_body_that_is_no_list_is_requested_again_after_a_wait():
    desk = Desk(stream_initial=False)
    assert Wait(0.8) == desk.answer(b"<html>")
    assert isinstance(desk.wake(), GetList)


# The watch


def test_a_stream_is_read_for_ten_minutes_before_its_first_bookmark_and_70_s_after():
    desk = Desk.watching()
    assert Read(70.0) == desk.action
    desk.feed(Ended(), 450.0)
    assert Read(600.0) == desk.feed(Answered(200))
    assert Read(70.0) == desk.feed(Chunk(bookmark(20)))


NO_EVENTS = [b"\n", b" ", b"x", b"nonsense\n"]


@pytest.mark.parametrize("data", NO_EVENTS)
@pytest.mark.parametrize(
    ("first", "limit_s", "why"),
    [
        (bookmark(20), 70, "no event or bookmark for 70 s"),
        (b"\n", 600, "answered 200 with something else than watch events"),
    ],
)
def test_a_watch_without_an_event_for_too_long_is_silent_even_if_it_sends_other_bytes(
    data, first, limit_s, why
):
    desk = Desk.watching()
    desk.feed(Ended(), 450.0)
    desk.stream(first)
    assert Read(limit_s / 2) == desk.feed(Chunk(data), limit_s / 2)
    assert isinstance(desk.feed(Chunk(data), limit_s / 2), Wait)
    assert why == desk.machine.progress[1]


@pytest.mark.parametrize("data", NO_EVENTS)
def test_a_streamed_fill_that_sends_no_event_for_too_long_is_listed(data):
    desk = Desk()
    desk.stream(line("ADDED", pod("x", 3)))
    assert Read(4.0) == desk.feed(Chunk(data), 6.0)
    assert isinstance(desk.feed(Chunk(data), 4.0), GetList)


def test_a_watch_that_outlives_its_timeout_is_ended_and_resumed_without_delay():
    desk = Desk.watching(10)
    for at in range(45 + 3):
        assert Read(70.0) == desk.feed(Chunk(line("MODIFIED", pod("x", 11 + at))), 10.0)
    action = desk.feed(Chunk(line("MODIFIED", pod("x", 90))), 10.0)
    assert isinstance(action, OpenWatch)
    assert "90" == action.query["resourceVersion"]
    assert "" == desk.machine.progress[1]


@pytest.mark.parametrize("filling", [True, False])
def test_a_line_longer_than_any_object_is_nonsense(filling, monkeypatch):
    monkeypatch.setattr("kube_informer.machine.MAX_LINE", 1000)
    desk = Desk() if filling else Desk.watching(10)
    if filling:
        desk.feed(Answered(200))
    assert isinstance(desk.feed(Chunk(line("ADDED", pod("x", 12)) + 1000 * b"x")), Read)
    assert isinstance(desk.feed(Chunk(b"x")), Wait)
    assert "a line of more than 1000 bytes" == desk.machine.progress[1]


def test_an_ordinary_end_is_followed_by_a_watch_from_the_last_version_without_delay():
    desk = Desk.watching(10)
    desk.feed(Chunk(line("MODIFIED", pod("x", 12)) + bookmark(15)))
    action = desk.feed(Ended(), 450.0)
    assert isinstance(action, OpenWatch)
    assert ("15", None) == (
        action.query["resourceVersion"],
        action.query.get("sendInitialEvents"),
    )


def test_bookmarks_alone_move_the_version():
    desk = Desk.watching(10)
    desk.feed(Chunk(bookmark(15)))
    (changes,) = desk.take()
    assert ([], "15") == (changes.changes, changes.resource_version)


def test_an_event_cut_in_two_is_applied_once_it_is_whole():
    desk = Desk.watching(10)
    data = line("ADDED", pod("x", 12))
    desk.feed(Chunk(data[:40]))
    assert [] == desk.take()
    desk.feed(Chunk(data[40:]))
    assert [(EventType.ADDED, "a/x")] == desk.changes()


def test_half_an_event_at_a_cut_is_forgotten_and_the_watch_resumes_before_it():
    desk = Desk.watching(10)
    desk.feed(Chunk(line("ADDED", pod("x", 12)) + line("ADDED", pod("y", 13))[:30]))
    desk.feed(Broke("cut"))
    desk.wake()
    action = desk.answer(listing(13))
    assert "12" == action.query["resourceVersion"]
    desk.feed(Answered(200))
    desk.take()
    desk.feed(Chunk(line("ADDED", pod("y", 13))))
    assert [(EventType.ADDED, "a/y")] == desk.changes()


@pytest.mark.parametrize(
    "poison",
    [
        b"{nonsense\n",
        b'{"type":"ADDED","object":[]}\n',
        b'{"type":"ADDED","object":{"metadata":{}}}\n',
        b'{"type":"ADDED","object":{"metadata":{"name":5}}}\n',
        b'{"type":"SURPRISE","object":{"metadata":{"name":"x"}}}\n',
        b'{"type":"ADDED","object":{"metadata":{"name":"\xff"}}}\n',
        b'{"type":"BOOKMARK","object":7}\n',
    ],
)
def test_an_undecodable_event_is_skipped_and_the_stream_continues(poison):
    desk = Desk.watching(10)
    action = desk.feed(Chunk(poison + line("ADDED", pod("x", 12))))
    assert [(EventType.ADDED, "a/x")] == desk.changes()
    assert 1 == len(desk.notes.poison)
    assert isinstance(action, Read)


def test_a_watch_that_ends_at_once_without_an_event_counts_as_an_error():
    desk = Desk.watching(10)
    desk.feed(Ended(), 450.0)
    waits = []
    for _ in range(3):
        while not isinstance(desk.action, OpenWatch):
            if isinstance(desk.action, Wait):
                waits.append(desk.action.delay_s)
                desk.wake()
            else:
                desk.answer(listing(10))
        desk.feed(Answered(200))
        desk.feed(Ended(), 0.1)
    assert [0.8, 1.6] == waits
    assert 3 == desk.notes.short_watches


# Expired, too large, refused


def test_a_410_inside_the_stream_fetches_everything_anew_after_a_wait():
    desk = Desk.watching(10)
    assert Wait(0.8) == desk.feed(Chunk(line("ERROR", EXPIRED)))
    action = desk.wake()
    assert ("true", None) == (
        action.query["sendInitialEvents"],
        action.query.get("resourceVersion"),
    )
    desk.stream(bookmark(20, initial_end=True))
    assert ["initial", "expired"] == desk.notes.fills


def test_events_before_an_error_in_one_chunk_are_kept():
    desk = Desk.watching(10)
    desk.feed(Chunk(line("ADDED", pod("x", 12)) + line("ERROR", EXPIRED)))
    assert [(EventType.ADDED, "a/x")] == desk.changes()


def test_a_410_as_a_status_fetches_everything_anew_after_a_wait():
    desk = Desk.watching(10)
    desk.feed(Ended(), 450.0)
    assert Wait(0.8) == desk.refuse(EXPIRED)
    assert "true" == desk.wake().query["sendInitialEvents"]


def test_a_lasting_410_is_retried_ever_more_slowly():
    desk = Desk.watching(10)
    waits = [desk.feed(Chunk(line("ERROR", EXPIRED))).delay_s]
    for _ in range(6):
        desk.wake()
        waits.append(desk.refuse(EXPIRED).delay_s)
    assert [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0] == waits


def test_a_version_too_large_fetches_the_latest_state():
    desk = Desk.watching(10, stream_initial=True)
    desk.feed(Ended(), 450.0)
    desk.refuse(TOO_LARGE)
    assert "resourceVersion" not in desk.wake().query


def test_a_relist_by_list_asks_for_the_latest_state_in_pages():
    desk = Desk(stream_initial=False)
    desk.answer(listing(7))
    desk.stream(line("ERROR", EXPIRED))
    assert GetList({"limit": "500"}, 60.0) == desk.wake()


@pytest.mark.parametrize("code", [401, 403, 429, 500, 503])
def test_a_refused_watch_is_retried_and_never_listed(code):
    desk = Desk.watching(10)
    desk.feed(Ended(), 450.0)
    for _ in range(5):
        assert isinstance(desk.action, OpenWatch)
        assert "10" == desk.action.query["resourceVersion"]
        assert isinstance(desk.refuse(status(code)), Wait)
        desk.wake()


def test_retry_after_is_honoured():
    desk = Desk.watching(10)
    desk.feed(Ended(), 450.0)
    assert Wait(9.0) == desk.refuse(status(429, "TooManyRequests"), retry_after=9.0)


@pytest.mark.parametrize(
    "odd",
    [{}, {"code": 500}, {"code": "x"}, {"kind": "Status"}, status(200), status(599, "Odd")],
)
def test_an_error_event_with_an_odd_status_is_a_failure_like_any_other(odd):
    desk = Desk.watching(10)
    assert Wait(0.8) == desk.feed(Chunk(line("ERROR", odd)))
    assert "10" == desk.wake().query["resourceVersion"]


# Connections that fail


def test_a_refused_connection_is_retried_and_then_the_version_is_checked():
    desk = Desk.watching(10)
    desk.feed(Chunk(bookmark(11)))
    desk.feed(Broke("reset"))
    desk.wake()
    waits = []
    for _ in range(3):
        waits.append(desk.feed(Broke("refused")).delay_s)
        desk.wake()
    assert [1.6, 3.2, 6.4] == waits
    assert CheckVersion(1000.0, 60.0) == desk.action
    action = desk.answer(listing(12))
    assert (State.OPEN, "11") == (desk.machine.state, action.query["resourceVersion"])


def test_a_watch_without_an_answer_leads_to_a_version_check():
    desk = Desk.watching(10)
    desk.feed(Chunk(bookmark(11)))
    assert isinstance(desk.feed(Ended(), 450.0), OpenWatch)
    desk.feed(Broke("closed without response"))
    assert isinstance(desk.wake(), CheckVersion)


def test_a_silent_stream_is_resumed_from_its_version_after_a_version_check():
    desk = Desk.watching(10)
    assert Wait(0.8) == desk.feed(Broke("timed out", Signal.SILENT), 70.0)
    assert isinstance(desk.wake(), CheckVersion)
    action = desk.answer(listing(10))
    assert isinstance(action, OpenWatch)
    assert "10" == action.query["resourceVersion"]


# A load balancer that cuts a quiet watch sooner than its first bookmark comes

ENDS = pytest.mark.parametrize("end", [Broke("cut"), Ended()], ids=["cut", "ended"])


def resumed(desk: Desk, action: Any) -> dict[str, str]:
    """Open the watch again, on a server whose other resources move; return its query."""
    if isinstance(action, CheckVersion):
        action = desk.answer(listing(99))
    desk.feed(Answered(200))
    return action.query


@ENDS
def test_a_quiet_watch_that_is_cut_again_and_again_is_resumed_at_once(end):
    desk = Desk.watching(10)
    for _ in range(20):
        assert "10" == resumed(desk, desk.feed(end, 35.0))["resourceVersion"]
        assert (State.WATCHING, "") == (desk.machine.state, desk.machine.progress[1])
    assert (["initial"], 1000.0) == (desk.notes.fills, desk.machine.progress[0])


@ENDS
def test_a_quiet_watch_that_stays_open_ends_the_trouble_before_it(end):
    desk = Desk.watching(10)
    desk.feed(Broke("reset"))
    for delay_s in (1.6, 3.2, 6.4):
        desk.wake()
        assert Wait(delay_s) == desk.feed(Broke("refused", Signal.UNREACHABLE))
    resumed(desk, desk.wake())
    assert "refused" == desk.machine.progress[1]
    resumed(desk, desk.feed(end, 35.0))
    assert "" == desk.machine.progress[1]
    assert Wait(0.8) == desk.feed(Broke("reset"))


def test_a_watch_that_is_cut_after_other_bytes_than_events_is_in_trouble():
    desk = Desk.watching(10)
    desk.feed(Ended(), 450.0)
    desk.stream(b"<html>")
    assert Wait(0.8) == desk.feed(Broke("cut"), 35.0)


# The server that went back in time


def suspect() -> Desk:
    desk = Desk.watching(10)
    desk.feed(Ended(), 450.0)
    desk.feed(Answered(200))
    return desk


def test_a_stream_that_ended_without_a_byte_leads_to_a_version_check():
    assert isinstance(suspect().feed(Ended(), 450.0), CheckVersion)


def test_a_stream_that_broke_without_a_byte_leads_to_a_version_check():
    assert isinstance(suspect().feed(Broke("reset"), 300.0), CheckVersion)


def test_a_server_behind_us_is_listed_in_full():
    desk = suspect()
    desk.feed(Ended(), 450.0)
    action = desk.answer(listing(9))
    assert ("true", None) == (
        action.query["sendInitialEvents"],
        action.query.get("resourceVersion"),
    )
    desk.stream(bookmark(9, initial_end=True))
    assert ["initial", "rv_backwards"] == desk.notes.fills
    desk.take()
    desk.feed(Chunk(line("ADDED", pod("x", 10))))
    assert [(EventType.ADDED, "a/x")] == desk.changes()


def test_a_server_not_behind_us_is_watched_again_without_a_list():
    desk = suspect()
    desk.feed(Ended(), 450.0)
    action = desk.answer(listing(10))
    assert "10" == action.query["resourceVersion"]
    assert ["initial"] == desk.notes.fills


@pytest.mark.parametrize(("version", "proven_at"), [(10, 1900.0), (11, 1000.0)])
def test_a_check_proves_the_state_if_it_finds_the_version_reached(version, proven_at):
    desk = suspect()
    desk.feed(Ended(), 450.0)
    desk.answer(listing(version))
    assert (proven_at, "") == desk.machine.progress


@pytest.mark.parametrize("code", [403, 404])
def test_without_permission_to_list_the_watch_continues(code):
    desk = suspect()
    desk.feed(Ended(), 450.0)
    for _ in range(3):
        desk.refuse(status(code))
        assert isinstance(desk.wake(), CheckVersion)
    assert isinstance(desk.refuse(status(code)), OpenWatch)


def test_a_failed_version_check_is_repeated_after_a_wait():
    desk = suspect()
    desk.feed(Ended(), 450.0)
    assert Wait(0.8) == desk.refuse(status(500))
    assert isinstance(desk.wake(), CheckVersion)


def test_a_transform_is_applied_to_lists_and_to_events_of_every_kind():
    seen = []

    def note(item):
        seen.append(item.key)
        return item

    desk = Desk(stream_initial=False, transform=note)
    desk.answer(listing(7, pod("listed", 3)))
    desk.stream(line("ADDED", pod("added", 8)) + line("DELETED", pod("gone", 9)))
    assert ["a/listed", "a/added", "a/gone"] == seen


def test_a_deletion_is_output_even_if_its_transform_fails():
    def spoil(item):
        if item.key == "a/x":
            raise TransformError("spoilt")
        return item

    desk = Desk.watching(transform=spoil)
    desk.feed(Chunk(line("MODIFIED", pod("x", 11)) + line("DELETED", pod("x", 12))))
    assert [("DELETED", "a/x")] == [
        (change.type, change.object.key) for output in desk.take() for change in output.changes
    ]
    assert ["spoilt", "spoilt"] == desk.notes.poison


def test_an_internal_fault_fetches_the_latest_state_anew_after_a_wait():
    desk = Desk.watching(10)
    wait = desk.machine.fault(desk.now)
    assert isinstance(wait, Wait)
    desk.action = wait
    refill = desk.wake()
    assert "sendInitialEvents" in refill.query
    assert "resourceVersion" not in refill.query
    desk.stream(bookmark(12, initial_end=True))
    assert ["initial", "fault"] == desk.notes.fills


def test_an_impossible_input_is_refused_with_the_state_named():
    with pytest.raises(ValueError, match="Woke cannot come in state fill"):
        Desk().feed(Woke())


def test_watches_request_a_timeout_between_five_and_ten_minutes():
    lifetimes = {
        int(WatchMachine(Scope(), Observer(), stream_initial=True).start().query["timeoutSeconds"])
        for _ in range(200)
    }
    assert 300 <= min(lifetimes) < 400
    assert 500 < max(lifetimes) <= 600


# Versions that are absent


def test_a_bookmark_without_a_version_moves_nothing_and_counts_as_one():
    desk = Desk.watching(10)
    assert Read(70.0) == desk.feed(Chunk(bookmark("")))
    assert ([], "10") == (desk.take(), desk.machine.resource_version)


def test_initial_events_that_end_without_a_version_fill_all_the_same():
    desk = Desk()
    desk.stream(line("ADDED", pod("x", 3)) + bookmark("", initial_end=True))
    (replace,) = desk.take()
    assert (["a/x"], "") == ([item.key for item in replace.objects], replace.resource_version)
    desk.feed(Chunk(line("MODIFIED", pod("x", 4))))
    assert "4" == desk.feed(Ended(), 450.0).query["resourceVersion"]


def test_a_list_without_a_version_is_watched_without_one_and_listed_again_after_a_cut():
    desk = Desk(stream_initial=False)
    action = desk.answer(listing("", pod("x", "")))
    assert "resourceVersion" not in action.query
    desk.feed(Answered(200))
    desk.feed(Broke("cut"))
    assert isinstance(desk.wake(), GetList)


def test_a_deletion_of_an_older_version_does_not_take_the_stream_back():
    desk = Desk.watching(10)
    desk.feed(Chunk(line("DELETED", pod("x", 4))))
    (changes,) = desk.take()
    assert ([("DELETED", "a/x")], "10") == (names(changes), changes.resource_version)


def test_a_cut_among_deletions_of_one_revision_resumes_before_it():
    desk = Desk.watching(10)
    desk.feed(Chunk(line("DELETED", pod("x", 12)) + line("DELETED", pod("y", 12))))
    desk.feed(Broke("cut"))
    desk.wake()
    assert "10" == desk.answer(listing(12)).query["resourceVersion"]
    desk.stream(line("DELETED", pod("z", 12)) + bookmark(12))
    assert "12" == desk.feed(Ended(), 450.0).query["resourceVersion"]


# Health: only proof of the state moves it


def test_it_is_behind_until_the_first_fill_is_complete():
    desk = Desk()
    assert (None, "the first fill is under way") == desk.machine.progress
    desk.feed(Answered(200), 1.0)
    desk.feed(Chunk(line("ADDED", pod("x", 3))), 1.0)
    assert (None, "the first fill is under way") == desk.machine.progress
    desk.feed(Chunk(bookmark(5, initial_end=True)), 1.0)
    assert (1003.0, "") == desk.machine.progress


@pytest.mark.parametrize("data", [line("MODIFIED", pod("x", 12)), bookmark(12)])
def test_events_and_bookmarks_prove_the_state(data):
    desk = Desk.watching(10)
    desk.feed(Chunk(data), 30.0)
    assert (1030.0, "") == desk.machine.progress


@pytest.mark.parametrize("data", [b"<html>\n", b'{"type":"ADDED","obj', b'{"type":"ADDED"}\n'])
def test_bytes_prove_nothing(data):
    desk = Desk.watching(10)
    desk.feed(Chunk(data), 30.0)
    assert 1000.0 == desk.machine.progress[0]


def test_refusals_and_a_stream_opened_again_prove_nothing():
    desk = Desk.watching(10)
    desk.feed(Ended(), 50.0)
    desk.refuse(status(403, message="no"))
    assert (1000.0, "403: no") == desk.machine.progress
    desk.wake()
    desk.feed(Answered(200), 5.0)
    assert (1000.0, "403: no") == desk.machine.progress
    desk.feed(Chunk(bookmark(11)), 60.0)
    assert (desk.now, "") == desk.machine.progress


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        (Chunk(line("ERROR", status(500, message="odd"))), "ERROR event: 500 odd"),
        (Broke("reset"), "reset"),
    ],
)
def test_every_interruption_is_named(failure, problem):
    desk = Desk.watching(10)
    desk.feed(failure, 5.0)
    assert (1000.0, problem) == desk.machine.progress


def test_a_fill_that_ends_early_is_named_and_restarted_after_a_wait():
    desk = Desk()
    desk.feed(Answered(200))
    assert Wait(0.8) == desk.feed(Ended(), 5.0)
    assert (None, "the initial stream ended early") == desk.machine.progress
    assert "true" == desk.wake().query["sendInitialEvents"]


def test_a_list_proves_the_state():
    desk = Desk(stream_initial=False)
    desk.answer(listing(7), 2.0)
    assert (1002.0, "") == desk.machine.progress


def test_the_refusal_of_a_fill_is_kept_until_it_succeeds():
    desk = Desk(stream_initial=False)
    desk.refuse(status(404))
    desk.wake()
    desk.refuse(status(404))
    assert (404, 2) == desk.machine.refusal
    desk.wake()
    desk.stream(bookmark(7, initial_end=True))
    assert (0, 0) == desk.machine.refusal


# The ladder in single steps; test_ladder.py covers all rungs


@pytest.mark.parametrize("code", [403, 404, 500, 501, 503, 504])
def test_a_streamed_fill_that_is_refused_otherwise_is_listed_after_a_wait(code):
    desk = Desk()
    assert Wait(0.8) == desk.refuse(status(code))
    assert GetList({"resourceVersion": "0", "limit": "500"}, 60.0) == desk.wake()


def test_a_streamed_fill_that_ends_early_twice_is_listed():
    desk = Desk()
    for _ in range(2):
        assert isinstance(desk.action, OpenWatch)
        desk.feed(Answered(200))
        desk.feed(Chunk(line("ADDED", pod("x", 3))))
        desk.feed(Ended(), 5.0)
        desk.wake()
    assert isinstance(desk.action, GetList)
    assert 1 == len(desk.notes.fallbacks)


@pytest.mark.parametrize("data", [[], [Chunk(line("ADDED", pod("x", 3)))]])
def test_a_streamed_fill_that_falls_silent_for_10_s_is_listed_at_once(data):
    desk = Desk()
    assert Read(10.0) == desk.feed(Answered(200))
    for chunk in data:
        desk.feed(chunk)
    action = desk.feed(Broke("silent", Signal.SILENT), 10.0)
    assert GetList({"resourceVersion": "0", "limit": "500"}, 60.0) == action
    assert ["silent"] == desk.notes.fallbacks


# A list, a piece at a time


def test_each_piece_of_a_list_has_the_time_limit_of_its_first():
    desk = Desk(stream_initial=False)
    assert Read(60.0) == desk.feed(Answered(200))
    assert Read(60.0) == desk.feed(Chunk(listing(7, pod("x", 3))[:40]))


def test_a_list_that_does_not_end_is_aborted_and_restarted_after_a_wait():
    desk = Desk(stream_initial=False)
    desk.feed(Answered(200))
    for _ in range(10):
        assert Read(60.0) == desk.feed(Chunk(b" "), 60.0)
    assert Wait(0.8) == desk.feed(Chunk(b" "), 1.0)
    assert "the list did not end within 600 s" == desk.machine.progress[1]
    assert isinstance(desk.wake(), GetList)


def test_a_list_that_breaks_off_is_discarded_and_restarted_after_a_wait():
    desk = Desk(stream_initial=False)
    desk.stream(listing(7, *(pod(f"ghost-{at}", 3) for at in range(5000))))
    assert Wait(0.8) == desk.feed(Broke("reset"))
    desk.wake()
    desk.answer(listing(9, pod("x", 8)))
    assert ["a/x"] == desk.filled()


def test_lists_are_reported_with_status_and_time_since_the_request():
    desk = Desk(stream_initial=False)
    desk.feed(Answered(200), 1.0)
    desk.feed(Broke("reset"), 1.0)
    desk.wake()
    desk.feed(Answered(200), 2.0)
    desk.feed(Chunk(listing(7, token="more")), 2.0)
    desk.feed(Ended())
    desk.refuse(status(500))
    assert [(0, 2.0), (200, 4.0), (500, 0.0)] == desk.notes.lists


def test_a_watch_that_the_server_rejects_is_followed_by_a_fetch_of_the_latest():
    desk = Desk.watching(10)
    desk.feed(Ended(), 450.0)
    desk.refuse(status(400, message="invalid resourceVersion"))
    query = desk.wake().query
    assert ("true", None) == (query["sendInitialEvents"], query.get("resourceVersion"))


def test_a_watch_at_a_forgotten_version_that_is_closed_without_an_error_is_fetched_anew():
    desk = Desk.watching(10)
    desk.feed(Ended(), 450.0)
    closed = 0
    while "sendInitialEvents" not in getattr(desk.action, "query", {}):
        if isinstance(desk.action, OpenWatch):
            desk.feed(Answered(200))
            desk.feed(Ended(), 0.1)
            closed += 1
        elif isinstance(desk.action, CheckVersion):
            desk.answer(listing(10))
        else:
            desk.wake()
    assert (4, "10") == (closed, desk.action.query["resourceVersion"])


@pytest.mark.parametrize("trouble", [status(429), status(500), status(503), None])
def test_a_page_that_fails_keeps_those_before_it(trouble):
    desk = Desk(stream_initial=False)
    desk.answer(listing(7, pod("x", 3), token="more"))
    for _ in range(2):
        desk.refuse(trouble) if trouble else desk.feed(Broke("reset"))
        assert GetList({"limit": "500", "continue": "more"}, 60.0) == desk.wake()
    desk.answer(listing(7, pod("y", 4)))
    assert ["a/x", "a/y"] == desk.filled()


def test_a_list_in_pages_that_expires_again_is_restarted_after_a_wait():
    desk = Desk(stream_initial=False)
    for _ in range(2):
        desk.answer(listing(7, token="more"))
        desk.refuse(EXPIRED)
    assert isinstance(desk.action, Wait)


@pytest.mark.parametrize("stream_initial", [True, False])
def test_a_login_page_is_reported_and_the_request_retried_after_a_wait(stream_initial):
    desk = Desk(stream_initial=stream_initial)
    page = b"<html>\n<body>log in</body>\n"
    if stream_initial:
        desk.feed(Answered(200))
        desk.feed(Chunk(page))
        assert isinstance(desk.feed(Ended(), 0.1), Wait)
    else:
        assert isinstance(desk.answer(page), Wait)
    assert desk.machine.progress[1] in (
        "answered 200 with something else than watch events",
        desk.notes.failures[-1],
    )


@pytest.mark.parametrize("body", [b"{}", b'{"metadata":{}}', b'{"kind":"Status","metadata":{}}'])
def test_a_body_without_items_is_no_empty_list(body):
    desk = Desk(stream_initial=False)
    desk.answer(body)
    assert ([], State.WAIT) == (desk.outputs, desk.machine.state)


def test_items_that_are_null_are_an_empty_list():
    desk = Desk(stream_initial=False)
    desk.answer(b'{"metadata":{"resourceVersion":"7"},"items":null}')
    assert [Replace([], "7", "initial")] == desk.outputs


def test_the_delays_start_anew_once_a_stream_sends_long_enough_after_its_opening():
    desk = Desk.watching(10)
    assert [0.8, 1.6] == [
        desk.feed(Broke("cut")).delay_s,
        reopened(desk).feed(Broke("cut")).delay_s,
    ]
    reopened(desk).feed(Chunk(bookmark(12)), 9.0)
    assert 3.2 == desk.feed(Broke("cut")).delay_s
    reopened(desk).feed(Chunk(bookmark(13)), 11.0)
    assert 0.8 == desk.feed(Broke("silent", Signal.SILENT)).delay_s


def reopened(desk: Desk) -> Desk:
    desk.wake()
    if isinstance(desk.action, CheckVersion):
        desk.answer(listing(100))
    desk.feed(Answered(200))
    return desk


def test_streams_that_work_but_end_at_once_are_reopened_with_delays():
    desk = Desk.watching(10)
    desk.feed(Ended(), 0.1)
    desk.stream(bookmark(11))
    assert Wait(0.8) == desk.feed(Ended(), 0.1)


# An unreadable object does not count as deleted


BAD = pod("x", 8) | {"metadata": pod("x", 8)["metadata"] | {"labels": {"n": 1}}}


@pytest.mark.parametrize("stream_initial", [True, False])
def test_a_fill_names_the_unreadable_objects(stream_initial):
    desk = Desk(stream_initial=stream_initial)
    if stream_initial:
        desk.feed(Answered(200))
        desk.feed(Chunk(line("ADDED", BAD) + bookmark(9, initial_end=True)))
    else:
        desk.answer(listing(9, BAD))
    assert [Replace([], "9", "initial", frozenset({"a/x"}))] == desk.outputs


@pytest.mark.parametrize("stream_initial", [True, False])
def test_a_fill_with_an_object_that_has_not_even_a_name_is_incomplete(stream_initial):
    desk = Desk(stream_initial=stream_initial)
    if stream_initial:
        desk.feed(Answered(200))
        desk.feed(Chunk(b'{"type":"ADDED","object":7}\n' + bookmark(9, initial_end=True)))
    else:
        desk.answer(b'{"metadata":{"resourceVersion":"9"},"items":[7]}')
    assert [Replace([], "9", "initial", incomplete=True)] == desk.outputs


def test_a_deletion_is_output_though_the_last_state_cannot_be_read():
    desk = Desk.watching(10)
    desk.feed(Chunk(line("DELETED", BAD)))
    (changes,) = desk.take()
    (change,) = changes.changes
    assert (EventType.DELETED, "a/x", DeletedFinalStateUnknown) == (
        change.type,
        change.object.key,
        type(change.object),
    )
