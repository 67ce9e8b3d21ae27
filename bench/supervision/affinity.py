"""Processor affinity: the processors of this machine, and those that a process runs on."""

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def processors() -> tuple[int, ...]:
    """Return the numbers of the processors that this process may use; none: no choice here."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    return tuple(sorted(os.sched_getaffinity(0)))


@contextmanager
def on_processors(numbers: Collection[int]) -> Iterator[None]:
    """Restrict processes and threads started in the block to these processors; none: to any.

    Children and threads inherit the affinity of their parent at their start, so that a program
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
    """Restrict running processes, with all their threads, to these processors.

    A process or thread that has ended meanwhile is skipped.
    """
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*"):
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), numbers)
