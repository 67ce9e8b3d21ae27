"""``summary.json`` holds the analysis, and reading returns what was written."""

import gzip
import json
from pathlib import Path

import jsonschema
import pandas as pd
import pytest

from bench.analysis.frame import frame_of, rounds_frame
from bench.analysis.summary_file import (
    SummaryError,
    load_summary,
    read_summary,
    schema_json,
    to_json,
)
from bench.gate.observe import noise_of
from bench.store import Store
from tests.unit.analysis.synthetic import write_run

OLDER = Path(__file__).parents[2] / "golden" / "older"
"""Summaries that were written before cost models were part of them."""


@pytest.fixture
def analysis(made):
    return made(rounds=6, control="direct")[1]


@pytest.fixture
def content(analysis):
    return to_json(analysis)


def test_a_summary_is_valid_by_its_schema(content):
    schema = json.loads(schema_json())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(content))


def test_the_schema_refuses_what_is_no_summary(content):
    raw = json.loads(content) | {"scenarios": "none"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json.loads(schema_json())).validate(raw)


def test_a_summary_is_read_as_it_was_written(analysis, content, tmp_path):
    path = tmp_path / "summary.json"
    path.write_bytes(content)
    assert analysis == read_summary(path)


@pytest.mark.parametrize("name", ["golden", "read-paths", "versions", "faults"])
def test_a_summary_that_was_kept_before_fields_were_added_is_read(name, tmp_path):
    older = json.loads(gzip.decompress((OLDER / f"{name}.json.gz").read_bytes()))
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(older))
    summary = read_summary(path)
    assert (older["run"], len(older["scenarios"])) == (summary.run, len(summary.scenarios))
    assert () == summary.cost_models


def test_a_count_carries_its_events_and_their_exposure(analysis):
    direct = analysis.scenarios[0].arm("direct")
    figure = direct.figure("api_requests", per_1000=True)
    assert direct.api_requests == figure.events
    assert figure.value == pytest.approx(figure.events / figure.exposure)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "is not valid JSON"),
        ("[]", "is no summary of a run"),
        ('{"schema": 2}', "is no summary of a run"),
        ('{"summary_schema": 99}', "is of version 99; this program reads up to 2"),
        ('{"summary_schema": 2}', "missing required field `run`"),
    ],
)
def test_a_file_that_is_none_says_what_is_wrong(tmp_path, text, expected):
    path = tmp_path / "summary.json"
    path.write_text(text)
    with pytest.raises(SummaryError, match=r"summary\.json") as caught:
        read_summary(path)
    assert expected in str(caught.value)


def test_a_wrong_value_is_named_by_its_key(content, tmp_path):
    raw = json.loads(content)
    raw["scenarios"][0]["arms"][0]["reads"] = "many"
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(raw))
    with pytest.raises(SummaryError, match=r"\$\.scenarios\[0\]\.arms\[0\]\.reads|\.reads"):
        read_summary(path)


def test_a_run_is_found_by_name_and_a_summary_by_its_file(tmp_path):
    store = Store(tmp_path)
    reader = write_run(store)
    summary = load_summary(store, reader.record.run)
    path = tmp_path / "kept.json"
    path.write_bytes(to_json(summary))
    assert summary == load_summary(store, str(path))


def test_a_controls_second_arm_is_in_the_summary_and_gives_the_noise(analysis):
    scenario = analysis.scenarios[0]
    assert scenario.arm("direct-again") is not None
    assert len({arm.server for arm in scenario.arms}) == len(scenario.arms)
    assert noise_of(scenario, "p50", per_1000=False) > 0


def test_break_even_unit_costs_and_replica_slopes_are_in_the_file(made):
    raw = json.loads(to_json(made()[1]))
    model = next(model for model in raw["cost_models"] if model["quantity"] == "apiserver_cpu")
    assert {"direct", "direct-rv0"} == {rate["reader"] for rate in model["break_evens"]}
    assert ["read", "read", "write"] == [unit["per"] for unit in model["units"]]
    assert [] == raw["replicas"]


def test_the_tidy_frame_is_every_round_of_every_figure(made):
    data, analysis = made(control="direct", rounds=6)
    rows = rounds_frame(analysis)
    frame = frame_of(data.data).rows
    keys = ["scenario", "arm", "metric", "per_1000_reads", "round"]
    assert len(rows) == len(rows[keys].drop_duplicates())
    pd.testing.assert_frame_equal(
        frame.sort_values(keys, ignore_index=True),
        rows.sort_values(keys, ignore_index=True),
        check_dtype=False,
    )
