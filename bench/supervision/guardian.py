"""The watchdog's process: after the harness, it ends the processes and removes the folders left.

Runs without site-packages, so that it starts quickly and depends on nothing but
the standard library. Standard input is a pipe whose write end only the harness
holds: its end means that the harness ended, in whatever way. The harness's
journal lists what it guards, one order per line.
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
    """Wait for the end of the harness, then clean up by the journal in the last argument."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")  # keep no folder from being removed
    sys.stdin.buffer.read()
    clean_up(Path(sys.argv[-1]))


def clean_up(journal: Path, *, is_old: bool = False) -> tuple[int, int]:
    """Clean up by ``journal`` and remove it; return the numbers of targets ended and folders.

    SIGTERM to all processes, SIGKILL to those left after 5 s. The harness of an old journal may
    have ended long ago: groups whose leader has ended are spared, since their id may belong to
    another process, and after a reboot no process is ended.
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
    existing = [Path(name) for name in folders if Path(name).exists()]
    remove_folders(existing)
    journal.unlink(missing_ok=True)
    return ended, len(existing)


def read_orders(journal: Path) -> list[Any]:
    """Return the orders in ``journal``, without lines that a full disk has cut."""
    orders = []
    for line in journal.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            orders.append(json.loads(line))
    return orders


def boot_id() -> str:
    """Return the kernel's boot id, which changes with each reboot."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def _end_processes(mark: str, groups: dict[int, int]) -> int:
    """End the groups, and the processes with ``mark``; return their number."""

    def living() -> set[int]:
        """Return targets for kill(2): groups as negative ids, and processes outside of them."""
        running = living_groups(groups)
        outside = {
            pid
            for pid in marked_processes(mark)
            if (stat := read_stat(pid)) is not None and stat.alive and stat.group not in running
        }
        return {-group for group in running} | outside

    first = living()
    _signal(first, signal.SIGTERM)
    alive = _wait_for_end(living, TERM_TIMEOUT_S, lambda _: None)
    if alive:
        alive = _wait_for_end(living, KILL_TIMEOUT_S, lambda now: _signal(now, signal.SIGKILL))
    for target in alive:
        complain(f"could not end process {abs(target)}")
    return len(first)


def _wait_for_end(
    living: Callable[[], set[int]], timeout_s: float, meanwhile: Callable[[set[int]], None]
) -> set[int]:
    """Return the targets alive after ``timeout_s``; ``meanwhile`` gets them at each poll."""
    deadline = time.monotonic() + timeout_s
    while (alive := living()) and time.monotonic() < deadline:
        meanwhile(alive)
        time.sleep(_POLL_S)
    return alive


def _signal(targets: set[int], number: signal.Signals) -> None:
    for target in targets:
        try:
            os.kill(target, number)
        except ProcessLookupError:
            pass  # it ended between the poll and the signal
        except PermissionError as error:
            complain(f"may not signal process {abs(target)}: {error}")


def remove_folders(folders: list[Path]) -> None:
    """Remove each folder with its content; skip those that do not exist."""
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
    """Print ``text`` on standard error, which may be closed already."""
    stderr: IO[str] | None = sys.stderr
    with contextlib.suppress(OSError, ValueError):
        print(f"informer-bench watchdog {text}", file=stderr, flush=True)


if __name__ == "__main__":
    main()
