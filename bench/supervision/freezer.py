"""Freeze the API server for some seconds, to show which server still answers."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable

from bench.supervision.stoppable import Stoppable

FREEZE_S = 10.0


class Freezer(Stoppable):
    """Freezes (SIGSTOP) the process that ``pid`` returns, and always continues it (SIGCONT)."""

    def __init__(self, pid: Callable[[], int], seconds: float = FREEZE_S) -> None:
        self._pid = pid
        self._seconds = seconds
        self._lock = threading.Lock()
        self._frozen: int | None = None
        self._until = 0.0
        self._timer: threading.Timer | None = None

    @property
    def left_s(self) -> float:
        """Seconds until the process continues; 0 when it is not frozen."""
        return max(0.0, self._until - time.monotonic()) if self._frozen is not None else 0.0

    def freeze(self) -> bool:
        """Freeze the process for the set time from now on; ``False`` if it is frozen already.

        Raises ``ProcessLookupError`` if there is no such process.
        """
        with self._lock:
            if self._frozen is not None:
                return False
            pid = self._pid()
            os.kill(pid, signal.SIGSTOP)
            self._frozen = pid
            self._until = time.monotonic() + self._seconds
            self._timer = threading.Timer(self._seconds, self.stop)
            self._timer.daemon = True
            self._timer.start()
            return True

    def stop(self) -> None:
        """Continue the process; safe at any time."""
        with self._lock:
            frozen, self._frozen = self._frozen, None
            if self._timer is not None:
                self._timer.cancel()
            # a restarted process was never frozen, and the old id may be another process's now
            if frozen is not None and frozen == self._pid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(frozen, signal.SIGCONT)
