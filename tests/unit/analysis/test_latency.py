"""Percentiles are exact order statistics; unanswered requests never lower them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.latency import (
    Latencies,
    pool,
    samples_needed,
    times_of,
)
from bench.metrics import Times


def response_times(rows, timeout_s):
    return times_of(rows, Times.RESPONSE, timeout_s)


def rows(latencies_us, outcomes=None, sent_after_us=0):
    count = len(latencies_us)
    outcomes = outcomes or ["ok"] * count
    intended = np.arange(count) * 1000
    dropped = np.array([outcome == "dropped" for outcome in outcomes])
    done = (intended + np.array(latencies_us)).astype(float)
    return pd.DataFrame(
        {
            "intended_us": intended,
            "sent_us": np.where(dropped, np.nan, intended + sent_after_us),
            "done_us": np.where(dropped, np.nan, done),
            "outcome": outcomes,
        }
    )


@given(st.integers(0, 10**6), st.integers(1_000, 3_000), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_percentile_is_the_value_numpy_calls_the_inverted_cdf(seed, count, q):
    latencies_us = np.random.default_rng(seed).integers(1, 10**7, count)
    percentile = response_times(rows(latencies_us), 10.0).percentile(q)
    expected = np.quantile(np.array(latencies_us) / 1e3, q, method="inverted_cdf")
    assert pytest.approx(expected) == percentile.value_ms
    assert not percentile.at_least


@pytest.mark.parametrize(("q", "needed"), [(0.5, 20), (0.9, 100), (0.99, 1_000), (0.999, 10_000)])
def test_a_percentile_needs_ten_requests_beyond_it(q, needed):
    assert needed == samples_needed(q)
    assert response_times(rows([1_000] * needed), None).percentile(q).value_ms == 1.0
    withheld = response_times(rows([1_000] * (needed - 1)), None).percentile(q)
    assert withheld.value_ms is None
    assert f"needs {needed:,} requests, has {needed - 1:,}" == withheld.withheld


@pytest.mark.parametrize("outcome", ["failed", "timeout", "dropped"])
def test_an_unanswered_request_counts_as_at_least_the_time_out(outcome):
    # quick refusals: 15 of 100 ended after 1 us, yet the p90 falls among them
    frame = rows([5_000] * 85 + [1] * 15, ["ok"] * 85 + [outcome] * 15)
    latencies = response_times(frame, 10.0)
    assert (5.0, False) == (latencies.percentile(0.5).value_ms, latencies.percentile(0.5).at_least)
    assert (10_000.0, True) == (
        latencies.percentile(0.9).value_ms,
        latencies.percentile(0.9).at_least,
    )


def test_an_arrival_that_was_never_sent_is_bounded_by_what_was_left_of_the_window():
    frame = rows([5_000] * 85 + [1] * 15, ["ok"] * 85 + ["dropped"] * 15)
    percentile = times_of(frame, Times.RESPONSE, 30.0, window_s=0.2).percentile(0.9)
    # intended at 85 to 99 ms, so 101 to 115 ms were left; the 90th of 100 is the fifth of these
    assert (105.0, True) == (percentile.value_ms, percentile.at_least)


def test_without_a_known_time_out_the_bound_is_the_longest_wait_seen():
    frame = rows([1_000] * 10 + [7_000] * 90, ["ok"] * 10 + ["timeout"] * 90)
    assert response_times(frame, None).percentile(0.5).value_ms == 7.0


def test_the_two_latencies_differ_by_the_wait_before_the_send():
    frame = rows([5_000] * 20, sent_after_us=2_000)
    assert response_times(frame, None).percentile(0.5).value_ms == 5.0
    assert times_of(frame, Times.SERVICE).percentile(0.5).value_ms == 3.0


def test_pooling_is_of_requests_and_not_of_percentiles():
    quick = response_times(rows([1_000] * 30), 10.0)
    slow = response_times(rows([9_000] * 10), 10.0)
    assert pool([quick, slow]).percentile(0.5).value_ms == 1.0


def test_a_pooled_bound_holds_for_every_part():
    parts = [Latencies(np.empty(0), np.full(20, bound)) for bound in (10_000.0, 5_000.0)]
    median = pool(parts).percentile(0.5)
    assert (5_000.0, True) == (median.value_ms, median.at_least)


def test_no_requests_have_no_percentile():
    assert pool([]).percentile(0.5).value_ms is None
