"""Clients as arms, for real: what they are billed for, and what becomes of those that cannot be."""

import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.analysis import analyse
from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import ControlPlane
from bench.cluster.identities import ADMIN
from bench.cluster.objects import CHANGES
from bench.cluster.populated import PopulatedCluster
from bench.model import CaveatKind, Client, Objects, Outcome, Scenario, Trial
from bench.model.plan import OBJECT_PATHS
from bench.plan.kinds import api_path
from bench.probes.observation import Observers
from bench.store import Store
from bench.supervision.watchdog import Watchdog
from bench.sut.registry import ServerKind
from bench.trial.client import readable
from bench.trial.measurements import Measurements
from bench.trial.runner import TrialRunner
from tests.unit.cluster.test_objects import WITH_EXAMPLE
from tests.unit.store.builders import a_plan, a_run

WINDOW_S = 2.0
CHURN = Scenario("churn", pods=20, churn_per_s=10.0, probe=False)
CLIENT = f"{shlex.quote(sys.executable)} -m bench.selftest.clients"
OBJECTS = (
    *(Objects(resource, 8, 500) for resource in OBJECT_PATHS),
    Objects("gadgets.example.com", 8, 500, WITH_EXAMPLE),
)
NODES = "/apis/node.k8s.io/v1/runtimeclasses"


class Meter:
    """A populated cluster on which clients are measured, one after another."""

    def __init__(
        self, cluster: PopulatedCluster[ControlPlane], observers: Observers, watchdog: Watchdog
    ) -> None:
        self._cluster, self._observers, self._watchdog = cluster, observers, watchdog

    def list(self, path: str) -> list[dict]:
        """What the API server holds under ``path``."""
        return self._cluster.plane.api(ADMIN).get(path)["items"]

    def run(
        self,
        folder: Path,
        command: str,
        scenario: Scenario = CHURN,
        *,
        window_s: float = WINDOW_S,
        **given: object,
    ) -> Measurements:
        """Run one trial of the client and return what it left."""
        client = Client("mine", command, **{"quiet_s": 0.5, "ready_timeout_s": 8.0} | given)
        kind = ServerKind.of(client)
        self._cluster.plane.admit(kind.account(readable(OBJECTS)))
        plan = replace(
            a_plan(), servers=("mine",), rounds=1, warmup_s=0.0, duration_s=window_s,
            cooldown_s=0.0, scenarios=(scenario,), control=None, clients=(client,),
            objects=OBJECTS,
        )  # fmt: skip
        return TrialRunner(
            plan,
            Trial(0, scenario.name, "mine", 1),
            cluster=self._cluster,
            observers=self._observers,
            kind=kind,
            watchdog=self._watchdog,
            folder=folder,
            notify=lambda *_: None,
            rate_rps=None,
        ).run()


@pytest.fixture(scope="module")
def meter(binaries: Binaries, watchdog: Watchdog) -> Iterator[Meter]:
    with (
        PopulatedCluster(
            lambda dog: ControlPlane.start(binaries, dog),
            watchdog,
            seed=1,
            pods=20,
            objects=OBJECTS,
        ) as cluster,
        Observers.start(cluster.plane, watchdog) as observers,
    ):
        yield Meter(cluster, observers, watchdog)


def requests(found: Measurements) -> list[str]:
    """Verbs of the client's own requests in the window."""
    begin_s, end_s = found.record.window_begin_epoch_s, found.record.window_end_epoch_s
    own = (row for row in found.audit or () if row.user.endswith(":client-mine"))
    return [row.verb for row in own if begin_s <= row.received_us / 1e6 < end_s]


def kinds(found: Measurements) -> set[CaveatKind]:
    return {one.kind for one in found.record.caveats}


def test_an_informer_is_billed_for_its_start_and_holds_a_watch(meter, tmp_path):
    found = meter.run(tmp_path, f"exec {CLIENT} informers 2")
    record = found.record
    assert (Outcome.OK, None) == (record.outcome, record.failure)
    assert (2, 2, 2) == (record.ready_requests, record.watches_held, len(found.start))
    assert [] == requests(found)
    assert 0 < record.ready_s < 8.0
    assert record.ready_bytes > 20_000  # 20 pods, twice
    assert record.server_pss_peak_bytes >= record.server_pss_ready_bytes > 5_000_000
    assert record.equal_to_list is None


