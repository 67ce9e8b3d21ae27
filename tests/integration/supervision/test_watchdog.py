"""Nothing is left when the harness ends. With a real harness, ended in every way."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.supervision import guardian, journal
from bench.supervision.groups import read_stat
from bench.supervision.process import SupervisedProcess
from bench.supervision.waiting import wait_until
from bench.supervision.watchdog import Watchdog, WatchdogLost

PATIENCE_S = 0.5
"""Seconds that these tests' guardians wait for processes that ignore SIGTERM."""
HARNESS = f"""
import sys, time
from pathlib import Path
from bench.supervision import watchdog
watchdog._PROGRAM = watchdog._PROGRAM.replace(
    "; main()", "; main.__globals__['TERM_TIMEOUT_S'] = {PATIENCE_S}; main()"
)
from bench.supervision.process import SupervisedProcess
from bench.supervision.signals import unwinding_on_signals
from bench.supervision.watchdog import Watchdog

script, how = sys.argv[1:]
with unwinding_on_signals(lambda line: print(line, flush=True)), Watchdog() as watchdog:
    folder = watchdog.new_folder()
    (folder / "data").mkdir()
    (folder / "data" / "file").write_text("content")
    log = folder / "log"
    process = SupervisedProcess.start(
        "family", ["/bin/sh", "-c", script], log=log, watchdog=watchdog,
        ready=lambda: log.read_text().endswith("\\n"),
    )
    print(folder, process.pid, *log.read_text().split(), flush=True)
    if how == "raise":
        raise RuntimeError("something went wrong")
    if how == "wait":
        time.sleep(600)
"""

FAMILY = "sleep 600 & sleep 600 & echo $!; wait"
STUBBORN_FAMILY = "trap '' TERM; sleep 600 & echo $!; wait"


