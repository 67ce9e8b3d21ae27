"""One tiny run, end to end on a real cluster: its results are complete, right and redacted.

One scenario has one process each at full speed, the other replicas with several workers.
"""

import platform
import re
import socket
from pathlib import Path

import pandas as pd
import pytest

from bench.analysis import RunAnalysis, analyse
from bench.cluster.binaries import Binaries
from bench.model import PROBE_NAME, CaveatKind, Outcome, RunState, TrialRecord
from bench.store import RunReader, Store
from bench.store.tables import TABLES, Table, read_table
from tests.integration.run.bench_process import TINY, BenchProcess, changed, folders

FULL_SPEED = ("users = 40\nrate_rps = 10", "users = 2")
SHORT_OF_TIME = ("rounds = 1", "rounds = 9\nmost_minutes = 0.1")
"""Minutes in which its windows alone leave room for one round."""
GROUP = """
[[scenarios]]
name = "group"
route = "list-all"
users = 40
rate_rps = 10
replicas = 2
workers = 2
pods = 40
churn_per_s = 10
"""
AGENT = "informer-bench-server/"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> BenchProcess:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.toml").write_text(changed(TINY, FULL_SPEED, SHORT_OF_TIME) + GROUP)
    process = BenchProcess(folder, ("run", str(folder / "tiny.toml"), *folders(folder)), binaries)
    process.ends(0)
    return process


@pytest.fixture(scope="module")
def run(finished: BenchProcess) -> RunReader:
    return Store(finished.results).open("latest")


@pytest.fixture(scope="module")
def analysis(run: RunReader) -> RunAnalysis:
    return analyse(run)


@pytest.fixture(scope="module")
def group(run: RunReader) -> dict[str, TrialRecord]:
    """The trials of replicas with workers, by their server."""
    trials = [record for record in run.trials() if record.trial.scenario == "group"]
    return {record.trial.server: record for record in trials}


def test_every_trial_is_there_and_went_well(run: RunReader) -> None:
    assert RunState.COMPLETE is run.record.state
    arms = [(record.trial.scenario, record.trial.server) for record in run.trials()]
    servers = ("direct", "informer", "none")
    assert [(name, server) for name in ("all", "group") for server in servers] == sorted(arms)
    assert {Outcome.OK} == {record.outcome for record in run.trials()}


def test_a_run_whose_minutes_are_over_ends_whole_and_says_so(
    finished: BenchProcess, run: RunReader
) -> None:
    assert (True, 1) == (run.record.out_of_time, run.record.plan.rounds)
    text = " ".join(finished.text.split())
    assert "The plan's limit of 0.1 min of measuring was reached" in text


def test_the_answers_were_compared_and_alike(run: RunReader) -> None:
    assert run.equality is not None
    assert run.equality.equal
    assert ("direct", "informer") == run.equality.servers
    for record in run.trials():
        assert (None if record.trial.server == "none" else True) is record.equal_to_list


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
    for record in (trial for trial in run.trials() if trial.trial.server == "direct"):
        scrapes = run.scrapes(record.trial)
        sent = scrapes[scrapes.name == "informer_bench_upstream_requests_total"]
        sent = sent[sent.labels.str.contains('verb="list"')]  # the gets are for the probe's reads
        at = sent.groupby("mark").value.sum()
        assert record.sent == at["end"] - at.get("begin", 0.0)


def test_the_floor_has_no_load_and_its_costs_are_measured(run: RunReader) -> None:
    for floor in (trial for trial in run.trials() if trial.trial.server == "none"):
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


def test_requests_and_bytes_until_ready_and_afterwards_are_recorded(run: RunReader) -> None:
    for record in run.trials():
        figures = (record.ready_requests, record.ready_bytes, record.upstream_bytes)
        if record.trial.server == "none":
            assert (None, None, None) == figures
        else:
            assert all(figures), figures
        assert record.attempt == 1


def test_the_three_ledgers_agree_beside_probe_and_bystander(analysis: RunAnalysis) -> None:
    """In the group they agree over all processes."""
    assert 6 == len(analysis.trials)
    for line in analysis.trials:
        assert line.ledgers.agree, line.ledgers.disagreements
        assert () == line.ledgers.missing
    kinds = {caveat.kind for caveat in analysis.caveats}
    assert not {CaveatKind.LEDGERS_DISAGREE, CaveatKind.NOT_DRAINED} & kinds


def test_the_report_names_both_servers_and_needs_no_network(
    finished: BenchProcess, run: RunReader
) -> None:
    page = (finished.reports / run.record.run / "index.html").read_text()
    assert "informer" in page
    assert "direct" in page
    assert [] == re.findall(r"""(?:src|href)=["']https?://""", page)


