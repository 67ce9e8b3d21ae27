"""One load by several processes: whole, evenly shared, on one clock, honest when one dies."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgpack
import pandas as pd
import pytest
import zmq

from bench.load.distributed.messages import Kind
from bench.load.driver import DistributedLoad, LoadFailed, WorkersMissing
from bench.model import Arrivals, LoadWorkers
from tests.integration.load.elsewhere import ROOT, SHIFT_S, ByHand, can_shift_clocks

MASTER = "127.0.0.1"
WAITED_S = 12.0
"""Longer than a worker bears its master's silence, once it has one."""
INTERRUPT_WHILE_LOADING = """
import os, runpy, signal, sys

class Impatient:
    def find_spec(self, name, path, target=None):
        if name == "bench.load.command_loop":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
sys.argv = ["bench.load", "worker", "--master", "127.0.0.1:1"]
runpy.run_module("bench.load", run_name="__main__")
"""
TWO = DistributedLoad(LoadWorkers(here=2))


@pytest.fixture
def by_hand(tmp_path: Path) -> Iterator[Callable[..., ByHand]]:
    """Starts workers by hand; all are ended after the test."""
    workers: list[ByHand] = []

    def start(*options: str, **more: object) -> ByHand:
        workers.append(ByHand(tmp_path / f"by-hand-{len(workers)}.log", *options, **more))
        return workers[-1]

    yield start
    for worker in workers:
        worker.end()


@pytest.fixture
def elsewhere(port: int) -> Callable[..., DistributedLoad]:
    """A load of so many workers from elsewhere, and of some from here."""

    def distributed(count: int, *, here: int = 0, within_s: float = 60.0) -> DistributedLoad:
        return DistributedLoad(LoadWorkers(here, count), MASTER, port, within_s)

    return distributed


def test_malformed_messages_from_a_stranger_are_told_and_change_no_figure(
    start_server, by_hand, elsewhere, driver, port
):
    server = start_server()
    by_hand("--master", f"{MASTER}:{port}", "--name", "far")
    with (
        zmq.Context() as context,
        context.socket(zmq.DEALER) as stranger,
        driver(server.url, users=4, distributed=elsewhere(1)) as load,
    ):
        stranger.connect(f"tcp://{MASTER}:{port}")
        for kind in (Kind.HELLO, Kind.PROGRESS, Kind.ROWS, Kind.OVER, "stats"):
            stranger.send(msgpack.dumps((kind, 7, "far")))
        stranger.send(b"\xc1")
        stranger.send_multipart([b"one", b"two", b"three"])
        measured = load.measure(1.5)
    assert measured.sent == server.count() == measured.answered
    assert measured.malformed >= 3
    assert "no load worker of this run" in measured.first_malformed


