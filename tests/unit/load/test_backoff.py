"""Backoff from a server out of reach."""

import pytest

from bench.load.client import LOST_IN_A_ROW, Backoff


def test_pauses_double_up_to_the_cap_and_end_with_a_success():
    backoff = Backoff(first_s=0.1, cap_s=0.5)
    now, pauses = 0.0, []
    for _ in range(5):
        backoff.failed(now)
        pauses.append(backoff.remaining_s(now))
        now += pauses[-1]
    assert [0.1, 0.2, 0.4, 0.5, 0.5] == pytest.approx(pauses)
    backoff.succeeded()
    assert 0.0 == backoff.remaining_s(now)
    backoff.failed(now)
    assert 0.1 == pytest.approx(backoff.remaining_s(now))


def test_failures_of_attempts_already_under_way_do_not_lengthen_the_pause():
    backoff = Backoff(first_s=0.1, cap_s=10.0)
    for late in (0.0, 0.01, 0.02, 0.03):
        backoff.failed(late)
    assert 0.05 == pytest.approx(backoff.remaining_s(0.05))


def test_an_occasional_lost_connection_makes_no_pause():
    backoff = Backoff()
    for _ in range(3 * LOST_IN_A_ROW):
        backoff.failed(0.0, lost=True)
        backoff.succeeded()
    assert 0.0 == backoff.remaining_s(0.0)


def test_many_lost_connections_in_a_row_make_a_pause():
    backoff = Backoff()
    for _ in range(LOST_IN_A_ROW):
        assert 0.0 == backoff.remaining_s(0.0)
        backoff.failed(0.0, lost=True)
    assert backoff.remaining_s(0.0) > 0
