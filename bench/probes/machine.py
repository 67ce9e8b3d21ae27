"""CPU use of the whole machine, and CPU time taken from it, by the kernel's counters."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.model import MachineUse

STAT, PRESSURE = Path("/proc/stat"), Path("/proc/pressure/cpu")
CGROUP, MOUNTS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
_IDLE, _IOWAIT, _STEAL = 3, 4, 7
_COUNTED = 8
"""Columns of the first line of /proc/stat that add up to all time; user time includes guest
time already. See proc(5)."""
_THROTTLED = {"throttled_usec": 1.0, "throttled_time": 1e-3}
"""Microseconds per unit: of version 2 of control groups, and of version 1."""

Read = Callable[[Path], str]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Ticks:
    """Clock ticks since boot, of all processors together."""

    busy: int
    steal: int
    """Ticks that the hypervisor gave to other guests."""
    every: int

    @classmethod
    def now(cls, stat: str) -> Self:
        """Read them from the text of /proc/stat."""
        ticks = [int(part) for part in stat.splitlines()[0].split()[1 : _COUNTED + 1]]
        every = sum(ticks)
        return cls(every - ticks[_IDLE] - ticks[_IOWAIT], ticks[_STEAL], every)

    def share_since(self, earlier: "Ticks") -> float:
        """Return the busy share of the time since ``earlier``, 0 to 1."""
        return _share(self.busy - earlier.busy, self.every - earlier.every)


@dataclass(frozen=True, slots=True)
class MachineLook:
    """The kernel's counters at one moment; ``None``: this kernel or control group has none."""

    at_s: float
    ticks: Ticks
    waited_us: int | None
    """Time in which some task was ready and had no processor: pressure stall information."""
    throttled_us: float | None
    """Time in which a quota of our control group, or of one above it, stopped processes."""

    @classmethod
    def now(cls, at_s: float, read: Read = _read) -> "MachineLook | None":
        """Read the counters; ``None`` if the kernel has no /proc/stat."""
        try:
            ticks = Ticks.now(read(STAT))
        except OSError:
            return None
        return cls(at_s, ticks, _waited_us(read), _throttled_us(read))

    def since(self, earlier: "MachineLook") -> MachineUse:
        """Return the shares of the time since ``earlier``."""
        passed_s = self.at_s - earlier.at_s
        every = self.ticks.every - earlier.ticks.every
        return MachineUse(
            busy=self.ticks.share_since(earlier.ticks),
            steal=_share(self.ticks.steal - earlier.ticks.steal, every),
            waited=_grown(self.waited_us, earlier.waited_us, passed_s),
            throttled=_grown(self.throttled_us, earlier.throttled_us, passed_s),
        )


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _grown(now_us: float | None, then_us: float | None, passed_s: float) -> float | None:
    if now_us is None or then_us is None:
        return None
    return _share((now_us - then_us) / 1e6, passed_s)


def _waited_us(read: Read) -> int | None:
    try:
        match = re.search(r"^some .*total=(\d+)$", read(PRESSURE), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) if match else None


def _throttled_us(read: Read) -> float | None:
    """Return the highest throttled time of our control group and those above it."""
    try:
        lines = read(CGROUP).splitlines()
    except OSError:
        return None
    throttled = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounted = MOUNTS / "cpu" if controllers else MOUNTS
        group = Path(path)
        for above in (group, *group.parents):
            throttled += _throttling(read, mounted / above.relative_to("/") / "cpu.stat")
    return max(throttled, default=None)


def _throttling(read: Read, path: Path) -> list[float]:
    try:
        fields = dict(line.split() for line in read(path).splitlines())
    except (OSError, ValueError):
        return []
    return [float(fields[name]) * unit for name, unit in _THROTTLED.items() if name in fields]
