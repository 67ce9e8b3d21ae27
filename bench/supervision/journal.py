"""Journal of what a harness guards: read by its watchdog, or by the next start if both were killed.

One file a harness in the user's cache. Harness and watchdog hold a lock on it, which
the kernel lets go when both have ended: a file that is there and free was left behind.

What it names is found again by a mark, a random value that every process which a harness
starts has in its environment, and its children inherit. A process without the mark is
ended only if it leads a recorded group and was started at the recorded moment of the same
boot, so that an id that a stranger got since harms nobody.
"""

import contextlib
import fcntl
import json
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.supervision.guardian import boot_id, clean_up, complain, read_orders
from bench.supervision.user_cache import default_folder

_SUFFIX = ".jsonl"


def folder() -> Path:
    """Return where the journals are."""
    return default_folder(os.environ) / "guarded"


class Journal:
    """The journal of this harness, locked for as long as this process or an heir of its file lives.

    In the temporary directory, where nobody looks after a kill, if the cache cannot be written to.
    """

    def __init__(self, purpose: str) -> None:
        """Make it; a ``purpose`` is what others on this machine are told of this harness."""
        self.mark = secrets.token_hex(16)
        where = folder()
        try:
            where.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            complain(
                f"cannot note what is guarded in {where}: {error.strerror}; if this process and "
                "its watchdog are both killed, what they started will stay"
            )
            where = Path(tempfile.gettempdir()).resolve()
        self.path = where / f"{self.mark}{_SUFFIX}"
        unlocked = self.path.with_suffix(".new")  # under its name it is locked from the first
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self.file = open(os.open(unlocked, flags, 0o600), "ab", buffering=0)  # noqa: SIM115, PTH123
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.write("boot", boot_id())
        if purpose:
            self.write("purpose", purpose)
        unlocked.rename(self.path)

    def write(self, *order: str | int) -> None:
        """Add an order of those that the guardian takes."""
        self.file.write(json.dumps(order).encode() + b"\n")

    def others(self) -> list[str]:
        """Return the purposes of the other harnesses that run on this machine now, sorted."""
        purposes: set[str] = set()
        for path in folder().glob(f"*{_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                if path != self.path and not _locks(file.fileno(), fcntl.LOCK_SH):
                    purposes.update(str(one[1]) for one in read_orders(path) if one[0] == "purpose")
        return sorted(purposes)


def clean_up_after_others(say: Callable[[str], None]) -> None:
    """End and remove what harnesses left that were killed together with their watchdogs.

    ``say`` hears of each that left something. Those that still run are not touched.
    """
    for path in sorted(folder().glob(f"*{_SUFFIX}")):
        with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
            if not _locks(file.fileno(), fcntl.LOCK_EX):
                continue  # it lives
            ended, removed = clean_up(path, is_old=True)
            if ended or removed:
                say(
                    "cleaned up after a harness that was killed together with its watchdog: "
                    f"{ended} processes ended, {removed} folders removed"
                )


def _locks(fd: int, kind: int) -> bool:
    """Try to lock ``fd`` without waiting, and return whether that was possible."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
