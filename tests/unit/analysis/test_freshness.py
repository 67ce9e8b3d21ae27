"""Staleness lies between two bounds; that of a write never seen exceeds all others."""

import pandas as pd
import pytest

from bench.analysis.latency import FreshnessCounts, freshness_counts, pool, times_of
from bench.metrics import Times

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
        since = [None if delay is None else acked + delay for delay in (stale, fresh, event)]
        reads = 0 if first_stale is None else 1
        first = None if first_stale is None else acked + 100
        made.append((acked, index, first, first_stale, since[0], since[1], reads, since[2]))
    return pd.DataFrame(made, columns=COLUMNS)


def staleness(rows):
    return times_of(rows, Times.STALENESS)


def test_staleness_ends_with_the_first_fresh_answer():
    latencies = staleness(rows((True, 4_000, 11_000, None), (False, None, 900, None)))
    assert [0.9, 11.0] == latencies.answered_ms.tolist()


def test_first_reads_that_were_older_are_violations():
    counts = freshness_counts(rows((True, 100, 5_000, None), (False, None, 900, None)))
    assert FreshnessCounts(2, 0, first_reads=2, first_stale=1, longest_stale_ms=5.0) == counts


def test_a_write_that_was_never_seen_is_longer_than_was_waited():
    given = rows(*[(True, 100, 5_000, None)] * 5, *[(True, 2_000_000, None, None)] * 95)
    assert 95 == freshness_counts(given).never_seen
    median = staleness(given).percentile(0.5)
    assert (2_000.0, True) == (median.value_ms, median.at_least)


def test_an_event_may_come_before_the_acknowledgement_and_none_is_no_event():
    given = rows((False, None, 900, -300), (False, None, 900, 1_300), (False, None, 900, None))
    delays = times_of(given, Times.EVENT_DELAY)
    assert ([-0.3, 1.3], 0) == (delays.answered_ms.tolist(), delays.censored)


@pytest.mark.parametrize("given", [[], [(None, None, None, None)] * 3])
def test_without_a_server_to_ask_there_is_nothing_to_tell(given):
    assert freshness_counts(rows(*given)) is None
    assert 0 == staleness(rows(*given)).samples


def test_trials_are_pooled_by_write():
    first = staleness(rows((True, 100, 5_000, None)))
    second = staleness(rows((False, None, 900, 200), (False, None, 700, 200)))
    assert [0.7, 0.9, 5.0] == pool([first, second]).answered_ms.tolist()
