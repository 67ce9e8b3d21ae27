"""One tiny run, end to end on the real things: what it leaves is whole, true and redacted."""

import platform
import re
import socket
from pathlib import Path

import pytest

from bench.analysis import analyse
from bench.cluster.binaries import Binaries
from bench.model import CaveatKind, Outcome, RunState
from bench.store import RunReader, Store
from bench.store.tables import TABLES, Table, read_table
from tests.integration.run.bench_process import TINY, BenchProcess, folders


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> BenchProcess:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.toml").write_text(TINY)
    process = BenchProcess(folder, ("run", str(folder / "tiny.toml"), *folders(folder)), binaries)
    process.ends(0)
    return process


@pytest.fixture(scope="module")
def run(finished: BenchProcess) -> RunReader:
    return Store(finished.results).open("latest")


def test_every_trial_is_there_and_went_well(run: RunReader) -> None:
    assert RunState.COMPLETE is run.record.state
    trials = run.trials()
    assert {"direct", "informer", "none"} == {record.trial.server for record in trials}
    assert [Outcome.OK] * 3 == [record.outcome for record in trials]


def test_the_answers_were_compared_and_alike(run: RunReader) -> None:
    assert run.equality is not None
    assert run.equality.equal
    assert ("direct", "informer") == run.equality.servers
    assert [None, True, True] == sorted(
        (record.equal_to_list for record in run.trials()), key=lambda equal: equal is not None
    )


def test_each_answer_was_judged_and_the_machine_looked_at(run: RunReader) -> None:
    for record in run.trials():
        assert record.machine is not None
        assert 0 < record.machine.busy <= 1
        if record.trial.server != "none":
            assert record.answers is not None
            assert (record.answered, 0, 0) == (
                record.answers.judged,
                record.answers.wrong,
                record.answers.unjudged,
            )
            assert 0 < record.answers.read <= record.answered


def test_direct_sends_one_list_for_each_read_and_the_informer_none(run: RunReader) -> None:
    for record in run.trials():
        audit = run.audit(record.trial)
        lists = audit[(audit.verb == "list") & (audit.resource == "pods")]
        by_server = lists[lists.user.str.endswith(f":{record.trial.server}")]
        expected = record.sent if record.trial.server == "direct" else 0
        assert expected == len(by_server)
        assert len(lists) == len(by_server), "nobody else lists pods between the marks"


def test_the_servers_own_count_is_the_audit_logs(run: RunReader) -> None:
    (record,) = [each for each in run.trials() if each.trial.server == "direct"]
    scrapes = run.scrapes(record.trial)
    sent = scrapes[scrapes.name == "informer_bench_upstream_requests_total"]
    sent = sent[sent.labels.str.contains('verb="list"')]  # the gets are for the probe's reads
    at = sent.groupby("mark").value.sum()
    assert record.sent == at["end"] - at.get("begin", 0.0)


def test_the_floor_has_no_load_and_its_costs_are_measured(run: RunReader) -> None:
    (floor,) = [each for each in run.trials() if each.trial.server == "none"]
    assert run.requests(floor.trial).empty
    assert floor.apiserver_cpu_s is not None
    assert floor.apiserver_cpu_s > 0
    assert floor.churn_achieved_per_s > 0


def test_each_request_is_a_row_in_its_window(run: RunReader) -> None:
    for record in run.trials():
        rows = run.requests(record.trial)
        assert record.sent == len(rows)
        assert (rows.intended_us >= 0).all()
        assert (rows.intended_us <= record.window_s * 1e6).all()
        assert (rows.done_us >= rows.sent_us).all()


