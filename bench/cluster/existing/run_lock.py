"""Run lock: a file lock per run on this machine, released by the kernel when its process ends.

What another machine runs cannot be seen from here: there only the expiry of its namespace
tells when it may be removed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from bench.supervision.user_cache import default_folder


class Life(StrEnum):
    """What this machine knows of a run."""

    ALIVE = "alive"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """It was not begun here, or by another user."""


def folder() -> Path:
    """Return where the locks are, in the user's cache."""
    return default_folder(os.environ) / "existing-clusters"


@contextmanager
def holding(run: str) -> Iterator[None]:
    """Let ``run`` be known as alive inside the block.

    The file stays afterwards, as a sign that the run was begun here, until ``forget``.
    """
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(_file(run), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def life(run: str) -> Life:
    """Return what is known of ``run``."""
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
    """Forget a run of which nothing is left."""
    _file(run).unlink(missing_ok=True)


def _file(run: str) -> Path:
    return folder() / f"{Path(run).name}.lock"
