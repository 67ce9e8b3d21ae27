"""A fault begins on time, and is ended however the window ends."""

import threading
import time

import pytest

from bench.faults import Fault, FaultError, Scene
from bench.trial.fault import StagedFault

LONG_S = 60.0


class Noted(Fault):
    """Records the calls; ``broken`` names the call that fails."""

    what = "nothing was done"

    def __init__(self, broken: str = "") -> None:
        super().__init__(Scene(None, (), 1.0))  # type: ignore[arg-type] # asks nothing of it
        self.done: list[str] = []
        self.begun = threading.Event()
        self._broken = broken

    def begin(self) -> float:
        self.done.append("begin")
        self.begun.set()
        self._fail("begin")
        return time.monotonic()

    def end(self) -> float:
        self.done.append("end")
        self._fail("end")
        return time.monotonic()

    def _fail(self, what: str) -> None:
        if self._broken == what:
            raise FaultError(f"cannot {what}")


def test_a_fault_that_has_had_its_time_is_recorded_from_the_windows_begin() -> None:
    fault = Noted()
    begin_us = time.monotonic_ns() // 1000
    with StagedFault("noted", fault, at_s=0.05, for_s=0.1) as staged:
        assert fault.begun.wait(10)
        time.sleep(0.3)
    went = staged.record(begin_us)
    assert ["begin", "end"] == fault.done
    assert went is not None
    assert ("noted", "nothing was done") == (went.kind, went.what)
    assert 0.05 <= went.begin_s < went.end_s


def test_a_window_that_ends_first_ends_the_fault() -> None:
    fault = Noted()
    with StagedFault("noted", fault, at_s=0.0, for_s=LONG_S):
        assert fault.begun.wait(10)
    assert ["begin", "end"] == fault.done


def test_a_window_that_ends_before_the_fault_has_none() -> None:
    fault = Noted()
    with StagedFault("noted", fault, at_s=LONG_S, for_s=1.0) as staged:
        pass
    assert [] == fault.done
    assert staged.record(0) is None


def test_without_a_fault_nothing_happens() -> None:
    with StagedFault("", None, 0.0, 0.0) as staged:
        pass
    assert staged.record(0) is None


def test_an_interruption_ends_the_fault_and_is_raised() -> None:
    fault = Noted("end")

    def interrupted() -> None:
        with StagedFault("noted", fault, 0.0, LONG_S):
            assert fault.begun.wait(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ["begin", "end"] == fault.done


@pytest.mark.parametrize("broken", ["begin", "end"])
def test_a_fault_that_fails_is_raised_and_ended(broken: str) -> None:
    fault = Noted(broken)
    with (
        pytest.raises(FaultError, match=f"cannot {broken}"),
        StagedFault("noted", fault, at_s=0.0, for_s=0.0),
    ):
        assert fault.begun.wait(10)
    assert ["begin", "end"] == fault.done
