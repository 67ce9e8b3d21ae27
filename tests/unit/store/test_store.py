"""The store: whole or absent, never overwritten, and errors that name the file and the way out."""

import errno
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.model import SCHEMA, Answer, EqualityRecord, Outcome, RunState
from bench.probes.audit import AuditRow
from bench.probes.observers.bystander import BystanderRow
from bench.probes.staleness import FreshnessRow
from bench.store import Store, StoreError
from bench.store.files import replaced_folder
from tests.unit.store.builders import a_run, a_trial, some_requests

ROOT = Path(__file__).parents[3]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def test_a_run_reads_back_as_it_was_written(store):
    writer = store.create(a_run(), plan_toml='name = "tiny"\n')
    first, second = a_trial(0), a_trial(1, "informer", identity="informer")
    writer.write_trial(second, requests=some_requests())
    writer.write_trial(first)
    equality = EqualityRecord(SCHEMA, ("direct", "informer"), "12", (Answer("/pods", True, 1),))
    writer.write_equality(equality)
    done = replace(a_run(), state=RunState.COMPLETE, ended_at="2026-11-23T09:16:00Z")
    writer.update(done)

    reader = store.open(done.run)
    assert done == reader.record
    assert [first, second] == reader.trials()
    assert equality == reader.equality
    assert [1_000, 2_000] == list(reader.requests(second).eval("done_us - sent_us"))
    assert 'name = "tiny"\n' == (writer.folder / "plan.toml").read_text()


def test_a_table_not_measured_differs_from_an_empty_one(store):
    writer = store.create(a_run())
    writer.write_trial(a_trial(0), audit=[])
    reader = store.open(a_run().run)
    trial = reader.trials()[0]
    assert reader.has(trial, "audit")
    assert not reader.has(trial, "requests")
    assert reader.audit(trial).empty
    assert "outcome" in reader.requests(trial).columns


def test_dataclass_rows_become_columns(store):
    @dataclass(frozen=True)
    class Sample:
        at_us: int
        process: str
        cpu_s: float
        rss_bytes: int
        pss_bytes: int | None

    store.create(a_run()).write_trial(a_trial(), samples=[Sample(5, "server", 0.5, 100, None)])
    frame = store.open("latest").samples(a_trial())
    assert [(5, "server", 0.5, 100)] == list(
        frame[["at_us", "process", "cpu_s", "rss_bytes"]].itertuples(index=False, name=None)
    )
    assert frame["pss_bytes"].isna().all()


def test_rows_of_probe_and_bystander_are_kept_with_their_nulls(store):
    freshness = {
        "acked_us": [10, 500_010],
        "resource_version": [7, 9],
        "first_sent_us": [12, None],
        "first_stale": [True, None],
        "stale_sent_us": [12, None],
        "fresh_done_us": [5_400, None],
        "reads": [2, 0],
        "event_us": [None, None],
    }
    bystander = {
        "intended_us": [0, 100_000],
        "sent_us": [3, None],
        "done_us": [900, None],
        "status": [200, 0],
        "outcome": ["ok", "dropped"],
    }
    writer = store.create(a_run())
    observed = {"freshness": (FreshnessRow, freshness), "bystander": (BystanderRow, bystander)}
    writer.write_trial(a_trial(), observed=observed)
    reader = store.open("latest")
    assert ["bystander", "freshness"] == reader.observers(a_trial())
    read = {name: reader.observed(a_trial(), name) for name in reader.observers(a_trial())}
    assert [True, None] == list(read["freshness"]["first_stale"])
    assert [5_400.0] == list(read["freshness"]["fresh_done_us"].dropna())
    assert ["ok", "dropped"] == list(read["bystander"]["outcome"])


def test_a_record_of_the_first_schema_reads_with_what_it_lacks_as_not_measured(store):
    folder = store.create(a_run()).write_trial(a_trial())
    path = folder / "trial.json"
    raw = json.loads(path.read_text())
    for key in ("probe_rps", "cooldown_s", "attempt", "ready_bytes"):
        del raw[key]
    path.write_text(json.dumps(raw | {"schema": 1}))
    (record,) = store.open("latest").trials()
    assert (1, None, None) == (record.schema, record.probe_rps, record.attempt)
    assert not store.open("latest").has(record, "freshness")


