"""Wait, within a bound, until the CPU is idle."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

IDLE_SHARE = 0.25
"""Of the whole machine's CPU time. On two processors: half of one, some four times what a
control plane and its idle observers take."""
LOOK_S = 0.5

_STAT = Path("/proc/stat")
_IDLE, _IOWAIT = 3, 4
_COUNTED = 8
"""Columns of the first line of /proc/stat that add up to all time; guest time is in user time
already. See proc(5)."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class IdleWait:
    """How long was waited, and the share of the machine in use at the last look (0 to 1)."""

    waited_s: float
    share: float

    @property
    def reached(self) -> bool:
        """Whether the machine was idle in the end."""
        return self.share <= IDLE_SHARE


def wait_until_idle(
    bound_s: float,
    *,
    stat: Callable[[], str] = lambda: _STAT.read_text(encoding="ascii"),
    sleep: Callable[[float], None] = time.sleep,
    clock: Clock = time.monotonic,
) -> IdleWait | None:
    """Look at the machine every ``LOOK_S`` until it is idle or ``bound_s`` has passed.

    A bound of 0 does not look: ``None``, as where the kernel shows no such file.
    """
    if bound_s <= 0:
        return None
    began = clock()
    try:
        before = _times(stat())
        while True:
            sleep(LOOK_S)
            now = _times(stat())
            idle_wait = IdleWait(clock() - began, _share(before, now))
            if idle_wait.reached or idle_wait.waited_s >= bound_s:
                return idle_wait
            before = now
    except OSError:
        return None


def _times(stat: str) -> tuple[int, int]:
    """Return busy and all clock ticks since boot."""
    ticks = [int(part) for part in stat.splitlines()[0].split()[1 : _COUNTED + 1]]
    return sum(ticks) - ticks[_IDLE] - ticks[_IOWAIT], sum(ticks)


def _share(before: tuple[int, int], now: tuple[int, int]) -> float:
    passed = now[1] - before[1]
    return (now[0] - before[0]) / passed if passed > 0 else 0.0
