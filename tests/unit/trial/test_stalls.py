"""A stall voids the trial, and the reason gives its length."""

import itertools
import time

import pytest

from bench.trial.stalls import (
    LONGEST_S,
    TICK_S,
    StalledError,
    StallWatch,
    check_standstill,
    unfit_marks,
)


def test_a_stop_of_this_process_is_found_at_its_length():
    clock = iter([0.0, 0.25, 12.5, 12.75])
    last = itertools.repeat(13.0)
    watch = StallWatch(lambda: next(clock, None) or next(last))
    while watch.longest_s < 12.0:
        time.sleep(0.01)
    watch.stop()
    assert 12.25 - TICK_S == watch.longest_s


def test_a_watch_that_is_stopped_at_once_has_seen_nothing():
    watch = StallWatch(lambda: 7.0)
    watch.stop()
    assert 0.0 == watch.longest_s


def test_standing_still_for_longer_than_a_trial_bears_voids_it():
    check_standstill("the load generator", LONGEST_S)
    with pytest.raises(StalledError, match=r"the load generator stood still for 12\.0 s"):
        check_standstill("the load generator", 12.0)


@pytest.mark.parametrize(("marks_s", "load_s"), [(7.5, 7.1), (3.0, 1.2), (60.0, 50.0)])
def test_marks_that_fit_the_load_keep_their_costs(marks_s, load_s):
    assert unfit_marks(marks_s, load_s) is None


def test_marks_too_far_apart_for_the_load_lose_their_costs():
    text = unfit_marks(19.2, 7.1) or ""
    assert "19.2 s apart, and the load between them lasted 7.1" in text
