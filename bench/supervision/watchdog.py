"""The harness's end of the watchdog: guard groups and folders that must not outlive the harness.

A parent-death signal does not suffice: it does not reach grandchildren, and it fires
when the thread that started the child ends.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bench
from bench.supervision import guardian
from bench.supervision.failure import describe_exit
from bench.supervision.groups import MARK, read_stat
from bench.supervision.journal import Journal, clean_up_after_others
from bench.supervision.signals import deferring_signals
from bench.supervision.stoppable import Stoppable

_CLOSE_TIMEOUT_S = guardian.TERM_TIMEOUT_S + guardian.KILL_TIMEOUT_S + 60.0
"""Both of the guardian's timeouts, and a minute for removing large folders."""

_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from bench.supervision.guardian import main; main()"
)


STAGE_PREFIX = ".making-"
"""Prefix of the names of staging folders."""


class WatchdogLost(Exception):  # noqa: N818 # the name says what happened
    """Raised when the guardian process ended while the harness still needs it."""


class Watchdog(Stoppable):
    """A process that outlives the harness just long enough to clean up after it.

    When the harness ends (``stop``, an exception, a signal, SIGKILL), it ends the groups
    and removes the folders that are still guarded: SIGTERM to every group, SIGKILL after
    5 s to those left, then the folders. If the watchdog is killed as well, the next
    watchdog does it. Safe to use from several threads.
    """

    def __init__(self, purpose: str = "") -> None:
        """Start it; other harnesses on this machine see this one's ``purpose``."""
        clean_up_after_others(guardian.complain)
        self._lock = threading.Lock()
        self._journal = Journal(purpose)
        self.mark = self._journal.mark
        """For the environment of every guarded process; see ``groups.MARK``."""
        root = Path(bench.__file__).parents[1]
        # Popen keeps its end of the pipe from being inherited, so it is ours alone; only a
        # bare os.fork() would share it, and the harness does not use that.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM, str(root), str(self._journal.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name != MARK},
            pass_fds=[self._journal.file.fileno()],  # the lock lasts until both have ended
            start_new_session=True,
        )

    def guard_group(self, pid: int) -> None:
        """End the process group led by ``pid`` when the harness ends.

        ``pid`` must be a child not yet waited for, so that its id is still its own.
        Raises ``WatchdogLost``, and ``ProcessLookupError`` if there is no such process.
        """
        stat = read_stat(pid)
        if stat is None:
            raise ProcessLookupError(f"cannot guard process {pid}: there is none with this id")
        self._note("guard-group", pid, stat.start_time)

    def release_group(self, pid: int) -> None:
        """Stop guarding the group: it has ended."""
        self._forget("release-group", pid)

    def guard_folder(self, path: Path) -> None:
        """Remove the folder, which need not exist yet, when the harness ends.

        Raises ``WatchdogLost``, and ``ValueError`` for a path that must not be removed:
        a relative one, the home folder, the working folder, or a folder above these.
        """
        protected = (Path.home(), Path.cwd())
        plain = path.is_absolute() and ".." not in path.parts
        if not plain or any(folder.is_relative_to(path) for folder in protected):
            raise ValueError(f"will not guard {path}: it would be removed at the end")
        self._note("guard-folder", str(path))

    def release_folder(self, path: Path) -> None:
        """Stop guarding the folder: it has been removed, or is to stay."""
        self._forget("release-folder", str(path))

    def new_folder(self, prefix: str = "informer-bench-") -> Path:
        """Return a new, private folder in the temporary directory, guarded before its creation."""
        path = Path(tempfile.gettempdir()).resolve() / f"{prefix}{os.urandom(6).hex()}"
        self.guard_folder(path)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            self.release_folder(path)  # somebody else's
            raise
        return path

    @contextmanager
    def staging(self, parent: Path) -> Iterator[Path]:
        """Give a new guarded folder in ``parent``; remove it after the block, unless renamed.

        For files or folders that must appear whole or not at all.
        """
        parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=STAGE_PREFIX, dir=parent)).absolute()
        self.guard_folder(stage)
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)
            self.release_folder(stage)

    def others(self) -> list[str]:
        """Return the purposes of the other harnesses that run on this machine now."""
        return self._journal.others()

    def check(self) -> None:
        """Raise ``WatchdogLost`` if the guardian process has ended."""
        if (code := self._process.poll()) is not None:
            raise WatchdogLost(
                f"the watchdog process {describe_exit(code)}, so nothing would clean up after a "
                "crash; start again"
            )

    def stop(self) -> None:
        """End the groups and remove the folders still guarded, and wait until that is done."""
        assert self._process.stdin is not None, "opened as a pipe above"
        with deferring_signals(), self._lock:
            self._process.stdin.close()
            code = self._process.wait(_CLOSE_TIMEOUT_S)
            if code != 0 and not self._journal.file.closed:
                guardian.clean_up(self._journal.path, is_old=True)  # the guardian was killed
            self._journal.file.close()

    def _note(self, *order: str | int) -> None:
        with self._lock:
            self._journal.write(*order)
            self.check()

    def _forget(self, *order: str | int) -> None:
        with contextlib.suppress(WatchdogLost, ValueError):  # a lost watchdog guards nothing
            self._note(*order)
