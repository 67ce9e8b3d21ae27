"""Progress of a run on the terminal: lines that stay, and below them a moving line.

A terminal shows one moving line, below the interim result. In a log, on a narrow screen and
with ``NO_COLOR`` there are plain lines instead, one for each new phase and one every
``LOG_EVERY_S``, so that a log stays readable. A signal takes effect after the line that is
being drawn.
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
"""Columns of a terminal below which there is no moving line: it would wrap."""
_YES = ("y", "Y", "yes", "Yes", "YES")


class _TimeLeft(ProgressColumn):
    """The estimated time left, once it is known."""

    ends_at: float | None = None

    def render(self, task: Task) -> Text:
        del task
        return Text("" if self.ends_at is None else self.text(self.ends_at))

    @staticmethod
    def text(ends_at: float) -> str:
        minutes = (ends_at - time.monotonic()) / 60
        return f"about {minutes:.0f} min left" if minutes >= 1 else "less than a minute left"


class _Live(Bars):
    """The moving line, below the interim result."""

    shown: RenderableType | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.shown is not None:
            yield self.shown
        yield from super().get_renderables()


class Progress(Stoppable):
    """Shows progress on standard error; use as a context manager."""

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
        self._phase = ""

    @property
    def draws(self) -> bool:
        """Whether there is a moving line, as on a wide enough terminal."""
        return not self._bars.disable

    @deferring_signals()
    def say(self, text: str) -> None:
        """Print a line that stays, with secrets redacted."""
        self.console.print(redact(text), markup=False, soft_wrap=True)

    def ask(self, question: str) -> bool:
        """Ask on the terminal and return whether the answer is yes; an empty answer is no."""
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
    def move(self, phase: str, share: float, detail: str = "") -> None:
        """Show the current phase, a bar that is filled to ``share`` (0 to 1), and a detail."""
        text = f"{phase}: {detail}" if detail else phase
        if self._bars.disable:
            self._log(phase, text, share)
            return
        if self._task is None:
            self._task = self._bars.add_task(_escaped(text), total=1.0)
        self._bars.update(self._task, description=_escaped(text), completed=share)

    def ends_in(self, seconds: float) -> None:
        """Show from now on the estimated time left."""
        self._left.ends_at = time.monotonic() + seconds
        if self._bars.disable:
            self.say(f"    {self._left.text(self._left.ends_at)}")

    def show(self, result: RenderableType, lines: Sequence[str]) -> None:
        """Show the interim ``result`` in place of the one before.

        Prints ``lines`` where there is no moving line.
        """
        if self._bars.disable:
            self.say("\n".join(lines))
        else:
            self._bars.shown = result

    def counting(self, phase: str) -> Callable[[int, int], None]:
        """Return a function that shows ``phase``, given how many are done and how many in all."""
        return lambda done, total: self.move(phase, done / total, f"{done:,} of {total:,}")

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
        """Remove the moving line and the interim result for good."""
        self.settle()
        self._bars.shown = None
        self._bars.stop()

    def _log(self, phase: str, text: str, share: float) -> None:
        """Print a line when a phase begins, and every ``LOG_EVERY_S`` while it lasts."""
        now = time.monotonic()
        if phase != self._phase:
            self.say(f"    {phase}")
        elif now - self._logged_at >= LOG_EVERY_S:
            self.say(f"    {text} ({share:.0%})")
        else:
            return
        self._phase = phase
        self._logged_at = now


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
