"""Restarter: check parts regularly, report a part that is down, start it again."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.cluster.populated import Checked
from bench.supervision.process import ProcessFailed

RETRY_S = 5.0


@dataclass
class Part:
    """Something to keep running; ``present`` returns its present process.

    ``restart`` starts it again and may raise ``ProcessFailed``; ``None``: it stays down.
    """

    name: str
    present: Callable[[], Checked]
    restart: Callable[[], object] | None = None
    trouble: str | None = None
    """How it ended, in one line; ``None``: it runs."""
    retry_s: float = 0.0
    """When to start it again, on the monotonic clock."""


class Restarter:
    """Keeps its parts running, in order: parts that others depend on come first."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.parts: dict[str, Part] = {}
        self._say = say

    def add(self, parts: Iterable[Part]) -> None:
        """Keep ``parts`` running as well, after the earlier ones."""
        self.parts.update({part.name: part for part in parts})

    def trouble(self, name: str) -> str | None:
        """Return how a part ended, ``None`` if it runs."""
        return self.parts[name].trouble

    def look(self) -> None:
        """Check each part, and restart those that have ended, not more often than ``RETRY_S``."""
        for part in self.parts.values():
            try:
                part.present().check()
            except ProcessFailed as failure:
                self._mend(part, failure)

    def _mend(self, part: Part, failure: ProcessFailed) -> None:
        now = time.monotonic()
        if part.trouble is None:
            part.trouble = str(failure).partition("\n")[0]
            part.retry_s = now + RETRY_S  # so that a page that asks sees it
            remedy = "it is started again" if part.restart else "it stays down"
            self._say(f"{part.trouble}; {remedy}")
        elif part.restart is not None and now >= part.retry_s:
            try:
                part.restart()
            except ProcessFailed as new_failure:
                part.trouble = str(new_failure).partition("\n")[0]
                part.retry_s = time.monotonic() + RETRY_S
            else:
                part.trouble = None
                self._say(f"{part.name} runs again")
