"""Recorder: unchanged rows, readable with pandas alone."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bench.load.recorder import Recorder, Result, Row, write_rows
from bench.store.tables import REQUESTS, write_table

LABELS = ("/pods", "/pods/<namespace>")


@pytest.fixture
def recorder():
    filled = Recorder(["/pods", "/pods/<namespace>", "/pods/<namespace>"])
    filled.add(Row(0.001, 0.0015, 0.02, 200, 4_400_000, 0, Result.OK, 1_000))
    filled.add(Row(0.002, 0.0021, 0.03, 500, 60, 1, Result.FAILED))
    filled.add(Row(0.003, 0.0031, None, 0, 0, 2, Result.TIMEOUT))
    filled.add(Row(0.004, None, None, 0, 0, 0, Result.DROPPED))
    filled.add(Row(0.005, None, None, 0, 0, 0, Result.FAILED))
    return filled


def test_rows_come_back_as_they_were_added(recorder, tmp_path):
    write_rows(recorder.table(), tmp_path / "requests.parquet")
    frame = pd.read_parquet(tmp_path / "requests.parquet")
    assert [1000, 2000, 3000, 4000, 5000] == frame["intended_us"].tolist()
    assert [1500, 2100, 3100] == frame["sent_us"].dropna().tolist()
    assert [False, False, False, True, True] == frame["sent_us"].isna().tolist()
    assert [20_000, 30_000] == frame["done_us"].dropna().tolist()
    assert [False, False, True, True, True] == frame["done_us"].isna().tolist()
    assert [200, 500, 0, 0, 0] == frame["status"].tolist()
    assert [4_400_000, 60, 0, 0, 0] == frame["bytes"].tolist()
    labels = ["/pods", "/pods/<namespace>", "/pods/<namespace>", "/pods", "/pods"]
    assert labels == frame["route"].tolist()
    assert [0, 1, 2, 0, 0] == frame["ask"].tolist()
    assert [1_000] == frame["entries"].dropna().tolist()
    outcomes = ["ok", "failed", "timeout", "dropped", "failed"]
    assert outcomes == frame["outcome"].tolist()


def test_the_file_has_the_types_of_the_stores_table_and_is_stored_unchanged(recorder, tmp_path):
    source = tmp_path / "requests.parquet"
    write_rows(recorder.table(), source)
    types = {field.name: field.type for field in REQUESTS.schema if field.name != "worker"}
    assert types == {field.name: field.type for field in pq.read_schema(source)}
    trial = tmp_path / "trial"
    trial.mkdir()
    write_table(trial, REQUESTS, source)
    assert source.read_bytes() == (trial / "requests.parquet").read_bytes()


def test_names_are_stored_once_and_not_once_per_row(recorder, tmp_path):
    write_rows(recorder.table(), tmp_path / "requests.parquet")
    group = pq.ParquetFile(tmp_path / "requests.parquet").metadata.row_group(0)
    assert {"route", "outcome"} <= {
        group.column(index).path_in_schema
        for index in range(group.num_columns)
        if group.column(index).has_dictionary_page
    }


def test_a_window_without_requests_makes_a_file_without_rows(tmp_path):
    empty = Recorder(LABELS)
    write_rows(empty.table(), tmp_path / "requests.parquet")
    assert 0 == len(pd.read_parquet(tmp_path / "requests.parquet"))
    assert empty.lag_ms(99) is None


def test_lag_is_from_intended_to_sent_over_the_sent_requests(recorder):
    assert 0.5 == recorder.lag_ms(99)
    assert 0.1 == recorder.lag_ms(0)


def test_a_failed_write_leaves_no_file_of_that_name(recorder, tmp_path):
    target = tmp_path / "missing" / "requests.parquet"
    with pytest.raises(FileNotFoundError):
        write_rows(recorder.table(), target)
    assert [] == list(tmp_path.iterdir())


def test_writing_rows_imports_no_library_as_that_would_fall_between_the_marks(
    tmp_path: Path,
) -> None:
    code = """
import sys
from pathlib import Path
from bench.load.recorder import Recorder, Result, Row, write_rows
recorder = Recorder(["/pods"])
recorder.add(Row(0.0, 0.0, 0.1, 200, 10, 0, Result.OK))
before = {name.partition(".")[0] for name in sys.modules}
write_rows(recorder.table(), Path(sys.argv[1]))
print({name.partition(".")[0] for name in sys.modules} - before)
"""
    argv = [sys.executable, "-c", code, str(tmp_path / "rows.parquet")]
    assert "set()\n" == subprocess.run(argv, check=True, capture_output=True, text=True).stdout
