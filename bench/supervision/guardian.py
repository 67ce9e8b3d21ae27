"""The watchdog's process: when the harness is gone, it ends and removes what was left.

Run without site-packages, so that it starts quickly and depends on nothing but
the standard library. Standard input is a pipe whose write end only the harness
holds; JSON lines on it say what to guard and what to release. End of file means
that the harness ended, in whatever way.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from bench.supervision.groups import leads, living_groups, marked_processes, read_stat

TERM_TIMEOUT_S = 5.0
"""How long a group may take to end after SIGTERM."""
KILL_TIMEOUT_S = 5.0
"""How long the kernel may take to end a group after SIGKILL."""
_POLL_S = 0.05
_REMOVAL_ATTEMPTS = 3


def main() -> None:
    """Guard what the pipe names until it is closed, then clean up.

    Arguments: the harness's mark, and its journal's path or "", which is removed at the end.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    mark, journal = sys.argv[-2:]
    os.chdir("/")  # hold no folder that somebody wants to remove
    guarded = Guarded(mark)
    for line in sys.stdin.buffer:
        if not line.endswith(b"\n"):
            break  # the harness was killed in the middle of a word
        guarded.obey(json.loads(line))
    guarded.clean_up()
    if journal:
        Path(journal).unlink(missing_ok=True)


class Guarded:
    """What must be gone when the harness is gone: processes with its ``mark``, groups, folders."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._groups: dict[int, int] = {}
        """Start time of the leader, by its id, which is the group's."""
        self._folders: dict[str, None] = {}

    def obey(self, order: Sequence[str | int]) -> None:
        """Guard or release what ``order`` names."""
        match order:
            case ["guard-group", int(pid), int(start_time)]:
                self._groups[pid] = start_time
            case ["release-group", int(pid)]:
                self._groups.pop(pid, None)
            case ["guard-folder", str(path)]:
                self._folders[path] = None
            case ["release-folder", str(path)]:
                self._folders.pop(path, None)
            case _:
                _complain(f"does not know the order {order!r}")

    def clean_up(
        self, *, end_processes: bool = True, certain_only: bool = False
    ) -> tuple[int, int]:
        """End the processes, remove the folders; return how many there were of each.

        SIGTERM to all, SIGKILL to those left after 5 s. ``certain_only`` spares groups whose
        leader has ended: long afterwards, their id may be a stranger's.
        """
        ended = 0
        if end_processes:
            if certain_only:
                self._groups = {
                    pid: began for pid, began in self._groups.items() if leads(pid, began)
                }
            ended = self._end_processes()
        there = [Path(name) for name in self._folders if Path(name).exists()]
        remove_folders(there)
        return ended, len(there)

    def _end_processes(self) -> int:
        living = self._living()
        count = len(living)
        _signal(living, signal.SIGTERM)
        living = self._wait_for_end(TERM_TIMEOUT_S, lambda _: None)
        if living:
            living = self._wait_for_end(KILL_TIMEOUT_S, lambda left: _signal(left, signal.SIGKILL))
        for target in living:
            _complain(f"could not end process {abs(target)}")
        return count

    def _living(self) -> set[int]:
        """Return what kill(2) takes: groups as negative ids, and processes outside of them."""
        groups = living_groups(self._groups)
        outside = {
            pid
            for pid in marked_processes(self._mark)
            if (stat := read_stat(pid)) is not None and stat.alive and stat.group not in groups
        }
        return {-group for group in groups} | outside

    def _wait_for_end(self, timeout_s: float, meanwhile: Callable[[set[int]], None]) -> set[int]:
        """Return what still lives after ``timeout_s``; ``meanwhile`` gets it at each look."""
        deadline = time.monotonic() + timeout_s
        while (living := self._living()) and time.monotonic() < deadline:
            meanwhile(living)
            time.sleep(_POLL_S)
        return living


def _signal(targets: set[int], number: signal.Signals) -> None:
    for target in targets:
        try:
            os.kill(target, number)
        except ProcessLookupError:
            pass  # it ended between the look and the signal
        except PermissionError as error:
            _complain(f"may not signal process {abs(target)}: {error}")


def remove_folders(folders: list[Path]) -> None:
    """Remove each folder with all that is in it; one that is not there is fine."""
    for folder in folders:
        for attempt in range(_REMOVAL_ATTEMPTS):
            try:
                shutil.rmtree(folder)
            except FileNotFoundError:
                break
            except OSError as error:
                if attempt == _REMOVAL_ATTEMPTS - 1:
                    _complain(f"could not remove {folder}: {error}")
                time.sleep(_POLL_S)


def _complain(text: str) -> None:
    """Say it where a person may still look; the terminal can be gone as well."""
    stderr: IO[str] | None = sys.stderr
    with contextlib.suppress(OSError, ValueError):
        print(f"informer-bench watchdog {text}", file=stderr, flush=True)


if __name__ == "__main__":
    main()
