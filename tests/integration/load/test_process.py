"""``python -m bench.load`` spoken to directly, as any other program would."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bench
from bench.load.targets import write_targets
from bench.model import Targets

SLOW_S = 20.0
ROOT = Path(bench.__file__).parents[1]


@pytest.fixture
def speak(start_server, tmp_path):
    """Starts a load process against a server, past its ``ready``."""
    with contextlib.ExitStack() as stack:

        def start(**behaviour):
            write_targets(tmp_path / "targets.json", Targets(("ns-0",), (), ()))
            argv = [sys.executable, "-m", "bench.load", "--route", "list-all", "--users", "3"]
            argv += ["--server", start_server(**behaviour).url, "--out", tmp_path / "out"]
            argv += ["--targets", tmp_path / "targets.json"]
            process = stack.enter_context(
                subprocess.Popen(
                    argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
                )
            )
            stack.callback(process.kill)
            assert {"event": "ready", "users": 3} == json.loads(process.stdout.readline())
            return process

        yield start


def tell(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()


def until(process, event):
    for line in process.stdout:
        message = json.loads(line)  # nothing else ever stands on standard output
        if message["event"] == event:
            return message
    raise AssertionError(f"ended without {event}")


def assert_ends_well(process):
    """Exit code 0, long before requests under way could have been answered."""
    assert 0 == process.wait(timeout=SLOW_S / 2)


def test_phases_follow_the_orders_and_stop_ends_them(speak):
    process = speak()
    tell(process, '{"do": "warmup", "seconds": 0.3}')
    assert 0 == until(process, "drained")["in_flight"]
    tell(process, '{"do": "measure", "seconds": 0.5}')
    measured = until(process, "measured")
    assert measured["sent"] == measured["answered"] > 0
    assert Path(measured["requests_file"]).exists()
    tell(process, '{"do": "stop"}')
    assert_ends_well(process)


@pytest.mark.parametrize("delay_s", [0.0, SLOW_S])
@pytest.mark.parametrize(
    "end",
    [
        lambda process: tell(process, '{"do": "stop"}'),
        lambda process: process.stdin.close(),
        lambda process: process.send_signal(signal.SIGTERM),
        lambda process: process.send_signal(signal.SIGINT),
    ],
    ids=["stop", "end of input", "SIGTERM", "SIGINT"],
)
def test_it_ends_well_in_the_middle_of_a_window(speak, end, delay_s):
    process = speak(delay_s=delay_s)
    tell(process, '{"do": "measure", "seconds": 60}')
    until(process, "progress")
    end(process)
    assert_ends_well(process)


def test_progress_is_told_when_asked_for_also_between_phases(speak):
    process = speak()
    tell(process, '{"do": "progress"}')
    message = until(process, "progress")
    assert (None, 0) == (message["phase"], message["sent"])


def test_orders_that_cannot_be_followed_are_refused_and_change_nothing(speak):
    process = speak()
    tell(process, "nonsense")
    assert "an order is a JSON object" in until(process, "refused")["why"]
    tell(process, '{"do": "measure", "seconds": 1}')
    tell(process, '{"do": "warmup", "seconds": 1}')
    assert "while another phase is under way" in until(process, "refused")["why"]
    assert until(process, "measured")["answered"] > 0


def test_users_stand_still_between_phases(speak):
    process = speak()
    tell(process, '{"do": "warmup", "seconds": 0.3}')
    sent = until(process, "drained")["sent"]
    time.sleep(0.3)
    tell(process, '{"do": "progress"}')
    assert sent == until(process, "progress")["sent"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--users", "0"], "0 is below 1"),
        (["--users", "2", "--rate", "-3"], "-3 is not above 0"),
        (["--users", "2", "--arrivals", "bursty"], "invalid"),
        (["--users", "2", "--targets", "/nonexistent"], "cannot read the targets in /nonexistent"),
    ],
)
def test_arguments_that_cannot_be_are_refused_by_name(arguments, complaint, tmp_path):
    argv = [sys.executable, "-m", "bench.load", "--route", "list-all", "--out", tmp_path]
    argv += ["--server", "http://127.0.0.1:1", "--targets", "/nonexistent", *arguments]
    done = subprocess.run(
        argv, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert 2 == done.returncode
    assert complaint in done.stderr
    assert "" == done.stdout
