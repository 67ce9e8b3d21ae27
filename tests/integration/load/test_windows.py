"""Windows of load against servers that answer: their requests, counts and rows."""

import time

import numpy as np
import pandas as pd
import pytest


def test_every_request_of_a_closed_window_is_a_row_and_reached_the_server(
    start_server, standing_by
):
    server = start_server(delay_s=0.01)
    load = standing_by(server.url)
    drained = load.warm_up(0.3)
    assert 0 == drained.in_flight
    assert drained.answered == server.count() > 0
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
    # one process measures one window after the other
    assert len(pd.read_parquet(load.measure(0.2).requests_file)) < len(rows)


def test_closed_users_have_one_request_under_way_each(start_server, measure):
    measured, rows = measure(start_server(delay_s=0.02).url, 0.5)
    assert 4 == most_at_once(rows)
    assert 0 == measured.failed


def test_open_arrivals_keep_their_times(start_server, measure):
    measured, rows = measure(start_server().url, 1.0, users=60, rate_rps=50.0)
    assert list(range(0, 1_000_000, 20_000)) == rows["intended_us"].tolist()
    assert (50, 50, 0, 0) == (measured.sent, measured.answered, measured.failed, measured.dropped)
    assert 50.0 == measured.requested_rps == measured.achieved_rps
    assert (rows["sent_us"] >= rows["intended_us"]).all()
    lag_ms = (rows["sent_us"] - rows["intended_us"]) / 1e3
    expected = float(np.percentile(lag_ms, 99, method="higher"))
    assert expected == pytest.approx(measured.schedule_lag_p99_ms)


def test_a_stall_shows_in_the_open_model_as_waiting_and_in_the_closed_one_as_one_slow_read(
    start_server, measure
):
    """One slow read of each user."""
    url = start_server(delay_s=0.005, stall=[20, 1.0]).url
    _, closed = measure(url, 1.2)
    _, opened = measure(start_server(stall=[10, 0.6]).url, 1.5, users=60, rate_rps=50.0)
    slow_closed = closed[waiting_s(closed) > 0.5]
    slow_opened = opened[waiting_s(opened) > 0.3]
    assert 4 == len(slow_closed)
    # 30 arrivals fall into the stall and half of them wait for more than half of it
    assert len(slow_opened) >= 10
    assert {"ok"} == set(opened["outcome"])


def test_arrivals_beyond_the_bound_are_dropped_and_counted(start_server, measure):
    server = start_server(delay_s=0.2)
    measured, rows = measure(server.url, 1.0, users=2, rate_rps=50.0)
    assert 50 == len(rows) == measured.answered + measured.dropped
    assert 2 == most_at_once(rows)
    dropped = rows[rows["outcome"] == "dropped"]
    assert measured.dropped == len(dropped) > 25
    assert dropped[["sent_us", "done_us"]].isna().all(axis=None)
    assert {0} == set(dropped["status"])
    assert measured.sent == server.count()
    assert measured.achieved_rps == measured.answered
    assert any("dropped: too many outstanding" in text for text in measured.first_failures)


def test_the_same_seed_asks_the_same_at_the_same_times(start_server, measure):
    """In several processes, too: see ``test_distributed.py``."""
    url = start_server().url
    load = {"route": "dashboard-mix", "users": 50, "rate_rps": 100.0, "arrivals": "poisson"}
    _, first = measure(url, 0.6, seed=3, **load)
    _, again = measure(url, 0.6, seed=3, **load)
    _, other = measure(url, 0.6, seed=4, **load)
    schedule = ["intended_us", "route"]
    pd.testing.assert_frame_equal(first[schedule], again[schedule])
    assert not first[schedule].equals(other[schedule])
    assert 4 == first["route"].nunique()


def test_requests_begun_in_the_window_are_awaited_after_its_end(start_server, measure):
    measured, rows = measure(start_server(delay_s=1.0).url, 1.6)
    assert (8, 8, 0) == (measured.sent, measured.answered, measured.in_flight)
    assert 4 == int((rows["done_us"] > 1.6e6).sum())
    assert 8 / 1.6 == measured.achieved_rps, "a read belongs to the window in which it was to begin"
    assert measured.drained_epoch_s > measured.window_end_epoch_s


@pytest.mark.parametrize("load", [{}, {"users": 60, "rate_rps": 50.0}])
def test_a_server_that_closes_idle_connections_causes_no_failure(start_server, measure, load):
    url = start_server(delay_s=0.02).url
    before, _ = measure(url, 0.2, **load)
    time.sleep(1.5)
    after, _ = measure(url, 0.2, **load)
    assert 0 == before.failed == after.failed
    assert min(before.answered, after.answered) > 0


def waiting_s(rows):
    return (rows["done_us"] - rows["intended_us"]) / 1e6


def most_at_once(rows):
    """Return the most requests under way at one time, from the rows."""
    sent = rows.dropna(subset=["sent_us", "done_us"])
    steps = [(time, 1) for time in sent["sent_us"]] + [(time, -1) for time in sent["done_us"]]
    return int(np.cumsum([step for _, step in sorted(steps)]).max())


def test_arrivals_go_round_the_replicas(start_server, standing_by):
    servers = [start_server(delay_s=0.02) for _ in range(3)]
    load = standing_by(*(server.url for server in servers), users=50, rate_rps=90.0)
    measured = load.measure(0.5)
    assert measured.sent == measured.answered == 45
    assert [15, 15, 15] == [server.count() for server in servers]


def test_closed_users_stay_with_one_replica_in_turn(start_server, standing_by):
    servers = [start_server(delay_s=0.6) for _ in range(3)]
    load = standing_by(*(server.url for server in servers))
    load.measure(0.5)
    assert [2, 1, 1] == [server.count() for server in servers]
    for server in servers:
        server.behave(delay_s=0.02)
    measured = load.measure(0.5)
    asked = [server.count() for server in servers]
    assert measured.sent == measured.answered == sum(asked)
    shares = [
        count / measured.sent / of for count, of in zip(asked, (0.5, 0.25, 0.25), strict=True)
    ]
    assert all(0.7 < share < 1.3 for share in shares), asked


def test_a_replica_that_is_away_fails_its_share_and_no_more(start_server, driver, dead_url):
    server = start_server()
    with driver(server.url, dead_url, users=20, rate_rps=40.0) as running:
        measured = running.measure(1.0)
    assert (20, 20) == (measured.answered, measured.failed)
    assert 20 == server.count()
