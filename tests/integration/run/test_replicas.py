"""Several replicas behind one handle: started together, told apart, none left behind."""

import json
import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from bench.analysis import RunAnalysis, analyse
from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import ControlPlane
from bench.model import PROBE_NAME, CaveatKind, External, Outcome
from bench.store import RunReader, Store
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import ServerKind, server_kinds
from bench.sut.replicas import Replicas
from bench.trial.marks import scrape_servers
from bench.trial.record import UPSTREAM_REQUESTS, total_of
from tests.integration.run.bench_process import TINY, BenchProcess, folders

AGENTS = {f"informer-bench-server/{number}" for number in (1, 2, 3)}


def start(
    kind: ServerKind, number: int, plane: ControlPlane, watchdog: Watchdog, folder: Path
) -> Replicas:
    return Replicas.start(ServerSpec.on(plane, kind, folder / "server.log"), number, watchdog)


def test_replicas_share_an_account_and_the_audit_log_tells_them_apart(
    control_plane: ControlPlane, watchdog: Watchdog, tmp_path: Path
) -> None:
    began = control_plane.audit_log.stat().st_size
    with start(server_kinds()["informer"], 3, control_plane, watchdog, tmp_path) as replicas:
        scrapes = scrape_servers([*replicas], "ready")
        assert 3 == len(set(replicas.urls)) == len(set(replicas.pids))
        first_s, last_s = replicas.ready_s
        assert 0 < first_s <= last_s

    lines = control_plane.audit_log.read_bytes()[began:].splitlines()
    watches = [line for line in map(json.loads, lines) if line["verb"] == "watch"]
    agents = {
        line["userAgent"] for line in watches if line["user"]["username"].endswith(":informer")
    }
    assert AGENTS == agents
    opened = [row for row in scrapes if row.name == UPSTREAM_REQUESTS and "watch" in row.labels]
    assert {'replica="1"', 'replica="2"', 'replica="3"'} == {
        part for row in opened for part in row.labels.split(",") if "replica" in part
    }
    assert 3 <= (total_of(scrapes, UPSTREAM_REQUESTS, "ready") or 0)


def check_until_it_fails(replicas: Replicas) -> None:
    while True:
        replicas.check()
        time.sleep(0.02)


def test_a_replica_that_dies_is_noticed_and_named(
    control_plane: ControlPlane, watchdog: Watchdog, tmp_path: Path
) -> None:
    with start(server_kinds()["direct"], 2, control_plane, watchdog, tmp_path) as replicas:
        replicas.check()
        os.kill(replicas.pids[1], signal.SIGKILL)
        with pytest.raises(ProcessFailed, match="server direct, replica 2"):
            check_until_it_fails(replicas)


def test_when_one_replica_does_not_become_ready_none_is_left(
    control_plane: ControlPlane, watchdog: Watchdog, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    command = f'echo $$ >> {pids}; [ "$REPLICA" = 2 ] && exit 7; exec sleep 60'
    kind = ServerKind.of(External("theirs", command, ready_timeout_s=20))

    with pytest.raises(ProcessFailed, match="server theirs, replica 2 ended with exit code 7"):
        start(kind, 3, control_plane, watchdog, tmp_path)

    assert all(not Path(f"/proc/{pid}").exists() for pid in pids.read_text().split())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> BenchProcess:
    folder = tmp_path_factory.mktemp("trio")
    several = TINY.replace("users = 2", "users = 6\nreplicas = 3")
    assert several != TINY
    (folder / "trio.toml").write_text(several)
    process = BenchProcess(folder, ("run", str(folder / "trio.toml"), *folders(folder)), binaries)
    process.ends(0)
    return process


@pytest.fixture(scope="module")
def run(finished: BenchProcess) -> RunReader:
    reader = Store(finished.results).open("latest")
    assert [Outcome.OK] * 3 == [record.outcome for record in reader.trials()]
    return reader


@pytest.fixture(scope="module")
def analysis(run: RunReader) -> RunAnalysis:
    return analyse(run)


def of_account(run: RunReader, server: str) -> pd.DataFrame:
    """The rows of the server's account, those for the probe's pod apart."""
    (record,) = [each for each in run.trials() if each.trial.server == server]
    audit = run.audit(record.trial)
    return audit[audit["user"].str.endswith(f":{server}") & (audit["name"] != PROBE_NAME)]


def test_in_a_run_each_replica_of_direct_asked_and_together_they_are_the_account(
    run: RunReader, analysis: RunAnalysis
) -> None:
    rows = of_account(run, "direct")
    (record,) = [each for each in run.trials() if each.trial.server == "direct"]
    lists = rows[(rows["verb"] == "list") & (rows["resource"] == "pods")]
    assert record.sent == len(lists)
    by_agent = lists["user_agent"].value_counts()
    assert AGENTS == set(by_agent.index)
    assert (by_agent > 0).all()

    (line,) = [line for line in analysis.trials if line.server == "direct"]
    assert line.ledgers is not None
    assert {} == line.ledgers.other_agents
    replicas = [one for one in analysis.replica_requests if one.server == "direct"]
    counted = {f"informer-bench-server/{one.replica}": one.lists + one.gets for one in replicas}
    assert by_agent.to_dict() == counted
    assert line.ledgers.pod_reads == sum(counted.values())
    assert [True] * 3 == [one.agree for one in replicas], "own counts are the audit log's"


def test_in_a_run_each_replica_of_the_informer_watches_and_asks_nothing_more(
    run: RunReader, analysis: RunAnalysis
) -> None:
    assert of_account(run, "informer").empty
    (record,) = [each for each in run.trials() if each.trial.server == "informer"]
    assert dict.fromkeys(AGENTS, 1) == record.watches_before
    replicas = [one for one in analysis.replica_requests if one.server == "informer"]
    assert [(0, 0, 1)] * 3 == [(one.lists, one.gets, one.watches_since_start) for one in replicas]


def test_a_run_whose_replicas_all_asked_has_nothing_to_say_of_them(
    finished: BenchProcess, analysis: RunAnalysis
) -> None:
    kinds = {caveat.kind for caveat in analysis.caveats}
    assert CaveatKind.REPLICAS_NOT_AS_PLANNED not in kinds
    assert CaveatKind.LEDGERS_DISAGREE not in kinds
    (page,) = finished.reports.glob("*/index.html")
    assert 2 == page.read_text().count("each of them, and nobody else")
    (table,) = finished.reports.glob("*/data/replica-requests.csv")
    rows = pd.read_csv(table)
    assert [1, 2, 3] * 2 == rows["replica"].tolist()
    assert (rows["audit_log"] == rows["own_count"]).all()
    assert (rows["lists"] + rows["watches_since_start"] > 0).all()
