"""Each fault on the module's own real control plane: its effect, and the recovery."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.analysis import analyse
from bench.analysis.faults import FaultAnalysis
from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import ControlPlane
from bench.cluster.populated import PopulatedCluster
from bench.faults.too_many_requests import LEVELS, NAME, SCHEMAS
from bench.model import (
    SCHEMA,
    Answer,
    CaveatKind,
    EqualityRecord,
    Outcome,
    Plan,
    RunState,
    Scenario,
    Trial,
)
from bench.probes.observation import Observers
from bench.store import Store
from bench.supervision.watchdog import Watchdog
from bench.sut.registry import server_kinds
from bench.trial.fault import stage
from bench.trial.measurements import Measurements
from bench.trial.runner import TrialRunner
from tests.unit.store.builders import a_run

AT_S, FOR_S = 0.5, 1.0


class Ward:
    """A populated cluster on which faulty trials are run, one after another."""

    def __init__(
        self, cluster: PopulatedCluster[ControlPlane], observers: Observers, watchdog: Watchdog
    ) -> None:
        self.cluster = cluster
        self.plane = cluster.plane
        self._observers = observers
        self._watchdog = watchdog

    def run(
        self, folder: Path, fault: str, server: str, *, replicas: int = 1, window_s: float = 4.0
    ) -> tuple[Measurements, FaultAnalysis]:
        """Run one trial and return its measurements, and the analysis of its fault."""
        scenario = _scenario(fault, replicas)
        plan = Plan("faults", "", 1, (server,), 1, 0.5, window_s, (scenario,), cooldown_s=0.0)
        trial = Trial(0, scenario.name, server, 1)
        measured = TrialRunner(
            plan,
            trial,
            cluster=self.cluster,
            observers=self._observers,
            kind=server_kinds()[server],
            watchdog=self._watchdog,
            folder=folder,
            notify=lambda *_: None,
            rate_rps=scenario.rate_rps,
        ).run()
        assert Outcome.OK is measured.record.outcome, measured.record.failure
        store = Store(folder / "results")
        record = a_run(plan=plan, state=RunState.COMPLETE, trials_planned=1)
        writer = store.create(record)
        writer.write_equality(EqualityRecord(SCHEMA, (server,), "1", (Answer("/pods", True, 1),)))
        writer.write_trial(
            measured.record,
            requests=measured.requests,
            audit=measured.audit,
            scrapes=measured.scrapes,
            observed=measured.observed,
        )
        analysis = analyse(store.open(record.run))
        assert () == analysis.void
        return measured, analysis.faults[0]


def _scenario(fault: str, replicas: int = 1) -> Scenario:
    return Scenario(
        name="failing",
        route="list-all",
        users=64,
        pods=20,
        rate_rps=20.0,
        churn_per_s=10.0,
        replicas=replicas,
        fault=fault,
        fault_at_s=AT_S,
        fault_s=FOR_S,
    )


@pytest.fixture(scope="module")
def ward(binaries: Binaries, watchdog: Watchdog) -> Iterator[Ward]:
    with (
        PopulatedCluster(
            lambda dog: ControlPlane.start(binaries, dog), watchdog, seed=1, pods=20
        ) as cluster,
        Observers.start(cluster.plane, watchdog) as observers,
    ):
        yield Ward(cluster, observers, watchdog)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def flow_control(plane: ControlPlane) -> list[str]:
    """Return the names of our flow-control objects."""
    items = [item for path in (LEVELS, SCHEMAS) for item in plane.api("admin").get(path)["items"]]
    return [name for item in items if (name := item["metadata"]["name"]).startswith(NAME)]


def test_a_frozen_api_server_keeps_its_clients_waiting(ward: Ward, tmp_path: Path) -> None:
    measured, seen = ward.run(tmp_path, "freeze", "direct")
    (trial,) = seen.arms[0].rounds
    assert "the API server was frozen" == measured.record.fault.what
    assert FOR_S <= trial.end_s - trial.begin_s
    assert 0 == trial.answered_meanwhile
    assert trial.answered_late
    assert trial.fresh_s is not None
    assert measured.record.equal_to_list
    assert not is_stopped(ward.plane.apiserver.pid)


def test_an_informer_answers_through_a_restart_and_after_an_emptied_window_reads_everything_again(
    ward: Ward, tmp_path: Path
) -> None:
    before = ward.plane.apiserver.pid
    measured, seen = ward.run(tmp_path, "window-emptied", "informer", replicas=2, window_s=10.0)
    (trial,) = seen.arms[0].rounds
    assert before != ward.plane.apiserver.pid
    assert trial.reads_meanwhile == trial.answered_meanwhile
    assert trial.started_anew_s is not None
    assert trial.begin_s < trial.started_anew_s < trial.end_s
    assert measured.record.apiserver_cpu_s is None
    assert measured.record.equal_to_list
    kinds = {caveat.kind for caveat in measured.record.caveats}
    assert CaveatKind.FAULT in kinds
    assert CaveatKind.API_SERVER_RESTARTED not in kinds
    assert measured.record.fault.note is not None
    # On a busy machine they may try again only when the window is over, and the counts are taken.
    assert {"expired"} >= trial.refills.keys()
    assert trial.fresh_s is None or trial.refills["expired"] in (1, 2)


def test_429_bites_every_new_request_and_leaves_no_object(ward: Ward, tmp_path: Path) -> None:
    measured, seen = ward.run(tmp_path, "too-many-requests", "direct")
    (trial,) = seen.arms[0].rounds
    # A busy machine may send some on only when it is over, and let some in before it sees that.
    assert trial.answered_meanwhile <= 2
    assert trial.answered_meanwhile < trial.failed_meanwhile
    assert measured.audit is not None
    refused = {row.user.rpartition(":")[2] for row in measured.audit if row.code == 429}
    assert {"admin", "direct"} >= refused >= {"direct"}
    assert [] == flow_control(ward.plane)
    assert measured.record.equal_to_list


def test_429_does_not_bite_an_open_watch(ward: Ward, tmp_path: Path) -> None:
    measured, seen = ward.run(tmp_path, "too-many-requests", "informer")
    (trial,) = seen.arms[0].rounds
    assert trial.reads_meanwhile == trial.answered_meanwhile
    assert 0 == trial.requests_meanwhile
    texts = [caveat.text for caveat in measured.record.caveats]
    assert [] == [text for text in texts if "writes of the freshness probe" in text]


@pytest.mark.parametrize("fault", ["freeze", "restart", "too-many-requests"])
def test_an_interrupted_window_ends_its_fault(ward: Ward, fault: str) -> None:
    plane = ward.plane
    before = plane.apiserver.pid

    def broken_off() -> None:
        with stage(_scenario(fault), plane, ("direct",)):
            until = time.monotonic() + 30
            while time.monotonic() < until and not _is_in(plane, fault):
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(30)

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert (fault == "restart") is (before != plane.apiserver.pid)
    assert not is_stopped(plane.apiserver.pid)
    assert plane.api("direct").get("/api/v1/pods?limit=1")["items"]
    assert [] == flow_control(plane)


def _is_in(plane: ControlPlane, fault: str) -> bool:
    if fault == "freeze":
        return is_stopped(plane.apiserver.pid)
    if fault == "restart":
        return plane.apiserver.poll() is not None
    return bool(flow_control(plane))
