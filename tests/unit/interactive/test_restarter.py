"""Restarter: reports a part that ends once, starts it again, and clears it once it runs."""

from bench.interactive import restarter as module
from bench.interactive.restarter import Part, Restarter
from bench.supervision.process import ProcessFailed


class Process:
    def __init__(self):
        self.failed = None
        self.starts = 0

    def check(self):
        if self.failed:
            raise self.failed

    def restart(self):
        self.starts += 1
        self.failed = None


def ended():
    return ProcessFailed("direct", "exited with code 1", 1, "last words")


def restarter_of(process, restart, monkeypatch):
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    messages = []
    restarter = Restarter(messages.append)
    restarter.add([Part("direct", lambda: process, restart)])
    return restarter, messages


def test_a_running_part_has_no_trouble(monkeypatch):
    restarter, messages = restarter_of(Process(), None, monkeypatch)
    restarter.look()
    assert (None, []) == (restarter.trouble("direct"), messages)


def test_an_ended_part_is_shown_as_down_before_it_is_started_again(monkeypatch):
    process = Process()
    restarter, messages = restarter_of(process, process.restart, monkeypatch)
    process.failed = ended()
    restarter.look()
    assert "exited with code 1" in restarter.trouble("direct")
    assert 0 == process.starts
    restarter.look()
    assert restarter.trouble("direct") is None
    assert 1 == process.starts
    assert ["started again" in messages[0], "runs again" in messages[1]] == [True, True]


def test_a_part_without_restart_stays_down_and_is_reported_once(monkeypatch):
    process = Process()
    restarter, messages = restarter_of(process, None, monkeypatch)
    process.failed = ended()
    for _ in range(3):
        restarter.look()
    assert restarter.trouble("direct") is not None
    assert 1 == len(messages)


def test_a_start_that_fails_is_the_new_trouble_and_is_tried_again(monkeypatch):
    process = Process()

    def restart():
        process.starts += 1
        raise ProcessFailed("direct", "was not ready within 120 s", None, "")

    restarter, _ = restarter_of(process, restart, monkeypatch)
    process.failed = ended()
    for _ in range(3):
        restarter.look()
    assert "was not ready" in restarter.trouble("direct")
    assert 2 == process.starts
