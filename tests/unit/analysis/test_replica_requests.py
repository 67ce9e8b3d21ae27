"""Replicas of one account, distinguished by the User-Agents of their requests."""

import pandas as pd
import pytest

from bench.analysis.counters import Marks
from bench.analysis.ledgers import CLIENT_METRIC, read_ledgers
from bench.analysis.requests import EXPECTED, replica_of
from bench.model import PROBE_NAME
from tests.unit.store.builders import a_trial

DURING_US = 1_001_000_000  # within a_trial()
OURS = "informer-bench-server"


@pytest.mark.parametrize(
    ("agent", "replica"),
    [
        (f"{OURS}/1", 1),
        (f"{OURS}/12.3", 12),
        (f"theirs/4.2 (linux) {OURS}/2", 2),
        ("Go-http-client/1.1", None),
        (f"{OURS}/", None),
        (f"not-{OURS}/1", None),
        (f"{OURS}/1 and-more/2", None),
        ("", None),
    ],
)
def test_a_user_agent_names_its_replica_at_its_end(agent, replica):
    assert replica == replica_of(agent)


def audit(*rows):
    """Rows of (User-Agent, verb, how many[, name]), all of the account direct."""
    lines = [
        {"user": "system:serviceaccount:bench:direct", "user_agent": agent, "verb": verb}
        | {"name": name[0] if name else "", "resource": "pods", "subresource": "", "code": 200}
        | {"received_us": DURING_US, "stage": "ResponseComplete", "namespace": ""}
        for agent, verb, number, *name in rows
        for _ in range(number)
    ]
    columns = ["user", "user_agent", "verb", "name", "resource", "subresource", "code"]
    return pd.DataFrame(lines, columns=[*columns, "received_us", "stage", "namespace"])


def own_counts(**lists):
    """Marks with the growth of each replica's own count of LISTs: r1=5, r2=7."""
    rows = [("begin", "server", "up", "", 1.0), ("end", "server", "up", "", 1.0)]
    for name, number in lists.items():
        labels = 'code="200",replica="{}",resource="pods",subresource="",verb="list"'
        rows.append(("end", "server", CLIENT_METRIC, labels.format(name[1:]), float(number)))
    return Marks(pd.DataFrame(rows, columns=["mark", "source", "name", "labels", "value"]))


def read(table, marks=None, *, replicas=2, before=()):
    record = a_trial(replicas=replicas, watches_before=dict(before))
    return read_ledgers(record, table, marks)


def test_each_replica_has_its_own_requests_and_they_add_up_to_the_accounts():
    ledgers = read(
        audit((f"{OURS}/1", "list", 3), (f"{OURS}/2.1", "list", 2), (f"{OURS}/2.2", "get", 4))
    )
    first, second = ledgers.replicas.rows
    assert (3, 0) == (first.lists, first.gets)
    assert (2, 4) == (second.lists, second.gets)
    assert ledgers.audit_user.total() == first.audit_log + second.audit_log
    assert {} == ledgers.replicas.others
    assert [] == list(ledgers.replicas.findings())


def test_what_the_freshness_probe_made_a_replica_ask_is_left_out_of_its_reads():
    ledgers = read(audit((f"{OURS}/1", "get", 9, PROBE_NAME), (f"{OURS}/1", "list", 1)))
    first, _ = ledgers.replicas.rows
    assert (1, 0, 10) == (first.lists, first.gets, first.audit_log)


def test_equal_sums_of_unlike_replicas_do_not_agree():
    table = audit((f"{OURS}/1", "list", 5), (f"{OURS}/2", "list", 5))
    assert read(table, own_counts(r1=5, r2=5)).agree is True
    ledgers = read(table, own_counts(r1=6, r2=4))
    assert ledgers.agree is False
    assert (
        "list pods 200: own count of replica 1 6, audit log of replica 1 5",
        "list pods 200: own count of replica 2 4, audit log of replica 2 5",
    ) == ledgers.disagreements
    assert [False, False] == [row.agree for row in ledgers.replicas.rows]


def test_a_replica_that_read_nothing_where_the_others_did_is_told():
    ledgers = read(audit((f"{OURS}/1", "list", 2 * EXPECTED)))
    (finding,) = ledgers.replicas.findings()
    assert finding.startswith("replica 2 of 2 read pods from the API server not once")
    assert finding.endswith("where the replicas did so 10 times on the mean")


def test_a_few_reads_that_only_one_made_are_chance():
    assert [] == list(read(audit((f"{OURS}/1", "list", EXPECTED))).replicas.findings())


def test_watches_count_from_the_start_of_a_replica():
    before = {f"{OURS}/1": 1, f"{OURS}/2.1": 1, f"{OURS}/2.2": 1}
    ledgers = read(audit((f"{OURS}/1", "watch", 1)), before=before)
    assert [2, 2] == [row.watches_since_start for row in ledgers.replicas.rows]
    assert [1, 0] == [row.watches for row in ledgers.replicas.rows]
    assert [] == list(ledgers.replicas.findings())


def test_a_replica_without_a_watch_beside_others_that_have_one_is_told():
    ledgers = read(audit(), replicas=3, before={f"{OURS}/1": 1, f"{OURS}/3": 1})
    (finding,) = ledgers.replicas.findings()
    assert finding.startswith("replica 2 of 3 opened no watch of pods, where others of them did")
    assert [True, False, True] == [row.seen for row in ledgers.replicas.rows]


def test_somebody_else_with_the_account_is_told():
    ledgers = read(audit((f"{OURS}/1", "list", 3), (f"{OURS}/3", "list", 2), ("curl/8", "list", 1)))
    assert {f"{OURS}/3": 2, "curl/8": 1} == ledgers.replicas.others
    (finding,) = ledgers.replicas.findings()
    assert finding.endswith("2 of 'informer-bench-server/3', 1 of 'curl/8'")


def test_a_server_whose_user_agents_name_no_replica_is_not_judged():
    ledgers = read(audit(("theirs/1.0", "list", 50)))
    assert not ledgers.replicas.told_apart
    assert [] == list(ledgers.replicas.findings())
    assert ledgers.audit_user.total() == sum(ledgers.replicas.others.values())


@pytest.mark.parametrize(
    ("lacking", "agents"),
    [({"replicas": 1}, True), ({"watches_before": None}, True), ({}, False)],
)
def test_nothing_is_said_of_one_replica_or_where_user_agents_were_not_kept(lacking, agents):
    table = audit((f"{OURS}/1", "list", 3))
    if not agents:
        table["user_agent"] = None
    record = a_trial(**({"replicas": 2, "watches_before": {}} | lacking))
    assert read_ledgers(record, table, None).replicas is None


def test_a_ledger_without_own_counts_is_not_comparable():
    assert [None, None] == [
        row.agree for row in read(audit((f"{OURS}/1", "list", 3))).replicas.rows
    ]
