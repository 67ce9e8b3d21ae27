"""Flaws of a server, each of an exactly known size; the flawed server asks a faithful one."""

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

SPIN_S = 0.001
"""A delay spins for its last part: a sleep ends up to a scheduler's tick late."""
CONTROL_PATH = "/pods"
"""The path of the harness's own checks; some flaws spare it, so that the trial counts."""
LOADED_PER_S = 20
"""More reads than the harness itself makes in any second."""
EMPTY = b'{"code": 200, "message": "pong", "result": []}'
POLL_S = 0.02
"""Interval at which a stale server asks anew."""
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
    """Answer of the faithful server."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Ask = Callable[[str], Answer]
"""Asks the faithful server for a path."""
Flaw = Callable[[str, Ask], Answer | None]
"""Answers a path in place of the faithful server; ``None`` hangs up."""


def faithful() -> Flaw:
    """Pass on answers unchanged: no flaw."""
    return lambda path, ask: ask(path)


def starve(processes: float, seconds: float) -> Flaw:
    """Take all processor time: start ``processes`` that never rest, once, when load comes."""
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
        due_s = time.monotonic() + seconds
        time.sleep(max(0.0, seconds - SPIN_S))
        while time.monotonic() < due_s:
            pass
        return ask(path)

    return answer


def stall(seconds: float, every_s: float) -> Flaw:
    """Hold back, in every ``every_s`` seconds, all answers of the last ``seconds``."""
    began = time.monotonic()

    def answer(path: str, ask: Ask) -> Answer:
        delayed = ask(path)
        elapsed_s = (time.monotonic() - began) % every_s
        if elapsed_s >= every_s - seconds:
            time.sleep(every_s - elapsed_s)
        return delayed

    return answer


def times(number: float) -> Flaw:
    """Ask the faithful server ``number`` times for each answer, and return the last."""
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
    """Leave all pods out of every ``every``-th answer under load; ``padded``: at its full size."""
    is_loaded, turns = _load_meter(), count(1)

    def answer(path: str, ask: Ask) -> Answer:
        right = ask(path)
        if path == CONTROL_PATH or not is_loaded() or next(turns) % int(every):
            return right
        return replace(right, body=EMPTY.ljust(len(right.body)) if padded else EMPTY)

    return answer


def stale(seconds: float) -> Flaw:
    """Answer as the faithful server did ``seconds`` ago; at first with its oldest answer.

    The server asks for each requested path again every ``POLL_S``; an answer's age
    exceeds ``seconds`` by at most that and one answer's time.
    """
    answers: dict[str, deque[tuple[float, Answer]]] = {}
    lock = threading.Lock()

    def oldest(history: deque[tuple[float, Answer]]) -> Answer:
        while len(history) > 1 and history[1][0] <= time.monotonic() - seconds:
            history.popleft()
        return history[0][1]

    def poll(path: str, ask: Ask, history: deque[tuple[float, Answer]]) -> None:
        while True:
            time.sleep(POLL_S)
            newest = ask(path)
            with lock:
                history.append((time.monotonic(), newest))
                oldest(history)

    def answer(path: str, ask: Ask) -> Answer:
        with lock:
            if path not in answers:
                history = answers[path] = deque([(time.monotonic(), ask(path))])
                threading.Thread(target=poll, args=(path, ask, history), daemon=True).start()
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
"""Flaws by their name on the proxy's command line."""


def _load_meter() -> Callable[[], bool]:
    """Return a function that counts a read and returns whether reads reach ``LOADED_PER_S``.

    This distinguishes load from the few questions of the harness itself.
    """
    asked: deque[float] = deque(maxlen=LOADED_PER_S)

    def is_loaded() -> bool:
        asked.append(time.monotonic())
        return len(asked) == LOADED_PER_S and asked[-1] - asked[0] < 1.0

    return is_loaded
