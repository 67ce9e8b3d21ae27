"""Journal of the groups and folders that a harness guards.

Its watchdog reads it, or the next start if both were killed. Each harness has one file in
the user's cache. Harness and watchdog lock it, and the kernel unlocks it when both have
ended: a file without a lock was left behind.

A mark identifies the processes: a random value in the environment of every process that
the harness starts, which children inherit. A process without the mark is ended only if it
leads a recorded group and started at the recorded moment of the same boot, so that no other
process that got its id since is harmed.
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
    """Return the folder of the journals."""
    return default_folder(os.environ) / "guarded"


class Journal:
    """The journal of this harness, locked as long as this process or an heir of its file lives.

    If the cache cannot be written to, it is in the temporary directory, where no start looks.
    """

    def __init__(self, purpose: str) -> None:
        """Create it; other harnesses on this machine see this one's ``purpose``."""
        self.mark = secrets.token_hex(16)
        parent = folder()
        try:
            parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            complain(
                f"cannot note what is guarded in {parent}: {error.strerror}; if this process and "
                "its watchdog are both killed, what they started will stay"
            )
            parent = Path(tempfile.gettempdir()).resolve()
        self.path = parent / f"{self.mark}{_SUFFIX}"
        unlocked = self.path.with_suffix(".new")  # under its name it is locked from the first
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self.file = open(os.open(unlocked, flags, 0o600), "ab", buffering=0)  # noqa: SIM115, PTH123
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.write("boot", boot_id())
        if purpose:
            self.write("purpose", purpose)
        unlocked.rename(self.path)

    def write(self, *order: str | int) -> None:
        """Append one of the orders that the guardian knows."""
        self.file.write(json.dumps(order).encode() + b"\n")

    def others(self) -> list[str]:
        """Return the purposes of the other harnesses that run on this machine now, sorted."""
        purposes: set[str] = set()
        for path in folder().glob(f"*{_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                if path != self.path and not _locks(file.fileno(), fcntl.LOCK_SH):
                    orders = read_orders(path)
                    purposes.update(str(order[1]) for order in orders if order[0] == "purpose")
        return sorted(purposes)


def clean_up_after_others(say: Callable[[str], None]) -> None:
    """Clean up after harnesses that were killed together with their watchdogs.

    ``say`` gets a line for each that left something. Running harnesses are not touched.
    """
    for path in sorted(folder().glob(f"*{_SUFFIX}")):
        with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
            if not _locks(file.fileno(), fcntl.LOCK_EX):
                continue  # it runs
            ended, removed = clean_up(path, is_old=True)
            if ended or removed:
                say(
                    "cleaned up after a harness that was killed together with its watchdog: "
                    f"{ended} processes ended, {removed} folders removed"
                )


def _locks(fd: int, kind: int) -> bool:
    """Try to lock ``fd`` without waiting; return whether it is locked now."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
