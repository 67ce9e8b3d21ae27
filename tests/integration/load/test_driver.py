"""Driver of the load process: phases in order, and a clean end whatever happens."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from bench.load.driver import LoadFailed
from bench.supervision.groups import read_stat


def test_phases_report_their_progress(start_server, standing_by):
    seen = []
    load = standing_by(start_server(delay_s=0.01).url)
    load.warm_up(1.2, seen.append)
    load.measure(1.2, seen.append)
    assert {"warmup", "measure"} == {progress.phase for progress in seen}
    measuring = [progress for progress in seen if progress.phase == "measure"]
    assert len(measuring) >= 2
    assert {1.2} == {progress.seconds for progress in seen}
    answered = [progress.answered for progress in measuring]
    assert sorted(answered) == answered
    assert measuring[0].rps == pytest.approx(
        measuring[0].answered / measuring[0].elapsed_s, rel=0.1
    )


def test_users_send_nothing_between_phases(start_server, standing_by):
    server = start_server(delay_s=0.01)
    sent = standing_by(server.url).warm_up(0.2).sent
    time.sleep(0.3)
    assert sent == server.count() > 0


def test_an_unknown_route_fails_with_the_load_processes_message(start_server, driver):
    load = driver(start_server().url, route="list-al")
    with pytest.raises(LoadFailed, match=r"exit code 2(.|\n)*did you mean 'list-all'"), load:
        pass
    assert_gone(load)


def test_an_unusable_server_url_fails_likewise(driver):
    load = driver("https://127.0.0.1:1")
    with pytest.raises(LoadFailed, match="not 'https://127"), load:
        pass


def test_a_load_process_killed_in_mid_window_fails_with_its_signal_and_leaves_its_files(
    start_server, driver, tmp_path
):
    with driver(start_server(delay_s=0.01).url) as load:
        measured = load.measure(0.3)

        def kill(_):
            os.kill(load.pid, signal.SIGKILL)

        with pytest.raises(LoadFailed, match="killed by SIGKILL"):
            load.measure(30.0, kill)
        with pytest.raises(LoadFailed, match="killed by SIGKILL"):
            load.measure(1.0)
    folder = tmp_path / "load-0"
    assert folder / "requests.parquet" == Path(measured.requests_file)
    assert {"load.log", "requests.parquet", "load.json"} == {p.name for p in folder.iterdir()}
    assert "measured" in load.log.read_text()


def test_rows_that_cannot_be_written_fail_with_the_reason_and_so_does_a_stopped_driver(
    start_server, driver, tmp_path
):
    with driver(start_server(delay_s=0.01).url) as load:
        (tmp_path / "load-0" / ".requests.parquet.partial").mkdir()
        with pytest.raises(LoadFailed, match="Is a directory"):
            load.measure(0.3)
        load.stop()
        load.stop()
        with pytest.raises(LoadFailed, match="not running"):
            load.warm_up(1.0)


def test_ctrl_c_in_a_phase_ends_the_load_process(start_server, driver):
    server = start_server(delay_s=0.01)
    load = driver(server.url)
    timer = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT])
    pids = []

    def start_timer_once(_):
        if not pids:
            pids.append(load.pid)
            timer.start()

    with pytest.raises(KeyboardInterrupt), load:
        load.measure(60.0, start_timer_once)
    timer.join()
    assert_gone(load, pids[0])
    before = server.count()
    time.sleep(0.3)
    assert before == server.count()


def assert_gone(load, pid=None):
    with pytest.raises(LoadFailed, match="not running"):
        _ = load.pid
    if pid is not None:
        stat = read_stat(pid)
        assert stat is None or not stat.alive
