"""A bounded wait."""

from bench.supervision.waiting import wait_until


def test_what_comes_true_in_time_is_waited_for_and_what_does_not_is_given_up():
    answers = iter([False, False, True])
    assert wait_until(lambda: next(answers), 30.0, 0.0)
    assert not wait_until(lambda: False, 0.01, 0.001)


def test_what_holds_at_once_is_asked_once():
    asked = []
    assert wait_until(lambda: not asked.append(1), 0.0, 60.0)
    assert [1] == asked