def test_a_parquet_file_of_requests_is_moved_in(store, tmp_path):
    source = tmp_path / "load.parquet"
    # the load process may write wider integers: they are cast, the values are kept
    pq.write_table(pa.table(dict(some_requests())), source)
    store.create(a_run()).write_trial(a_trial(), requests=source)
    assert not source.exists()
    folder = store.open("latest").trial_folder(a_trial())
    assert pa.int16() == pq.read_schema(folder / "requests.parquet").field("status").type


def test_a_dropped_arrival_has_neither_send_nor_answer(store):
    columns = dict(some_requests((1_000,))) | {
        "sent_us": [None],
        "done_us": [None],
        "status": [0],
        "outcome": ["dropped"],
    }
    store.create(a_run()).write_trial(a_trial(), requests=columns)
    frame = store.open("latest").requests(a_trial())
    assert frame[["sent_us", "done_us"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"bytes": None}, "missing columns: bytes"),
        ({"colour": [1, 2]}, "unknown columns: colour"),
        ({"bytes": ["a", "b"]}, "column bytes: expected int64"),
        ({"bytes": [1, None]}, "column bytes: 1 values are missing"),
        ({"bytes": [1]}, "columns of unequal length"),
    ],
)
def test_a_wrong_table_is_refused_and_leaves_nothing_behind(store, change, complaint):
    columns = {k: v for k, v in (dict(some_requests()) | change).items() if v is not None}
    writer = store.create(a_run())
    with pytest.raises(StoreError, match=complaint):
        writer.write_trial(a_trial(), requests=columns)
    assert [] == list((writer.folder / "trials").iterdir())


def test_neither_a_run_nor_a_trial_is_overwritten(store):
    writer = store.create(a_run())
    writer.write_trial(a_trial())
    with pytest.raises(StoreError, match="never overwritten"):
        store.create(a_run())
    with pytest.raises(StoreError, match="never overwritten"):
        writer.write_trial(a_trial(outcome=Outcome.FAILED))
    assert Outcome.OK == store.open("latest").trials()[0].outcome


@pytest.mark.parametrize("name", ["", "latest", "../x", "a/b", ".hidden", "a b"])
def test_a_run_needs_a_plain_name(store, name):
    with pytest.raises(StoreError, match="cannot name a run"):
        store.create(a_run(run=name))


def test_latest_is_the_run_started_last_that_has_a_finished_trial(store):
    for run, month in (("c", "01"), ("b", "02")):
        store.create(a_run(run=run, started_at=f"2026-{month}-01T00:00:00Z")).write_trial(a_trial())
    store.create(a_run(run="a", started_at="2026-03-01T00:00:00Z"))
    assert "b" == store.open("latest").record.run


def test_a_run_is_found_by_path_too(store):
    folder = store.create(a_run()).folder
    assert a_run().run == Store("elsewhere").open(folder).record.run


def test_the_error_of_an_unknown_run_lists_all_runs_and_the_nearest(store):
    store.create(a_run(run="20261123-smoke"))
    store.create(a_run(run="default"))
    with pytest.raises(StoreError) as error:
        store.open("20261123-smok")
    assert "the nearest is 20261123-smoke" in str(error.value)
    assert "There are: 20261123-smoke, default" in str(error.value)


@pytest.mark.parametrize("name", ["nothing", "latest"])
def test_with_no_runs_at_all_the_error_says_how_to_make_one(store, name):
    with pytest.raises(StoreError, match="make bench"):
        store.open(name)


def test_a_newer_schema_is_refused_with_its_number(store):
    folder = store.create(a_run()).folder
    raw = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(raw | {"schema": SCHEMA + 1, "novelty": 1}))
    with pytest.raises(StoreError, match=rf"schema {SCHEMA + 1}; this version reads up to"):
        store.open(folder)


ELSEWHERE = ("../../outside", "/tmp/outside", "a/b", "")
"""Names that would lead out of the folder of a report."""


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda raw: raw["plan"].update(rounds="two"), "key plan.rounds: expected int, got str"),
        (lambda raw: raw.update(state="finished"), "key state: invalid enum value 'finished'"),
        (lambda raw: raw.pop("plan"), "object missing required field plan"),
        (
            lambda raw: raw.update(ended_att=None),
            "key ended_att: .*the nearest known key is ended_at",
        ),
        (lambda raw: raw["plan"]["scenarios"][0].update(podz=1), r"key plan.scenarios\[0\].podz"),
        (lambda raw: raw.pop("schema"), "key schema: expected a whole number"),
        *(
            (lambda raw, name=name: raw.update(run=name), "key run: .* cannot name a run")
            for name in (*ELSEWHERE, ".", "..", "a\0b")
        ),
        *(
            (
                lambda raw, name=name: raw["plan"]["scenarios"][0].update(name=name),
                r"key plan\.scenarios: .* cannot be part of a file name",
            )
            for name in ELSEWHERE
        ),
    ],
)
def test_a_record_edited_by_hand_names_file_key_and_expectation(store, edit, complaint):
    path = store.create(a_run()).folder / "run.json"
    raw = json.loads(path.read_text())
    edit(raw)
    path.write_text(json.dumps(raw))
    with pytest.raises(StoreError, match=complaint) as error:
        store.open(path.parent)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]"])
