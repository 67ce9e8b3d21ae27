"""What a person sees while a run goes on: lines that stay, and below them what moves.

On a terminal one line is drawn over, below what the work shows so far. In a log, on a narrow
screen and with ``NO_COLOR`` there are plain lines instead: when something new begins, and now
and then, so that a log stays readable. What draws is not broken off by a signal, which would leave
half a line behind: it takes effect after it.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from bench.supervision.signals import deferring_signals
from bench.supervision.stoppable import Stoppable
from kube_informer.redaction import redact

LOG_EVERY_S = 10.0
NARROW = 80
"""Columns of a terminal below which nothing is drawn over: lines would wrap."""
_YES = ("y", "Y", "yes", "Yes", "YES")


class _TimeLeft(ProgressColumn):
    """About how long all of it still takes, once that is known."""

    ends_at: float | None = None

    def render(self, task: Task) -> Text:
        del task
        return Text("" if self.ends_at is None else self.said(self.ends_at))

    @staticmethod
    def said(ends_at: float) -> str:
        minutes = (ends_at - time.monotonic()) / 60
        return f"about {minutes:.0f} min left" if minutes >= 1 else "less than a minute left"


class _Live(Bars):
    """The moving line, below what the work shows so far."""

    shown: RenderableType | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.shown is not None:
            yield self.shown
        yield from super().get_renderables()


class Progress(Stoppable):
    """Tells what goes on; use as a context manager. Writes to standard error."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, quiet=quiet)
        console = self.console
        draws = console.is_terminal and not console.is_dumb_terminal and not console.no_color
        self._left = _TimeLeft()
        self._bars = _Live(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:3.0f}%"),
            TimeElapsedColumn(),
            self._left,
            console=console,
            transient=True,
            disable=quiet or not draws or console.width < NARROW,
        )
        self._task: TaskID | None = None
        self._logged_at = 0.0
        self._what = ""

    @property
    def draws(self) -> bool:
        """Whether something is drawn over, as on a wide enough terminal."""
        return not self._bars.disable

    @deferring_signals()
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

    @deferring_signals()
    def move(self, what: str, share: float, detail: str = "") -> None:
        """Show what is going on, a bar that is filled to ``share`` (0 to 1), and a detail."""
        text = f"{what}: {detail}" if detail else what
        if self._bars.disable:
            self._log(what, text, share)
            return
        if self._task is None:
            self._task = self._bars.add_task(_escaped(text), total=1.0)
        self._bars.update(self._task, description=_escaped(text), completed=share)

    def ends_in(self, seconds: float) -> None:
        """Show from now on about how long all of it still takes."""
        self._left.ends_at = time.monotonic() + seconds
        if self._bars.disable:
            self.say(f"    {self._left.said(self._left.ends_at)}")

    def show(self, found: RenderableType, lines: Sequence[str]) -> None:
        """Show what the work has found so far, in the place of what was shown before.

        As plain ``lines`` where nothing is drawn over.
        """
        if self._bars.disable:
            self.say("\n".join(lines))
        else:
            self._bars.shown = found

    def counting(self, what: str) -> Callable[[int, int], None]:
        """Return what shows ``what`` when it is told how many are done, and of how many."""
        return lambda done, wanted: self.move(what, done / wanted, f"{done:,} of {wanted:,}")

    @deferring_signals()
    def settle(self) -> None:
        """Remove the moving line: its work is done."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None

    @deferring_signals()
    def __enter__(self) -> Self:
        self._bars.start()
        return self

    @deferring_signals()
    def stop(self) -> None:
        """Remove what moves, and draw no more."""
        self.settle()
        self._bars.shown = None
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
