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
from collections.abc import Callable, Iterable, Iterator
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

    def __init__(self, purpose: str = "") -> None:
        """Make it; a ``purpose`` is what others on this machine are told of this harness."""
        folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        self.mark = secrets.token_hex(16)
        self.path = folder() / f"{self.mark}{_SUFFIX}"
        unlocked = self.path.with_suffix(".new")  # under its name it is locked from the first
        self.fd = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(self.fd, fcntl.LOCK_EX)
        self.write("boot", _boot())
        if purpose:
            self.write("purpose", purpose)
        unlocked.rename(self.path)

    def write(self, *order: str | int) -> None:
        """Add an order of those that the guardian takes."""
        os.write(self.fd, json.dumps(order).encode() + b"\n")

    def others(self) -> list[str]:
        """Return the purposes of the other harnesses that run on this machine now, sorted."""
        purposes: set[str | int] = set()
        for path in folder().glob(f"*{_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                if path != self.path and not _locks(file.fileno(), fcntl.LOCK_SH):
                    purposes.update(order[1] for order in _orders(file) if order[0] == "purpose")
        return sorted(map(str, purposes))

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
        if not _locks(fd, fcntl.LOCK_EX):
            os.close(fd)  # it lives
            continue
        yield path, fd


def _clean_up(path: Path, fd: int) -> tuple[int, int]:
    """Return how many processes were ended and folders removed."""
    guarded = Guarded(path.stem)
    is_same_boot = False
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        for order in _orders(file):
            if order[0] == "boot":
                is_same_boot = order[1] == _boot()
            elif order[0] != "purpose":
                guarded.obey(order)
    counts = guarded.clean_up(end_processes=is_same_boot, certain_only=True)
    path.unlink(missing_ok=True)
    return counts


def _orders(lines: Iterable[bytes]) -> Iterator[Order]:
    """Give the orders in ``lines``; a full disk may have cut one."""
    for line in lines:
        try:
            order = json.loads(line)
        except ValueError:
            continue
        if isinstance(order, list) and len(order) > 1:
            yield tuple(order)


def _locks(fd: int, kind: int) -> bool:
    """Try to lock ``fd`` without waiting, and return whether that was possible."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _boot() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()
