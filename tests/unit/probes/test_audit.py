"""Following an audit log."""

import json
import threading
from pathlib import Path

import pytest

from bench.probes.audit import AuditError, AuditLog


def line(audit_id: str, stage: str = "ResponseComplete", **changes: object) -> str:
    event = {
        "kind": "Event",
        "auditID": audit_id,
        "stage": stage,
        "requestURI": "/api/v1/pods",
        "verb": "list",
        "user": {"username": "system:serviceaccount:informer-bench:direct"},
        "objectRef": {"resource": "pods", "namespace": "checkout"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "1970-01-01T00:00:01.000001Z",
        "stageTimestamp": "1970-01-01T00:00:01.000250Z",
    }
    return json.dumps(event | changes, separators=(",", ":")) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "audit.log"
    path.touch()
    return path


def test_a_request_is_one_row_with_microseconds_since_the_epoch(log: Path) -> None:
    log.write_text(line("a"))
    (row,) = AuditLog(log).rows(0, AuditLog(log).size())
    assert ("a", "list", "pods", "checkout", 200) == (
        row.audit_id,
        row.verb,
        row.resource,
        row.namespace,
        row.code,
    )
    assert (1_000_001, 1_000_250) == (row.received_us, row.at_us)


def test_a_watch_that_started_and_ended_is_one_row_the_complete_one(log: Path) -> None:
    log.write_text(line("w", "ResponseStarted") + line("a") + line("w"))
    rows = AuditLog(log).rows(0, AuditLog(log).size())
    assert [("a", "ResponseComplete"), ("w", "ResponseComplete")] == [
        (row.audit_id, row.stage) for row in rows
    ]


def test_a_watch_still_open_is_one_row(log: Path) -> None:
    log.write_text(line("w", "ResponseStarted"))
    assert ["ResponseStarted"] == [row.stage for row in AuditLog(log).rows(0, 10_000)]


def test_only_what_is_between_the_positions_is_read(log: Path) -> None:
    log.write_text(line("before"))
    audit = AuditLog(log)
    begin = audit.size()
    with log.open("a") as file:
        file.write(line("within"))
    end = audit.size()
    with log.open("a") as file:
        file.write(line("after"))
    assert ["within"] == [row.audit_id for row in audit.rows(begin, end)]


def test_a_line_that_is_written_a_little_later_is_waited_for(log: Path) -> None:
    def write() -> None:
        with log.open("a") as file:
            file.write(line("m", requestURI="/metrics?mark=1-begin"))

    threading.Timer(0.1, write).start()
    position = AuditLog(log).wait_for("/metrics?mark=1-begin", since=0, timeout_s=10)
    assert log.stat().st_size == position


def test_a_line_that_never_comes_is_an_error_that_names_it(log: Path) -> None:
    with pytest.raises(AuditError, match=r"/metrics\?mark=1-begin within 0\.05 s"):
        AuditLog(log).wait_for("/metrics?mark=1-begin", since=0, timeout_s=0.05)


def test_a_log_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="cannot be read"):
        AuditLog(tmp_path / "none").size()


def test_a_damaged_line_is_an_error_that_shows_it(log: Path) -> None:
    log.write_text('{"auditID": "a"\n')
    with pytest.raises(AuditError, match="not an audit event"):
        AuditLog(log).rows(0, 100)
