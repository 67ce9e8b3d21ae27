"""``summary.json``: what it holds is what the analysis found, and it is read as it was written."""

import json

import jsonschema
import pytest

from bench.analysis import analyse
from bench.forms.build import summarise_run
from bench.forms.json_file import (
    SummaryError,
    read_summary,
    schema_json,
    to_json,
)
from bench.forms.load import load_summary
from bench.gate.observe import noise_of
from bench.store import Store
from tests.unit.analysis.synthetic import write_run


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    return analyse(write_run(Store(tmp_path_factory.mktemp("results")), rounds=6))


@pytest.fixture(scope="module")
def content(analysis):
    return to_json(summarise_run(analysis))


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
    assert summarise_run(analysis) == read_summary(path)


def test_its_figures_are_those_of_the_analysis(analysis):
    summary = summarise_run(analysis)
    for scenario, one in zip(analysis.scenarios, summary.scenarios, strict=True):
        for arm, other in zip(scenario.arms, one.arms, strict=True):
            figure = other.figure("p50", per_1000=False)
            measured = arm.figures["p50"]
            assert measured.rounds == figure.rounds
            if measured.interval is not None:
                assert (measured.interval.value, measured.interval.low) == (
                    figure.value,
                    figure.low,
                )


def test_a_count_carries_its_events_and_their_exposure(analysis):
    direct = summarise_run(analysis).scenarios[0].arm("direct")
    figure = direct.figure("api_requests", per_1000=True)
    assert direct.api_requests == figure.events
    assert figure.value == pytest.approx(figure.events / figure.exposure)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not valid JSON"),
        ("[]", "is no summary of a run"),
        ('{"schema": 2}', "is no summary of a run"),
        ('{"summary_schema": 99}', "is of version 99; this program reads up to 2"),
        ('{"summary_schema": 2}', "missing required field `run`"),
    ],
)
def test_a_file_that_is_none_says_what_is_wrong(tmp_path, text, said):
    path = tmp_path / "summary.json"
    path.write_text(text)
    with pytest.raises(SummaryError, match=r"summary\.json") as caught:
        read_summary(path)
    assert said in str(caught.value)


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


def test_a_controls_second_arm_is_in_the_summary_and_gives_the_noise(tmp_path):
    servers = ("direct", "informer", "direct-again")
    summary = summarise_run(analyse(write_run(Store(tmp_path), rounds=6, servers=servers)))
    scenario = summary.scenarios[0]
    assert scenario.arm("direct-again") is not None
    assert len({arm.server for arm in scenario.arms}) == len(scenario.arms)
    assert noise_of(scenario, "p50", per_1000=False) > 0
