"""Something that takes a while, done on a thread of its own at most every so often, when asked."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Runs ``work`` when kicked, not sooner than ``every_s`` after it last began.

    ``latest`` is its last result; ``error`` the text of what it raised last, if it
    was one of ``expected``.
    """

    def __init__(
        self, work: Callable[[], T], every_s: float, expected: tuple[type[Exception], ...]
    ) -> None:
        self._work = work
        self._every_s = every_s
        self._expected = expected
        self._began = float("-inf")
        self._thread: threading.Thread | None = None
        self.latest: T | None = None
        self.finished = 0
        """How many times it ended; a new result is known by it."""
        self.error: str | None = None

    @property
    def busy_s(self) -> float:
        """Since when it is at work; 0 when it is not."""
        at_work = self._thread is not None and self._thread.is_alive()
        return time.monotonic() - self._began if at_work else 0.0

    def kick(self) -> None:
        """Begin if it is time and nothing is under way."""
        if self.busy_s or time.monotonic() - self._began < self._every_s:
            return
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.latest = self._work()
            self.error = None
        except self._expected as error:
            self.error = str(error)
        self.finished += 1
