"""Bounds of staleness from writes and reads at invented times."""

import pytest

from bench.probes.observation import shifted
from bench.probes.staleness import FreshnessRow, Staleness


@pytest.fixture
def staleness() -> Staleness:
    """A staleness with one pending write."""
    waiting = Staleness(bound_us=1_000_000)
    waiting.wrote(100, 7, awaited=True)
    return waiting


def test_a_first_read_that_shows_the_write_has_no_lower_bound(staleness: Staleness) -> None:
    staleness.read(110, 150, 7)
    assert [FreshnessRow(100, 7, 110, False, None, 150, 1)] == staleness.rows
    assert not staleness.is_pending


def test_a_write_lies_between_the_last_stale_read_sent_and_the_first_fresh_one_received(
    staleness: Staleness,
) -> None:
    for sent, version in ((110, 6), (5_110, 6), (10_110, 7)):
        staleness.read(sent, sent + 40, version)
    (row,) = staleness.rows
    assert (110, True, 5_110, 10_150, 3) == (
        row.first_sent_us,
        row.first_stale,
        row.stale_sent_us,
        row.fresh_done_us,
        row.reads,
    )


def test_a_read_sent_before_the_acknowledgement_judges_nothing(staleness: Staleness) -> None:
    staleness.read(90, 120, 6)
    assert staleness.is_pending
    assert (None, 0) == (staleness.rows[0].first_sent_us, staleness.rows[0].reads)


def test_one_read_judges_every_write_that_waits(staleness: Staleness) -> None:
    staleness.wrote(200, 9, awaited=True)
    staleness.read(210, 250, 8)
    assert [250, None] == [row.fresh_done_us for row in staleness.rows]
    staleness.read(300, 350, 9)
    assert [250, 350] == [row.fresh_done_us for row in staleness.rows]


def test_a_newer_version_than_the_written_one_shows_the_write(staleness: Staleness) -> None:
    staleness.read(110, 150, 12)
    assert 150 == staleness.rows[0].fresh_done_us


def test_a_failed_read_shows_nothing_and_is_counted(staleness: Staleness) -> None:
    staleness.read(110, 150, None)
    (row,) = staleness.rows
    assert (None, None, 1) == (row.first_sent_us, row.stale_sent_us, row.reads)
    staleness.read(160, 190, 7)
    assert (160, False) == (row.first_sent_us, row.first_stale)


def test_a_pod_that_is_not_known_yet_is_a_stale_answer(staleness: Staleness) -> None:
    staleness.read(110, 150, 0)
    assert staleness.rows[0].first_stale


def test_a_write_that_is_not_seen_within_the_bound_is_given_up_and_never_fresh(
    staleness: Staleness,
) -> None:
    staleness.read(1_000_050, 1_000_090, 6)
    assert staleness.is_pending
    staleness.read(1_000_060, 1_000_100, 6)
    assert not staleness.is_pending
    assert staleness.rows[0].fresh_done_us is None


def test_without_a_reader_a_write_waits_for_nothing() -> None:
    staleness = Staleness(bound_us=1_000_000)
    staleness.wrote(100, 7, awaited=False)
    assert not staleness.is_pending
    assert [FreshnessRow(100, 7)] == staleness.rows


def test_shifting_changes_known_times_and_keeps_unknown_ones() -> None:
    row = FreshnessRow(150, 7, 160, True, None, 200, 2, 155)
    assert FreshnessRow(50, 7, 60, True, None, 100, 2, 55) == shifted(row, 100)


def test_reads_grow_sparser_with_the_wait_of_the_oldest_write_alone() -> None:
    staleness = Staleness(bound_us=10_000_000)
    assert staleness.next_read_in_us(0) == 5_000
    staleness.wrote(0, 7, awaited=True)
    staleness.wrote(900_000, 8, awaited=True)
    assert staleness.next_read_in_us(200_000) == 5_000
    assert staleness.next_read_in_us(1_000_000) == 20_000
    staleness.read(1_000_000, 1_000_100, 7)
    assert staleness.next_read_in_us(1_000_100) == 5_000