def test_the_environment_is_recorded(run: RunReader, binaries: Binaries) -> None:
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
    text = "\n".join(texts)
    host = socket.gethostname()
    assert not re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", text)
    assert not re.search(r"127\.0\.0\.1|https?://|eyJ|BEGIN|Bearer", text)
    assert str(finished.scratch) not in text


def names_of(table: Table) -> list[str]:
    """Return the columns that hold text."""
    return [column.name for column in table.schema if str(column.type) == "string"]


def test_progress_names_each_stage(finished: BenchProcess) -> None:
    for stage in ("writing pods", "comparing the servers' answers", "warming up", "measuring"):
        assert stage in finished.text


def test_the_report_can_be_made_again_from_files_alone(
    finished: BenchProcess, run: RunReader, binaries: Binaries, tmp_path: Path
) -> None:
    arguments = ("report", run.record.run, "--results", str(finished.results))
    again = BenchProcess(tmp_path, (*arguments, "--reports", str(tmp_path / "again")), binaries)
    assert 0 == again.wait(), again.text
    assert (tmp_path / "again" / run.record.run / "index.html").stat().st_size > 10_000


def test_each_worker_of_each_replica_was_compared_and_filled_a_cache(
    group: dict[str, TrialRecord],
) -> None:
    assert (1, 1) == (group["none"].replicas, group["none"].workers)
    for name in ("direct", "informer"):
        assert (2, 2) == (group[name].replicas, group[name].workers)
        assert group[name].equal_to_list
    assert 8 == group["informer"].ready_requests, "a list and a watch for each worker"
    first_s, last_s = group["informer"].ready_first_s, group["informer"].ready_s
    assert first_s is not None
    assert last_s is not None
    assert 0 < first_s <= last_s


def test_the_cost_model_counts_every_cache(analysis: RunAnalysis) -> None:
    (model,) = [model for model in analysis.cost_models if model.quantity == "api_bytes"]
    assert (4.0, 4.0) == model.ranges.replicas


def of_account(run: RunReader, record: TrialRecord) -> pd.DataFrame:
    """Return the rows of the server's account, without those for the probe's pod."""
    audit = run.audit(record.trial)
    by_account = audit["user"].str.endswith(f":{record.trial.server}")
    return audit[by_account & (audit["name"] != PROBE_NAME)]


def test_the_requests_of_all_replicas_of_direct_are_those_of_the_account(
    run: RunReader, analysis: RunAnalysis, group: dict[str, TrialRecord]
) -> None:
    rows = of_account(run, group["direct"])
    lists = rows[(rows["verb"] == "list") & (rows["resource"] == "pods")]
    assert group["direct"].sent == len(lists)
    by_replica = lists["user_agent"].str.partition(".")[0].value_counts().to_dict()

    (line,) = [row for row in analysis.trials if (row.scenario, row.server) == ("group", "direct")]
    assert line.ledgers is not None
    assert {} == line.ledgers.other_agents
    replicas = [row for row in analysis.replica_requests if row.server == "direct"]
    assert [1, 2] == [row.replica for row in replicas]
    counted = {f"{AGENT}{row.replica}": row.lists + row.gets for row in replicas}
    assert by_replica == counted
    assert min(counted.values()) > 0
    assert line.ledgers.pod_reads == sum(counted.values())
    assert line.ledgers.client is not None
    assert group["direct"].sent <= line.ledgers.client
    assert [True] * 2 == [row.agree for row in replicas], "own counts are the audit log's"


def test_each_replica_of_the_informer_watches_and_sends_no_other_request(
    run: RunReader, analysis: RunAnalysis, group: dict[str, TrialRecord]
) -> None:
    assert of_account(run, group["informer"]).empty
    workers = [f"{AGENT}{replica}.{worker}" for replica in (1, 2) for worker in (1, 2)]
    assert dict.fromkeys(workers, 1) == group["informer"].watches_before
    replicas = [row for row in analysis.replica_requests if row.server == "informer"]
    assert [(0, 0, 2)] * 2 == [(row.lists, row.gets, row.watches_since_start) for row in replicas]


def test_a_run_whose_replicas_all_sent_requests_has_no_caveat_of_them(
    finished: BenchProcess, analysis: RunAnalysis
) -> None:
    kinds = {caveat.kind for caveat in analysis.caveats}
    assert CaveatKind.REPLICAS_NOT_AS_PLANNED not in kinds
    (page,) = finished.reports.glob("*/index.html")
    assert 2 == page.read_text().count("each replica, and no other client")
    (table,) = finished.reports.glob("*/data/replica-requests.csv")
    rows = pd.read_csv(table)
    assert [1, 2] * 2 == rows["replica"].tolist()
    assert (rows["audit_log"] == rows["own_count"]).all()
    assert (rows["lists"] + rows["watches_since_start"] > 0).all()
