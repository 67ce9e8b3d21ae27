"""Marks with a log that rotates, refused metrics, a restart, or a clock that is set."""

import time
from collections.abc import Iterator

import pytest

from bench.cluster.api import ApiError
from bench.cluster.binaries import Binaries
from bench.cluster.control_plane import ControlPlane
from bench.model import CaveatKind
from bench.supervision.waiting import wait_until
from bench.supervision.watchdog import Watchdog
from bench.trial.marks import Mark, Marker

ENOUGH, LONG = 500, "x" * 4000
"""Requests whose lines fill more than two audit logs of 1 MB, and what makes them long."""


@pytest.fixture(scope="module")
def plane(binaries: Binaries, watchdog: Watchdog) -> Iterator[ControlPlane]:
    small_log = ("--audit-log-maxsize=1", "--audit-log-maxbackup=0")
    with ControlPlane.start(binaries, watchdog, extra_args=small_log) as started:
        yield started


class Marking:
    """A marker of the plane, and a function to run between its marks."""

    def __init__(self, plane: ControlPlane, wall=time.time) -> None:
        self.plane = plane
        self.marker = Marker(7, plane, list, self._processes, wall=wall)

    def _processes(self) -> dict[str, tuple[int, ...]]:
        return {"apiserver": (self.plane.apiserver.pid,), "etcd": (self.plane.etcd.pid,)}

    def around(self, happening) -> tuple[Mark, Mark]:
        begin = self.marker.begin()
        happening()
        return begin, self.marker.end()

    def kinds(self, begin: Mark, end: Mark) -> list[CaveatKind]:
        return [kind for kind, _ in self.marker.caveats(begin, end)]


@pytest.fixture
def marking(plane: ControlPlane) -> Iterator[Marking]:
    marking = Marking(plane)
    yield marking
    marking.marker.close()


def test_quiet_marks_have_no_caveat_and_show_the_requests_between_them(
    plane: ControlPlane, marking: Marking
) -> None:
    begin, end = marking.around(lambda: plane.api("direct").get("/api/v1/pods"))
    rows = marking.marker.audit_rows(begin, end)
    assert rows is not None
    assert ["list"] == [row.verb for row in rows if row.user.endswith(":direct")]
    assert [] == marking.kinds(begin, end)


def test_an_audit_log_that_rotates_between_the_marks_loses_no_line(
    plane: ControlPlane, marking: Marking
) -> None:
    api = plane.api("direct")

    def ask() -> None:
        for number in range(ENOUGH):
            api.get_bytes(f"/api/v1/pods?limit={number + 1}&unknown={LONG}")

    begin, end = marking.around(ask)
    rotated = list(plane.folder.glob("audit-*.log"))
    rows = marking.marker.audit_rows(begin, end)
    assert rotated
    assert rows is not None
    uris = [row.uri for row in rows if row.user.endswith(":direct")]
    assert [f"/api/v1/pods?limit={n + 1}&unknown={LONG}" for n in range(ENOUGH)] == uris
    assert [] == marking.kinds(begin, end)


def test_a_wall_clock_that_is_set_between_the_marks_is_a_caveat_and_moves_no_duration(
    plane: ControlPlane,
) -> None:
    step_s = 0.0
    marking = Marking(plane, wall=lambda: time.time() + step_s)

    def set_clock() -> None:
        nonlocal step_s
        step_s = -3600.0

    begin, end = marking.around(set_clock)
    assert [CaveatKind.CLOCK_STEPPED] == marking.kinds(begin, end)
    assert 0 < end.at_monotonic_s - begin.at_monotonic_s < 60
    marking.marker.close()


def test_metrics_that_are_refused_cost_that_ledger_and_leave_the_audit_log(
    plane: ControlPlane, marking: Marking
) -> None:
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/informer-bench:harness"
    before = plane.api("admin").get(role)
    without = [rule for rule in before["rules"] if "nonResourceURLs" not in rule]
    plane.api("admin").merge_patch(role, {"rules": without})
    try:
        assert wait_until(lambda: not _shows_metrics(plane), 20, 0.05)
        begin, end = marking.around(lambda: plane.api("direct").get("/api/v1/pods"))
    finally:
        plane.api("admin").merge_patch(role, {"rules": before["rules"]})
    ((kind, text),) = marking.marker.caveats(begin, end)
    assert CaveatKind.LEDGER_MISSING is kind
    assert "the API server does not show its metrics" in text
    assert "403" in text
    assert {"etcd"} == {row.source for row in marking.marker.scrapes}
    rows = marking.marker.audit_rows(begin, end)
    assert rows is not None
    assert ["list"] == [row.verb for row in rows if row.user.endswith(":direct")]


def test_an_audit_log_that_is_gone_costs_that_ledger_and_leaves_the_metrics(
    plane: ControlPlane,
) -> None:
    log, plane.audit_log = plane.audit_log, plane.folder / "no-such.log"
    try:
        marking = Marking(plane)
        begin, end = marking.around(lambda: None)
    finally:
        plane.audit_log = log
    assert marking.marker.audit_rows(begin, end) is None
    ((kind, text),) = marking.marker.caveats(begin, end)
    assert CaveatKind.LEDGER_MISSING is kind
    assert "the audit log cannot be read" in text
    assert {"etcd", "apiserver"} == {row.source for row in marking.marker.scrapes}


def test_an_api_server_that_is_restarted_between_the_marks_is_a_caveat_and_has_no_cpu_time(
    plane: ControlPlane, marking: Marking
) -> None:
    def restart() -> None:
        plane.apiserver.stop()
        plane.start_apiserver()

    begin, end = marking.around(restart)
    assert [CaveatKind.API_SERVER_RESTARTED] == marking.kinds(begin, end)
    assert end.cpu_since(begin, "apiserver") is None
    assert end.cpu_since(begin, "etcd") is not None


def _shows_metrics(plane: ControlPlane) -> bool:
    try:
        plane.api("harness").get_bytes("/metrics")
    except ApiError as error:
        return error.code != 403
    return True
