"""Faults that a real API server cannot be made to show on demand, over scripted HTTP."""

import time
from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from informer.conformance.scripted_server import Reply, Request, ScriptedServer, refusal
from informer.tests.shapes import (
    EXPIRED,
    TOO_LARGE,
    bookmark,
    line,
    listing,
    pod,
    status,
)
from kube_informer import BackoffPolicy, Observer, SharedInformer
from tests.integration.informer.replica import Replica, eventually, fill

STEADY = BackoffPolicy(initial_s=0.1, cap_s=0.4, jitter=0.0)


class Counts(Observer):
    """Counts by kind of note."""

    def __init__(self) -> None:
        self.poisons = 0
        self.stales = 0
        self.shorts = 0
        self.fills: list[str] = []
        self.delays: list[float] = []

    def poisoned(self, cause: str) -> None:
        self.poisons += 1

    def stale(self, kind: str) -> None:
        self.stales += 1

    def watch_ended(self, lifetime_s: float, events: int, *, short: bool) -> None:
        self.shorts += short

    def filled(self, reason: str, objects: int) -> None:
        self.fills.append(reason)

    def backed_off(self, delay_s: float) -> None:
        self.delays.append(delay_s)


class Case:
    """A scripted server, an informer over it, and a handler that notes what it is told."""

    def __init__(self, server: ScriptedServer, informer: SharedInformer, counts: Counts) -> None:
        self.server, self.informer, self.counts = server, informer, counts
        self.replica = Replica()
        informer.add_event_handler(self.replica)
        informer.start()

    def holds(self, *wanted: str) -> None:
        """Wait until cache and handler both hold just these ``name@version``."""

        def cached() -> list[str]:
            return [f"{item.name}@{item.resource_version}" for item in self.informer.snapshot()]

        eventually(lambda: cached() == list(wanted), f"{wanted} are cached, not {cached()}")
        versions = {item.key: item.resource_version for item in self.informer.snapshot()}
        eventually(lambda: self.replica.told() == versions, "the handler was told")
        assert [] == self.replica.broken


@pytest.fixture
def case(scripted, informers) -> Callable[..., Case]:
    def make(answer: Callable[[Request], Reply], **options: Any) -> Case:
        server = scripted(answer)
        counts = Counts()
        transport = server.transport()
        defaults = {"observer": counts, "backoff": STEADY, "stream_initial": True}
        informer = informers.over(transport, **defaults | options)
        return Case(server, informer, counts)

    return make


def test_a_410_as_status_is_relisted(case):
    def answer(request: Request) -> Reply:
        if request.is_fill and request.number == 0:
            return fill(5, pod("x", 3), pod("gone", 4), hold=False)
        return refusal(EXPIRED) if not request.is_fill else fill(9, pod("x", 8))

    found = case(answer)
    found.holds("x@8")
    assert ["initial", "expired"] == found.counts.fills
    assert 1 == found.replica.unknown_deletes


def test_a_lasting_410_is_asked_no_faster_than_the_back_off_allows(case):
    def answer(request: Request) -> Reply:
        return fill(5, pod("x", 3), hold=False) if request.number == 0 else refusal(EXPIRED)

    found = case(answer)
    found.holds("x@3")
    begun, before = time.monotonic(), len(found.server.received())
    time.sleep(1.0)
    sent = len(found.server.received()) - before
    # 0.1, 0.2, 0.4, 0.4, ... between requests, and the first one may come at once.
    assert sent <= 2 + (time.monotonic() - begun) / 0.1
    assert found.counts.delays[:4] == [0.1, 0.2, 0.4, 0.4][: len(found.counts.delays[:4])]
    assert "x" == found.informer.snapshot().objects()[0].name
    found.server.answer = lambda _: fill(9, pod("y", 8))
    found.holds("y@8")


@pytest.mark.parametrize("seconds", ["1", None], ids=["with Retry-After", "without"])
def test_a_429_is_waited_out_and_watched_again_but_never_listed(case, seconds):
    told = {} if seconds is None else {"Retry_After": seconds}

    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), hold=False)
        if request.number < 3:
            return refusal(status(429, "TooManyRequests"), **told)
        return Reply(pieces=(line("MODIFIED", pod("x", 8)),), hold=True)

    found = case(answer)
    found.holds("x@8")
    asked = found.server.received()
    assert [True, False, False, False] == [request.is_fill for request in asked]
    assert ["5", "5", "5"] == [request.query["resourceVersion"] for request in asked[1:]]
    gaps = [after.at - before.at for before, after in pairwise(asked[1:])]
    assert min(gaps) >= (0.1 if seconds is None else 1.0)


