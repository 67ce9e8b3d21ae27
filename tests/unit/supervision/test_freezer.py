"""A frozen process always continues."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.supervision.freezer import Freezer


@pytest.fixture
def process():
    running = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield running
    running.kill()
    running.wait()


def state(process):
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


def becomes(process, states):
    for _ in range(500):
        if state(process) in states:
            return True
        time.sleep(0.01)
    return False


def test_a_process_is_frozen_for_the_set_time_and_continues_by_itself(process):
    freezer = Freezer(lambda: process.pid, seconds=0.3)
    assert freezer.freeze()
    assert becomes(process, "T")
    assert becomes(process, "SR")
    assert 0 == freezer.left_s


def test_a_second_freeze_is_refused_while_the_first_lasts(process):
    with Freezer(lambda: process.pid) as freezer:
        assert freezer.freeze()
        assert not freezer.freeze()
        assert freezer.left_s > 0


def test_leaving_the_block_continues_the_process(process):
    with Freezer(lambda: process.pid) as freezer:
        freezer.freeze()
        assert becomes(process, "T")
    assert becomes(process, "SR")


def test_a_process_that_is_not_there_cannot_be_frozen(process):
    process.kill()
    process.wait()
    with pytest.raises(ProcessLookupError):
        Freezer(lambda: process.pid).freeze()