def test_a_closed_window_of_two_workers_is_whole_and_shared_and_they_end_with_their_load(
    start_server, driver
):
    replicas = [start_server(), start_server()]
    with driver(*(each.url for each in replicas), users=6, distributed=TWO) as load:
        pids = load.worker_pids.values()
        drained = load.warm_up(0.5)
        warm = [each.count() for each in replicas]
        assert drained.answered == sum(warm) > 0
        measured = load.measure(1.0)
    assert [] == [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    asked = [each.count() - before for each, before in zip(replicas, warm, strict=True)]
    assert min(asked) > 0
    rows = pd.read_parquet(measured.requests_file)
    assert measured.sent == sum(asked) == len(rows) == measured.answered
    assert (0, 0, 0) == (measured.failed, measured.dropped, measured.in_flight)
    assert ["worker-1", "worker-2"] == [worker.name for worker in measured.workers]
    by_worker = rows.groupby("worker").size()
    assert [by_worker[each.name] for each in measured.workers] == [
        each.sent for each in measured.workers
    ]
    assert rows["intended_us"].between(0, 1e6, inclusive="left").all()
    assert len(rows) == pytest.approx(measured.achieved_rps)
    assert measured.cpu_share == max(each.cpu_share for each in measured.workers)


@pytest.mark.parametrize(
    "arrivals", [Arrivals.POISSON, pytest.param(Arrivals.CONSTANT, marks=pytest.mark.soak)]
)
def test_workers_make_the_very_arrivals_that_one_process_makes(start_server, measure, arrivals):
    url = start_server().url
    load = {"users": 60, "rate_rps": 60.0, "arrivals": arrivals, "seed": 3}
    load["route"] = "dashboard-mix"
    _, alone = measure(url, 1.5, **load)
    measured, together = measure(url, 1.5, **load, distributed=TWO)
    assert alone["intended_us"].tolist() == together["intended_us"].tolist()
    assert alone["route"].tolist() == together["route"].tolist()
    assert {"worker-1", "worker-2"} == set(together["worker"])
    assert 1 >= abs(measured.workers[0].sent - measured.workers[1].sent)
    assert ["worker-1", "worker-2"] * (len(together) // 2) == together["worker"].tolist()[
        : len(together) // 2 * 2
    ]


def test_workers_ask_each_replica_its_share_of_the_rate(start_server, driver):
    replicas = [start_server(), start_server()]
    urls = [server.url for server in replicas]
    with driver(*urls, users=60, rate_rps=60.0, distributed=TWO) as load:
        measured = load.measure(1.0)
    assert [30, 30] == [server.count() for server in replicas]
    assert 60 == measured.sent


def test_workers_with_addresses_and_clocks_of_their_own(start_server, driver, by_hand, elsewhere):
    """The rows are whole, and stand in one order, though one clock is far ahead."""
    if not can_shift_clocks():
        pytest.skip("making a time namespace needs the right to: run as root")
    server = start_server()
    distributed = elsewhere(2)
    at = f"{MASTER}:{distributed.port}"
    first = by_hand("--master", at, "--name", "alpha", "--from", "127.0.0.2")
    ahead = by_hand("--master", at, "--name", "beta", "--from", "127.0.0.3", shifted=True)
    with driver(server.url, users=40, rate_rps=40.0, distributed=distributed) as load:
        load.warm_up(0.5)
        asked = server.count()
        measured = load.measure(2.0)
        assert measured.sent == server.count() - asked == 80
    rows = pd.read_parquet(measured.requests_file).sort_values("intended_us", ignore_index=True)
    assert list(range(0, 2_000_000, 25_000)) == rows["intended_us"].tolist()
    assert ["alpha", "beta"] * 40 == rows["worker"].tolist()
    assert {"127.0.0.2": 40, "127.0.0.3": 40} == asked_from(server, since=asked)
    alpha, beta = measured.workers
    assert abs(alpha.clock_offset_us) <= alpha.clock_uncertainty_us
    assert abs(beta.clock_offset_us - SHIFT_S * 1_000_000) <= beta.clock_uncertainty_us
    assert 0 < beta.clock_uncertainty_us < 1_000_000
    assert "joined as alpha" in first.said
    assert "joined as beta" in ahead.said


def test_a_worker_joins_one_load_after_the_other(start_server, driver, by_hand, elsewhere):
    server, distributed = start_server(), elsewhere(1, here=1)
    worker = by_hand("--master", f"{MASTER}:{distributed.port}", "--from", "127.0.0.4")
    time.sleep(WAITED_S)
    for _ in range(2):
        with driver(server.url, distributed=distributed) as load:
            measured = load.measure(0.3)
            assert ["worker-1", "elsewhere-1"] == [each.name for each in measured.workers]
    assert 2 == worker.said.count("joined as elsewhere-1, 2 of 2")
    assert "gone" not in worker.said
    assert "Error" not in worker.said


def test_a_worker_killed_in_mid_window_fails_the_load_by_name(start_server, driver):
    with driver(start_server().url, distributed=TWO) as load:

        def kill(_: object) -> None:
            os.kill(load.worker_pids["worker-2"], signal.SIGKILL)

        with pytest.raises(LoadFailed, match="worker-2 was killed by SIGKILL"):
            load.measure(30.0, kill)


@pytest.mark.parametrize(
    "end",
    [ByHand.kill, lambda worker: worker.process.terminate()],
    ids=["killed", "leaves in order"],
)
def test_a_worker_elsewhere_that_ends_in_mid_window_fails_the_load_by_name(
    start_server, driver, by_hand, elsewhere, end
):
    distributed = elsewhere(1, here=1)
    worker = by_hand("--master", f"{MASTER}:{distributed.port}", "--name", "gamma")
    gone = pytest.raises(LoadFailed, match="the load worker gamma is gone")
    with driver(start_server().url, distributed=distributed) as load, gone:
        load.measure(60.0, lambda _: end(worker))
    assert 0 != worker.process.wait(60)


def test_a_worker_of_another_version_is_refused_by_name(
    start_server, driver, by_hand, elsewhere, tmp_path
):
    other = tmp_path / "other"
    shutil.copytree(ROOT / "bench", other / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "bench" / "load" / "pacing.py").open("a") as file:
        file.write("# of another version\n")
    distributed = elsewhere(1, within_s=8.0)
    worker = by_hand("--master", f"{MASTER}:{distributed.port}", "--name", "old", root=other)
    with (
        pytest.raises(WorkersMissing, match=r"0 of 1 (.|\n)*old was refused: it is of another ver"),
        driver(start_server().url, distributed=distributed),
    ):
        pass
    assert 3 == worker.process.wait(60)
    assert "refused: it is of another version: sources" in worker.said


def test_workers_that_do_not_come_fail_the_load_after_its_bound(start_server, driver, elsewhere):
    distributed = elsewhere(2, here=1, within_s=6.0)
    way_out = (
        rf"1 of 3 (.|\n)*worker-1(.|\n)*2 from elsewhere(.|\n)*--master {MASTER}:{distributed.port}"
    )
    with (
        pytest.raises(WorkersMissing, match=way_out),
        driver(start_server().url, distributed=distributed),
    ):
        pass


def test_a_worker_ends_when_no_master_comes(by_hand, port):
    worker = by_hand("--master", f"{MASTER}:{port}", "--wait-s", "0.5")
    assert 4 == worker.process.wait(30)
    assert f"no master listens on {MASTER} port {port}" in worker.said


def test_a_worker_at_an_address_of_another_program_says_so_and_can_be_ended(by_hand):
    with socket.create_server((MASTER, 0)) as other:
        port = other.getsockname()[1]
        worker = by_hand("--master", f"{MASTER}:{port}")
        deadline = time.monotonic() + 120
        while "has not answered within" not in worker.said:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert f"what listens on {MASTER} port {port}" in worker.said
        worker.process.send_signal(signal.SIGTERM)
        assert 128 + signal.SIGTERM == worker.process.wait(60)
    assert "Traceback" not in worker.said


def test_ctrl_c_while_a_worker_loads_ends_it_without_a_traceback():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT_WHILE_LOADING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (-signal.SIGINT, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_waits_ends_when_it_is_told_to(by_hand, port, number):
    worker = by_hand("--master", f"{MASTER}:{port}")
    deadline = time.monotonic() + 60
    while "waiting for a master" not in worker.said:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker.process.send_signal(number)
    if number is signal.SIGINT:  # a terminal sends it to all of its processes
        os.killpg(worker.process.pid, number)
    assert 128 + number == worker.process.wait(60)


def asked_from(server, *, since: int) -> dict[str, int]:
    """Return the requests after number ``since`` by the address that they came from."""
    counts: dict[str, int] = {}
    for address in server.addresses()[since:]:
        counts[address] = counts.get(address, 0) + 1
    return counts
