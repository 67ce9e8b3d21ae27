"""Process groups read from /proc, on real processes."""

import os
import signal
import subprocess

import pytest

from bench.supervision.groups import living_groups, read_stat


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_running_group_is_living(sleeper):
    stat = read_stat(sleeper.pid)
    assert stat is not None
    assert {sleeper.pid} == living_groups({sleeper.pid: stat.start_time})


def test_a_leader_with_another_start_time_is_a_stranger(sleeper):
    stat = read_stat(sleeper.pid)
    assert stat is not None
    assert set() == living_groups({sleeper.pid: stat.start_time - 1})


def test_a_zombie_is_not_living(sleeper):
    stat = read_stat(sleeper.pid)
    assert stat is not None
    sleeper.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert set() == living_groups({sleeper.pid: stat.start_time})


def test_a_process_that_is_not_there_has_no_stat(sleeper):
    sleeper.kill()
    sleeper.wait()
    assert read_stat(sleeper.pid) is None


def test_a_name_with_brackets_and_spaces_is_no_trap(tmp_path):
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "600"], start_new_session=True)
    try:
        stat = read_stat(process.pid)
        assert stat is not None
        assert process.pid == stat.group
    finally:
        process.kill()
        process.wait()
