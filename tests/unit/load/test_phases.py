"""Run of one phase: standstills of its process."""

import time

import gevent

from bench.load.phases import Phase, PhaseSwitch, run_phase
from bench.load.recorder import Recorder


def test_a_standstill_between_two_reports_is_measured():
    """Also in the closed model, where no arrival is late."""
    stop_s = 0.9
    gevent.spawn_later(0.05, time.sleep, stop_s)  # blocks the whole process
    phase = Phase("measure", 1.0, Recorder(["/pods"]))
    result = run_phase(PhaseSwitch(), phase, 0.0, lambda _: None)
    assert result.stood_still_s > stop_s / 2
