"""Clients as arms, on a real cluster: their bills, and the failures of those without one."""

import json
import os
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
from bench.supervision.affinity import processors
from bench.supervision.watchdog import Watchdog
from bench.sut import server
from bench.sut.registry import ServerKind
from bench.trial import runner
from bench.trial.client import readable
from bench.trial.measurements import Measurements
from bench.trial.runner import Notify, TrialRunner
from tests.unit.cluster.test_objects import WITH_EXAMPLE
from tests.unit.store.builders import a_plan, a_run

WINDOW_S = 2.0
CHURN = Scenario("churn", pods=20, churn_per_s=10.0, probe=False)
CLIENT = f"{shlex.quote(sys.executable)} -m bench.selftest.clients"
OBJECTS = (
    *(Objects(resource, 8, 500) for resource in OBJECT_PATHS),
    Objects("gadgets.example.com", 8, 500, WITH_EXAMPLE),
)
NOT_ALLOWED = "/apis/node.k8s.io/v1/runtimeclasses"
SEVERAL = """exec "$PYTHON" -c '
import threading
from bench.selftest.clients import LIST, informers, watches
threading.Thread(target=watches, args=(5, LIST)).start()
informers(2, LIST)'
"""
"""A client that holds two informers and five watches more."""
EACH_ONCE = """exec "$PYTHON" -c '
import sys, time
from contextlib import suppress
from bench.cluster.api import ApiError
from bench.selftest.clients import _api
api = _api()
for path in sys.argv[1:]:
    with suppress(ApiError):
        api.get(path)
time.sleep(60)'
"""
"""A client that lists each of the paths behind it once."""


class Meter:
    """A populated cluster on which clients are measured, one after another."""

    def __init__(self, cluster: PopulatedCluster[ControlPlane], watchdog: Watchdog) -> None:
        self._cluster, self._watchdog = cluster, watchdog

    def observers(self) -> Observers:
        """Start observers of the cluster."""
        return Observers.start(self._cluster.plane, self._watchdog)

    @property
    def churn_pid(self) -> int:
        """Id of the churn writer's process."""
        return self._cluster.churn.pid

    def list(self, path: str) -> list[dict]:
        """Return the API server's objects under ``path``."""
        return self._cluster.plane.api(ADMIN).get(path)["items"]

    def run(
        self,
        folder: Path,
        command: str,
        scenario: Scenario = CHURN,
        *,
        window_s: float = WINDOW_S,
        observers: Observers | None = None,
        notify: Notify = lambda *_: None,
        **given: object,
    ) -> Measurements:
        """Run one trial of the client and return its measurements."""
        client = Client("mine", command, **{"quiet_s": 0.5, "ready_timeout_s": 30.0} | given)
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
            observers=observers or Observers({}),
            kind=kind,
            watchdog=self._watchdog,
            folder=folder,
            notify=notify,
            rate_rps=None,
        ).run()


@pytest.fixture(scope="module")
def meter(binaries: Binaries, watchdog: Watchdog) -> Iterator[Meter]:
    def start(dog: Watchdog) -> ControlPlane:
        return ControlPlane.start(binaries, dog)

    with (
        pytest.MonkeyPatch.context() as patched,
        PopulatedCluster(start, watchdog, seed=1, pods=20, objects=OBJECTS) as cluster,
    ):
        patched.setattr(runner, "REST_S", 0.2)  # the cost of this rest is subtracted from a start
        yield Meter(cluster, watchdog)


def requests(measured: Measurements) -> list[str]:
    """Return the verbs of the client's own requests in the window."""
    begin_s, end_s = measured.record.window_begin_epoch_s, measured.record.window_end_epoch_s
    rows = (row for row in measured.audit or () if row.user.endswith(":client-mine"))
    return [row.verb for row in rows if begin_s <= row.received_us / 1e6 < end_s]


def kinds(measured: Measurements) -> set[CaveatKind]:
    return {caveat.kind for caveat in measured.record.caveats}


def test_a_client_is_billed_for_its_start_and_each_watch_that_it_holds_is_counted(meter, tmp_path):
    measured = meter.run(tmp_path, SEVERAL, quiet_s=1.0)
    record = measured.record
    assert (Outcome.OK, None) == (record.outcome, record.failure)
    assert (8, 7, 8) == (record.ready_requests, record.watches_held, len(measured.start))
    assert [] == requests(measured)
    assert 0 < record.ready_s < 30.0
    assert record.ready_bytes > 20_000  # 20 pods, twice
    assert record.server_pss_peak_bytes >= record.server_pss_ready_bytes > 5_000_000
    assert record.equal_to_list is None