def test_a_half_written_record_is_an_error_that_names_the_file(store, content):
    path = store.create(a_run()).folder / "run.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=re.escape(str(path))):
        store.open(path.parent)


def test_a_damaged_table_is_an_error_that_names_the_file(store):
    folder = store.create(a_run()).write_trial(a_trial(), requests=some_requests())
    (folder / "requests.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(StoreError, match=r"requests\.parquet cannot be read as Parquet"):
        store.open("latest").requests(a_trial())


def test_a_record_that_could_not_be_read_back_is_refused_at_once(store):
    with pytest.raises(StoreError, match="key marks_s: expected float"):
        store.create(a_run()).write_trial(a_trial(marks_s=float("nan")))


def test_leftovers_of_a_crash_are_skipped(store):
    writer = store.create(a_run())
    writer.write_trial(a_trial())
    (writer.folder / "trials" / ".partial-x").mkdir()
    assert 1 == len(store.open("latest").trials())


FILL_THE_DISK = """
import sys
from tests.unit.store.builders import a_run, a_trial, some_requests
from bench.probes.audit import AuditRow
from bench.store import Store, StoreError
store = Store(sys.argv[1])
writer = store.create(a_run())
writer.write_trial(a_trial(0), requests=some_requests())
try:
    import random
    noise = [random.getrandbits(60) for _ in range(100_000)]
    writer.write_trial(a_trial(1), requests=some_requests(noise))
except StoreError as error:
    print(error)
print([record.trial.order for record in Store(sys.argv[1]).open("latest").trials()])
"""


def test_a_full_disk_names_the_file_and_leaves_earlier_trials_whole(tmp_path):
    mount = f"mount -t tmpfs -o size=256k none {tmp_path}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], check=False).returncode != 0:
        pytest.skip("no right to mount a small file system here")
    command = f'{mount} && exec {sys.executable} -c "$0" {tmp_path}'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command, FILL_THE_DISK],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert re.search(r"disk full while writing .*requests.parquet", done.stdout)
    assert done.stdout.endswith("[0]\n")


def test_the_example_in_the_documentation_runs(store, monkeypatch, capsys):
    writer = store.create(a_run())
    writer.write_trial(a_trial(0), requests=some_requests())
    text = (ROOT / "results" / "README.md").read_text()
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    monkeypatch.chdir(store.root.parent)
    exec(example.replace("results/RUN", f"results/{a_run().run}"), {})
    assert "direct" in capsys.readouterr().out


def test_every_column_and_key_is_documented():
    from bench.model import TrialRecord
    from bench.store.tables import TABLES

    text = (ROOT / "results" / "README.md").read_text()
    names = [name for table in TABLES.values() for name in table.schema.names]
    names += [field.name for field in msgspec.inspect.type_info(TrialRecord).fields]
    assert [] == [name for name in names if f"`{name}`" not in text]


def test_tables_read_the_same_with_pandas_alone(store):
    folder = store.create(a_run()).write_trial(a_trial(), requests=some_requests())
    read = store.open("latest").requests(a_trial())
    alone = pd.read_parquet(folder / "requests.parquet")
    pd.testing.assert_frame_equal(alone, read[alone.columns])


def test_a_column_that_a_file_need_not_have_is_null_then_and_kept_otherwise(store):
    writer = store.create(a_run())
    rows = some_requests()
    writer.write_trial(a_trial(0), requests=rows)
    writer.write_trial(a_trial(1), requests={**rows, "worker": ["worker-1", "elsewhere-1"]})
    reader = store.open("latest")
    assert reader.requests(a_trial(0))["worker"].isna().all()
    assert ["worker-1", "elsewhere-1"] == reader.requests(a_trial(1))["worker"].tolist()


