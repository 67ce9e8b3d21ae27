"""RPC with a supervised process, with real processes."""

import sys

import pytest

from bench.supervision.process import ProcessFailed, SupervisedProcess
from bench.supervision.rpc import RpcClient, RpcTimeoutError
from bench.supervision.watchdog import Watchdog

ECHO = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"heard": json.loads(line)}), flush=True)
"""


@pytest.fixture
def talk(tmp_path):
    started = []

    def talk(program):
        process = SupervisedProcess.start(
            "partner",
            [sys.executable, "-c", program],
            log=tmp_path / "log",
            watchdog=watchdog,
            pipe_stdin=True,
            pipe_stdout=True,
        )
        started.append(process)
        return RpcClient(process)

    with Watchdog() as watchdog:
        yield talk
        for process in started:
            process.stop()


def test_objects_are_received_and_answered_in_order(talk):
    rpc = talk(ECHO)
    rpc.send({"n": 1})
    rpc.send({"n": "ä\n"})
    assert {"heard": {"n": 1}} == rpc.receive(30)
    assert {"heard": {"n": "ä\n"}} == rpc.receive(30)


def test_an_answer_larger_than_a_pipe_arrives_whole(talk):
    rpc = talk("print('{\"big\": \"' + 'x' * 1_000_000 + '\"}', flush=True)")
    assert 1_000_000 == len(rpc.receive(30)["big"])


def test_the_error_of_an_unexpected_event_has_the_object(talk):
    rpc = talk('print(\'{"event": "paused", "n": 1}\', flush=True)')
    with pytest.raises(RuntimeError, match=r"partner said \{'n': 1\} instead of 'resumed'"):
        rpc.expect("resumed", 30)


def test_the_error_of_a_silent_partner_names_it(talk):
    with pytest.raises(RpcTimeoutError, match=r"partner said nothing for 0\.1 s"):
        talk(ECHO).receive(0.1)


def test_the_error_of_a_partner_that_ends_has_exit_code_and_last_lines(talk):
    with pytest.raises(ProcessFailed, match=r"partner ended with exit code 3 (.|\n)*no config"):
        talk("import sys; print('no config', file=sys.stderr); sys.exit(3)").receive(30)


def test_sending_to_a_partner_that_has_ended_raises_its_end(talk):
    rpc = talk("import sys; sys.exit(3)")
    assert 3 == rpc.process.wait(30)
    with pytest.raises(ProcessFailed, match="partner ended with exit code 3"):
        rpc.send({"n": 1})