def test_a_poller_is_never_quiet_but_measured(meter, tmp_path):
    measured = meter.run(tmp_path, f"exec {CLIENT} list 0.2", ready_timeout_s=4.0)
    assert Outcome.OK is measured.record.outcome
    assert measured.record.ready_s is None
    assert CaveatKind.CLIENT_NEVER_QUIET in kinds(measured)
    assert abs(len(requests(measured)) - measured.record.window_s / 0.2) <= 2
    assert 0 == measured.record.watches_held


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("./no-such-client", "not found"),
        ("echo goodbye >&2", "goodbye"),
        ("exec sleep 60", "it asked the API server nothing"),
    ],
)
def test_a_client_that_cannot_be_billed_fails_with_a_reason(meter, tmp_path, command, message):
    measured = meter.run(tmp_path, command, ready_timeout_s=2.0)
    assert Outcome.FAILED is measured.record.outcome
    assert message in measured.record.failure


def test_a_client_with_stray_processes_fails_and_these_are_killed_even_if_they_ignore_sigterm(
    meter, tmp_path, monkeypatch
):
    monkeypatch.setattr(server, "STOP_TIMEOUT_S", 0.5)
    stray = f"setsid {CLIENT} informers 1 &"
    measured = meter.run(
        tmp_path, f"({stray}); {stray} trap '' TERM; while true; do sleep 0.2; done", quiet_s=1.0
    )
    assert Outcome.FAILED is measured.record.outcome
    assert "left 1 of its processes to themselves" in measured.record.failure
    words = ["bench.selftest.clients", "informers"]
    running = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert [] == [line for line in running if all(word in line for word in words)]


def test_other_kinds_change_and_may_be_read_and_a_refusal_by_rbac_names_the_missing_rules(
    meter, tmp_path
):
    paths = [api_path(objects) for objects in OBJECTS]
    run = meter.run(tmp_path, " ".join([EACH_ONCE.rstrip(), *paths, NOT_ALLOWED]))
    assert (Outcome.OK, None) == (run.record.outcome, run.record.failure)
    (text,) = (caveat.text for caveat in run.record.caveats if "403" in caveat.text)
    assert "403 to list runtimeclasses.node.k8s.io (1 times);" in text
    rules = '[{"apiGroups": ["node.k8s.io"], "resources": ["runtimeclasses"], "verbs": ["list"]}]'
    assert rules in text
    for objects, path in zip(OBJECTS, paths, strict=True):
        listed = meter.list(path)
        ours = [item for item in listed if item["metadata"]["name"].startswith("object-")]
        assert objects.count == len(ours), path
        assert all(450 < len(json.dumps(item)) < 2500 for item in ours), path
        assert any(item["metadata"]["annotations"][CHANGES] != "0" for item in ours), path


def test_a_client_is_ready_when_it_writes_the_ready_line(meter, tmp_path):
    measured = meter.run(tmp_path, "sleep 0.5; echo synced; exec sleep 60", ready_line="synced")
    assert Outcome.OK is measured.record.outcome
    assert measured.record.ready_s >= 0.5
    assert 0 == measured.record.ready_requests


def test_requests_of_a_client_after_a_restart_are_counted(meter, tmp_path):
    failing = replace(CHURN, fault="restart", fault_at_s=0.2, fault_s=0.2)
    # it tries again a second after each attempt
    measured = meter.run(tmp_path, f"exec {CLIENT} watches 1", failing, window_s=8.0)
    assert Outcome.OK is measured.record.outcome, measured.record.failure
    plan = replace(a_plan(), clients=(Client("mine", "", quiet_s=0.5),), servers=("mine",))
    store = Store(tmp_path / "results")
    record = a_run(plan=replace(plan, scenarios=(failing,), rounds=1), trials_planned=1)
    store.create(record).write_trial(
        measured.record, audit=measured.audit, start=measured.start, scrapes=measured.scrapes,
        samples=measured.samples,
    )  # fmt: skip
    (scenario,) = analyse(store.open(record.run)).scenarios
    arm = scenario.arm("mine")
    assert CaveatKind.FAULT in kinds(measured)
    assert arm.figure("recovery_requests").value >= 1
    assert arm.figure("control_plane_cpu").value is None
    assert arm.figure("watches_held").value <= 1  # the one that the killed API server ended is not


@pytest.mark.skipif(len(processors()) < 2, reason="one processor leaves no choice")
def test_everything_else_leaves_the_processors_of_the_server_during_its_trial(meter, tmp_path):
    alone, everywhere = replace(CHURN, server_cpus=1), processors()
    used: dict[int, tuple[int, ...]] = {}

    def notify(phase: str, _share: float, _detail: str) -> None:
        if phase == "measuring":
            used.update((pid, tuple(sorted(os.sched_getaffinity(pid)))) for pid in others)

    with meter.observers() as observers:
        others = (os.getpid(), meter.churn_pid, *observers.pids.values())
        command = f"exec {CLIENT} informers 1"
        measured = meter.run(tmp_path, command, alone, observers=observers, notify=notify)
    assert Outcome.OK is measured.record.outcome, measured.record.failure
    assert dict.fromkeys(others, everywhere[:-1]) == used
    assert everywhere == processors()