def test_each_watch_that_a_client_holds_is_counted(meter, tmp_path):
    found = meter.run(tmp_path, f"exec {CLIENT} watches 5")
    assert (6, 5) == (found.record.ready_requests, found.record.watches_held)


def test_a_poller_is_never_quiet_and_measured_all_the_same(meter, tmp_path):
    found = meter.run(tmp_path, f"exec {CLIENT} list 0.2", ready_timeout_s=4.0)
    assert Outcome.OK is found.record.outcome
    assert found.record.ready_s is None
    assert CaveatKind.CLIENT_NEVER_QUIET in kinds(found)
    assert abs(len(requests(found)) - found.record.window_s / 0.2) <= 2
    assert 0 == found.record.watches_held


def test_what_rbac_refuses_is_named_with_rules_that_allow_it(meter, tmp_path):
    ask = f"{CLIENT} list 9 {NODES}"
    found = meter.run(tmp_path, f"while true; do {ask} 2>/dev/null; sleep 9; done")
    (text,) = (one.text for one in found.record.caveats if "403" in one.text)
    assert "list runtimeclasses.node.k8s.io (1 times)" in text
    assert (
        '[{"apiGroups": ["node.k8s.io"], "resources": ["runtimeclasses"], "verbs": ["list"]}]'
        in text
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("./no-such-client", "not found"),
        ("echo goodbye >&2", "goodbye"),
        ("exec sleep 60", "it asked the API server nothing"),
        (f"({CLIENT} informers 1 &); exec sleep 60", "left 1 of its processes to themselves"),
    ],
)
def test_a_client_that_cannot_be_billed_fails_and_says_why(meter, tmp_path, command, said):
    found = meter.run(tmp_path, command, ready_timeout_s=8.0 if CLIENT in command else 4.0)
    assert Outcome.FAILED is found.record.outcome
    assert said in found.record.failure


def test_what_a_client_leaves_and_what_ignores_to_be_stopped_is_ended(meter, tmp_path):
    left = f"setsid {CLIENT} informers 1 & trap '' TERM; while true; do sleep 0.2; done"
    meter.run(tmp_path, left)
    words = ["bench.selftest.clients", "informers"]
    running = [one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"])]
    assert [] == [line for line in running if all(word in line for word in words)]


def test_other_kinds_are_there_and_may_be_read_and_change(meter, tmp_path):
    paths = [api_path(objects) for objects in OBJECTS]
    ask = " & ".join(f"{CLIENT} list 9 {path}" for path in paths)
    run = meter.run(tmp_path, f"{ask} & wait")
    assert (Outcome.OK, None) == (run.record.outcome, run.record.failure)
    assert not [one.text for one in run.record.caveats if "403" in one.text]
    for objects, path in zip(OBJECTS, paths, strict=True):
        found = meter.list(path)
        own = [one for one in found if one["metadata"]["name"].startswith("object-")]
        assert objects.count == len(own), path
        assert all(450 < len(json.dumps(one)) < 2500 for one in own), path
        assert any(one["metadata"]["annotations"][CHANGES] != "0" for one in own), path


def test_a_line_that_it_writes_tells_that_a_client_is_ready(meter, tmp_path):
    found = meter.run(tmp_path, "sleep 0.5; echo synced; exec sleep 60", ready_line="synced")
    assert Outcome.OK is found.record.outcome
    assert found.record.ready_s >= 0.5
    assert 0 == found.record.ready_requests


def test_what_a_client_asks_after_a_restart_is_told(meter, tmp_path):
    failing = replace(CHURN, fault="restart", fault_at_s=0.5, fault_s=0.5)
    found = meter.run(tmp_path, f"exec {CLIENT} informers 1", failing, window_s=10.0)
    assert Outcome.OK is found.record.outcome, found.record.failure
    plan = replace(a_plan(), clients=(Client("mine", "", quiet_s=0.5),), servers=("mine",))
    store = Store(tmp_path / "results")
    record = a_run(plan=replace(plan, scenarios=(failing,), rounds=1), trials_planned=1)
    store.create(record).write_trial(
        found.record, audit=found.audit, start=found.start, scrapes=found.scrapes,
        samples=found.samples,
    )  # fmt: skip
    (scenario,) = analyse(store.open(record.run)).scenarios
    arm = scenario.arm("mine")
    assert CaveatKind.FAULT in kinds(found)
    assert arm.figure("recovery_requests").value >= 1
    assert arm.figure("control_plane_cpu").value is None
    assert arm.figure("watches_held").value <= 1  # the one that the killed API server ended is not
