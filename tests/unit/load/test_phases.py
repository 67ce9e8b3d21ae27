"""Run of one phase: standstills of its process, and reports of its progress."""

import time

import gevent

from bench.load import phases
from bench.load.phases import Phase, PhaseSwitch, run_phase
from bench.load.recorder import Recorder


def test_a_standstill_between_two_reports_is_measured():
    """Also in the closed model, where no arrival is late."""
    stop_s = 0.9
    gevent.spawn_later(0.05, time.sleep, stop_s)  # blocks the whole process
    phase = Phase("measure", 1.0, Recorder(["/pods"]))
    result = run_phase(PhaseSwitch(), phase, 0.0, lambda _: None)
    assert result.stood_still_s > stop_s / 2


def test_a_phase_reports_its_progress_until_it_is_drained(monkeypatch):
    """The master of a worker that is silent for long gives it up."""
    monkeypatch.setattr(phases, "PROGRESS_EVERY_S", 0.05)
    phase = Phase("measure", 0.1, Recorder(["/pods"]), in_flight=1)
    reports = []
    run_phase(PhaseSwitch(), phase, 0.5, reports.append)
    assert len([report for report in reports if report.elapsed_s > 0.2]) > 1
