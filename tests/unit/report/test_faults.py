"""The section on faults: there when the run has some, with the figures of its files."""

import csv
import io
import json
import re
from dataclasses import replace

import jsonschema
import pytest

from bench.analysis import analyse
from bench.forms.build import summarise_run
from bench.forms.json_file import json_schema, to_json
from bench.forms.overview import sheet_of
from bench.forms.sheet import to_markdown
from bench.forms.tables import csv_files
from bench.model import FaultRecord
from bench.report import render, terminal_summary
from bench.store import Store
from tests.unit.analysis.synthetic import SCENARIO, write_run

FAULT = FaultRecord("freeze", "the API server was frozen", 4.0, 9.0)
FAULTY = replace(SCENARIO, name="iced", fault="freeze", fault_at_s=4.0)
HEADING = "When the API server fails"
ASKED = 245 * 3
"""Fifty reads a second for 4.9 s, in three rounds."""


@pytest.fixture
def reader(tmp_path):
    def make(*scenarios, **options):
        given = {"servers": ("direct", "informer"), "seconds": 24.0, "fault": FAULT}
        store = Store(tmp_path / "results")
        return write_run(store, scenarios=scenarios, **(given | options))

    return make


def text_of(page: str) -> str:
    page = re.sub(r"<(style|svg|script).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def page_of(run, tmp_path) -> str:
    return text_of(render(run, tmp_path / "report").read_text())


def test_a_run_without_faults_has_no_such_section(reader, tmp_path):
    run = reader(SCENARIO, fault=None)
    assert HEADING not in page_of(run, tmp_path)
    assert "faults.csv" not in csv_files(summarise_run(analyse(run)))


def test_a_run_with_nothing_else_has_its_answer_from_them(reader, tmp_path):
    # the first 300 of direct's reads fail: those of the fault's first two seconds
    text = page_of(reader(FAULTY, unanswered={"direct": {"failed": 300}}), tmp_path)
    answer = (
        "While the API server was made to fail, informer answered 100% of the reads and direct "
        "answered 59% of the reads."
    )
    assert answer in text
    assert "No figure of this run" not in text
    assert "From which read rate on" not in text
    assert f"{ASKED} of {ASKED}" in text
    assert f"{ASKED - 300} of {ASKED}; 300 failed" in text


def test_beside_other_scenarios_it_comes_after_them_and_changes_nothing_of_them(reader, tmp_path):
    run = reader(SCENARIO, FAULTY)
    page = (render(run, tmp_path / "report")).read_text()
    assert page.index('id="s0"') < page.index('id="faults"')
    alone = analyse(run).scenarios[0]
    assert [SCENARIO] == [one.scenario for one in analyse(run).scenarios]
    assert alone.comparisons


def test_a_fault_without_a_good_trial_names_who_is_missing(reader, tmp_path):
    run = reader(FAULTY, skip=[("direct", 0), ("direct", 1), ("direct", 2)])
    assert "No good trial of direct" in page_of(run, tmp_path)


def test_json_keeps_to_its_schema_and_holds_each_trial(reader):
    summary = summarise_run(analyse(reader(FAULTY)))
    content = json.loads(to_json(summary))
    jsonschema.validate(content, json_schema())
    (fault,) = content["faults"]
    assert ("iced", "the API server was frozen") == (fault["scenario"]["name"], fault["what"])
    assert [3, 3] == [len(arm["rounds"]) for arm in fault["arms"]]
    assert ASKED // 3 == fault["arms"][0]["rounds"][0]["answered_meanwhile"]


def test_csv_has_a_row_a_trial(reader):
    files = csv_files(summarise_run(analyse(reader(FAULTY))))
    rows = list(csv.DictReader(io.StringIO(files["faults.csv"])))
    assert [("direct", "0"), ("direct", "1"), ("direct", "2")] == [
        (row["arm"], row["round"]) for row in rows[:3]
    ]
    assert {"freeze"} == {row["fault"] for row in rows}
    assert {str(ASKED // 3)} == {row["reads_meanwhile"] for row in rows}


def test_markdown_and_terminal_say_the_same(reader):
    analysis = analyse(reader(FAULTY))
    text = to_markdown(sheet_of(summarise_run(analysis)))
    assert f"informer {ASKED} of {ASKED}" in text
    assert "Fault iced: the API server was frozen" in text
    said = " ".join(str(part) for part in terminal_summary(analysis).renderables)
    assert "iced: the API server was frozen" in said