def test_probe_and_bystander_run_in_every_arm_and_alike(run: RunReader) -> None:
    for record in run.trials():
        assert ["bystander", "freshness"] == run.observers(record.trial)
        freshness, bystander = (
            run.observed(record.trial, name) for name in ("freshness", "bystander")
        )
        # on a machine busy with other tests an arrival may find all of its places taken
        assert {"ok"} <= set(bystander.outcome) <= {"ok", "dropped"}
        assert bystander.intended_us.between(0, record.window_s * 1e6).all()
        assert not freshness.empty
        assert freshness.acked_us.between(0, record.window_s * 1e6).all()
        has_server = record.trial.server != "none"
        assert has_server is (record.probe_rps is not None)
        assert has_server is bool(freshness.fresh_done_us.notna().all())
        assert (record.trial.server == "informer") is bool(freshness.event_us.notna().any())
        processes = set(run.samples(record.trial).process)
        assert {"probe", "bystander", "churn", "apiserver", "etcd"} <= processes


def test_what_it_took_to_get_ready_and_to_stay_informed_is_told(run: RunReader) -> None:
    for record in run.trials():
        told = (record.ready_requests, record.ready_bytes, record.upstream_bytes)
        if record.trial.server == "none":
            assert (None, None, None) == told
        else:
            assert all(told), told
        assert record.attempt == 1


def test_the_three_ledgers_agree_with_probe_and_bystander_about(run: RunReader) -> None:
    analysis = analyse(run)
    assert [True] * 3 == [line.ledgers.agree for line in analysis.trials]
    kinds = {caveat.kind for caveat in analysis.caveats}
    assert not {CaveatKind.LEDGERS_DISAGREE, CaveatKind.NOT_DRAINED} & kinds


def test_the_report_names_both_servers_and_needs_no_network(
    finished: BenchProcess, run: RunReader
) -> None:
    page = (finished.reports / run.record.run / "index.html").read_text()
    assert "informer" in page
    assert "direct" in page
    assert [] == re.findall(r"""(?:src|href)=["']https?://""", page)


def test_the_environment_is_told(run: RunReader, binaries: Binaries) -> None:
    environment = run.record.environment
    assert binaries.kubernetes == environment.kubernetes
    assert platform.python_version() == environment.python
    assert environment.processors >= 1
    assert environment.changed_defaults


def test_no_secret_path_or_host_name_is_in_the_results(
    finished: BenchProcess, run: RunReader
) -> None:
    written = b"".join(
        path.read_bytes()
        for root in (finished.results, finished.reports)
        for path in root.rglob("*")
        if path.is_file()
    )
    assert str(finished.folder).encode() not in written
    assert str(Path.home()).encode() + b"/" not in written
    assert b"Bearer" not in written
    assert b"PRIVATE KEY" not in written
    texts = [path.read_text() for path in finished.results.rglob("*.json")]
    for record in run.trials():  # tables are compressed: their bytes show nothing
        for table in TABLES.values():
            frame = read_table(run.trial_folder(record), table)
            texts += ["\n".join(map(str, frame[name].unique())) for name in names_of(table)]
    kept = "\n".join(texts)
    host = socket.gethostname()
    assert not re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", kept)
    assert not re.search(r"127\.0\.0\.1|https?://|eyJ|BEGIN|Bearer", kept)
    assert str(finished.scratch) not in kept


def names_of(table: Table) -> list[str]:
    """Return the columns that hold text."""
    return [column.name for column in table.schema if str(column.type) == "string"]


def test_progress_is_told_stage_by_stage(finished: BenchProcess) -> None:
    for stage in ("writing pods", "comparing the servers' answers", "warming up", "measuring"):
        assert stage in finished.text


def test_the_report_can_be_made_again_from_files_alone(
    finished: BenchProcess, run: RunReader, binaries: Binaries, tmp_path: Path
) -> None:
    arguments = ("report", run.record.run, "--results", str(finished.results))
    again = BenchProcess(tmp_path, (*arguments, "--reports", str(tmp_path / "again")), binaries)
    assert 0 == again.wait(), again.text
    assert (tmp_path / "again" / run.record.run / "index.html").stat().st_size > 10_000
