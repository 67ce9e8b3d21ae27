"""``python -m bench.load`` without its driver: orders and events on its standard streams."""

import contextlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import bench
from bench.load.spec import Load, write_spec
from bench.model import Targets

SLOW_S = 20.0
ROOT = Path(bench.__file__).parents[1]


@pytest.fixture
def speak(start_server, tmp_path):
    """Starts a load process against a server, past its ``ready``."""
    with contextlib.ExitStack() as stack:

        def start(**behaviour):
            servers = (start_server(**behaviour).url,)
            load = Load("list-all", servers, 3, Targets(("ns-0",), (), ()))
            write_spec(tmp_path / "load.json", load)
            argv = [sys.executable, "-m", "bench.load", tmp_path]
            process = stack.enter_context(
                subprocess.Popen(
                    argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
                )
            )
            stack.callback(process.kill)
            assert {"event": "ready", "users": 3} == json.loads(process.stdout.readline())
            return process

        yield start


def send(process, line):
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


def test_phases_follow_valid_orders_and_the_end_of_input_ends_them(speak):
    process = speak(delay_s=0.01)
    send(process, "nonsense")
    assert "'nonsense\\n' is no order: JSON is malformed" in until(process, "refused")["why"]
    send(process, '{"do": "warmup", "seconds": 0.2}')
    assert 0 == until(process, "drained")["in_flight"]
    send(process, '{"do": "measure", "seconds": 1}')
    send(process, '{"do": "warmup", "seconds": 1}')
    assert "while another phase is under way" in until(process, "refused")["why"]
    measured = until(process, "measured")
    assert measured["sent"] == measured["answered"] > 0
    assert Path(measured["requests_file"]).exists()
    process.stdin.close()
    assert_ends_well(process)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_in_the_middle_of_a_window(speak, end):
    process = speak(delay_s=SLOW_S if end is signal.SIGTERM else 0.0)
    send(process, '{"do": "measure", "seconds": 60}')
    until(process, "progress")
    process.send_signal(end)
    assert_ends_well(process)


def test_requests_that_do_not_drain_are_counted_and_do_not_delay_the_end_of_input(speak):
    process = speak(delay_s=SLOW_S)
    send(process, '{"do": "warmup", "seconds": 0.2}')
    assert 3 == until(process, "drained")["in_flight"]
    send(process, '{"do": "measure", "seconds": 60}')
    until(process, "progress")
    process.stdin.close()
    assert_ends_well(process)


def test_an_invalid_specification_is_refused_by_name(tmp_path):
    write_spec(tmp_path / "load.json", None)
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert 2 == done.returncode
    assert "holds no load" in done.stderr
    assert "" == done.stdout
