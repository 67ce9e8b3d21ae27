"""The watchdog's process: when the harness is gone, it ends and removes what was left.

Run without site-packages, so that it starts quickly and depends on nothing but
the standard library. Standard input is a pipe whose write end only the harness
holds: its end means that the harness ended, in whatever way. What is guarded then
stands in the harness's journal, a line an order.
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
from typing import IO, Any

from bench.supervision.groups import leads, living_groups, marked_processes, read_stat

TERM_TIMEOUT_S = 5.0
"""How long a group may take to end after SIGTERM."""
KILL_TIMEOUT_S = 5.0
"""How long the kernel may take to end a group after SIGKILL."""
_POLL_S = 0.05
_REMOVAL_ATTEMPTS = 3
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def main() -> None:
    """Wait for the end of the harness, then clean up after the journal that is named last."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")  # hold no folder that somebody wants to remove
    sys.stdin.buffer.read()
    clean_up(Path(sys.argv[-1]))


def clean_up(journal: Path, *, is_old: bool = False) -> tuple[int, int]:
    """End and remove what ``journal`` guards, and the journal; return how many there were of each.

    SIGTERM to all processes, SIGKILL to those left after 5 s. Of an old journal nobody knows how
    long ago its harness ended: groups whose leader has ended are spared, since their id may be a
    stranger's, and after a reboot no process is ended.
    """
    groups: dict[int, int] = {}  # start time of the leader, by its id, which is the group's
    folders: dict[str, None] = {}
    is_same_boot = False
    for order in read_orders(journal):
        match order:
            case ["boot", str(boot)]:
                is_same_boot = boot == boot_id()
            case ["guard-group", int(pid), int(start_time)]:
                groups[pid] = start_time
            case ["release-group", int(pid)]:
                groups.pop(pid, None)
            case ["guard-folder", str(path)]:
                folders[path] = None
            case ["release-folder", str(path)]:
                folders.pop(path, None)
    if is_old:
        groups = {pid: began for pid, began in groups.items() if leads(pid, began)}
    ended = _end_processes(journal.stem, groups) if is_same_boot or not is_old else 0
    there = [Path(name) for name in folders if Path(name).exists()]
    remove_folders(there)
    journal.unlink(missing_ok=True)
    return ended, len(there)


def read_orders(journal: Path) -> list[Any]:
    """Return the orders in ``journal``, those left out that a full disk has cut."""
    orders = []
    for line in journal.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            orders.append(json.loads(line))
    return orders


def boot_id() -> str:
    """Return what is another after each reboot."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def _end_processes(mark: str, groups: dict[int, int]) -> int:
    """End the groups, and the processes with ``mark``; return how many there were."""

    def living() -> set[int]:
        """Return what kill(2) takes: groups as negative ids, and processes outside of them."""
        there = living_groups(groups)
        outside = {
            pid
            for pid in marked_processes(mark)
            if (stat := read_stat(pid)) is not None and stat.alive and stat.group not in there
        }
        return {-group for group in there} | outside

    first = living()
    _signal(first, signal.SIGTERM)
    left = _wait_for_end(living, TERM_TIMEOUT_S, lambda _: None)
    if left:
        left = _wait_for_end(living, KILL_TIMEOUT_S, lambda now: _signal(now, signal.SIGKILL))
    for target in left:
        complain(f"could not end process {abs(target)}")
    return len(first)


def _wait_for_end(
    living: Callable[[], set[int]], timeout_s: float, meanwhile: Callable[[set[int]], None]
) -> set[int]:
    """Return what still lives after ``timeout_s``; ``meanwhile`` gets it at each look."""
    deadline = time.monotonic() + timeout_s
    while (left := living()) and time.monotonic() < deadline:
        meanwhile(left)
        time.sleep(_POLL_S)
    return left


def _signal(targets: set[int], number: signal.Signals) -> None:
    for target in targets:
        try:
            os.kill(target, number)
        except ProcessLookupError:
            pass  # it ended between the look and the signal
        except PermissionError as error:
            complain(f"may not signal process {abs(target)}: {error}")


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
                    complain(f"could not remove {folder}: {error}")
                time.sleep(_POLL_S)


def complain(text: str) -> None:
    """Say it where a person may still look; the terminal can be gone as well."""
    stderr: IO[str] | None = sys.stderr
    with contextlib.suppress(OSError, ValueError):
        print(f"informer-bench watchdog {text}", file=stderr, flush=True)


if __name__ == "__main__":
    main()
