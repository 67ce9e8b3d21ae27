"""Servers that fail during the load: every arrival is counted, and no server is flooded."""

import pytest

from tests.integration.load.conftest import free_port, rows_of


def test_every_answer_500_is_recorded_as_a_failure(start_server, measure):
    server = start_server(status="500 Internal Server Error", delay_s=0.02)
    measured, rows = measure(server.url, 0.3)
    assert 0 == measured.answered
    assert 0.0 == measured.achieved_rps
    assert len(rows) == measured.failed == measured.sent == server.count() > 0
    assert {"failed"} == set(rows["outcome"])
    assert {500} == set(rows["status"])
    assert rows["done_us"].notna().all()
    assert ("GET /pods: status 500",) == measured.first_failures


@pytest.mark.parametrize("rate_rps", [None, 100.0])
def test_a_server_that_dies_is_recorded_as_failures_spared_and_found_again(
    start_server, driver, rate_rps
):
    server = start_server(free_port())
    with driver(server.url, rate_rps=rate_rps) as load:
        assert load.warm_up(0.2).answered > 0
        server.behave(die_after=20)
        measured = load.measure(1.2)
        rows = rows_of(measured)
        drained = load.warm_up(1.1)
        assert (0, 0) == (drained.answered, drained.in_flight)
        assert drained.failed > 0
        server.process.stop(2.0)
        start_server(server.port)
        assert load.warm_up(1.5).answered > 0
    failed = rows[rows["outcome"] == "failed"]
    assert 20 >= measured.answered > 0
    assert len(failed) == measured.failed > 0
    assert len(rows) == measured.answered + measured.failed + measured.dropped
    assert {0} == set(failed["status"])
    assert failed["done_us"].isna().all()
    assert any("Connection refused" in text for text in measured.first_failures)
    assert any("connection lost" in text for text in measured.first_failures)
    if rate_rps is None:
        # 4 users, pauses of 50, 100, 200, ... 800 ms within 1.2 s, and what was cut off
        assert measured.failed <= 4 * 10
    else:
        assert 120 == len(rows)
        assert measured.sent <= 20 + 4  # the other requests were never sent


@pytest.mark.parametrize(("users", "rate_rps"), [(4, None), (30, 20.0)])
def test_a_server_that_hangs_times_out_every_request(start_server, measure, users, rate_rps):
    server = start_server(delay_s=30.0)
    measured, rows = measure(server.url, 1.0, users=users, rate_rps=rate_rps, timeout_s=0.4)
    assert (0, 0) == (measured.answered, measured.in_flight)
    assert len(rows) == measured.failed == measured.sent > 0
    assert {"timeout"} == set(rows["outcome"])
    assert rows["done_us"].isna().all()
    assert ("GET /pods: no complete answer within 0.4 s",) == measured.first_failures


def test_answers_with_the_wrong_body_are_found_by_the_check(start_server, measure):
    server = start_server(body='{"code": 200, "result": []}', delay_s=0.01)
    measured, _ = measure(server.url, 0.3)
    assert measured.failed > 0
    complaint = "implausible body: the list is empty though its pods exist"
    assert (f"GET /pods: {complaint}",) == measured.first_failures


def test_an_occasional_failure_does_not_stop_the_requests_around_it(start_server, measure):
    measured, rows = measure(start_server(hang_up=10).url, 2.0, users=60, rate_rps=50.0)
    assert 100 == len(rows) == measured.sent
    assert 10 == measured.failed
    assert 90 == measured.answered
