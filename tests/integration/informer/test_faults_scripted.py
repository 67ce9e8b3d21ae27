"""Faults that a real API server does not show on demand, over scripted HTTP."""

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
    """Counts the observed events by kind."""

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
    """A scripted server, an informer over it, and a handler that records its notifications."""

    def __init__(self, server: ScriptedServer, informer: SharedInformer, counts: Counts) -> None:
        self.server, self.informer, self.counts = server, informer, counts
        self.replica = Replica()
        informer.add_event_handler(self.replica)
        informer.start()

    def holds(self, *expected: str) -> None:
        """Wait until cache and handler both have exactly these ``name@version``."""

        def cached() -> list[str]:
            return [f"{item.name}@{item.resource_version}" for item in self.informer.snapshot()]

        eventually(lambda: cached() == list(expected), f"{expected} are cached, not {cached()}")
        versions = {item.key: item.resource_version for item in self.informer.snapshot()}
        eventually(lambda: self.replica.notified() == versions, "the handler was notified")
        assert [] == self.replica.broken


@pytest.fixture
def start_case(scripted, informers) -> Callable[..., Case]:
    def make(answer: Callable[[Request], Reply], **options: Any) -> Case:
        server = scripted(answer)
        counts = Counts()
        transport = server.transport()
        defaults = {"observer": counts, "backoff": STEADY, "stream_initial": True}
        informer = informers.over(transport, **defaults | options)
        return Case(server, informer, counts)

    return make


def test_a_410_as_status_is_relisted(start_case):
    def answer(request: Request) -> Reply:
        if request.is_fill and request.number == 0:
            return fill(5, pod("x", 3), pod("gone", 4), hold=False)
        return refusal(EXPIRED) if not request.is_fill else fill(9, pod("x", 8))

    case = start_case(answer)
    case.holds("x@8")
    assert ["initial", "expired"] == case.counts.fills
    assert 1 == case.replica.unknown_deletes


def test_a_lasting_410_is_retried_no_faster_than_the_back_off_allows(start_case):
    def answer(request: Request) -> Reply:
        return fill(5, pod("x", 3), hold=False) if request.number == 0 else refusal(EXPIRED)

    case = start_case(answer)
    case.holds("x@3")
    begun, before = time.monotonic(), len(case.server.received())
    time.sleep(1.0)
    sent = len(case.server.received()) - before
    # 0.1, 0.2, 0.4, 0.4, ... between requests, and the first one may come at once.
    assert sent <= 2 + (time.monotonic() - begun) / 0.1
    assert case.counts.delays[:4] == [0.1, 0.2, 0.4, 0.4][: len(case.counts.delays[:4])]
    assert "x" == case.informer.snapshot().objects()[0].name
    case.server.answer = lambda _: fill(9, pod("y", 8))
    case.holds("y@8")


@pytest.mark.parametrize("seconds", ["1", None], ids=["with Retry-After", "without"])
def test_a_429_is_waited_out_and_watched_again_but_never_listed(start_case, seconds):
    headers = {} if seconds is None else {"Retry_After": seconds}

    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), hold=False)
        if request.number < 3:
            return refusal(status(429, "TooManyRequests"), **headers)
        return Reply(pieces=(line("MODIFIED", pod("x", 8)),), hold=True)

    case = start_case(answer)
    case.holds("x@8")
    requests = case.server.received()
    assert [True, False, False, False] == [request.is_fill for request in requests]
    assert ["5", "5", "5"] == [request.query["resourceVersion"] for request in requests[1:]]
    gaps = [after.at - before.at for before, after in pairwise(requests[1:])]
    assert min(gaps) >= (0.1 if seconds is None else 1.0)


@pytest.mark.parametrize("code", [500, 503, 403])
def test_a_lasting_refusal_is_waited_out_with_growing_delays_and_never_listed(start_case, code):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), hold=False)
        if request.number <= 4:
            return refusal(status(code))
        return Reply(pieces=(line("MODIFIED", pod("x", 8)),), hold=True)

    case = start_case(answer)
    case.holds("x@8")
    assert [0.1, 0.2, 0.4, 0.4] == case.counts.delays
    assert ["initial"] == case.counts.fills


def test_the_first_fill_survives_every_refusal_too(start_case):
    def answer(request: Request) -> Reply:
        codes = [500, 429, 403, 503]
        if request.number < len(codes):
            return refusal(status(codes[request.number]))
        return fill(5, pod("x", 3)) if request.is_watch else Reply(body=listing(5, pod("x", 3)))

    start_case(answer).holds("x@3")


def test_connections_dropped_before_an_answer_are_retried(start_case):
    def answer(request: Request) -> Reply:
        return Reply(drop=True) if request.number < 3 else fill(5, pod("x", 3))

    start_case(answer).holds("x@3")


def test_repeats_and_old_events_after_a_reconnect_change_nothing(start_case):
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

    case = start_case(answer)
    case.holds("new@8", "x@6")
    assert 4 == case.counts.stales
    assert 4 == case.replica.calls - 1


POISON = (
    b"{broken\n",
    b'{"type":"MODIFIED","object":{"kind":"Pod","metadata":{"name":[]}}}\n',
    b'{"type":"NEVER-HEARD-OF","object":{"metadata":{"name":"x"}}}\n',
    b"\x00\xff\xfe\n",
)


