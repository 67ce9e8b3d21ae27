"""Staleness lies between two bounds, and what was never seen is longer than any."""

import pandas as pd
import pytest

from bench.analysis.latency import pool_freshness, read_freshness

COLUMNS = (
    "acked_us",
    "resource_version",
    "first_sent_us",
    "first_stale",
    "stale_sent_us",
    "fresh_done_us",
    "reads",
    "event_us",
)


def rows(*given):
    """Rows of (first_stale, stale_sent, fresh_done, event), us since the acknowledgement."""
    made = []
    for index, (first_stale, stale, fresh, event) in enumerate(given):
        acked = index * 500_000
        since = [None if one is None else acked + one for one in (stale, fresh, event)]
        reads = 0 if first_stale is None else 1
        first = None if first_stale is None else acked + 100
        made.append((acked, index, first, first_stale, since[0], since[1], reads, since[2]))
    return pd.DataFrame(made, columns=COLUMNS)


def test_the_bounds_are_the_last_stale_send_and_the_first_fresh_answer():
    found = read_freshness(rows((True, 4_000, 11_000, None), (False, None, 900, None)))
    assert [0.9, 11.0] == found.upper.answered_ms.tolist()
    assert [0.0, 4.0] == found.lower.answered_ms.tolist()


def test_first_reads_that_were_older_are_violations():
    found = read_freshness(rows((True, 100, 5_000, None), (False, None, 900, None)))
    assert (2, 1) == (found.first_reads, found.first_stale)


def test_a_write_that_was_never_seen_is_longer_than_was_waited():
    given = [(True, 100, 5_000, None)] * 5 + [(True, 2_000_000, None, None)] * 95
    found = read_freshness(rows(*given))
    assert 95 == found.never_seen
    median = found.upper.percentile(0.5)
    assert (2_000.0, True) == (median.value_ms, median.at_least)


def test_an_event_may_come_before_the_acknowledgement():
    found = read_freshness(rows((False, None, 900, -300), (False, None, 900, 1_300)))
    assert [-0.3, 1.3] == found.event_delay.answered_ms.tolist()


@pytest.mark.parametrize("given", [[], [(None, None, None, None)] * 3])
def test_without_a_server_to_ask_there_is_nothing_to_tell(given):
    assert read_freshness(rows(*given)) is None


def test_trials_are_pooled_by_write():
    one = read_freshness(rows((True, 100, 5_000, None)))
    two = read_freshness(rows((False, None, 900, 200), (False, None, 700, 200)))
    found = pool_freshness([one, None, two])
    assert (3, 3, 1) == (found.writes, found.first_reads, found.first_stale)
    assert [0.7, 0.9, 5.0] == found.upper.answered_ms.tolist()


def test_nothing_pooled_is_nothing():
    assert pool_freshness([None]) is None