@pytest.mark.parametrize("code", [500, 503, 403])
def test_a_lasting_refusal_is_waited_out_with_growing_delays_and_never_listed(case, code):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), hold=False)
        if request.number <= 4:
            return refusal(status(code))
        return Reply(pieces=(line("MODIFIED", pod("x", 8)),), hold=True)

    found = case(answer)
    found.holds("x@8")
    assert [0.1, 0.2, 0.4, 0.4] == found.counts.delays
    assert ["initial"] == found.counts.fills


def test_the_first_fill_survives_every_refusal_too(case):
    def answer(request: Request) -> Reply:
        codes = [500, 429, 403, 503]
        if request.number < len(codes):
            return refusal(status(codes[request.number]))
        return fill(5, pod("x", 3)) if request.is_watch else Reply(body=listing(5, pod("x", 3)))

    case(answer).holds("x@3")


def test_connections_dropped_before_an_answer_are_tried_again(case):
    def answer(request: Request) -> Reply:
        return Reply(drop=True) if request.number < 3 else fill(5, pod("x", 3))

    case(answer).holds("x@3")


def test_repeats_and_old_events_after_a_reconnect_change_nothing(case):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            more = line("MODIFIED", pod("x", 6)) + line("DELETED", pod("gone", 7))
            return fill(5, pod("x", 3), pod("gone", 4), more=more, hold=False)
        again = (
            line("MODIFIED", pod("x", 6)),
            line("ADDED", pod("gone", 4)),
            line("DELETED", pod("gone", 7)),
            line("ADDED", pod("x", 3)),
            line("ADDED", pod("new", 8)),
        )
        return Reply(pieces=(b"".join(again),), hold=True)

    found = case(answer)
    found.holds("new@8", "x@6")
    assert 4 == found.counts.stales
    assert 4 == found.replica.calls - 1


POISON = (
    b"{broken\n",
    b'{"type":"MODIFIED","object":{"kind":"Pod","metadata":{"name":[]}}}\n',
    b'{"type":"NEVER-HEARD-OF","object":{"metadata":{"name":"x"}}}\n',
    b"\x00\xff\xfe\n",
)


def test_undecodable_events_are_skipped_and_counted(case):
    def answer(request: Request) -> Reply:
        more = b"".join(POISON) + line("MODIFIED", pod("x", 8))
        return fill(5, pod("x", 3), more=more)

    found = case(answer)
    found.holds("x@8")
    assert len(POISON) == found.counts.poisons


def test_undecodable_initial_events_do_not_spoil_the_fill(case):
    def answer(_: Request) -> Reply:
        data = POISON[0] + line("ADDED", pod("x", 3)) + bookmark(5, initial_end=True)
        return Reply(pieces=(data,), hold=True)

    case(answer).holds("x@3")


@pytest.mark.parametrize("odd", [{}, {"code": "x"}, status(200), status(599), {"kind": "Pod"}])
def test_an_error_event_with_an_odd_status_is_watched_again(case, odd):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), more=line("ERROR", odd))
        return Reply(pieces=(line("MODIFIED", pod("x", 8)),), hold=True)

    found = case(answer)
    found.holds("x@8")
    assert ["initial"] == found.counts.fills


def test_a_watch_that_ends_at_once_again_and_again_is_slowed_down(case):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), hold=False)
        if not request.is_watch:
            return Reply(body=listing(5, pod("x", 3)))
        return Reply()

    found = case(answer)
    found.holds("x@3")
    before = len(found.server.received())
    begun = time.monotonic()
    time.sleep(1.0)
    rounds = 2 + (time.monotonic() - begun) / 0.1
    # Each round is a watch and, as it brought no byte, a look at the server's version.
    assert len(found.server.received()) - before <= 2 * rounds
    assert found.counts.shorts >= 3
    assert ["initial"] == found.counts.fills


