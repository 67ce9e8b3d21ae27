"""Servers that fail in the middle: every arrival is accounted for, and none is hammered."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.integration.load.conftest import free_port


def test_a_server_giving_500s_fails_every_request_and_is_recorded_so(start_server, measure):
    server = start_server(status="500 Internal Server Error")
    measured, rows = measure(server.url, 0.5, users=2)
    assert 0 == measured.answered
    assert 0.0 == measured.achieved_rps
    assert len(rows) == measured.failed == measured.sent == server.count() > 0
    assert {"failed"} == set(rows["outcome"])
    assert {500} == set(rows["status"])
    assert rows["done_us"].notna().all()
    assert ("GET /pods: status 500",) == measured.first_failures


@pytest.mark.parametrize("rate_rps", [None, 200.0])
def test_a_server_that_dies_is_recorded_as_failures_and_left_alone(start_server, measure, rate_rps):
    server = start_server(die_after=20)
    measured, rows = measure(server.url, 2.0, users=4, rate_rps=rate_rps)
    failed = rows[rows["outcome"] == "failed"]
    assert 20 >= measured.answered > 0
    assert len(failed) == measured.failed > 0
    assert len(rows) == measured.answered + measured.failed + measured.dropped
    assert {0} == set(failed["status"])
    assert failed["done_us"].isna().all()
    assert any("Connection refused" in text for text in measured.first_failures)
    assert any("connection lost" in text for text in measured.first_failures)
    if rate_rps is None:
        # 4 users, pauses of 50, 100, 200, ... 1000 ms within 2 s, and what was cut off
        assert measured.failed <= 4 * 10
    else:
        assert 400 == len(rows)
        assert measured.sent <= 20 + 4  # the rest was never sent


def test_a_server_that_comes_back_is_found_again(start_server, driver):
    first = start_server(free_port())
    with driver(first.url, users=2) as load:
        assert load.warm_up(0.3).answered > 0
        first.process.stop(2.0)
        drained = load.warm_up(0.5)
        assert (0, 0) == (drained.answered, drained.in_flight)
        assert drained.failed > 0
        start_server(port=first.port)
        measured = load.measure(2.0)
    assert measured.answered > 0


@pytest.mark.parametrize("rate_rps", [None, 20.0])
def test_a_server_that_hangs_times_out_every_request(start_server, measure, rate_rps):
    server = start_server(delay_s=30.0)
    measured, rows = measure(server.url, 1.0, users=30, rate_rps=rate_rps, timeout_s=0.4)
    assert (0, 0) == (measured.answered, measured.in_flight)
    assert len(rows) == measured.failed == measured.sent > 0
    assert {"timeout"} == set(rows["outcome"])
    assert rows["done_us"].isna().all()
    assert ("GET /pods: no complete answer within 0.4 s",) == measured.first_failures


def test_a_warm_up_that_does_not_drain_in_time_says_how_much_is_under_way(start_server, driver):
    with driver(start_server(delay_s=4.0).url, users=3) as load:
        drained = load.warm_up(0.3)
        assert 3 == drained.in_flight


def test_answers_with_the_wrong_body_are_found_by_the_check(start_server, measure):
    measured, _ = measure(start_server(body='{"code": 200, "result": []}').url, 0.5, users=2)
    assert measured.failed > 0
    complaint = "implausible body: the list is empty though its pods exist"
    assert (f"GET /pods: {complaint}",) == measured.first_failures


def test_a_failure_now_and_then_does_not_silence_the_requests_around_it(measure):
    with Unreliable(every=10) as url:
        measured, rows = measure(url, 2.0, users=20, rate_rps=100.0)
    assert 200 == len(rows) == measured.sent
    assert 20 == measured.failed
    assert 180 == measured.answered


class Unreliable:
    """Hangs up on every n-th request without a word, and answers the others."""

    def __init__(self, every):
        self._every = every
        self._number = 0
        self._lock = threading.Lock()

    def __enter__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with outer._lock:
                    outer._number += 1
                    hang_up = outer._number % outer._every == 0
                if hang_up:
                    self.close_connection = True
                    return
                body = b'{"code": 200, "result": [1]}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
