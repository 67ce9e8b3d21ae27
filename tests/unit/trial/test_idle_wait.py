"""The wait for an idle machine, on a machine that is made up."""

from collections.abc import Iterator

import pytest

from bench.trial.idle_wait import IdleWait, wait_until_idle
from bench.trial.record import idle_wait_caveats


class Machine:
    """Busy for so many looks, then idle; a look takes half a second of two processors."""

    def __init__(self, busy_looks: int) -> None:
        self.now = 0.0
        self._stats = self._stat_texts(busy_looks)

    def _stat_texts(self, busy_looks: int) -> Iterator[str]:
        user = idle = 1000
        yield self._line(user, idle)
        while True:
            busy = 90 if busy_looks > 0 else 4
            busy_looks -= 1
            user, idle = user + busy, idle + 100 - busy
            yield self._line(user, idle)

    @staticmethod
    def _line(user: int, idle: int) -> str:
        return f"cpu  {user} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3 4\n"

    def wait(self, bound_s: float) -> IdleWait | None:
        def sleep(seconds: float) -> None:
            self.now += seconds

        return wait_until_idle(
            bound_s, stat=lambda: next(self._stats), sleep=sleep, clock=lambda: self.now
        )


def test_a_calm_machine_is_waited_for_no_longer_than_a_look_takes() -> None:
    assert IdleWait(waited_s=0.5, share=0.04) == Machine(0).wait(5.0)


def test_a_busy_machine_is_waited_for_until_it_is_calm() -> None:
    assert IdleWait(waited_s=2.0, share=0.04) == Machine(3).wait(5.0)


def test_a_machine_that_stays_busy_is_waited_for_to_the_bound_and_has_a_caveat() -> None:
    idle_wait = Machine(1000).wait(5.0)
    assert IdleWait(waited_s=5.0, share=0.9) == idle_wait
    ((kind, text),) = idle_wait_caveats(idle_wait)
    assert "noisy machine" == kind
    assert "90% of the machine's CPU time" in text
    assert "5.0 s" in text


@pytest.mark.parametrize("idle_wait", [None, IdleWait(0.5, 0.04)])
def test_a_calm_machine_and_one_not_looked_at_have_no_caveat(idle_wait: IdleWait | None) -> None:
    assert [] == list(idle_wait_caveats(idle_wait))


def test_a_bound_of_zero_does_not_look() -> None:
    assert Machine(0).wait(0.0) is None


def test_where_the_kernel_shows_no_such_file_nothing_is_claimed() -> None:
    def absent() -> str:
        raise FileNotFoundError("/proc/stat")

    assert wait_until_idle(5.0, stat=absent) is None


def test_this_machine_is_looked_at() -> None:
    idle_wait = wait_until_idle(0.5)
    assert idle_wait is not None
    assert 0.0 <= idle_wait.share <= 1.0