def test_too_large_a_version_is_relisted_at_the_latest(case):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(50, pod("x", 43), hold=False)
        if not request.is_fill:
            return refusal(TOO_LARGE)
        assert "resourceVersion" not in request.query
        return fill(9, pod("x", 8))

    found = case(answer)
    found.replica.forget_versions()
    eventually(lambda: found.counts.fills == ["initial", "too_large"], "relisted")
    eventually(lambda: found.informer.snapshot().resource_version == "9", "at the server's version")


def test_a_410_in_the_middle_of_paging_restarts_the_list(case):
    def answer(request: Request) -> Reply:
        if request.is_fill:
            return refusal(status(422, "Invalid"))
        if request.is_watch:
            return Reply(pieces=(bookmark(9),), hold=True)
        if "continue" in request.query:
            return refusal(EXPIRED)
        if request.query.get("limit"):
            return Reply(body=listing(5, pod("ghost", 3), token="t"))
        return Reply(body=listing(9, pod("x", 8)))

    found = case(answer)
    found.holds("x@8")
    assert ["x"] == [name.partition("/")[2] for name in found.replica.told()]


def test_pages_of_a_list_are_put_together(case):
    def answer(request: Request) -> Reply:
        if request.is_watch:
            return Reply(pieces=(bookmark(9),), hold=True)
        number = int(request.query.get("continue", "0"))
        token = str(number + 1) if number < 3 else ""
        return Reply(body=listing(9, pod(f"p{number}", number + 1), token=token))

    found = case(answer, stream_initial=False)
    found.holds("p0@1", "p1@2", "p2@3", "p3@4")


def test_events_that_come_a_byte_at_a_time_are_taken_in_whole(case):
    more = line("MODIFIED", pod("x", 8))
    drops: list[bytes | float] = []
    for at in range(len(more)):
        drops += [more[at : at + 1], 0.001]

    def answer(_: Request) -> Reply:
        head = line("ADDED", pod("x", 3)) + bookmark(5, initial_end=True)
        return Reply(pieces=(head, *drops), hold=True)

    case(answer).holds("x@8")


def test_an_old_copy_of_the_server_behind_a_silent_stream_is_found_out(case):
    """A watch at a version the server has not reached: 200, silence, and the end."""

    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(50, pod("x", 43), pod("lost", 44), hold=False)
        if request.is_fill:
            return fill(20, pod("x", 10))
        if request.is_watch:
            return Reply(pieces=(1.1, b""))
        assert {"limit": "1"} == request.query
        return Reply(body=listing(20, pod("x", 10), token="t"))

    found = case(answer)
    found.replica.forget_versions()
    eventually(lambda: "rv_backwards" in found.counts.fills, "found out")
    eventually(lambda: list(found.replica.told().values()) == ["10"], "the old state was told")


class Clumsy(Counts):
    """Raises over the second event, once, and over being told of that."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error
        self.faults: list[BaseException] = []

    def event(self, kind: str, version: str = "") -> None:
        if kind == "MODIFIED" and not self.faults:
            raise self.error

    def faulted(self, error: BaseException) -> None:
        self.faults.append(error)
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("clumsy"), SystemExit("clumsy")])
def test_an_observer_that_raises_does_not_end_the_informer(case, caplog, error):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), more=line("MODIFIED", pod("x", 8)))
        return fill(9, pod("x", 8), more=line("MODIFIED", pod("x", 10)))

    clumsy = Clumsy(error)
    found = case(answer, observer=clumsy)
    found.holds("x@10")
    assert ["initial", "fault"] == clumsy.fills
    assert ["clumsy"] == [str(error) for error in clumsy.faults]


def test_the_wall_clock_is_not_what_time_is_told_by(case, monkeypatch):
    """Jumps of a day, both ways, while streams come and go."""
    jump = Random(7)
    monkeypatch.setattr(time, "time", lambda: jump.choice([0.0, 1e9, 4e9]))

    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), hold=False)
        if request.number == 1:
            return refusal(status(500))
        return Reply(pieces=(line("MODIFIED", pod("x", 8)),), hold=True)

    found = case(answer)
    found.holds("x@8")
    assert 0.0 <= found.informer.health.seconds < 30.0
    assert [0.1] == found.counts.delays
