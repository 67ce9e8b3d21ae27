"""A supervised process group: one process with all its children."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from bench.supervision.failure import ProcessFailed, describe_exit, read_tail
from bench.supervision.groups import MARK, living_groups, read_stat
from bench.supervision.signals import deferring_signals
from bench.supervision.stoppable import Stoppable
from bench.supervision.waiting import wait_until
from bench.supervision.watchdog import Watchdog

__all__ = ["BEFORE_READY", "ProcessFailed", "SupervisedProcess"]

BEFORE_READY = "before it was ready"

_READY_POLL_S = 0.02
_END_POLL_S = 0.02
_KILL_TIMEOUT_S = 5.0
"""How long the kernel may take to end a group after SIGKILL."""

_WAIT_FOR_GO = 'read -r go && [ "$go" = go ] && exec "$@"'
"""Makes the process wait until the watchdog knows it.

If the harness is killed before it sends "go", the shell reads end of file and
ends; after that the watchdog ends the group. ``read`` takes no more than its
line, so the rest of standard input is the program's own.
"""


class SupervisedProcess(Stoppable):
    """A running process in its own session and process group, known to the watchdog.

    Created by ``start``. A leader that ended is not waited for before ``stop``, so
    that the kernel cannot give its id, which is also its group's, to another process.
    """

    def __init__(
        self, name: str, popen: subprocess.Popen[str], log: Path, log_begin: int, watchdog: Watchdog
    ) -> None:
        self.name = name
        self._popen = popen
        self._log = log
        self._log_begin = log_begin
        self._watchdog = watchdog
        self._returncode: int | None = None
        self._stopped = False
        self._lock = threading.RLock()

    @classmethod
    def start(
        cls,
        name: str,
        argv: Sequence[str | Path],
        *,
        log: Path,
        watchdog: Watchdog,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pipe_stdin: bool = False,
        pipe_stdout: bool = False,
        ready: Callable[[], bool] | None = None,
        ready_timeout_s: float = 30.0,
    ) -> Self:
        """Start ``argv`` and return once ``ready()`` is true, or at once without ``ready``.

        Standard error, and standard output unless piped, are appended to ``log``.
        Standard input is ``/dev/null`` unless piped; pipes carry UTF-8 text. ``ready``
        is called every 20 ms and should return quickly. ``name`` is for messages.
        Raises ``ProcessFailed`` if the process ends or ``ready_timeout_s`` passes
        before it is ready, ``FileNotFoundError`` if there is no such program. On any
        failure, Ctrl-C included, the group is stopped first.
        """
        program = _find_program(name, argv[0], os.environ if env is None else env)
        hold = _WAIT_FOR_GO if pipe_stdin else f"{_WAIT_FOR_GO} </dev/null"
        with log.open("ab") as log_file:
            log_begin = log_file.seek(0, os.SEEK_END)
            with deferring_signals():  # before ``process`` exists, it cannot be stopped
                popen = subprocess.Popen(
                    ["/bin/sh", "-c", hold, name, program, *map(str, argv[1:])],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE if pipe_stdout else log_file,
                    stderr=log_file,
                    cwd=cwd,
                    env={**(os.environ if env is None else env), MARK: watchdog.mark},
                    start_new_session=True,
                    encoding="utf-8",
                    bufsize=1,
                )
                process = cls(name, popen, log, log_begin, watchdog)
        with process.stop_on_error():
            process._send_go(keep_stdin=pipe_stdin)
            if ready is not None:
                process._wait_until_ready(ready, ready_timeout_s)
        return process

    def _send_go(self, *, keep_stdin: bool) -> None:
        self._watchdog.guard_group(self.pid)
        with contextlib.suppress(BrokenPipeError):  # it was killed already; poll() tells
            self.stdin.write("go\n")
            self.stdin.flush()
            if not keep_stdin:
                self.stdin.close()

    def _wait_until_ready(self, ready: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not ready():
            self.check(BEFORE_READY)
            if time.monotonic() > deadline:
                raise self.failure(f"was not ready within {timeout_s:g} s")
            time.sleep(_READY_POLL_S)
        self.check(BEFORE_READY)  # another process on its port may have answered

    @property
    def pid(self) -> int:
        """Id of the leader, of the group and of the session."""
        return self._popen.pid

    @property
    def stdin(self) -> IO[str]:
        """The program's standard input; only with ``pipe_stdin``. Written line by line."""
        if self._popen.stdin is None:
            raise ValueError(f"standard input of {self.name} is not piped")
        return self._popen.stdin

    @property
    def stdout(self) -> IO[str]:
        """The program's standard output; only with ``pipe_stdout``. Read it, or it stalls."""
        if self._popen.stdout is None:
            raise ValueError(f"standard output of {self.name} is not piped")
        return self._popen.stdout

    def poll(self) -> int | None:
        """Return the exit code of the leader, negative for a signal; ``None`` while it runs."""
        with self._lock:
            if self._returncode is None:
                status = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if status is not None:
                    exited = status.si_code == os.CLD_EXITED
                    self._returncode = status.si_status if exited else -status.si_status
            return self._returncode

    def check(self, when: str = "while it was still needed") -> None:
        """Raise ``ProcessFailed`` if the leader has ended without ``stop``."""
        returncode = self.poll()
        if returncode is not None:
            raise self.failure(f"{describe_exit(returncode)} {when}")

    def failure(self, event: str) -> ProcessFailed:
        """Return the failure with ``event`` as what happened, and the end of the log."""
        return ProcessFailed(self.name, event, self.poll(), read_tail(self._log, self._log_begin))

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the leader to end by itself; ``None`` if it still runs after ``timeout_s``."""
        wait_until(lambda: self.poll() is not None, timeout_s, _END_POLL_S)
        return self.poll()

    def stop(self, term_timeout_s: float = 5.0) -> int:
        """End the whole group, SIGTERM then SIGKILL, and return the leader's exit code.

        Does nothing the second time, and is safe when the leader has died: its
        remaining children are ended as well. A signal to the harness takes effect
        afterwards. Raises ``ProcessFailed`` if the group outlives SIGKILL.
        """
        with deferring_signals(), self._lock:
            if not self._stopped:
                self._end_group(term_timeout_s)
                self._returncode = self._popen.wait()
                self._watchdog.release_group(self.pid)
                self._stopped = True
            self._close_pipes()
            return self._popen.returncode

    def _end_group(self, term_timeout_s: float) -> None:
        leader = read_stat(self.pid)
        assert leader is not None, "not waited for, so still there"
        group = {self.pid: leader.start_time}
        for number, timeout_s in (
            (signal.SIGTERM, term_timeout_s),
            (signal.SIGKILL, _KILL_TIMEOUT_S),
        ):
            if living_groups(group):
                os.killpg(self.pid, number)
            if wait_until(lambda: not living_groups(group), timeout_s, _END_POLL_S):
                return
        raise self.failure(f"still runs {_KILL_TIMEOUT_S:g} s after SIGKILL")

    def _close_pipes(self) -> None:
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # unread input
                    pipe.close()


def _find_program(name: str, program: str | Path, env: Mapping[str, str]) -> str:
    path = shutil.which(program, path=env.get("PATH", os.defpath))
    if path is None:
        raise FileNotFoundError(f"cannot start {name}: {program} is not an executable file")
    return os.path.abspath(path)  # noqa: PTH100 # not resolve(): a virtual environment's python is a link
