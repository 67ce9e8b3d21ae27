"""Restarter: check parts regularly, report one that is down, start it again."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.cluster.populated import Checked
from bench.supervision.process import ProcessFailed

RETRY_S = 5.0


@dataclass
class Part:
    """Something that runs; ``present`` gives what it is at present.

    ``restart`` starts it again and may raise ``ProcessFailed``; ``None``: it stays down.
    """

    name: str
    present: Callable[[], Checked]
    restart: Callable[[], object] | None = None
    trouble: str | None = None
    """What happened to it, in a line; ``None``: it runs."""
    again_at: float = 0.0


class Restarter:
    """Looks after its parts, in order: what others depend on comes first."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.parts: dict[str, Part] = {}
        self._say = say

    def add(self, parts: Iterable[Part]) -> None:
        """Look after ``parts`` as well, behind those there are."""
        self.parts.update({part.name: part for part in parts})

    def trouble(self, name: str) -> str | None:
        """Return what is wrong with a part, ``None`` if nothing is."""
        return self.parts[name].trouble

    def look(self) -> None:
        """Check each part, and start again what has ended, not more often than ``RETRY_S``."""
        for part in self.parts.values():
            try:
                part.present().check()
            except ProcessFailed as failed:
                self._mend(part, failed)

    def _mend(self, part: Part, failed: ProcessFailed) -> None:
        now = time.monotonic()
        if part.trouble is None:
            part.trouble = str(failed).partition("\n")[0]
            part.again_at = now + RETRY_S  # so that a page that asks sees it
            self._say(
                f"{part.trouble}; " + ("it is started again" if part.restart else "it stays so")
            )
        elif part.restart is not None and now >= part.again_at:
            try:
                part.restart()
            except ProcessFailed as again:
                part.trouble = str(again).partition("\n")[0]
                part.again_at = time.monotonic() + RETRY_S
            else:
                part.trouble = None
                self._say(f"{part.name} runs again")
