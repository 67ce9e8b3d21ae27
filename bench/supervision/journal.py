"""What a harness guards, on disk as well: for the next start, if its watchdog was killed too.

One file a harness in the user's cache. Harness and watchdog hold a lock on it, which
the kernel lets go when both have ended: a file that is there and free was left behind.

What it names is found again by a mark, a random value that every process which a harness
starts has in its environment, and its children inherit. A process without the mark is
ended only if it leads a recorded group and was started at the recorded moment of the same
boot, so that an id that a stranger got since harms nobody.

Standard library only, as ``guardian``.
"""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.supervision.guardian import Guarded
from bench.supervision.user_cache import default_folder

_SUFFIX = ".jsonl"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

Order = tuple[str | int, ...]


def folder() -> Path:
    """Return where the journals are."""
    return default_folder(os.environ) / "guarded"


class Journal:
    """The journal of this harness, locked for as long as this process or an heir of ``fd`` lives.

    Raises ``OSError`` if the folder cannot be written to.
    """

    def __init__(self) -> None:
        folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        self.mark = secrets.token_hex(16)
        self.path = folder() / f"{self.mark}{_SUFFIX}"
        unlocked = self.path.with_suffix(".new")  # under its name it is locked from the first
        self.fd = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        self.write("boot", _boot())
        unlocked.rename(self.path)

    def write(self, *order: str | int) -> None:
        """Add an order of those that the guardian takes."""
        os.write(self.fd, json.dumps(order).encode() + b"\n")

    def clean_up(self) -> None:
        """Do what the guardian should have done, and remove the journal."""
        _clean_up(self.path, self.fd)

    def close(self) -> None:
        """Let go of the lock."""
        os.close(self.fd)


def clean_up_after_others(say: Callable[[str], None]) -> None:
    """End and remove what harnesses left that were killed together with their watchdogs.

    ``say`` hears of each that left something. Those that still run are not touched.
    """
    for path, fd in _left_behind():
        try:
            ended, removed = _clean_up(path, fd)
        finally:
            os.close(fd)
        if ended or removed:
            say(
                "cleaned up after a harness that was killed together with its watchdog: "
                f"{ended} processes ended, {removed} folders removed"
            )


def _left_behind() -> Iterator[tuple[Path, int]]:
    """Give each journal whose harness and watchdog have ended, open and locked."""
    for path in sorted(folder().glob(f"*{_SUFFIX}")):
        try:
            fd = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)  # it lives
            continue
        yield path, fd


def _clean_up(path: Path, fd: int) -> tuple[int, int]:
    """Return how many processes were ended and folders removed."""
    guarded = Guarded(path.stem)
    is_same_boot = False
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        for line in file:
            with contextlib.suppress(ValueError, IndexError, TypeError):  # cut by a full disk
                order = json.loads(line)
                if order[0] == "boot":
                    is_same_boot = order[1] == _boot()
                else:
                    guarded.obey(order)
    counts = guarded.clean_up(end_processes=is_same_boot, certain_only=True)
    path.unlink(missing_ok=True)
    return counts


def _boot() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()
