"""Several workers behind one port: one server to clients, and each counted."""

import json
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest
import urllib3
from prometheus_client.parser import text_string_to_metric_families

from bench.cluster.control_plane import ControlPlane
from bench.cluster.pods import PodKey
from bench.supervision.watchdog import Watchdog
from tests.contract.conftest import RunningServer, StartServer, run_server

WORKERS = 3
SENT = "informer_bench_upstream_requests_total"


def ask(url: str) -> urllib3.BaseHTTPResponse:
    """Send a request over its own connection, so that any worker may accept it."""
    return urllib3.request("GET", url, retries=False, timeout=30, headers={"Connection": "close"})


@pytest.fixture(scope="module")
def began(control_plane: ControlPlane) -> int:
    """The end of the audit log before the group was started."""
    return control_plane.audit_log.stat().st_size


@pytest.fixture(scope="module")
def group(
    began: int,
    control_plane: ControlPlane,
    population: list[PodKey],
    watchdog: Watchdog,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of an informer with several workers."""
    running = run_server(
        "informer",
        "--workers",
        str(WORKERS),
        plane=control_plane,
        watchdog=watchdog,
        logs=tmp_path_factory.mktemp("group"),
    )
    with running.process:
        running.client.wait_for("/readyz", lambda answer: answer.status == 200)
        yield f"http://{running.client.address}"


def started(start_server: StartServer, name: str) -> tuple[RunningServer, str]:
    server = start_server(name, "--workers", str(WORKERS))
    server.client.wait_for("/readyz", lambda answer: answer.status == 200)
    return server, f"http://{server.client.address}"


def sent(url: str, verb: str) -> Counter[str]:
    """Return by worker the number of requests of ``verb`` that the server reports."""
    counted: Counter[str] = Counter()
    for family in text_string_to_metric_families(ask(f"{url}/metrics").data.decode()):
        for sample in family.samples:
            if sample.name == SENT and sample.labels["verb"] == verb:
                counted[sample.labels["worker"]] += int(sample.value)
    return counted


def test_every_worker_of_an_informer_has_its_own_watch_and_user_agent(
    group: str, began: int, control_plane: ControlPlane
) -> None:
    assert {"1": 1, "2": 1, "3": 1} == sent(group, "watch")
    lines = control_plane.audit_log.read_bytes()[began:].splitlines()
    watching = {line["userAgent"] for line in map(json.loads, lines) if line["verb"] == "watch"}
    assert {f"informer-bench-server/1.{worker}" for worker in (1, 2, 3)} <= watching


def test_counters_are_exact_over_all_workers(
    start_server: StartServer, population: list[PodKey]
) -> None:
    _, url = started(start_server, "direct")
    before = sent(url, "list").total()

    assert all(ask(f"{url}/pods").status == 200 for _ in range(20))

    assert 20 == sent(url, "list").total() - before


def test_each_worker_answers_at_its_own_address(group: str) -> None:
    addresses = json.loads(ask(f"{group}/workers").data)["result"]

    bodies = {ask(f"{address}/pods").data for address in addresses}

    assert WORKERS == len(addresses)
    assert {ask(f"{group}/pods").data} == bodies


def test_metrics_name_each_family_once(group: str) -> None:
    lines = ask(f"{group}/metrics").data.decode().splitlines()

    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    assert {"process_cpu_seconds_total", "informer_objects", "reflector_lists_total"} <= {*types}
    assert all("worker=" in line for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("which", [0, 2])
def test_when_one_worker_dies_the_server_ends(start_server: StartServer, which: int) -> None:
    server, _ = started(start_server, "informer")
    workers = sorted(psutil.Process(server.process.pid).children(), key=lambda process: process.pid)
    assert WORKERS == len(workers)

    workers[which].kill()

    assert 5 == server.process.wait(60)
    assert "a worker died" in server.log.read_text()
    assert [] == psutil.wait_procs(workers, timeout=60)[1]


def test_a_server_of_one_worker_lists_no_workers(start_server: StartServer) -> None:
    server = start_server("informer")
    server.client.wait_for("/readyz", lambda answer: answer.status == 200)

    url = f"http://{server.client.address}"

    assert [] == json.loads(ask(f"{url}/workers").data)["result"]
    assert b"worker=" not in ask(f"{url}/metrics").data
