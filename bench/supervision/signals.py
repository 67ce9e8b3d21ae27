"""Signals that end the harness, turned into an orderly unwinding.

The first Ctrl-C, SIGTERM or SIGHUP raises ``Interrupted`` in the main thread, so
that every ``with`` and ``finally`` does its work; later ones are swallowed, so
that impatience does not break the cleanup. The watchdog handles SIGKILL.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

AGAIN_S = 0.1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """Raised when a signal asks the harness to end."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(f"interrupted by {self.signal.name}")

    @property
    def exit_code(self) -> int:
        """The exit code that a shell expects after this signal: 128 + its number."""
        return 128 + self.signal


def ending() -> str:
    """Return what ends this process: Ctrl-C, or a command where SIGINT is ignored.

    It is ignored in a background job of a script: neither Ctrl-C nor ``kill -INT`` arrives there.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return f"kill {os.getpid()}"
    return "Ctrl-C"


@contextmanager
def unwinding_on_signals(say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Raise ``Interrupted`` in the body at the first ending signal and swallow the others.

    ``say`` gets a line for each signal that is swallowed. A signal that was
    ignored on entry (nohup, a background job) stays ignored. Use it in the
    main thread, around everything that must be unwound.
    """
    caught: list[int] = []

    def unwind(number: int, frame: FrameType | None) -> None:
        del frame
        caught.append(number)
        if len(caught) == 1:
            raise Interrupted(number)
        with suppress(RuntimeError):  # the signal may have come in the midst of a print
            say(f"still cleaning up ({signal.Signals(caught[0]).name}); it takes a few seconds")

    def unraisable(lost: "sys.UnraisableHookArgs") -> None:
        if not isinstance(lost.exc_value, Interrupted):
            before(lost)
            return
        # It came while a finalizer ran, where Python drops exceptions: send it again.
        caught.clear()
        threading.Timer(AGAIN_S, os.kill, (os.getpid(), lost.exc_value.signal)).start()

    before, sys.unraisablehook = sys.unraisablehook, unraisable
    try:
        with _handling(unwind):
            yield
    finally:
        sys.unraisablehook = before


@contextmanager
def deferring_signals() -> Iterator[None]:
    """Run the body undisturbed; an ending signal takes effect after it.

    For short steps that must not stop halfway. Does nothing outside of the
    main thread, where Python runs no handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []
    try:
        with _handling(lambda number, _: pending.append(number)):
            yield
    finally:
        for number in pending:
            signal.raise_signal(number)


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    previous = {
        number: old
        for number in _ENDING
        if (old := signal.getsignal(number)) not in {signal.SIG_IGN, None}
    }
    for number in previous:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
