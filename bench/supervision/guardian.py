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
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bench.supervision.groups import living_groups

TERM_TIMEOUT_S = 5.0
"""How long a group may take to end after SIGTERM."""
KILL_TIMEOUT_S = 5.0
"""How long the kernel may take to end a group after SIGKILL."""
_POLL_S = 0.05
_REMOVAL_ATTEMPTS = 3


def main() -> None:
    """Guard what the pipe names until it is closed, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")  # hold no folder that somebody wants to remove
    groups: dict[int, int] = {}
    folders: dict[str, None] = {}
    for line in sys.stdin.buffer:
        if not line.endswith(b"\n"):
            break  # the harness was killed in the middle of a word
        _obey(json.loads(line), groups, folders)
    end_groups(groups)
    remove_folders([Path(folder) for folder in folders])


def _obey(order: list[str | int], groups: dict[int, int], folders: dict[str, None]) -> None:
    match order:
        case ["guard-group", int(pid), int(start_time)]:
            groups[pid] = start_time
        case ["release-group", int(pid)]:
            groups.pop(pid, None)
        case ["guard-folder", str(path)]:
            folders[path] = None
        case ["release-folder", str(path)]:
            folders.pop(path, None)
        case _:
            _complain(f"does not know the order {order!r}")


def end_groups(groups: dict[int, int]) -> None:
    """Send SIGTERM to every group (id -> start time of its leader), SIGKILL to those left."""
    remaining = living_groups(groups)
    _signal_groups(remaining, signal.SIGTERM)
    remaining = _wait_for_end(groups, TERM_TIMEOUT_S, lambda _: None)
    remaining = _wait_for_end(
        groups,
        KILL_TIMEOUT_S if remaining else 0.0,
        lambda left: _signal_groups(left, signal.SIGKILL),
    )
    for group in remaining:
        _complain(f"could not end process group {group}")


def _wait_for_end(
    groups: dict[int, int], timeout_s: float, meanwhile: Callable[[set[int]], None]
) -> set[int]:
    """Return the groups still alive after ``timeout_s``; ``meanwhile`` gets them at each look."""
    deadline = time.monotonic() + timeout_s
    while (living := living_groups(groups)) and time.monotonic() < deadline:
        meanwhile(living)
        time.sleep(_POLL_S)
    return living


def _signal_groups(groups: set[int], number: signal.Signals) -> None:
    for group in groups:
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            pass  # it ended between the look and the signal
        except PermissionError as error:
            _complain(f"may not signal process group {group}: {error}")


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
