"""Supervised processes, with real processes."""

import os
import signal
import sys
import threading
import time

import pytest

from bench.supervision.groups import living_groups, read_stat
from bench.supervision.process import ProcessFailed, SupervisedProcess
from bench.supervision.waiting import wait_until
from bench.supervision.watchdog import Watchdog

STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.1; done"
FAMILY = "sleep 600 & echo $!; wait"


@pytest.fixture(scope="module")
def watchdog():
    with Watchdog() as watchdog:
        yield watchdog


@pytest.fixture
def start(watchdog, tmp_path):
    started = []

    def start(*argv, name="tested", **options):
        options = {"log": tmp_path / "log", "watchdog": watchdog, **options}
        process = SupervisedProcess.start(name, argv, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.stop()


def shell(script):
    return "/bin/sh", "-c", script


def is_alive(pid):
    stat = read_stat(pid)
    return stat is not None and stat.alive


def test_start_returns_once_the_process_is_ready(start, tmp_path):
    mark = tmp_path / "mark"
    process = start(*shell(f"sleep 0.2; touch {mark}; exec sleep 600"), ready=mark.exists)
    assert mark.exists()
    assert process.poll() is None


def test_a_process_is_the_leader_of_a_session_and_group_of_its_own(start):
    process = start("sleep", "600")
    assert (process.pid, process.pid) == (os.getpgid(process.pid), os.getsid(process.pid))


def test_the_error_of_a_process_that_dies_at_start_has_exit_code_and_last_lines(start):
    with pytest.raises(ProcessFailed) as caught:
        start(
            *shell("for i in $(seq 30); do echo line $i; done; echo 'bad flag' >&2; exit 3"),
            name="kube-apiserver",
            ready=lambda: False,
        )
    assert "kube-apiserver ended with exit code 3 before it was ready" in str(caught.value)
    assert (3, 15, "bad flag") == (
        caught.value.returncode,
        len(caught.value.log_tail),
        caught.value.log_tail[-1],
    )


def test_the_error_of_a_process_killed_at_start_names_the_signal(start):
    with pytest.raises(ProcessFailed, match="was killed by SIGSEGV before it was ready"):
        start(*shell("kill -SEGV $$"), ready=lambda: False)


def test_a_dead_process_is_not_ready_even_if_another_answers_in_its_place(start, tmp_path):
    gone = tmp_path / "gone"

    def answered_by_a_stranger():
        assert wait_until(gone.exists, 30, 0.02)
        time.sleep(0.2)
        return True

    with pytest.raises(ProcessFailed, match="ended with exit code 98"):
        start(*shell(f"touch {gone}; exit 98"), ready=answered_by_a_stranger)


def test_a_process_that_is_never_ready_is_stopped_and_reported(start, tmp_path):
    with pytest.raises(ProcessFailed, match=r"was not ready within 0\.3 s; .*\n  (\d+)") as caught:
        start(*shell(f"echo $$; {FAMILY}"), ready=lambda: False, ready_timeout_s=0.3)
    assert caught.value.returncode is None
    assert [False, False] == [is_alive(int(pid)) for pid in caught.value.log_tail]


def test_an_error_of_the_readiness_check_stops_the_process(start, tmp_path):
    def ready():
        assert wait_until((tmp_path / "log").read_text, 30, 0.02)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        start(*shell("echo $$; exec sleep 600"), ready=ready)
    assert not is_alive(int((tmp_path / "log").read_text()))


def test_a_program_that_is_not_there_is_named(start):
    with pytest.raises(FileNotFoundError, match="cannot start etcd: /nowhere/etcd is not"):
        start("/nowhere/etcd", name="etcd")


def test_stop_ends_the_process_and_gives_its_exit_code(start):
    process = start("sleep", "600")
    assert -signal.SIGTERM == process.stop()
    assert -signal.SIGTERM == process.poll()
    assert read_stat(process.pid) is None


def test_stop_lets_a_process_end_in_its_own_way(start, tmp_path):
    process = start(
        *shell("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"),
        ready=lambda: "up" in (tmp_path / "log").read_text(),
    )
    assert 7 == process.stop()
    assert (tmp_path / "log").read_text().endswith("bye\n")


def test_a_process_that_ignores_sigterm_is_killed(start, tmp_path):
    process = start(*shell(STUBBORN), ready=lambda: "up" in (tmp_path / "log").read_text())
    assert -signal.SIGKILL == process.stop(term_timeout_s=0.2)


def test_ctrl_c_in_the_midst_of_stopping_takes_effect_once_it_is_stopped(start, tmp_path):
    process = start(*shell(STUBBORN), ready=lambda: "up" in (tmp_path / "log").read_text())
    impatience = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    impatience.start()
    with pytest.raises(KeyboardInterrupt):
        process.stop(term_timeout_s=1.0)
    assert -signal.SIGKILL == process.poll()
    assert read_stat(process.pid) is None


def test_stop_is_idempotent_and_safe_after_death(start):
    process = start(*shell("exit 4"))
    assert 4 == process.wait(30)
    assert [4, 4] == [process.stop(), process.stop()]


def test_stop_ends_grandchildren(start, tmp_path):
    process = start(*shell(FAMILY), ready=lambda: (tmp_path / "log").read_text().endswith("\n"))
    grandchild = int((tmp_path / "log").read_text())
    process.stop()
    assert not is_alive(grandchild)


def test_stop_ends_grandchildren_whose_parent_is_dead_already(start, tmp_path):
    process = start(*shell("sleep 600 & echo $!"))
    assert 0 == process.wait(30)
    leader = read_stat(process.pid)
    assert leader is not None
    assert {process.pid} == living_groups({process.pid: leader.start_time})
    process.stop()
    assert not is_alive(int((tmp_path / "log").read_text()))


def test_check_is_silent_while_the_process_runs_and_raises_once_it_has_ended(start):
    process = start("sleep", "600")
    process.check()
    os.kill(process.pid, signal.SIGKILL)
    assert -signal.SIGKILL == process.wait(30)
    with pytest.raises(ProcessFailed, match="tested was killed by SIGKILL while it was still"):
        process.check()


def test_wait_gives_none_while_the_process_runs(start):
    assert start("sleep", "600").wait(0.05) is None


def test_lines_can_be_exchanged_over_pipes(start):
    process = start(
        sys.executable,
        "-c",
        "import sys\nfor line in sys.stdin: print('got', line, end='', flush=True)",
        pipe_stdin=True,
        pipe_stdout=True,
    )
    process.stdin.write('{"ä": 1}\n')
    assert 'got {"ä": 1}\n' == process.stdout.readline()
    process.stdin.close()
    assert 0 == process.wait(30)


def test_without_a_pipe_standard_input_is_empty(start):
    assert 0 == start(*shell('test -z "$(cat)"')).wait(30)


def test_environment_and_working_folder_are_the_ones_given(start, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    process = start(*shell('echo "$WORD"; pwd'), cwd=folder, env={"WORD": "a b", "PATH": "/bin"})
    assert 0 == process.wait(30)
    assert f"a b\n{folder}\n" == (tmp_path / "log").read_text()


def test_arguments_reach_the_program_as_they_are(start, tmp_path):
    assert 0 == start("printf", "%s|", "a b", "$HOME", "'", "*").wait(30)
    assert "a b|$HOME|'|*|" == (tmp_path / "log").read_text()
