"""CPU and memory of process trees, sampled while a trial runs."""

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from bench.supervision.stoppable import Stoppable

INTERVAL_S = 0.5

Trees = Sequence[int]
"""First processes of trees that are summed, such as replicas of one server."""


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One sample of process trees; ``cpu_s`` counts from the start of their processes.

    ``at_us`` is of the monotonic clock until it is shifted to the window's begin.
    """

    at_us: int
    process: str
    cpu_s: float
    rss_bytes: int
    pss_bytes: int | None


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time that process trees have used so far, and memory that they hold now.

    CPU time is of live processes and of children that they have waited for: a shell that
    starts a program every second has used the time of all of them.
    Memory is proportional set size (PSS): pages shared with others are counted
    in shares, so that processes may be summed.
    """

    cpu_s: float
    rss_bytes: int
    pss_bytes: int | None


def usage(*pids: int) -> Usage | None:
    """Return the usage of the trees under ``pids`` together, ``None`` if all are gone."""
    tree = [process for pid in pids for process in _tree(pid)]
    parts = [part for process in tree if (part := _own_usage(process)) is not None]
    if not parts:
        return None
    shares = [part.pss_bytes for part in parts if part.pss_bytes is not None]
    return Usage(
        sum(part.cpu_s for part in parts),
        sum(part.rss_bytes for part in parts),
        sum(shares) if len(shares) == len(parts) else None,
    )


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_s(*pids: int) -> float:
    """Return the CPU seconds of the trees under ``pids``, 0 if they are gone."""
    used = usage(*pids)
    return used.cpu_s if used else 0.0


def highest_rss_bytes(pid: int) -> int | None:
    """Return the highest resident size of the process ``pid`` alone, ``None`` if unknown.

    It is the kernel's own high-water mark (VmHWM, proc(5)), which no sampling can miss.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(match[1]) * 1024 if match else None


class Sampler(Stoppable):
    """Sample named process trees every ``INTERVAL_S`` while in a ``with`` block.

    ``pids`` is called each time: a process may be restarted meanwhile.
    """

    def __init__(self, pids: Callable[[], Mapping[str, Trees]]) -> None:
        self._pids = pids
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self.rows: list[SampleRow] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Take no more samples."""
        self._halt.set()
        self._thread.join()

    def peak_pss_bytes(self, process: str) -> int | None:
        """Return the largest sampled PSS of ``process``."""
        seen = (row.pss_bytes for row in self.rows if row.process == process and row.pss_bytes)
        return max(seen, default=None)

    def _run(self) -> None:
        while True:
            for name, pids in self._pids().items():
                used = usage(*pids)
                if used is not None:
                    at_us = time.monotonic_ns() // 1000
                    self.rows.append(
                        SampleRow(at_us, name, used.cpu_s, used.rss_bytes, used.pss_bytes)
                    )
            if self._halt.wait(INTERVAL_S):
                return


def _own_usage(process: psutil.Process) -> Usage | None:
    try:
        times = process.cpu_times()
        memory = process.memory_info()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return None
    spent = times.user + times.system + times.children_user + times.children_system
    try:
        return Usage(spent, memory.rss, process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return Usage(spent, memory.rss, None)
