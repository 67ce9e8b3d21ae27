"""Run lock: a file lock per run on this machine, released by the kernel when its process ends.

Runs of another machine have no lock here: only the expiry of their namespace shows when it
may be removed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from bench.supervision.user_cache import default_folder


class Life(StrEnum):
    """State of a run as this machine knows it."""

    ALIVE = "alive"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """It was started elsewhere, or by another user."""


def folder() -> Path:
    """Return the folder of the locks, in the user's cache."""
    return default_folder(os.environ) / "existing-clusters"


@contextmanager
def holding(run: str) -> Iterator[None]:
    """Hold the lock of ``run`` inside the block.

    The file stays afterwards, as a sign that the run was started here, until ``forget``.
    """
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(_file(run), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def life(run: str) -> Life:
    """Return the state of ``run``."""
    try:
        handle = os.open(_file(run), os.O_RDWR)
    except OSError:
        return Life.UNKNOWN
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return Life.ALIVE
    finally:
        os.close(handle)
    return Life.ENDED


def forget(run: str) -> None:
    """Remove the lock file of a run that has left nothing."""
    _file(run).unlink(missing_ok=True)


def _file(run: str) -> Path:
    return folder() / f"{Path(run).name}.lock"