def test_an_audit_table_of_before_user_agents_were_kept_reads_with_none(store):
    row = asdict(AuditRow("a", "u", "list", "pods", "", "", "", 200, "/", "", 1, 2, "x/1"))
    columns = {name: [value] for name, value in row.items()}
    older = {name: values for name, values in columns.items() if name != "user_agent"}
    writer = store.create(a_run())
    writer.write_trial(a_trial(0), audit=older)
    writer.write_trial(a_trial(1), audit=columns)
    reader = store.open("latest")
    assert reader.audit(a_trial(0))["user_agent"].isna().all()
    assert ["x/1"] == reader.audit(a_trial(1))["user_agent"].tolist()


def test_a_run_is_reopened_and_a_failed_trial_set_aside(store):
    store.create(a_run()).write_trial(a_trial(outcome=Outcome.FAILED), samples=[])
    writer = store.reopen(a_run().run)
    aside = writer.set_aside(a_trial(outcome=Outcome.FAILED))
    writer.write_trial(a_trial(attempt=2))
    assert [2] == [record.attempt for record in store.open("latest").trials()]
    assert "000-list-direct-r0-attempt1" == aside.name
    assert {"trial.json", "samples.parquet"} == {path.name for path in aside.iterdir()}


def test_a_run_has_one_writer_at_a_time(store):
    writer = store.create(a_run())
    with pytest.raises(StoreError, match="being written to by another process"):
        store.reopen(a_run().run)
    writer.close()
    store.reopen(a_run().run)


def test_a_trial_is_set_aside_beside_its_earlier_attempts(store):
    writer = store.create(a_run())
    for attempt in (None, None, 5):
        writer.write_trial(a_trial(attempt=attempt))
        writer.set_aside(a_trial(attempt=attempt))
    names = sorted(path.name for path in (writer.folder / "set-aside").iterdir())
    assert [f"000-list-direct-r0-attempt{number}" for number in (1, 2, 5)] == names
    assert (5, 0) == (writer.attempts(a_trial().trial), writer.attempts(a_trial(1).trial))


@pytest.mark.parametrize("key", ["window_s", "marks_s"])
def test_a_good_trial_that_lasted_no_time_is_refused(store, key):
    folder = store.create(a_run()).write_trial(a_trial(0))
    content = json.loads((folder / "trial.json").read_text()) | {key: 0}
    (folder / "trial.json").write_text(json.dumps(content))
    with pytest.raises(StoreError, match=f"trial.json: key {key}: "):
        store.open(a_run().run).trials()


def test_tables_that_a_good_trial_lost_are_named(store):
    folder = store.create(a_run()).write_trial(a_trial(0), requests=some_requests(), samples=[])
    assert [folder / "scrapes.parquet"] == store.open(a_run().run).lost_tables()
    (folder / "requests.parquet").unlink()
    lost = store.open(a_run().run).lost_tables()
    assert ["scrapes.parquet", "requests.parquet"] == [path.name for path in lost]


def test_a_folder_is_replaced_whole(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "kept").write_text("kept")
    with replaced_folder(tmp_path / "report") as partial:
        (partial / "new").write_text("new")
        assert ["kept"] == [path.name for path in (tmp_path / "report").iterdir()]
    assert {"kept", "new"} == {path.name for path in (tmp_path / "report").iterdir()}
    assert [tmp_path / "report"] == list(tmp_path.iterdir())


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_cannot_be_replaced_whole_stays_as_it_was(tmp_path, there):
    report = tmp_path / "report"
    if there:
        report.mkdir()
        (report / "page").write_text("before")

    def write_half() -> None:
        with replaced_folder(report) as partial:
            (partial / "page").write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match="disk full"):
        write_half()
    assert ([report] if there else []) == list(tmp_path.iterdir())
    if there:
        assert "before" == (report / "page").read_text()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB; skipped where this account may not mount one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", tmp_path],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_a_full_disk_is_reported_and_leaves_the_last_report_whole(small_disk):
    report = small_disk / "report"
    with replaced_folder(report) as partial:
        (partial / "page").write_text("before")

    def write_too_much() -> None:
        with replaced_folder(report) as partial:
            (partial / "page").write_bytes(bytes(1_000_000))

    with pytest.raises(StoreError, match="disk full while writing"):
        write_too_much()
    assert [report] == list(small_disk.iterdir())
    assert "before" == (report / "page").read_text()
