"""What a person sees while a run goes on: lines that stay, and one line that moves.

On a terminal the moving line is drawn over; in a log file it is printed when
something new begins and now and then, so that a log stays readable.
"""

import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from bench.supervision.stoppable import Stoppable
from kube_informer.redaction import redact

LOG_EVERY_S = 10.0
_YES = ("y", "Y", "yes", "Yes", "YES")


class Progress(Stoppable):
    """Tells what goes on; use as a context manager. Writes to standard error."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, quiet=quiet)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:3.0f}%"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=quiet or not self.console.is_terminal,
        )
        self._task: TaskID | None = None
        self._logged_at = 0.0
        self._what = ""

    def say(self, text: str) -> None:
        """Print a line that stays, without secrets: what it quotes may hold some."""
        self.console.print(redact(text), markup=False, soft_wrap=True)

    def ask(self, question: str) -> bool:
        """Ask on the terminal and return whether the answer is yes; nothing is no."""
        self.settle()
        self._bars.stop()
        try:
            answer = self.console.input(f"{question} [y/N] ", markup=False, emoji=False)
            return answer.strip() in _YES
        except EOFError:
            return False
        finally:
            self._bars.start()

    def move(self, what: str, share: float, detail: str = "") -> None:
        """Show what is going on, a bar that is filled to ``share`` (0 to 1), and a detail."""
        text = f"{what}: {detail}" if detail else what
        if self._bars.disable:
            self._log(what, text, share)
            return
        if self._task is None:
            self._task = self._bars.add_task(_escaped(text), total=1.0)
        self._bars.update(self._task, description=_escaped(text), completed=share)

    def counting(self, what: str) -> Callable[[int, int], None]:
        """Return what shows ``what`` when it is told how many are done, and of how many."""
        return lambda done, wanted: self.move(what, done / wanted, f"{done:,} of {wanted:,}")

    def settle(self) -> None:
        """Remove the moving line: its work is done."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def stop(self) -> None:
        """Remove the moving line, and draw no more."""
        self.settle()
        self._bars.stop()

    def _log(self, what: str, text: str, share: float) -> None:
        """Print a line when something new begins, and every ``LOG_EVERY_S`` while it goes on."""
        now = time.monotonic()
        if what != self._what:
            self.say(f"    {what}")
        elif now - self._logged_at >= LOG_EVERY_S:
            self.say(f"    {text} ({share:.0%})")
        else:
            return
        self._what = what
        self._logged_at = now


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
