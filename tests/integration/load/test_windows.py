"""Windows of load against servers that answer: what is asked, counted and recorded."""

import numpy as np
import pandas as pd
import pytest


def test_every_request_of_a_closed_window_is_a_row_and_reached_the_server(start_server, driver):
    server = start_server()
    with driver(server.url, users=4) as load:
        drained = load.warm_up(0.5)
        assert 0 == drained.in_flight
        assert drained.answered == server.count()
        measured = load.measure(1.0)
    rows = pd.read_parquet(measured.requests_file)
    assert measured.sent == server.count() - drained.answered
    assert len(rows) == measured.sent == measured.answered > 0
    assert (0, 0, 0) == (measured.failed, measured.dropped, measured.in_flight)
    assert {"ok"} == set(rows["outcome"])
    assert {200} == set(rows["status"])
    assert 1 == rows["bytes"].nunique()
    assert {"/pods"} == set(rows["route"])
    assert rows["intended_us"].between(0, 1e6, inclusive="left").all()
    assert (rows["sent_us"] >= rows["intended_us"]).all()
    assert (rows["done_us"] > rows["sent_us"]).all()
    assert len(rows) == pytest.approx(measured.achieved_rps)
    read = rows["done_us"][rows["entries"].notna()]
    assert measured.read == len(read) > 10
    assert 0 == measured.wrong
    assert read.min() < 0.2e6 < 0.8e6 < read.max()
    assert measured.requested_rps is None
    assert measured.schedule_lag_p99_ms is None
    assert 0 < measured.cpu_s
    assert 1.0 == pytest.approx(measured.window_end_epoch_s - measured.window_begin_epoch_s)
    assert measured.drained_epoch_s >= measured.window_end_epoch_s


def test_closed_users_have_one_request_under_way_each(start_server, measure):
    measured, rows = measure(start_server(delay_s=0.02).url, 1.0, users=5)
    assert 5 == most_at_once(rows)
    assert 0 == measured.failed


def test_open_arrivals_keep_their_times(start_server, measure):
    measured, rows = measure(start_server().url, 2.0, users=50, rate_rps=50.0)
    assert list(range(0, 2_000_000, 20_000)) == rows["intended_us"].tolist()
    assert (100, 100, 0, 0) == (
        measured.sent,
        measured.answered,
        measured.failed,
        measured.dropped,
    )
    assert 50.0 == measured.requested_rps == measured.achieved_rps
    assert (rows["sent_us"] >= rows["intended_us"]).all()
    lag_ms = (rows["sent_us"] - rows["intended_us"]) / 1e3
    expected = float(np.percentile(lag_ms, 99, method="higher"))
    assert expected == pytest.approx(measured.schedule_lag_p99_ms)


def test_a_stall_shows_in_the_open_model_as_waiting_and_in_the_closed_one_as_one_slow_read(
    start_server, measure
):
    _, closed = measure(start_server(stall=[20, 0.6]).url, 1.5, users=1)
    _, opened = measure(start_server(stall=[20, 0.6]).url, 1.5, users=200, rate_rps=100.0)
    slow_closed = closed[waiting_s(closed) > 0.3]
    slow_opened = opened[waiting_s(opened) > 0.3]
    assert 1 == len(slow_closed)
    # 60 arrivals fall into the stall and half of them wait for more than half of it
    assert len(slow_opened) >= 20
    assert {"ok"} == set(opened["outcome"])


def test_arrivals_beyond_the_bound_are_dropped_and_counted(start_server, measure):
    server = start_server(delay_s=0.2)
    measured, rows = measure(server.url, 2.0, users=2, rate_rps=50.0)
    assert 100 == len(rows) == measured.answered + measured.dropped
    assert 2 == most_at_once(rows)
    dropped = rows[rows["outcome"] == "dropped"]
    assert measured.dropped == len(dropped) > 50
    assert dropped[["sent_us", "done_us"]].isna().all(axis=None)
    assert {0} == set(dropped["status"])
    assert measured.sent == server.count()
    assert measured.achieved_rps == measured.answered / 2.0
    assert any("dropped: too many outstanding" in text for text in measured.first_failures)


def test_the_same_seed_asks_the_same_at_the_same_times(start_server, measure):
    url = start_server().url
    load = {"route": "dashboard-mix", "users": 50, "rate_rps": 100.0, "arrivals": "poisson"}
    _, first = measure(url, 1.0, seed=3, **load)
    _, again = measure(url, 1.0, seed=3, **load)
    _, other = measure(url, 1.0, seed=4, **load)
    schedule = ["intended_us", "route"]
    pd.testing.assert_frame_equal(first[schedule], again[schedule])
    assert not first[schedule].equals(other[schedule])
    assert 4 == first["route"].nunique()


def test_requests_begun_in_the_window_are_awaited_after_its_end(start_server, measure):
    measured, rows = measure(start_server(delay_s=0.7).url, 1.0, users=2)
    assert (4, 4, 0) == (measured.sent, measured.answered, measured.in_flight)
    assert 2 == int((rows["done_us"] > 1e6).sum())
    assert 4.0 == measured.achieved_rps, "a read belongs to the window in which it was to begin"
    assert measured.drained_epoch_s > measured.window_end_epoch_s


def test_a_server_that_closes_idle_connections_causes_no_failure(start_server, measure):
    measured, rows = measure(start_server().url, 4.0, users=4, rate_rps=0.8)
    assert (4, 0) == (measured.answered, measured.failed)
    assert 4 == len(rows)


def test_one_process_measures_one_window_after_the_other(start_server, driver):
    with driver(start_server().url, users=2) as load:
        first = load.measure(0.5)
        first_rows = len(pd.read_parquet(first.requests_file))
        second = load.measure(0.5)
    assert first_rows == first.sent > 0
    assert len(pd.read_parquet(second.requests_file)) == second.sent > 0


def waiting_s(rows):
    return (rows["done_us"] - rows["intended_us"]) / 1e6


def most_at_once(rows):
    """The most requests under way at one time, by the rows' own account."""
    sent = rows.dropna(subset=["sent_us", "done_us"])
    steps = [(time, 1) for time in sent["sent_us"]] + [(time, -1) for time in sent["done_us"]]
    return int(np.cumsum([step for _, step in sorted(steps)]).max())


@pytest.mark.parametrize("load", [{"users": 6}, {"users": 50, "rate_rps": 90.0}])
def test_replicas_are_asked_evenly(start_server, driver, load):
    servers = [start_server(delay_s=0.02) for _ in range(3)]
    with driver(*(server.url for server in servers), **load) as running:
        measured = running.measure(1.0)
    asked = [server.count() for server in servers]
    assert measured.sent == measured.answered == sum(asked)
    if "rate_rps" in load:
        assert [30, 30, 30] == asked, "arrivals go round"
    else:
        assert all(0.7 < count * 3 / measured.sent < 1.3 for count in asked), asked


def test_users_stay_with_one_replica_in_turn(start_server, driver):
    servers = [start_server(delay_s=0.2) for _ in range(3)]
    with driver(*(server.url for server in servers), users=4) as running:
        running.measure(0.1)
    assert [2, 1, 1] == [server.count() for server in servers]


def test_a_replica_that_is_away_fails_its_share_and_no_more(start_server, driver, dead_url):
    server = start_server()
    with driver(server.url, dead_url, users=20, rate_rps=40.0) as running:
        measured = running.measure(1.0)
    assert (20, 20) == (measured.answered, measured.failed)
    assert 20 == server.count()
