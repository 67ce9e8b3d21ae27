"""Read paths, versions of Kubernetes, replicas and faults, each with the figures of its files."""

import re
from dataclasses import replace

import pytest

from bench.analysis import analyse, read_run
from bench.model import FaultRecord
from bench.report.content import run_document
from bench.report.data import csv_files
from bench.report.prose import FEATURES
from bench.report.sentences import times_of
from bench.report.text import to_markdown
from bench.stats import Estimate
from bench.store import Store
from tests.unit.analysis.sweeps import write_sweep
from tests.unit.analysis.synthetic import SCENARIO, write_run
from tests.unit.analysis.test_read_paths import ARMS, FULL, SERVERS, STEADY
from tests.unit.analysis.test_versions import MIDDLE, NEW, OLD, write_versions
from tests.unit.report.said import csv_rows, section, tables, text_of

CONTRACTS = {"direct": "bytes", "informer": "bytes", "ttl": "content"}
FAULT = FaultRecord("freeze", "the API server was frozen", 4.0, 9.0)
FAULTY = replace(SCENARIO, name="iced", fault="freeze", fault_at_s=4.0)
ASKED = 245 * 3
"""Fifty reads per second for 4.9 s, in three rounds."""


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("runs"))
    reader = write_run(store, servers=SERVERS, scenarios=(FULL, STEADY), arms=ARMS)
    reader.record = replace(reader.record, contracts=CONTRACTS)
    data = read_run(reader)
    analysis = analyse(data)
    return analysis, run_document(analysis, data)


def test_read_paths_are_one_table_with_a_row_each(matrix):
    (table,) = tables(section(matrix[1], "paths0"))
    assert ["direct", "informer", "ttl"] == [row.title for row in table.rows]
    assert "the same content, nulls left out" == table.rows[2].cells[-1].value
    factor = "0.2\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}"
    assert any(factor in cell.remark for cell in table.rows[2].cells)


def test_the_chart_of_read_paths_has_every_path(matrix):
    (chart,) = [chart for chart in matrix[1].charts() if chart.name == "paths0-tradeoffs"]
    assert ["direct", "informer", "ttl"] == [row[0] for row in chart.data.rows]


def test_a_run_of_the_usual_three_has_no_read_paths(document):
    assert "paths0" not in [part.anchor for part in document().sections]


def test_csv_and_markdown_carry_the_factors_of_read_paths(matrix):
    analysis, report = matrix
    rows = csv_rows(csv_files(analysis)["read-paths.csv"])
    row = next(r for r in rows if (r["read_path"], r["metric"]) == ("ttl", "control_plane_cpu"))
    path = analysis.read_paths[0].paths[2]
    cost = next(f for f in path.figures if f.metric == "control_plane_cpu")
    names = ("times", "times_low_95", "times_high_95")
    assert [cost.times.value, cost.times.low, cost.times.high] == [float(row[n]) for n in names]
    assert "## 3 read paths side by side" in to_markdown(report)


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (Estimate(0.02, 0.018, 0.024, 3), "0.02 x [0.018 to 0.024]"),
        (Estimate(2.0, 2.0, 2.0, 3), "2 x"),
        (Estimate(2.0, None, None, 1), "2 x"),
        (Estimate(-0.01, -0.03, 0.01, 3), "0 x [at most 0.01]"),
    ],
)
def test_a_factor_has_its_interval(factor, expected):
    plain = str.maketrans(
        {"\N{NO-BREAK SPACE}": " ", "\N{MULTIPLICATION SIGN}": "x", "\N{MINUS SIGN}": "-"}
    )
    assert expected == times_of(factor).translate(plain)


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    analysis = analyse(write_versions(Store(tmp_path_factory.mktemp("runs"))))
    return analysis, run_document(analysis)


def test_versions_name_new_features_and_changes_of_costs(versions):
    text = text_of(versions[1])
    assert "Kubernetes 1.9.10 and 1.37.2 compared" in text
    for feature in FEATURES:
        assert feature.name in text
    assert re.search(r"direct: control-plane CPU per 1,000 reads is 2(\.\d)? times less on", text)


def test_a_switch_names_each_of_three_versions(tmp_path):
    report = run_document(analyse(write_versions(Store(tmp_path), scenarios=(NEW, MIDDLE, OLD))))
    text = text_of(report)
    assert "WatchList: on by default in 1.37.2, not in 1.9.10 or 1.33.13: " in text
    assert "of lists: on by default in 1.33.13 and 1.37.2, not in 1.9.10: " in text
    (table,) = tables(section(report, "versions0"))
    assert ["1.9.10", "1.33.13", "1.37.2"] == [column.title for column in table.columns][:3]


