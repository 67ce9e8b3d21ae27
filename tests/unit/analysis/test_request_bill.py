"""Requests by kind, and an account's requests after a fault."""

import pandas as pd
import pytest

from bench.analysis.request_bill import (
    Kind,
    Phase,
    Recovery,
    kinds_of,
    named,
    recovery_of,
    request_lines,
    version_of,
)
from bench.model import FaultRecord, Outcome, Trial, TrialRecord

RECORD = TrialRecord(
    4, Trial(0, "s", "mine", 1), Outcome.OK, 1000.0, 1020.0, 20.0, 20.0, begin_mark_epoch_s=999.0
)
LIST = {"verb": "list", "resource": "pods", "uri": "/api/v1/pods?limit=500"}
WATCH = {"verb": "watch", "resource": "pods", "uri": "/api/v1/pods?watch=1&resourceVersion=7"}


def audit(*rows):
    """Audit rows of the account ``mine``, with usual values for the fields not given."""
    usual = {
        "user": "system:serviceaccount:n:mine",
        "subresource": "",
        "namespace": "",
        "name": "",
        "code": 200,
        "stage": "ResponseComplete",
        "received_us": 1_001_000_000,
    }
    return pd.DataFrame([{**usual, **row} for row in rows])


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("", "unset"),
        ("resourceVersion=", "unset"),
        ("resourceVersion=0", "0"),
        ("resourceVersion=12", "number"),
        ("resourceVersion=12&resourceVersionMatch=Exact", "exact"),
        ("limit=500", "unset, limit 500"),
        ("limit=500&continue=abc", "continue, limit 500"),
        ("watch=1&sendInitialEvents=true&resourceVersion=&allowWatchBookmarks=true",
         "initial events"),
    ],
)  # fmt: skip
def test_the_form_of_a_read_is_told_by_its_query(query, form):
    assert form == version_of(f"/api/v1/pods?{query}")


def test_a_resource_is_named_with_group_and_subresource_and_discovery_by_its_path():
    assert "deployments.apps/status" == named("deployments", "status", "/apis/apps/v1/x")
    assert "pods" == named("pods", "", "/api/v1/pods")
    assert "/apis/apps/v1" == named("", "", "/apis/apps/v1?timeout=32s")


def test_requests_are_counted_by_phase_and_kind_and_those_of_others_are_not():
    window = audit(LIST, LIST, {**LIST, "user": "system:serviceaccount:n:other"})
    counts = kinds_of("mine", RECORD, window, audit({**LIST, "namespace": "a"}))
    assert {
        Kind(Phase.START, "list", "pods", "namespace", "unset, limit 500", 200): 1,
        Kind(Phase.WINDOW, "list", "pods", "cluster", "unset, limit 500", 200): 2,
    } == counts


def test_a_watch_that_merely_ended_in_the_window_was_not_opened_there():
    began = {**WATCH, "stage": "ResponseStarted"}
    assert 1 == kinds_of("mine", RECORD, audit(began), None).total()
    old = {**WATCH, "received_us": 900_000_000}
    assert 0 == kinds_of("mine", RECORD, audit(old), None).total()


def test_a_round_without_a_kind_of_request_counts_none_of_it():
    kind = Kind(Phase.WINDOW, "list", "pods", "cluster", "0", 200)
    (line,) = request_lines({1: {kind: 4}, 2: {}}, {Phase.WINDOW: [1, 2]})
    assert ({1: 4, 2: 0}, 2.0) == (line.rounds, line.mean)


def test_a_round_whose_start_was_not_billed_is_not_among_those_of_the_start():
    kind = Kind(Phase.START, "list", "pods", "cluster", "0", 200)
    (line,) = request_lines({1: {kind: 1}, 2: {}}, {Phase.START: [1], Phase.WINDOW: [1, 2]})
    assert ({1: 1}, 1.0) == (line.rounds, line.mean)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([], Recovery(0, 0.0)),
        ([0.5, 1.0, 2.5], Recovery(3, 2.5)),
        ([0.5, 8.0, 10.5, 11.0, 13.5, 14.5], Recovery(2, 0.5)),
        ([1, 3, 5, 7, 9, 11, 13], Recovery(5, None)),
    ],
)
def test_recovery_is_what_was_asked_in_ten_seconds_and_when_it_was_quiet(after, expected):
    fault = FaultRecord("freeze", "the API server was frozen", begin_s=2.0, end_s=5.0)
    rows = [{**LIST, "received_us": int((1005 + at) * 1e6)} for at in after]
    lease = {**LIST, "resource": "leases", "received_us": 1_008_000_000}
    assert expected == recovery_of(RECORD, fault, audit(*rows, lease), "mine", 3.0)
