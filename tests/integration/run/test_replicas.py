"""Several replicas behind one handle: started together, distinguished, none left behind."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from bench.cluster.control_plane import ControlPlane
from bench.model import External
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import ServerKind, server_kinds
from bench.sut.replicas import Replicas
from bench.trial.marks import scrape_servers
from bench.trial.record import UPSTREAM_REQUESTS, total_of

AGENTS = {f"informer-bench-server/{number}" for number in (1, 2, 3)}


def start(
    kind: ServerKind, number: int, plane: ControlPlane, watchdog: Watchdog, folder: Path
) -> Replicas:
    return Replicas.start(ServerSpec.on(plane, kind, folder / "server.log"), number, watchdog)


def test_replicas_share_an_account_and_the_audit_log_distinguishes_them(
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
