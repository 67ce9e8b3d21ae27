"""The ladder: every signal has a rule, every remedy a bound, and a machine reaches all rungs."""

import json
from random import Random
from typing import Any

import pytest

from informer.tests.shapes import EXPIRED, TOO_LARGE, bookmark, line, listing, pod, status
from kube_informer.backoff import Backoff
from kube_informer.events import decode_status
from kube_informer.ladder import LADDER, Ladder, Phase, Remedy, Signal, signal_of
from kube_informer.machine import WatchMachine
from kube_informer.observer import Observer
from kube_informer.resource import Scope
from kube_informer.steps import (
    Answered,
    Broke,
    CheckVersion,
    Chunk,
    Ended,
    GetList,
    Read,
    Wait,
    Woke,
)


def test_every_signal_has_a_rule_in_every_phase_that_it_can_come_in():
    never = {
        (Phase.FILL, Signal.SHORT),
        (Phase.FILL, Signal.BACKWARDS),
        (Phase.WATCH, Signal.UNANNOTATED),
    }
    assert {(phase, signal) for phase in Phase for signal in Signal} - never == set(LADDER)


@pytest.mark.parametrize(("phase", "signal"), LADDER)
def test_no_remedy_is_tried_more_often_in_a_row_than_its_rule_says(phase, signal):
    ladder, rule = Ladder(), LADDER[phase, signal]
    if phase is Phase.WATCH:
        ladder.fetched()
    remedies, in_a_row = [], 0
    for _ in range(200):
        remedy = ladder.climb(phase, signal)
        in_a_row = 0 if ladder.moved else in_a_row + 1
        assert in_a_row < rule.tries
        remedies.append(remedy)
        if phase is Phase.WATCH and remedy > Remedy.REWATCH:
            ladder.fetched()
    assert rule.first == remedies[0]
    assert Remedy.OTHER_PROTOCOL in remedies


def test_a_fetch_that_led_to_no_healthy_stream_is_followed_by_the_next_one():
    ladder = Ladder()
    ladder.reset()
    fetches = []
    for _ in range(4):
        ladder.fetched()
        while (remedy := ladder.climb(Phase.WATCH, Signal.EMPTY)) is Remedy.REWATCH:
            pass
        fetches.append(remedy)
    assert [
        Remedy.LIST_KNOWN,
        Remedy.LIST_LATEST,
        Remedy.OTHER_PROTOCOL,
        Remedy.LIST_KNOWN,
    ] == fetches


def test_a_healthy_stream_resets_the_ladder():
    ladder = Ladder()
    ladder.reset()
    first = [ladder.climb(Phase.WATCH, Signal.EMPTY) for _ in range(6)]
    ladder.reset()
    assert first == [ladder.climb(Phase.WATCH, Signal.EMPTY) for _ in range(6)]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (EXPIRED, Signal.EXPIRED),
        (TOO_LARGE, Signal.TOO_LARGE),
        (status(429), Signal.THROTTLED),
        (status(400), Signal.INVALID),
        (status(405), Signal.INVALID),
        (status(422), Signal.INVALID),
        (status(401), Signal.REFUSED),
        (status(403), Signal.REFUSED),
        (status(404), Signal.REFUSED),
        (status(500), Signal.REFUSED),
        (status(503), Signal.REFUSED),
    ],
)
def test_answers_are_classified_by_their_remedy(answer, expected):
    assert expected is signal_of(decode_status(json.dumps(answer).encode()))


# The machine on the ladder: the same trouble without end


class Walk(Observer):
    """A machine against one server; records remedies and delays."""

    def __init__(self) -> None:
        self.remedies: list[str] = []
        self.reasons: list[str] = []
        self.waited = 0.0
        self.sent = 0
        self.machine = WatchMachine(
            Scope(),
            self,
            backoff=Backoff(random=Random(1)),
            random_source=Random(1),
            stream_initial=True,
        )

    def climbed(self, signal: str, remedy: str) -> None:
        self.remedies.append(remedy)
        self.reasons.append(self.machine.progress[1])

    def run(self, answer: Any, steps: int) -> None:
        now, action = 0.0, self.machine.start()
        for _ in range(steps):
            if isinstance(action, Wait):
                now += action.delay_s
                self.waited = now
                result: Any = Woke()
            else:
                self.sent += not isinstance(action, Read)
                now += 0.01
                result = answer(action)
            _, action = self.machine.step(result, now)


class FilledThen:
    """A server whose lists and streamed fills work, and whose every watch fails."""

    def __init__(self, trouble: Any) -> None:
        self.trouble = trouble
        self.pending: list[Any] = []

    def __call__(self, action: Any) -> Any:
        if isinstance(action, CheckVersion):
            return Answered(200, listing(9))
        if isinstance(action, GetList):
            self.pending = [Chunk(listing(9, pod("x", 3))), Ended()]
            return Answered(200)
        if isinstance(action, Read):
            return self.pending.pop(0) if self.pending else Ended()
        if "sendInitialEvents" in action.query:
            filled = line("ADDED", pod("x", 3)) + bookmark(9, initial_end=True)
            self.pending = [Chunk(filled), Ended()]
        elif isinstance(self.trouble, Answered):
            return self.trouble
        else:
            self.pending = [self.trouble]
        return Answered(200)


def refusal(body: dict[str, Any]) -> Answered:
    return Answered(body["code"], json.dumps(body).encode())


TROUBLES = {
    "closed at once": Ended(),
    "broken": Broke("reset"),
    "silent": Broke("silent", Signal.SILENT),
    "unreachable": Broke("no route", Signal.UNREACHABLE),
    "a login page": Chunk(b"<html>\n"),
    "an error in the stream": Chunk(line("ERROR", status(500))),
    "expired in the stream": Chunk(line("ERROR", EXPIRED)),
} | {
    str(body["code"]) + body["reason"]: refusal(body)
    for body in (*(status(code) for code in (400, 403, 404, 405, 429, 500, 503)), EXPIRED)
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_watch_that_never_works_gets_every_remedy_with_delays(trouble):
    walk = Walk()
    walk.run(FilledThen(trouble), 1000)
    assert {"list_latest", "other_protocol"} <= set(walk.remedies)
    # Few requests a minute for any trouble: the delays grow to 30 s.
    assert walk.sent <= 20 + 10 * walk.waited / 60
    assert all(walk.reasons)


@pytest.mark.parametrize("code", [400, 403, 404, 429, 500, 503])
def test_a_server_that_refuses_everything_gets_every_kind_of_request_with_delays(
    code,
):
    walk = Walk()
    queries: list[dict[str, str]] = []

    def answer(action: Any) -> Any:
        queries.append(action.query)
        return refusal(status(code))

    walk.run(answer, 600)
    assert any("sendInitialEvents" in query for query in queries)
    assert {"resourceVersion": "0", "limit": "500"} in queries
    assert walk.sent <= 20 + 10 * walk.waited / 60
