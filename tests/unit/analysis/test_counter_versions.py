"""Counters under the names of each version, and missing in versions without them."""

import pandas as pd
import pytest

from bench.analysis.counters import Marks
from bench.metrics.registry import (
    API_BYTES,
    ETCD_RANGES,
    FLOW_REJECTED,
    LISTS_FROM_CACHE,
    LISTS_FROM_ETCD,
    OBJECTS_LISTED,
)
from bench.probes.metrics import ScrapeRow
from bench.trial.record import sent_between

LISTS, OBJECTS = "apiserver_storage_list_total", "apiserver_storage_list_fetched_objects_total"
CACHE_LISTS, CACHE_OBJECTS = (
    "apiserver_cache_list_total",
    "apiserver_cache_list_fetched_objects_total",
)


def marks(*grown, source="apiserver"):
    """Series of (name, labels, growth), each 10 at the begin mark."""
    rows = [(mark, source, "up", "", 1.0) for mark in ("begin", "end")]
    for name, labels, growth in grown:
        rows += [
            ("begin", source, name, labels, 10.0),
            ("end", source, name, labels, 10.0 + growth),
        ]
    return Marks(pd.DataFrame(rows, columns=["mark", "source", "name", "labels", "value"]))


NEW = marks(
    (LISTS, 'resource="pods",storage="watchcache"', 40.0),
    (LISTS, 'resource="pods",storage="etcd"', 3.0),
    (OBJECTS, 'resource="pods",storage="watchcache"', 4_000.0),
    (OBJECTS, 'resource="pods",storage="etcd"', 300.0),
    # still exposed beside the new ones, and the same lists: not to be counted twice
    (CACHE_LISTS, 'resource="pods"', 40.0),
    (CACHE_OBJECTS, 'resource="pods"', 4_000.0),
    # listed by the API server for itself
    (LISTS, 'resource="limitranges",storage="etcd"', 5.0),
    (OBJECTS, 'resource="secrets",storage="etcd"', 50.0),
)
OLD = marks(
    (LISTS, 'resource="pods"', 3.0),
    (OBJECTS, 'resource="pods"', 300.0),
    (CACHE_LISTS, 'resource_prefix="/pods"', 40.0),
    (CACHE_OBJECTS, 'resource_prefix="/pods"', 4_000.0),
    (LISTS, 'resource="limitranges"', 5.0),
    (CACHE_LISTS, 'resource_prefix="/secrets"', 7.0),
)


@pytest.mark.parametrize("version", [NEW, OLD], ids=["1.37", "before"])
def test_lists_and_objects_are_the_same_under_the_names_of_either_version(version):
    assert (40.0, 3.0, 4_300.0) == (
        version.grew(LISTS_FROM_CACHE),
        version.grew(LISTS_FROM_ETCD),
        version.grew(OBJECTS_LISTED),
    )


def test_a_storage_that_served_no_list_served_none():
    only_cache = marks((LISTS, 'resource="pods",storage="watchcache"', 5.0))
    assert 0.0 == only_cache.grew(LISTS_FROM_ETCD)


def test_a_version_without_either_has_no_figure():
    assert marks().grew(LISTS_FROM_CACHE) is None
    assert not marks().offers(LISTS_FROM_CACHE)


def test_a_rejection_that_never_happened_is_zero_where_flow_control_is_there():
    there = marks(("apiserver_flowcontrol_dispatched_requests_total", "", 7.0))
    assert 0.0 == there.grew(FLOW_REJECTED)
    assert marks().grew(FLOW_REJECTED) is None


def test_rejections_are_counted():
    there = marks(
        ("apiserver_flowcontrol_dispatched_requests_total", "", 7.0),
        ("apiserver_flowcontrol_rejected_requests_total", 'reason="queue-full"', 2.0),
        ("apiserver_flowcontrol_rejected_requests_total", 'reason="time-out"', 1.0),
    )
    assert 3.0 == there.grew(FLOW_REJECTED)


def test_bytes_of_reads_count_where_no_watch_was_ever_open():
    assert 12.0 == marks(("apiserver_response_sizes_sum", "", 12.0)).grew(API_BYTES)


def test_a_watch_that_ended_is_counted_by_its_events_alone():
    """An API server counts it as an answer, too, once it ends: minutes of events in one window."""
    there = (
        ("apiserver_response_sizes_sum", 'verb="LIST"', 12.0),
        ("apiserver_response_sizes_sum", 'verb="WATCH"', 4e7),
        ("apiserver_watch_events_sizes_sum", "", 5.0),
    )
    assert 17.0 == marks(*there).grew(API_BYTES)
    rows = [ScrapeRow(mark, "apiserver", name, labels, value * (mark == "end"))
            for name, labels, value in there for mark in ("begin", "end")]  # fmt: skip
    assert 17 == sent_between(rows, "begin", "end")


def test_the_older_name_of_etcds_ranges_is_known():
    there = marks(("etcd_debugging_mvcc_range_total", "", 4.0), source="etcd")
    assert 4.0 == there.grew(ETCD_RANGES)


def test_a_counter_that_fell_has_no_growth():
    fallen = marks(("etcd_mvcc_range_total", "", -4.0), source="etcd")
    assert fallen.grew(ETCD_RANGES) is None


def test_nothing_that_was_not_scraped_grew():
    assert marks().grew(ETCD_RANGES) is None
