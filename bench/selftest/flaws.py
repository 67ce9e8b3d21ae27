"""What a server may do wrong, each in an exactly known measure.

A flaw stands between who asks and who answers: it is handed the path and a
function that asks the faithful server, and gives an answer, or ``None`` to hang up.
"""

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol

SPIN_S = 0.001
"""The end of a delay is waited for awake: a sleep ends up to a scheduler's tick late."""
CONTROL_PATH = "/pods"
"""What the harness asks for to check a server; some flaws spare it, so that the trial counts."""
LOADED_PER_S = 20
"""More reads than the harness asks for by itself in any second."""
EMPTY = b'{"code": 200, "message": "pong", "result": []}'


@dataclass(frozen=True, slots=True)
class Answer:
    """What the faithful server said."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Ask = Callable[[str], Answer]
"""Asks the faithful server for a path."""


class Flaw(Protocol):
    """Answers in place of the faithful server."""

    def answer(self, path: str, ask: Ask) -> Answer | None:
        """Return the answer to ``path``; ``None`` hangs up."""


class Faithful:
    """No flaw: hands on."""

    def answer(self, path: str, ask: Ask) -> Answer:
        """Return what the faithful server says."""
        return ask(path)


class LoadMeter:
    """Tells load from the few questions that the harness asks by itself."""

    def __init__(self) -> None:
        self._asked: deque[float] = deque(maxlen=LOADED_PER_S)

    def is_loaded(self) -> bool:
        """Count one read, and return whether there were ``LOADED_PER_S`` within a second."""
        self._asked.append(time.monotonic())
        return len(self._asked) == LOADED_PER_S and self._asked[-1] - self._asked[0] < 1.0


class Starve:
    """Leaves nobody a processor: starts processes that do not rest, once, when load comes."""

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

    def __init__(self, processes: float, seconds: float) -> None:
        self._processes, self._seconds = int(processes), seconds
        self._load = LoadMeter()
        self._lock = threading.Lock()
        self.spinning: subprocess.Popen[bytes] | None = None
        """Parent of the processes that do not rest, which ends with the last of them."""

    def answer(self, path: str, ask: Ask) -> Answer:
        """Return what the faithful server says."""
        with self._lock:
            asked = path != CONTROL_PATH and self._load.is_loaded()
            if asked and self.spinning is None:
                self._start()
        return ask(path)

    def _start(self) -> None:
        argv = [sys.executable, "-c", self.SPIN, str(self._processes), str(self._seconds)]
        self.spinning = subprocess.Popen(argv)


class Delay:
    """Waits ``seconds`` before each answer."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def answer(self, path: str, ask: Ask) -> Answer:
        """Return what the faithful server says, later."""
        wait_until(time.monotonic() + self._seconds)
        return ask(path)


class Stall:
    """Holds back, in every ``every_s`` seconds, all answers of the last ``seconds``."""

    def __init__(self, seconds: float, every_s: float) -> None:
        self._seconds, self._every_s = seconds, every_s
        self._began = time.monotonic()

    def answer(self, path: str, ask: Ask) -> Answer:
        """Return what the faithful server says, once no stall is on."""
        answer = ask(path)
        into = (time.monotonic() - self._began) % self._every_s
        if into >= self._every_s - self._seconds:
            time.sleep(self._every_s - into)
        return answer


class Times:
    """Asks the faithful server ``times`` times for each answer."""

    def __init__(self, times: float) -> None:
        self._times = int(times)

    def answer(self, path: str, ask: Ask) -> Answer:
        """Return the last of the answers."""
        for _ in range(self._times - 1):
            ask(path)
        return ask(path)


class HangUp:
    """Hangs up on every ``every``-th read."""

    def __init__(self, every: float) -> None:
        self._every = int(every)
        self._turns = count(1)

    def answer(self, path: str, ask: Ask) -> Answer | None:
        """Return what the faithful server says, or nothing."""
        if path != CONTROL_PATH and next(self._turns) % self._every == 0:
            return None
        return ask(path)


class Emptied:
    """Gives no pods in every ``every``-th answer, as long as it is under load."""

    def __init__(self, every: float) -> None:
        self._every = int(every)
        self._turns = count(1)
        self._load = LoadMeter()

    def answer(self, path: str, ask: Ask) -> Answer:
        """Return what the faithful server says, or a list without pods."""
        answer = ask(path)
        spared = path == CONTROL_PATH or not self._load.is_loaded()
        if spared or next(self._turns) % self._every:
            return answer
        return replace(answer, body=self._emptied(answer.body))

    def _emptied(self, body: bytes) -> bytes:  # noqa: ARG002 - its successor needs it
        return EMPTY


class Padded(Emptied):
    """The same, with as many bytes as the right answer has."""

    def _emptied(self, body: bytes) -> bytes:
        return EMPTY.ljust(len(body))


class Stale:
    """Answers as the faithful server did ``seconds`` ago.

    A path that has been asked for is asked for again every ``POLL_S``; how old an
    answer is exceeds ``seconds`` by at most that and one answer's time.
    """

    POLL_S = 0.02

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: dict[str, deque[tuple[float, Answer]]] = {}
        self._lock = threading.Lock()

    def answer(self, path: str, ask: Ask) -> Answer:
        """Return the newest answer that is old enough; the oldest there is, at first."""
        with self._lock:
            kept = self._kept.get(path)
            if kept is None:
                kept = self._kept[path] = deque([(time.monotonic(), ask(path))])
                threading.Thread(target=self._poll, args=(path, ask, kept), daemon=True).start()
            while len(kept) > 1 and kept[1][0] <= time.monotonic() - self._seconds:
                kept.popleft()
            return kept[0][1]

    def _poll(self, path: str, ask: Ask, kept: deque[tuple[float, Answer]]) -> None:
        while True:
            time.sleep(self.POLL_S)
            answer = ask(path)
            now = time.monotonic()
            with self._lock:
                kept.append((now, answer))
                while len(kept) > 1 and kept[1][0] <= now - self._seconds:
                    kept.popleft()


FLAWS: dict[str, Callable[..., Flaw]] = {
    "faithful": Faithful,
    "starve": Starve,
    "delay": Delay,
    "stall": Stall,
    "times": Times,
    "hang-up": HangUp,
    "stale": Stale,
    "emptied": Emptied,
    "padded": Padded,
}
"""By the name that the proxy's command line takes."""


def wait_until(moment_s: float) -> None:
    """Return at ``moment_s`` of the monotonic clock, not a tick later."""
    time.sleep(max(0.0, moment_s - time.monotonic() - SPIN_S))
    while time.monotonic() < moment_s:
        pass