KILLED_WHILE_STARTING = """
import os, signal, sys
from pathlib import Path
from bench.supervision.process import SupervisedProcess
from bench.supervision.watchdog import Watchdog

class DeathAtGuarding(Watchdog):
    def guard_group(self, pid):
        if sys.argv[1] == "after":
            super().guard_group(pid)
        print(pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[2])
argv = ["/bin/sh", "-c", f"touch {folder}/ran; exec sleep 600"]
SupervisedProcess.start("late", argv, log=folder / "log", watchdog=DeathAtGuarding())
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Keep this test's journals apart from those of other harnesses."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(guardian, "TERM_TIMEOUT_S", PATIENCE_S)


class Harness:
    """A harness in its own process, with its folder and its child processes."""

    def __init__(self, script, how="wait"):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HARNESS, script, how],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
            text=True,
            start_new_session=True,
        )
        folder, *pids = self.process.stdout.readline().split()
        self.folder = Path(folder)
        self.pids = [int(pid) for pid in pids]

    def left(self):
        stats = [read_stat(pid) for pid in self.pids]
        return [
            *(p for p, s in zip(self.pids, stats, strict=True) if s is not None and s.alive),
            *(path for path in [self.folder] if path.exists()),
        ]


@pytest.fixture
def harness():
    started = []

    def start(*arguments):
        started.append(Harness(*arguments))
        return started[-1]

    yield start
    for running in started:
        running.process.kill()
        running.process.communicate()


def eventually_nothing_is_left(harness):
    assert wait_until(lambda: not harness.left(), 60, 0.05), f"left behind: {harness.left()}"


@pytest.mark.parametrize("script", [FAMILY, STUBBORN_FAMILY])
def test_a_harness_killed_with_sigkill_leaves_no_process_and_no_folder(harness, script):
    running = harness(script)
    assert running.folder in running.left()
    running.process.kill()
    running.process.wait()
    eventually_nothing_is_left(running)


def test_members_of_a_group_whose_leader_is_dead_are_not_left_behind(harness):
    running = harness(FAMILY)
    leader, grandchild = running.pids
    os.kill(leader, signal.SIGKILL)
    assert grandchild in running.left()
    running.process.kill()
    running.process.wait()
    eventually_nothing_is_left(running)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_harness_killed_while_it_starts_a_process_leaves_none_that_ever_ran(tmp_path, when):
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WHILE_STARTING, when, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        text=True,
    ) as harness:
        pid = int(harness.stdout.readline())
    assert -signal.SIGKILL == harness.returncode
    assert wait_until(lambda: (stat := read_stat(pid)) is None or not stat.alive, 60, 0.05)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_harness_ended_by_a_signal_leaves_nothing_once_it_has_ended(harness, number):
    running = harness(FAMILY)
    running.process.send_signal(number)
    _, stderr = running.process.communicate()
    assert f"Interrupted: interrupted by {number.name}" in stderr
    assert [] == running.left()


def test_a_second_ctrl_c_does_not_break_the_cleanup(harness):
    running = harness(STUBBORN_FAMILY)
    running.process.send_signal(signal.SIGINT)
    while running.process.poll() is None:
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    assert [] == running.left()


@pytest.mark.parametrize("how", ["raise", "return"])
def test_a_harness_that_ends_by_itself_leaves_nothing(harness, how):
    running = harness(FAMILY, how)
    running.process.communicate()
    assert [] == running.left()


def test_a_released_group_and_a_released_folder_are_left_alone(tmp_path):
    stays = tmp_path / "stays"
    stays.mkdir()
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        with Watchdog() as watchdog:
            watchdog.guard_group(process.pid)
            watchdog.guard_folder(stays)
            watchdog.release_group(process.pid)
            watchdog.release_folder(stays)
        assert process.poll() is None
        assert stays.exists()
    finally:
        process.kill()
        process.wait()


def test_closing_ends_and_removes_what_is_still_guarded(tmp_path):
    goes = tmp_path / "with spaces,\nline breaks and ä"
    goes.mkdir()
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    with Watchdog() as watchdog:
        watchdog.guard_group(process.pid)
        watchdog.guard_folder(goes)
    assert -signal.SIGTERM == process.wait()
    assert not goes.exists()


def test_closing_twice_is_fine():
    with Watchdog() as watchdog:
        watchdog.stop()


def test_a_process_that_is_not_there_cannot_be_guarded():
    process = subprocess.Popen(["true"])
    process.wait()
    with Watchdog() as watchdog, pytest.raises(ProcessLookupError, match=str(process.pid)):
        watchdog.guard_group(process.pid)


@pytest.mark.parametrize("path", [Path("/"), Path.home(), Path.cwd().parent, Path("relative")])
def test_a_protected_folder_is_refused(path):
    with Watchdog() as watchdog, pytest.raises(ValueError, match="will not guard"):
        watchdog.guard_folder(path)


def test_a_new_folder_is_private_and_goes_at_the_end():
    with Watchdog() as watchdog:
        folder = watchdog.new_folder(prefix="tested-")
        assert 0o700 == folder.stat().st_mode & 0o777
        assert folder.name.startswith("tested-")
    assert not folder.exists()


def test_the_watchdog_ignores_the_signals_that_end_the_harness(tmp_path):
    goes = tmp_path / "goes"
    goes.mkdir()
    with Watchdog() as watchdog:
        watchdog.guard_folder(goes)
        guardian = watchdog._process.pid
        ending = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        assert wait_until(lambda: ending <= ignored_signals(guardian), 30, 0.02)
        for number in ending:
            os.kill(guardian, number)
        watchdog.guard_folder(tmp_path / "another")
    assert not goes.exists()


def test_a_killed_watchdog_is_an_error_when_it_is_needed(tmp_path):
    with Watchdog() as watchdog:
        watchdog._process.kill()
        watchdog._process.wait()
        with pytest.raises(WatchdogLost, match="was killed by SIGKILL"):
            watchdog.check()
        with pytest.raises(WatchdogLost, match="was killed by SIGKILL"):
            watchdog.guard_folder(tmp_path / "folder")
        watchdog.release_folder(tmp_path / "folder")


def test_the_harness_itself_cleans_up_for_a_killed_watchdog(tmp_path):
    goes = tmp_path / "goes"
    goes.mkdir()
    with Watchdog() as watchdog:
        watchdog.guard_folder(goes)
        sleeper = SupervisedProcess.start(
            "sleeper", ["sleep", "600"], log=tmp_path / "log", watchdog=watchdog
        )
        watchdog._process.kill()
    assert -signal.SIGTERM == sleeper.wait(30)
    assert not goes.exists()
    assert [] == list(journal.folder().iterdir())
    sleeper.stop()


def killed_with_its_watchdog(running):
    """Kill the harness and its watchdog so that neither cleans up."""
    (guarding,) = (
        child
        for child in psutil.Process(running.process.pid).children()
        if "bench.supervision.guardian" in " ".join(child.cmdline())
    )
    guarding.suspend()
    running.process.kill()
    running.process.wait()
    guarding.kill()
    # its adopter may take a second to wait for it
    assert wait_until(lambda: not (stat := read_stat(guarding.pid)) or not stat.alive, 30, 0.02)


@pytest.mark.parametrize("script", [FAMILY, STUBBORN_FAMILY])
def test_the_next_watchdog_cleans_up_after_a_harness_killed_with_its_watchdog(
    harness, capfd, script
):
    running = harness(script)
    killed_with_its_watchdog(running)
    assert running.folder in running.left()
    assert set(running.pids) <= set(running.left())
    with Watchdog():
        assert [] == running.left()
    assert "killed together with its watchdog" in capfd.readouterr().err
    assert [] == list(journal.folder().iterdir())


def test_the_next_watchdog_finds_members_whose_leader_is_dead_by_their_mark(harness):
    running = harness(FAMILY)
    leader, *grandchildren = running.pids
    killed_with_its_watchdog(running)
    os.kill(leader, signal.SIGKILL)
    assert set(grandchildren) <= set(running.left())
    with Watchdog():
        assert [] == running.left()


def test_the_next_watchdog_ends_a_process_that_left_its_group_and_its_session(harness):
    running = harness("setsid sleep 600 & echo $!; wait")
    killed_with_its_watchdog(running)
    with Watchdog():
        assert [] == running.left()


def test_a_harness_that_still_runs_is_left_alone_by_the_next_watchdog(harness):
    running = harness(FAMILY)
    with Watchdog():
        assert [*running.pids, running.folder] == running.left()


def test_another_process_with_a_recorded_id_is_left_alone(harness):
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        running = harness(FAMILY)
        killed_with_its_watchdog(running)
        (file,) = journal.folder().iterdir()
        began = read_stat(stranger.pid).start_time
        with file.open("a") as lines:
            lines.write(f'["guard-group", {stranger.pid}, {began - 1}]\n')
        with Watchdog():
            assert [] == running.left()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_after_a_reboot_folders_go_and_no_process_is_ended(harness):
    running = harness(FAMILY)
    killed_with_its_watchdog(running)
    (file,) = journal.folder().iterdir()
    _, *rest = file.read_text().splitlines()
    file.write_text("\n".join(['["boot", "another"]', *rest, "not JSON", "[7]"]) + "\n")
    with Watchdog():
        assert sorted(running.pids) == sorted(running.left())
    os.killpg(running.pids[0], signal.SIGKILL)


def test_a_cache_that_cannot_be_written_is_reported_and_the_watchdog_still_guards(
    tmp_path, monkeypatch, capfd
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    goes = tmp_path / "goes"
    goes.mkdir()
    with Watchdog() as watchdog:
        watchdog.guard_folder(goes)
    assert not goes.exists()
    assert "cannot note what is guarded" in capfd.readouterr().err


def ignored_signals(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(re.search(r"^SigIgn:\s+(\w+)$", status, re.MULTILINE)[1], 16)
    return {number for number in signal.Signals if mask >> (number - 1) & 1}
