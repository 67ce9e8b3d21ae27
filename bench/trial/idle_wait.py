"""Wait, within a bound, until the CPU is idle."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.probes.machine import STAT, Ticks

IDLE_SHARE = 0.25
"""Share of the machine's CPU time. On two processors: half of one, about four times what a
control plane and its idle observers take."""
LOOK_S = 0.5

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class IdleWait:
    """Seconds of waiting, and the share of the machine in use at the last look (0 to 1)."""

    waited_s: float
    share: float

    @property
    def reached(self) -> bool:
        """Whether the machine was idle in the end."""
        return self.share <= IDLE_SHARE


def wait_until_idle(
    bound_s: float,
    *,
    stat: Callable[[], str] = lambda: STAT.read_text(encoding="ascii"),
    sleep: Callable[[float], None] = time.sleep,
    clock: Clock = time.monotonic,
) -> IdleWait | None:
    """Look at the machine every ``LOOK_S`` until it is idle or ``bound_s`` has passed.

    Returns ``None`` for a bound of 0, and where the kernel has no ``/proc/stat``.
    """
    if bound_s <= 0:
        return None
    began = clock()
    try:
        before = Ticks.now(stat())
        while True:
            sleep(LOOK_S)
            now = Ticks.now(stat())
            idle_wait = IdleWait(clock() - began, now.share_since(before))
            if idle_wait.reached or idle_wait.waited_s >= bound_s:
                return idle_wait
            before = now
    except OSError:
        return None
