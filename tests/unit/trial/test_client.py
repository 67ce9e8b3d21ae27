"""A client seen from outside: its requests in the audit log, and whether it is quiet."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bench.model import CaveatKind, Client, FaultRecord, Outcome, Trial, TrialRecord
from bench.probes.audit import AuditLog
from bench.sut.registry import ServerError
from bench.trial.client import MOST_PER_S, Quiet, Requests, client_caveats, group_of, watches_held

USER = "system:serviceaccount:informer-bench:client-mine"
CLIENT = Client("mine", "./mine", quiet_s=3.0, ready_timeout_s=20.0)
DEPLOYMENTS = "/apis/apps/v1/deployments"


class Clock:
    """A clock that is set by hand; it begins at 1000 s."""

    now = 1000.0

    def __call__(self):
        return self.now


def event(at_s, verb="list", *, user=USER, code=200, uri="/api/v1/pods", stage=None, **ref):
    at = datetime.fromtimestamp(at_s, UTC).isoformat()
    return json.dumps(
        {
            "auditID": f"{at_s}{verb}{user}",
            "stage": stage or "ResponseComplete",
            "requestURI": uri,
            "verb": verb,
            "user": {"username": user},
            "objectRef": {"resource": "pods"} | ref,
            "responseStatus": {"code": code},
            "requestReceivedTimestamp": at,
            "stageTimestamp": at,
        }
    )


@pytest.fixture
def followed(tmp_path):
    """Returns the followed requests, a function that writes events to their log, and the clock."""
    path, clock = tmp_path / "audit.log", Clock()
    path.write_text("")
    requests = Requests(AuditLog(path), USER, clock=clock)

    def write(*events):
        with path.open("a") as file:
            file.writelines(f"{line}\n" for line in events)
        clock.now += 1.0
        requests.look()

    yield requests, write, clock
    requests.close()


def test_a_client_is_quiet_when_it_has_asked_and_asks_no_more(followed):
    requests, write, clock = followed
    quiet = Quiet(CLIENT, requests, wall=clock)
    clock.now = 1004.0
    assert not quiet.ask("")
    write(event(1004.0, "watch", stage="ResponseStarted"))
    assert not quiet.ask("")
    clock.now = 1007.5
    assert quiet.ask("")
    assert 4.0 == quiet.ready_s(7.5)


def test_renewed_leases_and_watches_that_end_do_not_break_the_quiet(followed):
    requests, write, clock = followed
    quiet = Quiet(CLIENT, requests, wall=clock)
    write(event(1000.5), event(1003.0, "update", resource="leases"))
    write(event(1003.2, "watch"), event(1003.3, user="system:serviceaccount:a:other"))
    clock.now = 1003.6
    assert quiet.ask("")
    assert 0.5 == quiet.ready_s(3.6)


def test_a_client_that_reads_leases_is_quiet_when_it_has_read_them(followed):
    requests, write, clock = followed
    quiet = Quiet(CLIENT, requests, wall=clock)
    write(
        event(1000.5, resource="leases"),
        event(1001.0, "watch", resource="leases", stage="ResponseStarted"),
    )
    clock.now = 1004.2
    assert quiet.ask("")
    assert 1.0 == quiet.ready_s(4.2)


def test_a_client_that_never_rests_is_given_up_on_and_has_no_start(followed):
    requests, write, clock = followed
    quiet = Quiet(CLIENT, requests, wall=clock)
    for second in range(1, 20):
        write(event(1000.0 + second))
        assert quiet.ask("") is quiet.gave_up
    clock.now = 1019.9
    assert quiet.ask("")
    assert quiet.ready_s(19.9) is None
    ((kind, text),) = client_caveats(CLIENT, requests, quiet, (), ("pods",))
    assert CaveatKind.CLIENT_NEVER_QUIET is kind
    assert "never quiet for 3 s within 20 s" in text


def test_a_client_that_asks_nothing_is_not_ready(followed):
    requests, _, clock = followed
    quiet = Quiet(CLIENT, requests, wall=clock)
    clock.now = 1100.0
    assert not quiet.ask("")
    assert "KUBECONFIG" in quiet.last


def test_a_client_that_asks_too_much_is_stopped(followed):
    _, write, _ = followed
    with pytest.raises(ServerError, match=r"1,001 requests in 1\.0 s, more than 1,000 a second"):
        write(*(event(1000.0 + number / 1e4) for number in range(int(MOST_PER_S) + 1)))


def test_refused_requests_are_named_with_the_rules_that_allow_them(followed):
    requests, write, _ = followed
    assert requests.refused() is None
    refused = {"code": 403, "uri": DEPLOYMENTS, "resource": "deployments"}
    write(event(1000.1, **refused), event(1000.2, "watch", **refused), event(1000.3, **refused))
    text = requests.refused()
    assert "list deployments.apps (2 times), watch deployments.apps (1 times)" in text
    rule = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list", "watch"]}
    assert text.endswith(f"(--role FILE): {json.dumps([rule])}")


def test_refused_requests_are_named_without_an_earlier_look(followed, tmp_path):
    requests, _, _ = followed
    (tmp_path / "audit.log").write_text(f"{event(1000.1, code=403)}\n")
    assert "403 to list pods (1 times)" in requests.refused()


def test_writes_to_what_every_arm_reads_are_a_caveat(followed, tmp_path):
    requests, write, clock = followed
    write(event(1000.1, "patch", subresource="status"), event(1000.2, "create", resource="events"))
    log = AuditLog(tmp_path / "audit.log")
    rows, _ = log.lines(0, 1 << 20)
    log.close()
    quiet = Quiet(CLIENT, requests, wall=clock)
    ((kind, text),) = client_caveats(CLIENT, requests, quiet, rows, ("pods",))
    assert CaveatKind.CLIENT_WROTE is kind
    assert "patch pods/status (1 times)" in text


def test_watches_that_began_and_did_not_end_are_held(tmp_path):
    path = tmp_path / "audit.log"
    path.write_text("")
    log = AuditLog(path)
    assert 0 == log.behind_last_line()
    lines = [
        event(1000.1, "watch", stage="ResponseStarted"),
        event(1000.2, "watch", stage="ResponseStarted"),
        event(1000.2, "watch"),
        event(1000.3),
    ]
    path.write_text("\n".join(lines) + "\n")
    record = TrialRecord(
        4, Trial(0, "s", "mine", 1), Outcome.OK, 990.0, 1020.0, 30.0, 30.0, identity="client-mine"
    )
    rows = log.rows(0, log.size())
    assert 1 == watches_held(rows, record)
    restart = FaultRecord("restart", "", begin_s=10.3, end_s=12.0, started_anew_s=11.0)
    assert 0 == watches_held(rows, replace(record, fault=restart))
    log.close()


def test_the_group_of_a_request_is_in_its_path():
    assert ("apps", "") == (group_of(DEPLOYMENTS), group_of("/api/v1/pods"))
