"""One load by several processes: complete, evenly shared, on one clock, and failed if one dies."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgpack
import pandas as pd
import pytest
import zmq

from bench.load.distributed.messages import Kind
from bench.load.driver import DistributedLoad, LoadFailed, WorkersMissing
from bench.model import Arrivals, LoadWorkers
from tests.integration.load.conftest import free_port, rows_of
from tests.integration.load.elsewhere import ROOT, SHIFT_S, ByHand, can_shift_clocks

MASTER = "127.0.0.1"
WAITED_S = 12.0
"""Longer than a worker tolerates the silence of its master."""
INTERRUPT_WHILE_LOADING = """
import os, runpy, signal, sys

class Impatient:
    def find_spec(self, name, path, target=None):
        if name == "bench.load.distributed.worker":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
sys.argv = ["bench.load", "worker", "--master", "127.0.0.1:1", "--once"]
runpy.run_module("bench.load", run_name="__main__")
"""
TWO = DistributedLoad(LoadWorkers(here=2))


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ByHand]]:
    """Starts workers by hand; all are ended after the last test."""
    folder = tmp_path_factory.mktemp("by-hand")
    workers: list[ByHand] = []

    def start(*options: str, **more: object) -> ByHand:
        workers.append(ByHand(folder / f"by-hand-{len(workers)}.log", *options, **more))
        return workers[-1]

    yield start
    for worker in workers:
        worker.end()


@pytest.fixture(scope="module", autouse=True)
def waiting_since_long(by_hand) -> tuple[ByHand, int, float]:
    """A worker without a name, the port of its later master, and the start of its wait."""
    port = free_port()
    worker = by_hand("--master", f"{MASTER}:{port}", "--from", "127.0.0.4")
    return worker, port, time.monotonic()


@pytest.fixture(scope="module", autouse=True)
def with_a_stranger(by_hand) -> Iterator[tuple[ByHand, int]]:
    """A worker at the port of a silent program, which it tolerates for a while."""
    with socket.create_server((MASTER, 0)) as other:
        port = other.getsockname()[1]
        yield by_hand("--master", f"{MASTER}:{port}"), port


@pytest.fixture
def elsewhere(port: int) -> Callable[..., DistributedLoad]:
    """Makes loads of ``count`` workers from elsewhere, and of some from here."""

    def distributed(count: int, *, here: int = 0, within_s: float = 60.0) -> DistributedLoad:
        return DistributedLoad(LoadWorkers(here, count), MASTER, port, within_s)

    return distributed


def test_a_closed_window_of_two_workers_is_complete_and_shared_and_a_killed_worker_is_named(
    start_server, driver
):
    replicas = [start_server(delay_s=0.01), start_server(delay_s=0.01)]
    with driver(*(replica.url for replica in replicas), users=6, distributed=TWO) as load:
        drained = load.warm_up(0.3)
        warm = [replica.count() for replica in replicas]
        assert drained.answered == sum(warm) > 0
        measured = load.measure(1.0)
        rows = pd.read_parquet(measured.requests_file)
        asked = [replica.count() - before for replica, before in zip(replicas, warm, strict=True)]

        def kill(_: object) -> None:
            os.kill(load.worker_pids["worker-2"], signal.SIGKILL)

        with pytest.raises(LoadFailed, match="worker-2 was killed by SIGKILL"):
            load.measure(30.0, kill)
    assert min(asked) > 0
    assert measured.sent == sum(asked) == len(rows) == measured.answered
    assert (0, 0, 0) == (measured.failed, measured.dropped, measured.in_flight)
    assert ["worker-1", "worker-2"] == [worker.name for worker in measured.workers]
    by_worker = rows.groupby("worker").size()
    assert [by_worker[worker.name] for worker in measured.workers] == [
        worker.sent for worker in measured.workers
    ]
    assert rows["intended_us"].between(0, 1e6, inclusive="left").all()
    assert len(rows) == pytest.approx(measured.achieved_rps)
    assert measured.cpu_share == max(worker.cpu_share for worker in measured.workers)


@pytest.mark.parametrize(
    "arrivals", [Arrivals.POISSON, pytest.param(Arrivals.CONSTANT, marks=pytest.mark.soak)]
)
def test_workers_make_the_same_arrivals_as_one_process_and_end_with_their_load(
    start_server, driver, arrivals
):
    replicas = [start_server(), start_server()]
    load = {"users": 60, "rate_rps": 60.0, "arrivals": arrivals, "seed": 3}
    load["route"] = "dashboard-mix"
    seen, asked = [], []
    urls = [replica.url for replica in replicas]
    for distributed in (None, TWO):
        with driver(*urls, **load, distributed=distributed) as running:
            measured = running.measure(1.0)
            pids = [running.pid, *running.worker_pids.values()]
        assert [] == [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        seen.append(rows_of(measured))
        asked.append([replica.count() for replica in replicas])
    alone, together = seen
    assert alone["intended_us"].tolist() == together["intended_us"].tolist()
    assert alone["route"].tolist() == together["route"].tolist()
    assert {"worker-1", "worker-2"} == set(together["worker"])
    assert 1 >= abs(measured.workers[0].sent - measured.workers[1].sent)
    assert ["worker-1", "worker-2"] * (len(together) // 2) == together["worker"].tolist()[
        : len(together) // 2 * 2
    ]
    # each replica gets its share of the rate, whichever process asks
    assert measured.sent == len(together) == len(alone) == sum(asked[0])
    assert [2 * count for count in asked[0]] == asked[1]
    assert 1 >= abs(asked[0][0] - asked[0][1])


def test_workers_with_their_own_addresses_and_clocks(start_server, driver, by_hand, elsewhere):
    """The rows are complete and in one order, though one clock is far ahead."""
    if not can_shift_clocks():
        pytest.skip("making a time namespace needs the right to: run as root")
    server = start_server()
    distributed = elsewhere(2)
    master = f"{MASTER}:{distributed.port}"
    first = by_hand("--master", master, "--name", "alpha", "--from", "127.0.0.2")
    ahead = by_hand("--master", master, "--name", "beta", "--from", "127.0.0.3", shifted=True)
    with driver(server.url, users=40, rate_rps=40.0, distributed=distributed) as load:
        load.warm_up(0.5)
        asked = server.count()
        measured = load.measure(1.0)
        rows = rows_of(measured)
        assert measured.sent == server.count() - asked == 40
        addresses = server.addresses()[asked:]
        with pytest.raises(LoadFailed, match="the load worker alpha is gone"):
            load.measure(60.0, lambda _: first.kill())
    assert list(range(0, 1_000_000, 25_000)) == rows["intended_us"].tolist()
    assert ["alpha", "beta"] * 20 == rows["worker"].tolist()
    assert {"127.0.0.2": 20, "127.0.0.3": 20} == Counter(addresses)
    alpha, beta = measured.workers
    assert abs(alpha.clock_offset_us) <= alpha.clock_uncertainty_us
    assert abs(beta.clock_offset_us - SHIFT_S * 1_000_000) <= beta.clock_uncertainty_us
    assert 0 < beta.clock_uncertainty_us < 1_000_000
    assert "joined as alpha" in first.output
    assert "joined as beta" in ahead.output


def test_missing_workers_fail_the_load_after_its_bound_and_one_of_another_version_is_refused(
    start_server, driver, by_hand, elsewhere, tmp_path
):
    other = tmp_path / "other"
    shutil.copytree(ROOT / "bench", other / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "bench" / "load" / "pacing.py").open("a") as file:
        file.write("# of another version\n")
    distributed = elsewhere(2, here=1, within_s=8.0)
    worker = by_hand("--master", f"{MASTER}:{distributed.port}", "--name", "old", root=other)
    wait_for_output(worker, "waiting for a master")
    way_out = rf"1 of 3 (.|\n)*worker-1(.|\n)*2 from elsewhere(.|\n)*--master {MASTER}:"
    with (
        pytest.raises(WorkersMissing, match=f"{way_out}{distributed.port}") as missing,
        driver(start_server().url, distributed=distributed),
    ):
        pass
    assert "old was refused: it is of another ver" in str(missing.value)
    assert 3 == worker.process.wait(60)
    assert "refused: it is of another version: sources" in worker.output


def test_a_worker_ends_when_no_master_comes(by_hand, port):
    worker = by_hand("--master", f"{MASTER}:{port}", "--wait-s", "0.5")
    assert 4 == worker.process.wait(60)
    assert f"no master listens on {MASTER} port {port}" in worker.output


def test_ctrl_c_while_a_worker_imports_ends_it_without_a_traceback():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT_WHILE_LOADING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (-signal.SIGINT, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_waiting_worker_ends_on_a_signal(by_hand, port, number):
    worker = by_hand("--master", f"{MASTER}:{port}")
    wait_for_output(worker, "waiting for a master")
    worker.process.send_signal(number)
    if number is signal.SIGINT:  # a terminal sends it to all of its processes
        os.killpg(worker.process.pid, number)
    assert 128 + number == worker.process.wait(60)


def test_a_worker_joins_one_load_after_the_other_despite_a_strangers_messages(
    start_server, driver, waiting_since_long
):
    server = start_server(delay_s=0.01)
    worker, port, since = waiting_since_long
    time.sleep(max(0.0, since + WAITED_S - time.monotonic()))
    distributed = DistributedLoad(LoadWorkers(1, 1), MASTER, port)
    with (
        zmq.Context() as context,
        context.socket(zmq.DEALER) as stranger,
        driver(server.url, users=4, distributed=distributed) as load,
    ):
        stranger.connect(f"tcp://{MASTER}:{port}")
        for kind in (Kind.HELLO, Kind.PROGRESS, Kind.ROWS, Kind.OVER, "stats"):
            stranger.send(msgpack.dumps((kind, 7, "elsewhere-1")))
        stranger.send(b"\xc1")
        stranger.send_multipart([b"one", b"two", b"three"])
        measured = load.measure(1.0)
    assert measured.sent == server.count() == measured.answered
    assert measured.malformed >= 3
    assert "no load worker of this run" in measured.first_malformed
    assert ["worker-1", "elsewhere-1"] == [worker.name for worker in measured.workers]
    gone = pytest.raises(LoadFailed, match="the load worker elsewhere-1 is gone")
    with driver(server.url, distributed=distributed) as load:
        again = load.measure(0.3)
        with gone:
            load.measure(60.0, lambda _: worker.process.terminate())
    assert ["worker-1", "elsewhere-1"] == [member.name for member in again.workers]
    assert 128 + signal.SIGTERM == worker.process.wait(60)
    assert 2 == worker.output.count("joined as elsewhere-1, 2 of 2")
    assert "gone" not in worker.output
    assert "Error" not in worker.output


def test_a_worker_at_an_address_of_another_program_reports_it_and_can_be_ended(with_a_stranger):
    worker, port = with_a_stranger
    wait_for_output(worker, "has not answered within")
    assert f"what listens on {MASTER} port {port}" in worker.output
    worker.process.send_signal(signal.SIGTERM)
    assert 128 + signal.SIGTERM == worker.process.wait(60)
    assert "Traceback" not in worker.output


def wait_for_output(worker: ByHand, text: str) -> None:
    deadline = time.monotonic() + 120
    while text not in worker.output:
        assert time.monotonic() < deadline, worker.output
        time.sleep(0.05)
