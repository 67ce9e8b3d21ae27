"""Signals of the harness, raised in this process."""

import os
import signal
import time
import weakref

import pytest

from bench.supervision.signals import Interrupted, deferring_signals, ending, unwinding_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_unwinds_like_ctrl_c(number):
    with pytest.raises(KeyboardInterrupt) as caught, unwinding_on_signals():
        signal.raise_signal(number)
    assert isinstance(caught.value, Interrupted)
    assert (number, 128 + number) == (caught.value.signal, caught.value.exit_code)


def test_later_signals_do_not_break_the_cleanup():
    lines = []
    cleaned = []

    def work():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            cleaned.append(True)

    with pytest.raises(Interrupted), unwinding_on_signals(lines.append):
        work()
    assert [True] == cleaned
    assert ["still cleaning up (SIGTERM); it takes a few seconds"] * 2 == lines


def test_a_line_that_cannot_be_printed_does_not_break_the_cleanup():
    cleaned = []

    def say(line):
        raise RuntimeError("reentrant call")

    def work():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            cleaned.append(True)

    with pytest.raises(Interrupted), unwinding_on_signals(say):
        work()
    assert [True] == cleaned


def test_the_handlers_found_are_put_back():
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with unwinding_on_signals(), deferring_signals():
        pass
    after = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert before == after


def test_a_signal_ignored_on_entry_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with unwinding_on_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_that_comes_while_a_finalizer_runs_is_not_lost():
    class Thing:
        pass

    def work():
        thing = Thing()
        weakref.finalize(thing, signal.raise_signal, signal.SIGTERM)
        del thing
        time.sleep(10)

    with pytest.raises(Interrupted), unwinding_on_signals():
        work()


def test_a_deferred_signal_takes_effect_after_the_body():
    steps = []

    def work():
        with deferring_signals():
            signal.raise_signal(signal.SIGINT)
            steps.append("body done")
        steps.append("never reached")

    with pytest.raises(Interrupted), unwinding_on_signals():
        work()
    assert ["body done"] == steps


def test_deferring_within_deferring_waits_for_the_outer_body():
    steps = []

    def work():
        with deferring_signals():
            with deferring_signals():
                signal.raise_signal(signal.SIGINT)
            steps.append("outer body done")
        steps.append("never reached")

    with pytest.raises(Interrupted), unwinding_on_signals():
        work()
    assert ["outer body done"] == steps


def test_where_ctrl_c_is_ignored_the_command_that_ends_it_is_named():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert "Ctrl-C" == ending()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert f"kill {os.getpid()}" == ending()
    finally:
        signal.signal(signal.SIGINT, before)
