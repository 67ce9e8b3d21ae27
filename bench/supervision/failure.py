"""How a process failed: exit code, signal and the end of its log."""

import signal
from pathlib import Path

TAIL_LINES = 15
_TAIL_BYTES = 64 * 1024
_LINE_LIMIT = 500


class ProcessFailed(Exception):  # noqa: N818 # the name says what happened
    """Raised when a supervised process ended too early, or was not ready in time.

    ``returncode`` is negative for a signal, as in ``subprocess``, and ``None``
    while the process ran; ``log_tail`` holds the last lines of its log.
    """

    def __init__(
        self, name: str, event: str, returncode: int | None, log_tail: tuple[str, ...]
    ) -> None:
        self.name = name
        self.returncode = returncode
        self.log_tail = log_tail
        log = (
            "\n".join(["the last lines of its log:", *(f"  {line}" for line in log_tail)])
            if log_tail
            else "it logged nothing"
        )
        super().__init__(f"{name} {event}; {log}")


def describe_exit(returncode: int) -> str:
    """Return how a process ended: ``ended with exit code 3`` or ``was killed by SIGKILL``."""
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    try:
        return f"was killed by {signal.Signals(-returncode).name}"
    except ValueError:  # a real-time signal has no name
        return f"was killed by signal {-returncode}"


def read_tail(log: Path, begin: int = 0, lines: int = TAIL_LINES) -> tuple[str, ...]:
    """Return the last ``lines`` lines of ``log`` from byte ``begin`` on, over-long ones cut."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(begin, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ()
    tail = text.rstrip().splitlines()[-lines:]
    return tuple(
        line if len(line) <= _LINE_LIMIT else line[: _LINE_LIMIT - 1] + "…" for line in tail
    )
