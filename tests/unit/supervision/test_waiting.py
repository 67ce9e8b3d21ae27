"""A bounded wait."""

from bench.supervision.waiting import wait_until


def test_a_wait_ends_when_its_condition_holds_or_its_time_is_over():
    answers = iter([False, False, True])
    assert wait_until(lambda: next(answers), 30.0, 0.0)
    assert not wait_until(lambda: False, 0.01, 0.001)


def test_a_condition_that_holds_at_once_is_called_once():
    asked = []
    assert wait_until(lambda: not asked.append(1), 0.0, 60.0)
    assert [1] == asked
