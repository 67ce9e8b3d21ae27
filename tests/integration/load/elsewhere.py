"""Load workers started by hand, as on another machine: with their own addresses."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import bench

ROOT = Path(bench.__file__).parents[1]
SHIFT_S = 1000
"""A shifted worker's monotonic clock is ahead by this, in a time namespace of the kernel's."""


class ByHand:
    """One ``python -m bench.load worker`` under way."""

    def __init__(self, log: Path, *options: str, root: Path = ROOT, shifted: bool = False) -> None:
        self.log = log
        command = [sys.executable, "-m", "bench.load", "worker", *options]
        if shifted:
            command = ["unshare", "--time", "--monotonic", str(SHIFT_S), "--fork", *command]
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                command, cwd=root, stdout=file, stderr=file, start_new_session=True
            )

    @property
    def output(self) -> str:
        """The text that it has printed so far."""
        return self.log.read_text()

    def kill(self) -> None:
        """Kill it and its children, as when a machine loses its power."""
        os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """End it and its children, if they still run."""
        if self.process.poll() is None:
            self.kill()
        self.process.wait()


def can_shift_clocks() -> bool:
    """Whether this account may make time namespaces."""
    command = ["unshare", "--time", "--monotonic", "1", "--fork", "true"]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
