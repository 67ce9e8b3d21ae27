"""Processors: which there are, and on which of them a process runs."""

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def processors() -> tuple[int, ...]:
    """Return the numbers of the processors that this process may use; none: it cannot choose."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    return tuple(sorted(os.sched_getaffinity(0)))


@contextmanager
def on_processors(numbers: Collection[int]) -> Iterator[None]:
    """Have what this thread starts meanwhile run on these processors alone; none: on any.

    Children and threads inherit what their parent has when they begin, so that a program
    that counts its processors at its start counts these.
    """
    if not numbers:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, numbers)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(pids: Iterable[int], numbers: Collection[int]) -> None:
    """Have processes that run already go on on these processors alone, all their threads.

    A process or thread that has ended meanwhile needs no moving.
    """
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*"):
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), numbers)
