"""Freshness probe and bystander on a real control plane, reading from servers under test."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import ControlPlane
from bench.probes.audit import AuditLog, AuditRow
from bench.probes.observation import Observers, Seen
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog
from bench.sut.launch import ServerSpec
from bench.sut.registry import server_kinds
from bench.sut.server import ServerUnderTest

SECONDS = 1.5


@pytest.fixture(scope="module")
def plane(binaries: Binaries, watchdog: Watchdog) -> Iterator[ControlPlane]:
    with ControlPlane.start(binaries, watchdog) as started:
        yield started


@pytest.fixture(scope="module")
def observers(plane: ControlPlane, watchdog: Watchdog) -> Iterator[Observers]:
    """Observers for all tests; the last test kills the probe."""
    with Observers.start(plane, watchdog) as started:
        yield started


def observe(observers: Observers, server: str | None = None, seed: str = "a") -> tuple[Seen, Seen]:
    """Return the data of the freshness probe and of the bystander."""
    observers.resume(server, seed=seed)
    time.sleep(SECONDS)
    seen = observers.pause()
    return seen["freshness"], seen["bystander"]


@dataclass
class Alone:
    """Data of both without a server, and their requests: meanwhile, and once paused."""

    probe: Seen
    bystander: Seen
    requests: dict[str, list[AuditRow]]
    requests_later: dict[str, list[AuditRow]]


@pytest.fixture(scope="module")
def alone(observers: Observers, plane: ControlPlane) -> Alone:
    audit = AuditLog(plane.audit_log)
    begin = audit.size()
    probe, bystander = observe(observers)
    paused = audit.size()
    time.sleep(1.0)
    rows, later = audit.rows(begin, paused), audit.rows(paused, audit.size())
    audit.close()
    return Alone(probe, bystander, users(rows), users(later))


def users(rows: list[AuditRow]) -> dict[str, list[AuditRow]]:
    """Return the rows of each user; the API server itself sends requests too."""
    by_user: dict[str, list[AuditRow]] = {}
    for row in rows:
        by_user.setdefault(row.user.rpartition(":")[2], []).append(row)
    return by_user


@pytest.mark.parametrize("name", ["direct", "informer"])
def test_every_write_is_seen_through_a_server_within_its_bounds(
    observers: Observers, plane: ControlPlane, watchdog: Watchdog, tmp_path: Path, name: str
) -> None:
    log = tmp_path / "server.log"
    spec = ServerSpec.on(plane, server_kinds()[name], log)
    with ServerUnderTest.start(spec, watchdog) as server:
        probe, _ = observe(observers, server.url)
    assert probe.rows
    assert probe.reads >= len(probe.rows)
    for row in probe.rows:
        assert row.first_sent_us is not None
        assert row.fresh_done_us is not None
        assert row.acked_us <= row.first_sent_us < row.fresh_done_us
        assert row.first_stale is (row.stale_sent_us is not None)
        assert (row.event_us is not None) is (name == "informer")


def test_without_a_server_the_same_is_written_and_nothing_read(alone: Alone) -> None:
    assert 0 == alone.probe.reads
    assert alone.probe.rows
    assert {None} == {row.fresh_done_us for row in alone.probe.rows}
    assert {"ok"} == {row.outcome for row in alone.bystander.rows}


def test_each_has_its_own_identity_in_the_audit_log(alone: Alone) -> None:
    requests = alone.requests
    assert {("patch", "pods", 200)} == {
        (row.verb, row.resource, row.code) for row in requests["probe"]
    }
    assert {("get", "configmaps", 200)} == {
        (row.verb, row.resource, row.code) for row in requests["bystander"]
    }
    assert len(alone.probe.rows) == len(requests["probe"])
    assert len(alone.bystander.rows) == len(requests["bystander"])


def test_once_paused_neither_sends_requests_to_the_api_server(alone: Alone) -> None:
    assert not {"probe", "bystander"} & alone.requests_later.keys()


def test_a_server_that_answers_nothing_is_no_fresh_one(observers: Observers) -> None:
    probe, bystander = observe(observers, "http://127.0.0.1:9")
    assert probe.reads > len(probe.rows) > 0
    assert {(None, None)} == {(row.first_stale, row.fresh_done_us) for row in probe.rows}
    assert 0 == probe.in_flight == bystander.in_flight


def test_equal_seeds_write_at_equal_moments(observers: Observers, alone: Alone) -> None:
    def starts(bystander: Seen) -> list[int]:
        intended = sorted(row.intended_us for row in bystander.rows)
        # in tens of microseconds: a row's moment is rounded to one
        return [round(at - intended[0], -1) // 10 for at in intended[:10]]

    first = starts(alone.bystander)
    assert first == starts(observe(observers, seed="a")[1])
    assert first != starts(observe(observers, seed="b")[1])


def test_a_probe_that_died_is_named(observers: Observers) -> None:
    observers.resume(None, seed="a")
    os.kill(observers.pids["probe"], signal.SIGKILL)
    with pytest.raises(ProcessFailed, match="probe was killed by SIGKILL"):
        observers.pause()
