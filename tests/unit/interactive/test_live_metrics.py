"""Live metrics: requests counted from the audit log, and marks of changes."""

from collections import Counter

import pytest

from bench.interactive.live_metrics import changes, count, identity, throttled
from bench.model import PROBE_NAME
from bench.probes.audit import AuditRow

DIRECT = "system:serviceaccount:informer-bench:direct"


def line(verb, code=200, stage="ResponseComplete", user=DIRECT, name=""):
    return AuditRow("id", user, verb, "pods", "", "", name, code, "/pods", stage, 0, 0, "")


def test_a_service_account_has_its_short_name_and_other_users_their_full_name():
    assert "direct" == identity(DIRECT)
    assert "system:apiserver" == identity("system:apiserver")


@pytest.mark.parametrize(
    ("row", "counts"),
    [
        (line("watch", stage="ResponseStarted"), 1),
        (line("watch"), 0),
        (line("watch", 403), 1),
        (line("list"), 1),
        (line("get", 404), 1),
        (line("list", stage="ResponseStarted"), 0),
    ],
)
def test_a_watch_counts_when_it_is_opened_and_other_requests_when_answered(row, counts):
    assert Counter({("direct", row.verb): counts} if counts else {}) == count([row])


def test_throttled_requests_are_counted_apart():
    assert Counter({"direct": 1}) == throttled([line("list", 429), line("list")])


def test_requests_for_the_probes_reads_are_counted_apart():
    writer = "system:serviceaccount:informer-bench:probe"
    rows = [line("get", name=PROBE_NAME), line("get", name="other"), line("patch", user=writer)]
    assert Counter(
        {("direct, for the probe", "get"): 1, ("direct", "get"): 1, ("probe", "patch"): 1}
    ) == count(rows, {"direct"})


IDLE = {
    "users": 0,
    "churn_per_s": 20.0,
    "frozen_s": 0.0,
    "api_server_trouble": None,
    "servers": {"direct": {"trouble": None}},
}


@pytest.mark.parametrize(
    ("changed", "mark", "mark_of_end"),
    [
        ({"users": 2}, "load started", "load stopped"),
        ({"churn_per_s": 40.0}, "40 writes per second", "20 writes per second"),
        ({"frozen_s": 9.5}, "API server frozen", "API server resumed"),
        ({"api_server_trouble": "killed"}, "API server down", "API server started again"),
        (
            {"servers": {"direct": {"trouble": "killed"}}},
            "server direct down",
            "server direct started again",
        ),
    ],
)
def test_each_change_of_the_environment_is_a_mark_at_its_begin_and_its_end(
    changed, mark, mark_of_end
):
    assert [] == list(changes(IDLE, IDLE))
    assert [mark] == list(changes(IDLE, IDLE | changed))
    assert [mark_of_end] == list(changes(IDLE | changed, IDLE))
    assert [] == list(changes(IDLE | {"frozen_s": 9.5}, IDLE | {"frozen_s": 8.5}))
