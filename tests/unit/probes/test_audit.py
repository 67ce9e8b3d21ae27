"""Follow an audit log."""

import json
import threading
from collections.abc import Iterator
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
        "userAgent": "informer-bench-server/2",
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


@pytest.fixture
def audit(log: Path) -> Iterator[AuditLog]:
    audit = AuditLog(log)
    yield audit
    audit.close()


def test_a_request_is_one_row_with_microseconds_since_the_epoch(log: Path, audit: AuditLog) -> None:
    log.write_text(line("a"))
    (row,) = audit.rows(0, audit.size())
    assert ("a", "list", "pods", "checkout", 200) == (
        row.audit_id,
        row.verb,
        row.resource,
        row.namespace,
        row.code,
    )
    assert (1_000_001, 1_000_250) == (row.received_us, row.at_us)
    assert "informer-bench-server/2" == row.user_agent


def test_a_client_that_names_itself_nothing_has_an_empty_user_agent(
    log: Path, audit: AuditLog
) -> None:
    nameless = json.loads(line("a"))
    del nameless["userAgent"]
    log.write_text(json.dumps(nameless) + "\n")
    assert [""] == [row.user_agent for row in audit.rows(0, audit.size())]


def test_a_position_in_the_log_is_behind_a_whole_line(log: Path, audit: AuditLog) -> None:
    assert 0 == audit.behind_last_line()
    log.write_text(line("a") + line("b")[:-9])
    assert len(line("a")) == audit.behind_last_line()
    with log.open("a") as file:
        file.write(line("b")[-9:])
    assert ["b"] == [row.audit_id for row in audit.rows(len(line("a")), audit.size())]
    assert audit.size() == audit.behind_last_line()


def test_a_watch_that_started_and_ended_is_one_row_the_complete_one(
    log: Path, audit: AuditLog
) -> None:
    log.write_text(line("w", "ResponseStarted") + line("a") + line("w"))
    rows = audit.rows(0, audit.size())
    assert [("a", "ResponseComplete"), ("w", "ResponseComplete")] == [
        (row.audit_id, row.stage) for row in rows
    ]


def test_a_watch_still_open_is_one_row(log: Path, audit: AuditLog) -> None:
    log.write_text(line("w", "ResponseStarted"))
    assert ["ResponseStarted"] == [row.stage for row in audit.rows(0, 10_000)]


def test_only_lines_between_the_positions_are_read(log: Path, audit: AuditLog) -> None:
    log.write_text(line("before"))
    begin = audit.size()
    with log.open("a") as file:
        file.write(line("within"))
    end = audit.size()
    with log.open("a") as file:
        file.write(line("after"))
    assert ["within"] == [row.audit_id for row in audit.rows(begin, end)]


def test_a_line_that_is_written_a_little_later_is_waited_for(log: Path, audit: AuditLog) -> None:
    def write() -> None:
        with log.open("a") as file:
            file.write(line("m", requestURI="/metrics?mark=1-begin"))

    threading.Timer(0.1, write).start()
    position = audit.wait_for("/metrics?mark=1-begin", since=0, timeout_s=10)
    assert log.stat().st_size == position


def test_a_line_that_never_comes_is_an_error_that_names_it(audit: AuditLog) -> None:
    with pytest.raises(AuditError, match=r"/metrics\?mark=1-begin within 0\.05 s"):
        audit.wait_for("/metrics?mark=1-begin", since=0, timeout_s=0.05)


def test_a_log_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="cannot be read"):
        AuditLog(tmp_path / "none").size()


def test_a_damaged_line_is_an_error_that_shows_it(log: Path, audit: AuditLog) -> None:
    log.write_text('{"auditID": "a"\n')
    with pytest.raises(AuditError, match="not an audit event"):
        audit.rows(0, 100)


def test_a_log_rotated_in_the_middle_is_read_across_its_files(log: Path, audit: AuditLog) -> None:
    log.write_text(line("before"))
    begin = audit.size()
    with log.open("a") as file:
        file.write(line("old"))
    for number in (1, 2):  # twice, so that one file is neither the first nor the last
        log.rename(log.with_name(f"audit-2026-01-01T00-00-0{number}.000.log"))
        log.write_text(line(f"new-{number}"))
    end = audit.size()
    with log.open("a") as file:
        file.write(line("after"))
    assert ["old", "new-1", "new-2"] == [row.audit_id for row in audit.rows(begin, end)]


def test_a_rotated_file_that_was_removed_is_still_read(log: Path, audit: AuditLog) -> None:
    begin = audit.size()
    log.write_text(line("old"))
    log.unlink()
    log.write_text(line("new"))
    assert ["old", "new"] == [row.audit_id for row in audit.rows(begin, audit.size())]


def test_rotated_files_from_before_are_left_alone(log: Path, audit: AuditLog) -> None:
    log.with_name("audit-2025-01-01T00-00-00.000.log").write_text(line("long ago"))
    begin = audit.size()
    log.write_text(line("old"))
    log.rename(log.with_name("audit-2026-01-01T00-00-00.000.log"))
    log.write_text(line("new"))
    assert ["old", "new"] == [row.audit_id for row in audit.rows(begin, audit.size())]


def test_a_log_that_was_cut_short_is_an_error_and_no_half_of_the_truth(
    log: Path, audit: AuditLog
) -> None:
    log.write_text(line("a") * 3)
    begin = audit.size()
    log.write_text("")
    with pytest.raises(AuditError, match="cut short"):
        audit.rows(begin, begin + 10)