def test_undecodable_events_are_skipped_and_counted(start_case):
    def answer(request: Request) -> Reply:
        more = b"".join(POISON) + line("MODIFIED", pod("x", 8))
        return fill(5, pod("x", 3), more=more)

    case = start_case(answer)
    case.holds("x@8")
    assert len(POISON) == case.counts.poisons


def test_undecodable_initial_events_do_not_fail_the_fill(start_case):
    def answer(_: Request) -> Reply:
        data = POISON[0] + line("ADDED", pod("x", 3)) + bookmark(5, initial_end=True)
        return Reply(pieces=(data,), hold=True)

    start_case(answer).holds("x@3")


@pytest.mark.parametrize("odd", [{}, {"code": "x"}, status(200), status(599), {"kind": "Pod"}])
def test_an_error_event_with_an_odd_status_is_watched_again(start_case, odd):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), more=line("ERROR", odd))
        return Reply(pieces=(line("MODIFIED", pod("x", 8)),), hold=True)

    case = start_case(answer)
    case.holds("x@8")
    assert ["initial"] == case.counts.fills


def test_a_watch_that_ends_at_once_again_and_again_is_slowed_down(start_case):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), hold=False)
        if not request.is_watch:
            return Reply(body=listing(5, pod("x", 3)))
        return Reply()

    case = start_case(answer)
    case.holds("x@3")
    before = len(case.server.received())
    begun = time.monotonic()
    time.sleep(1.0)
    rounds = 2 + (time.monotonic() - begun) / 0.1
    # Each round is a watch and, as it brought no byte, a version check.
    assert len(case.server.received()) - before <= 2 * rounds
    assert case.counts.shorts >= 3
    assert ["initial"] == case.counts.fills


def test_too_large_a_version_is_relisted_at_the_latest(start_case):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(50, pod("x", 43), hold=False)
        if not request.is_fill:
            return refusal(TOO_LARGE)
        assert "resourceVersion" not in request.query
        return fill(9, pod("x", 8))

    case = start_case(answer)
    case.replica.forget_versions()
    eventually(lambda: case.counts.fills == ["initial", "too_large"], "relisted")
    eventually(lambda: case.informer.snapshot().resource_version == "9", "at the server's version")


def test_a_410_in_the_middle_of_paging_restarts_the_list(start_case):
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

    case = start_case(answer)
    case.holds("x@8")
    assert ["x"] == [name.partition("/")[2] for name in case.replica.notified()]


def test_pages_of_a_list_are_joined(start_case):
    def answer(request: Request) -> Reply:
        if request.is_watch:
            return Reply(pieces=(bookmark(9),), hold=True)
        number = int(request.query.get("continue", "0"))
        token = str(number + 1) if number < 3 else ""
        return Reply(body=listing(9, pod(f"p{number}", number + 1), token=token))

    case = start_case(answer, stream_initial=False)
    case.holds("p0@1", "p1@2", "p2@3", "p3@4")


def test_events_that_come_a_byte_at_a_time_are_applied_whole(start_case):
    more = line("MODIFIED", pod("x", 8))
    drops: list[bytes | float] = []
    for at in range(len(more)):
        drops += [more[at : at + 1], 0.001]

    def answer(_: Request) -> Reply:
        head = line("ADDED", pod("x", 3)) + bookmark(5, initial_end=True)
        return Reply(pieces=(head, *drops), hold=True)

    start_case(answer).holds("x@8")


def test_an_old_copy_of_the_server_behind_a_silent_stream_is_detected(start_case):
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

    case = start_case(answer)
    case.replica.forget_versions()
    eventually(lambda: "rv_backwards" in case.counts.fills, "detected")
    eventually(
        lambda: list(case.replica.notified().values()) == ["10"], "the handler got the old state"
    )


class Clumsy(Counts):
    """Raises on the second event, once, and on the report of that fault."""

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
def test_an_observer_that_raises_does_not_end_the_informer(start_case, caplog, error):
    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), more=line("MODIFIED", pod("x", 8)))
        return fill(9, pod("x", 8), more=line("MODIFIED", pod("x", 10)))

    clumsy = Clumsy(error)
    case = start_case(answer, observer=clumsy)
    case.holds("x@10")
    assert ["initial", "fault"] == clumsy.fills
    assert ["clumsy"] == [str(error) for error in clumsy.faults]


def test_jumps_of_the_wall_clock_have_no_effect(start_case, monkeypatch):
    """Jumps of a day, both ways, while streams come and go."""
    jump = Random(7)
    monkeypatch.setattr(time, "time", lambda: jump.choice([0.0, 1e9, 4e9]))

    def answer(request: Request) -> Reply:
        if request.number == 0:
            return fill(5, pod("x", 3), hold=False)
        if request.number == 1:
            return refusal(status(500))
        return Reply(pieces=(line("MODIFIED", pod("x", 8)),), hold=True)

    case = start_case(answer)
    case.holds("x@8")
    assert 0.0 <= case.informer.health.seconds < 30.0
    assert [0.1] == case.counts.delays
