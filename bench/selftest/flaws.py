"""What a server may do wrong, each in an exactly known measure; it stands before a faithful one."""

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

SPIN_S = 0.001
"""The end of a delay is waited for awake: a sleep ends up to a scheduler's tick late."""
CONTROL_PATH = "/pods"
"""What the harness asks for to check a server; some flaws spare it, so that the trial counts."""
LOADED_PER_S = 20
"""More reads than the harness asks for by itself in any second."""
EMPTY = b'{"code": 200, "message": "pong", "result": []}'
POLL_S = 0.02
"""How often a stale server looks anew."""
SPIN = """
import os, sys, time
until = time.monotonic() + float(sys.argv[2])
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        os.setsid()  # some kernels share time out by sessions
        while time.monotonic() < until:
            pass
        os._exit(0)
for _ in range(int(sys.argv[1])):
    os.wait()
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the faithful server said."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Ask = Callable[[str], Answer]
"""Asks the faithful server for a path."""
Flaw = Callable[[str, Ask], Answer | None]
"""Answers a path in place of the faithful server; ``None`` hangs up."""


def faithful() -> Flaw:
    """No flaw: hands on."""
    return lambda path, ask: ask(path)


def starve(processes: float, seconds: float) -> Flaw:
    """Leave nobody a processor: start processes that do not rest, once, when load comes."""
    is_loaded, lock, started = _load_meter(), threading.Lock(), threading.Event()
    argv = [sys.executable, "-c", SPIN, str(int(processes)), str(seconds)]

    def answer(path: str, ask: Ask) -> Answer:
        with lock:
            if path != CONTROL_PATH and is_loaded() and not started.is_set():
                started.set()
                threading.Thread(target=subprocess.run, args=(argv,), daemon=True).start()
        return ask(path)

    return answer


def delay(seconds: float) -> Flaw:
    """Wait ``seconds`` before each answer."""

    def answer(path: str, ask: Ask) -> Answer:
        moment_s = time.monotonic() + seconds
        time.sleep(max(0.0, seconds - SPIN_S))
        while time.monotonic() < moment_s:
            pass
        return ask(path)

    return answer


def stall(seconds: float, every_s: float) -> Flaw:
    """Hold back, in every ``every_s`` seconds, all answers of the last ``seconds``."""
    began = time.monotonic()

    def answer(path: str, ask: Ask) -> Answer:
        held = ask(path)
        into = (time.monotonic() - began) % every_s
        if into >= every_s - seconds:
            time.sleep(every_s - into)
        return held

    return answer


def times(number: float) -> Flaw:
    """Ask the faithful server ``number`` times for each answer, and give the last."""
    return lambda path, ask: [ask(path) for _ in range(int(number))][-1]


def hang_up(every: float) -> Flaw:
    """Hang up on every ``every``-th read."""
    turns = count(1)

    def answer(path: str, ask: Ask) -> Answer | None:
        if path != CONTROL_PATH and next(turns) % int(every) == 0:
            return None
        return ask(path)

    return answer


def emptied(every: float, *, padded: bool = False) -> Flaw:
    """Give no pods in every ``every``-th answer, as long as it is under load.

    ``padded``: with as many bytes as the right answer has.
    """
    is_loaded, turns = _load_meter(), count(1)

    def answer(path: str, ask: Ask) -> Answer:
        right = ask(path)
        if path == CONTROL_PATH or not is_loaded() or next(turns) % int(every):
            return right
        return replace(right, body=EMPTY.ljust(len(right.body)) if padded else EMPTY)

    return answer


def stale(seconds: float) -> Flaw:
    """Answer as the faithful server did ``seconds`` ago; at first with the oldest there is.

    A path that has been asked for is asked for again every ``POLL_S``; how old an
    answer is exceeds ``seconds`` by at most that and one answer's time.
    """
    answers: dict[str, deque[tuple[float, Answer]]] = {}
    lock = threading.Lock()

    def oldest(kept: deque[tuple[float, Answer]]) -> Answer:
        while len(kept) > 1 and kept[1][0] <= time.monotonic() - seconds:
            kept.popleft()
        return kept[0][1]

    def poll(path: str, ask: Ask, kept: deque[tuple[float, Answer]]) -> None:
        while True:
            time.sleep(POLL_S)
            newest = ask(path)
            with lock:
                kept.append((time.monotonic(), newest))
                oldest(kept)

    def answer(path: str, ask: Ask) -> Answer:
        with lock:
            if path not in answers:
                kept = answers[path] = deque([(time.monotonic(), ask(path))])
                threading.Thread(target=poll, args=(path, ask, kept), daemon=True).start()
            return oldest(answers[path])

    return answer


FLAWS: dict[str, Callable[..., Flaw]] = {
    "faithful": faithful,
    "starve": starve,
    "delay": delay,
    "stall": stall,
    "times": times,
    "hang-up": hang_up,
    "stale": stale,
    "emptied": emptied,
    "padded": lambda every: emptied(every, padded=True),
}
"""By the name that the proxy's command line takes."""


def _load_meter() -> Callable[[], bool]:
    """Return what counts a read and tells whether there were ``LOADED_PER_S`` within a second.

    Load is told so from the few questions that the harness asks by itself.
    """
    asked: deque[float] = deque(maxlen=LOADED_PER_S)

    def is_loaded() -> bool:
        asked.append(time.monotonic())
        return len(asked) == LOADED_PER_S and asked[-1] - asked[0] < 1.0

    return is_loaded