@pytest.mark.parametrize(
    ("version", "on"),
    [
        ("1.30.14", []),
        ("1.31.0", ["Consistent reads from cache"]),
        ("1.32.2", ["Consistent reads from cache", "WatchList"]),
        ("1.33.6", ["Consistent reads from cache", "Streaming encoding of lists"]),
        ("1.34.4", ["Consistent reads from cache", "Streaming encoding of lists", "WatchList"]),
    ],
)
def test_the_features_of_a_version_by_default(version, on):
    assert on == [feature.name for feature in FEATURES if feature.is_on(version)]


def test_csv_and_markdown_carry_every_version(versions):
    analysis, report = versions
    rows = csv_rows(csv_files(analysis)["versions.csv"])
    cpu = [r for r in rows if (r["arm"], r["metric"]) == ("direct", "control_plane_cpu")]
    assert ["1.9.10", "1.37.2"] == [row["kubernetes"] for row in cpu]
    assert "" == cpu[0]["times"]
    assert 0.5 == pytest.approx(float(cpu[1]["times"]), rel=0.1)
    assert "Kubernetes 1.9.10 and 1.37.2 compared" in to_markdown(report)


def test_replicas_have_a_row_a_metric_and_the_cost_of_each_further_one(tmp_path):
    analysis = analyse(
        write_sweep(Store(tmp_path), cells=[("p400", 400, 20.0, 10.0)], replicas=(1, 3, 6))
    )
    report = run_document(analysis)
    (table,) = tables(section(report, "replicas0"))
    titles = [column.title for column in table.columns]
    assert ["server", "1 replica", "3 replicas", "6 replicas", "each further replica"] == titles
    assert "Control-plane costs" == table.groups[0].title
    informer = next(
        row for row in table.rows if row.key == "apiserver_cpu" and row.cells[0].value == "informer"
    )
    assert informer.cells[-1].value.startswith("+")
    rows = csv_rows(csv_files(analysis)["replicas.csv"])
    assert {"1", "3", "6"} == {row["replicas"] for row in rows}
    assert "each further replica" in to_markdown(report)


# Faults.


@pytest.fixture
def faulty(tmp_path):
    def make(*scenarios, **options):
        given = {"servers": ("direct", "informer"), "seconds": 24.0, "fault": FAULT}
        data = read_run(write_run(Store(tmp_path / "r"), scenarios=scenarios, **(given | options)))
        analysis = analyse(data)
        return analysis, run_document(analysis, data)

    return make


def test_a_run_of_faults_alone_has_its_answer_from_them(faulty):
    # the first 300 of direct's reads fail: those of the fault's first two seconds
    _, report = faulty(FAULTY, unanswered={"direct": {"failed": 300}})
    assert (
        "Reads answered in time while the API server failed: 100% with informer and 59% with "
        "direct."
    ) == report.headline.text
    text = text_of(report)
    assert f"{ASKED} of {ASKED}" in text
    assert f"{ASKED - 300} of {ASKED}; 300 failed" in text
    assert "breakeven" not in [part.anchor for part in report.sections]


def test_beside_other_scenarios_faults_come_after_them(faulty):
    analysis, report = faulty(SCENARIO, FAULTY)
    anchors = [part.anchor for part in report.sections]
    assert anchors.index("s0") < anchors.index("faults")
    assert [SCENARIO] == [result.scenario for result in analysis.scenarios]


def test_a_fault_without_a_good_trial_names_the_missing_server(faulty):
    _, report = faulty(FAULTY, skip=[("direct", 0), ("direct", 1), ("direct", 2)])
    assert "No trial of direct succeeded" in text_of(report)


def test_csv_and_markdown_carry_each_trial_of_a_fault(faulty):
    analysis, report = faulty(FAULTY)
    rows = csv_rows(csv_files(analysis)["faults.csv"])
    assert [("direct", "0"), ("direct", "1"), ("direct", "2")] == [
        (row["arm"], row["round"]) for row in rows[:3]
    ]
    assert {("freeze", str(ASKED // 3))} == {(row["fault"], row["reads_meanwhile"]) for row in rows}
    assert "iced: the API server was frozen" in to_markdown(report)
    assert f"{ASKED} of {ASKED}" in to_markdown(report)


def test_a_run_without_faults_has_neither_section_nor_file(document, analysed):
    assert "faults" not in [part.anchor for part in document().sections]
    assert "faults.csv" not in csv_files(analysed()[1])
