"""Texts of a failed process: its exit, its log's tail, its error."""

import signal

import pytest

from bench.supervision.failure import ProcessFailed, describe_exit, read_tail


@pytest.mark.parametrize(
    ("returncode", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-signal.SIGKILL, "was killed by SIGKILL"),
        (-50, "was killed by signal 50"),
    ],
)
def test_an_exit_is_described_by_code_or_by_the_name_of_the_signal(returncode, words):
    assert words == describe_exit(returncode)


def test_the_tail_is_the_last_lines_of_the_log(tmp_path):
    log = tmp_path / "log"
    log.write_text("".join(f"line {n}\n" for n in range(40)))
    assert ("line 37", "line 38", "line 39") == read_tail(log, lines=3)


def test_the_tail_leaves_out_what_an_earlier_process_wrote(tmp_path):
    log = tmp_path / "log"
    log.write_text("old\nnew\n")
    assert ("new",) == read_tail(log, begin=len("old\n"))


def test_the_tail_of_a_log_that_was_never_written_is_empty(tmp_path):
    assert () == read_tail(tmp_path / "none")


def test_the_tail_survives_bytes_that_are_no_text_and_cuts_lines_without_end(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"\xff\xfe\n" + b"x" * 100_000)
    *_, last = read_tail(log)
    assert (500, "…") == (len(last), last[-1])


def test_the_error_names_the_process_its_end_and_its_last_words():
    error = ProcessFailed("etcd", "was killed by SIGKILL", -9, ("a", "b"))
    assert "etcd was killed by SIGKILL; the last lines of its log:\n  a\n  b" == str(error)
    assert ("etcd", -9, ("a", "b")) == (error.name, error.returncode, error.log_tail)


def test_the_error_of_a_process_without_a_log_reports_that():
    assert "etcd ended; it logged nothing" == str(ProcessFailed("etcd", "ended", 0, ()))
