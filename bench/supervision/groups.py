"""Process groups as the kernel shows them under ``/proc``.

Standard library only: the guardian process runs without site-packages.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_AFTER_NAME_STATE = 0
_AFTER_NAME_GROUP = 2
_AFTER_NAME_START_TIME = 19
"""Indexes in ``/proc/<pid>/stat`` after the command's closing bracket; see proc(5)."""

MARK = "INFORMER_BENCH_GUARDED_BY"
"""Variable in the environment of a harness's processes; each harness has its own value."""

_NO_LONGER_RUNNING = frozenset("ZXx")


class ProcessStat(NamedTuple):
    """The fields of ``/proc/<pid>/stat`` that are used here."""

    alive: bool
    """Whether it still runs; a zombie does not."""
    group: int
    start_time: int
    """Clock ticks from boot to start; with the id it identifies a process uniquely."""


def read_stat(pid: int) -> ProcessStat | None:
    """Return the state of ``pid``, or ``None`` if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name may hold spaces and brackets itself
    return ProcessStat(
        alive=fields[_AFTER_NAME_STATE] not in _NO_LONGER_RUNNING,
        group=int(fields[_AFTER_NAME_GROUP]),
        start_time=int(fields[_AFTER_NAME_START_TIME]),
    )


def living_groups(leaders: dict[int, int]) -> set[int]:
    """Return the groups that still have a running member.

    ``leaders`` gives each group's id with the start time of its leader. A group
    whose leader is dead counts while other members run: the kernel does not reuse
    its id before the last of them is gone. A leader with another start time
    is another process that got the id later; its group is left out.
    """
    stats = (read_stat(pid) for pid in _pids())
    living = {stat.group for stat in stats if stat is not None and stat.alive} & leaders.keys()
    return {
        group
        for group in living
        if (leader := read_stat(group)) is None or leader.start_time == leaders[group]
    }


def marked_processes(mark: str, variable: str = MARK) -> set[int]:
    """Return the running processes with ``mark`` in their environment: ours and their children."""
    assignment = f"{variable}={mark}".encode()
    pids = set()
    for pid in _pids():
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if assignment in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                pids.add(pid)
    return pids


def leads(pid: int, start_time: int) -> bool:
    """Return whether ``pid`` is the process that started at ``start_time``, and runs."""
    stat = read_stat(pid)
    return stat is not None and stat.alive and stat.start_time == start_time


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
