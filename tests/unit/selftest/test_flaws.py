"""Flaws: each has exactly the size that its arguments give."""

import time

import psutil
import pytest

from bench.selftest.flaws import (
    EMPTY,
    LOADED_PER_S,
    Answer,
    delay,
    emptied,
    faithful,
    hang_up,
    stale,
    stall,
    starve,
    times,
)


class Counting:
    """Answers with the number of requests so far."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, path: str) -> Answer:
        self.asked += 1
        return Answer(200, (), str(self.asked).encode())


def test_the_faithful_server_passes_answers_on() -> None:
    assert b"1" == faithful()("/pods/a", Counting()).body


def test_a_delay_is_never_too_short() -> None:
    began = time.monotonic()
    delay(0.02)("/pods/a", Counting())
    assert time.monotonic() - began >= 0.02


def test_three_times_asks_three_times_and_returns_the_last() -> None:
    ask = Counting()
    assert b"3" == times(3.0)("/pods/a", ask).body
    assert 3 == ask.asked


def test_every_tenth_read_is_hung_up_on_and_does_not_reach_the_faithful_server() -> None:
    flaw, ask = hang_up(10.0), Counting()
    answers = [flaw("/pods/a", ask) for _ in range(40)]
    assert [9, 19, 29, 39] == [n for n, answer in enumerate(answers) if answer is None]
    assert 36 == ask.asked


def test_a_question_of_the_harness_is_not_hung_up_on() -> None:
    flaw = hang_up(1.0)
    assert flaw("/pods", Counting()) is not None


@pytest.mark.parametrize(("offset", "waits"), [(0.5, 0.0), (8.9, 0.0), (9.0, 1.0), (9.75, 0.25)])
def test_a_stall_holds_back_its_answers_until_its_end(
    monkeypatch: pytest.MonkeyPatch, offset: float, waits: float
) -> None:
    now, slept = 100.0, []
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "sleep", slept.append)
    flaw = stall(1.0, 10.0)
    now += 30.0 + offset
    flaw("/pods/a", Counting())
    assert pytest.approx(waits) == sum(slept)


def test_a_stale_answer_is_never_too_young() -> None:
    flaw = stale(0.2)

    def clock(path: str) -> Answer:
        return Answer(200, (), str(time.monotonic()).encode())

    flaw("/pods", clock)
    time.sleep(0.5)
    ages = []
    for _ in range(5):
        ages.append(time.monotonic() - float(flaw("/pods", clock).body))
        time.sleep(0.03)
    assert min(ages) >= 0.2
    assert max(ages) < 0.5, "the server must ask anew"


def test_every_second_answer_is_emptied_under_load() -> None:
    flaw, ask = emptied(2.0), Counting()
    answers = [flaw("/pods/a", ask) for _ in range(LOADED_PER_S + 9)]
    without = [n for n, answer in enumerate(answers) if answer.body == EMPTY]
    assert [LOADED_PER_S + index for index in (0, 2, 4, 6, 8)] == without


def test_without_load_and_for_questions_of_the_harness_no_answer_is_emptied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moments = iter(range(10_000))
    monkeypatch.setattr(time, "monotonic", lambda: next(moments) * 2 / LOADED_PER_S)
    flaw, ask = emptied(1.0), Counting()
    assert EMPTY not in {flaw("/pods/a", ask).body for _ in range(100)}
    monkeypatch.undo()
    assert EMPTY not in {flaw("/pods", ask).body for _ in range(100)}


def test_a_padded_answer_has_the_size_of_the_right_one() -> None:
    right = Answer(200, (), b"x" * 500)
    flaw = emptied(1.0, padded=True)
    answers = [flaw("/pods/a", lambda _: right) for _ in range(LOADED_PER_S)]
    assert (right.body, 500) == (answers[0].body, len(answers[-1].body))
    assert EMPTY == answers[-1].body.rstrip()


def test_starving_processes_start_with_load_and_end_by_themselves() -> None:
    flaw, ask = starve(2.0, 1.0), Counting()
    before = set(psutil.Process().children())
    flaw("/pods/a", ask)
    assert before == set(psutil.Process().children())
    for _ in range(LOADED_PER_S):
        flaw("/pods/a", ask)
    wait_until(lambda: before != set(psutil.Process().children()))
    (parent,) = set(psutil.Process().children()) - before
    wait_until(lambda: 2 == len(parent.children()))
    wait_until(lambda: not parent.is_running())
    assert LOADED_PER_S + 1 == ask.asked


def wait_until(condition, bound_s=30.0):
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
