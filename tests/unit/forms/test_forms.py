"""The forms beside the page: Markdown, CSV, PNG; and that none of them runs what it was given."""

import csv
import io
import json
import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest

import bench.report
from bench.analysis import analyse
from bench.cli import main
from bench.forms.build import summarise_run
from bench.forms.json_file import to_json
from bench.forms.overview import sheet_of
from bench.forms.png import COLOURS
from bench.forms.sheet import Cell, Grid, Sheet, markdown_escape, to_html, to_markdown
from bench.forms.tables import csv_files
from bench.model import Caveat, CaveatKind
from bench.report.svg import FLOOR, GRID, INK, MUTED, PAPER, SERIES
from bench.store import Store
from tests.unit.analysis.synthetic import SCENARIO, write_run


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("place")
    write_run(Store(place / "results"), rounds=6)
    return place


@pytest.fixture(scope="module")
def summary(place):
    return summarise_run(analyse(Store(place / "results").open("latest")))


@pytest.fixture(scope="module")
def written(place):
    folders = ("--results", str(place / "results"), "--reports", str(place / "reports"))
    assert 0 == main(["report", "latest", *folders])
    return next(path for path in (place / "reports").iterdir() if path.is_dir())


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_report_writes_every_form(written):
    for name in (
        "index.html",
        "report.md",
        "summary.json",
        "summary.schema.json",
        "data/rounds.csv",
    ):
        assert (written / name).stat().st_size > 0
    assert list((written / "charts").glob("*.png"))


def test_every_chart_of_the_page_is_there_as_png(written):
    page = (written / "index.html").read_text()
    drawn = set(re.findall(r'<desc id="([\w-]+)-desc"', page))
    assert drawn == {path.stem for path in (written / "charts").glob("*.png")}
    for path in (written / "charts").glob("*.png"):
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">I", content[16:20])[0] > 300


def test_a_chart_has_its_rows_beside_it(written):
    rows = {path.stem for path in (written / "charts").glob("*.csv")}
    assert {path.stem for path in (written / "charts").glob("*.png")} <= rows
    text = (written / "charts" / "s0-requests.csv").read_text()
    assert {"direct", "informer"} <= set(re.findall(r"[\w-]+", text))


def test_only_the_formats_asked_for_are_written(place):
    reports = place / "only"
    folders = ("--results", str(place / "results"), "--reports", str(reports))
    assert 0 == main(["report", "latest", "--format", "json", "--format", "markdown", *folders])
    folder = next(path for path in reports.iterdir() if path.is_dir())
    assert {"summary.json", "summary.schema.json", "report.md"} == {
        path.name for path in folder.iterdir()
    }


def test_pngs_have_the_colours_of_the_page():
    style = Path(bench.report.__file__).parent / "templates" / "style.css"
    light = dict(re.findall(r"--([\w-]+): (#\w+);", style.read_text().split("@media")[0]))
    names = {INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper", FLOOR: "series-floor"}
    names |= {colour: f"series-{index}" for index, colour in enumerate(SERIES)}
    assert {colour: light[name] for colour, name in names.items()} == dict(COLOURS)


def test_csv_has_a_row_for_every_round_of_every_figure(summary):
    rows = read(csv_files(summary)["rounds.csv"])
    expected = sum(
        len(figure.rounds)
        for scenario in summary.scenarios
        for arm in scenario.arms
        for figure in arm.figures
    )
    assert expected == len(rows)
    own = [
        float(row["value"])
        for row in rows
        if (row["arm"], row["metric"], row["per_1000_reads"]) == ("direct", "p50", "false")
    ]
    figure = summary.scenarios[0].arm("direct").figure("p50", per_1000=False)
    assert list(figure.rounds.values()) == own


def test_every_csv_has_as_many_fields_in_each_row_as_in_its_header(summary):
    for name, text in csv_files(summary).items():
        lengths = {len(row) for row in csv.reader(io.StringIO(text))}
        assert 1 == len(lengths), name


def test_a_missing_bound_is_an_empty_field_and_never_nan(tmp_path):
    run = write_run(Store(tmp_path), rounds=1)
    rows = read(csv_files(summarise_run(analyse(run)))["figures.csv"])
    assert {"nan", "None", "inf"}.isdisjoint(value for row in rows for value in row.values())
    row = next(row for row in rows if (row["arm"], row["metric"]) == ("direct", "server_cpu"))
    assert row["mean"]
    assert ("", "") == (row["low_95"], row["high_95"])


def test_replicas_and_workers_are_among_the_columns_of_scenarios(tmp_path):
    several = replace(SCENARIO, replicas=3, workers=2)
    summary = summarise_run(analyse(write_run(Store(tmp_path), scenarios=(several,))))
    (row,) = read(csv_files(summary)["scenarios.csv"])
    assert ("3", "2", "list") == (row["replicas"], row["workers"], row["route"])
    (raw,) = json.loads(to_json(summary))["scenarios"]
    assert (3, 2) == (raw["scenario"]["replicas"], raw["scenario"]["workers"])


def test_each_replica_is_a_row_of_its_own(tmp_path):
    agents = [f"informer-bench-server/{number}" for number in (1, 2)]
    run = write_run(
        Store(tmp_path), servers=("direct",), agents=agents, replicas=2, watches_before={}
    )
    analysis = analyse(run)
    rows = read(csv_files(summarise_run(analysis))["replica-requests.csv"])
    assert [(str(n), r) for n in range(3) for r in "12"] == [
        (row["round"], row["replica"]) for row in rows
    ]
    for fact in analysis.facts:
        own = [row for row in rows if row["round"] == str(fact.record.trial.round)]
        assert fact.ledgers.audit_user.total() == sum(int(row["audit_log"]) for row in own)
        assert fact.ledgers.for_reads.total() == sum(int(row["lists"]) for row in own)


def test_a_run_of_single_replicas_has_no_table_of_them(summary):
    assert () == summary.replica_requests
    assert "replica-requests.csv" not in csv_files(summary)


def test_no_name_is_run_as_a_formula_by_a_spreadsheet(summary):
    caveat = Caveat(CaveatKind.FAILED_REQUESTS, "=HYPERLINK(1)")
    rows = read(csv_files(replace(summary, caveats=(caveat,)))["caveats.csv"])
    assert "'=HYPERLINK(1)" == rows[0]["text"]


def test_markdown_says_what_voids_a_run_before_any_figure(summary):
    void = (Caveat(CaveatKind.LEDGERS_DISAGREE, "5 and 6", "list", "direct", 1),)
    text = to_markdown(sheet_of(replace(summary, void=void)))
    assert text.index("> **ledgers disagree (list, direct): 5 and 6**") < text.index("| requests")


def test_markdown_has_the_means_of_the_summary(summary):
    text = to_markdown(sheet_of(summary))
    row = next(line for line in text.splitlines() if line.startswith("| requests to the API"))
    assert row.split(" | ")[1].startswith("1,000")
    assert row.split(" | ")[3].startswith("0 ")


@pytest.mark.parametrize("kind", ["single round", "failed"])
def test_a_poor_run_gives_every_form_and_no_traceback(tmp_path, kind):
    answered = {"informer": {"failed": 400}, "direct": {"failed": 400}}
    changes = {"rounds": 1} if kind == "single round" else {"unanswered": answered}
    write_run(Store(tmp_path / "results"), **changes)
    folders = ("--results", str(tmp_path / "results"), "--reports", str(tmp_path / "reports"))
    assert 0 == main(["report", "latest", *folders])
    text = next((tmp_path / "reports").glob("*/report.md")).read_text()
    assert "nan" not in text.lower()


def test_foreign_text_is_escaped():
    nasty = "<script>x</script> | *a* _b_ `c` [d](e)\n# f"
    sheet = Sheet(
        nasty, Cell(nasty), (nasty,), (Grid(nasty, (nasty,), ((Cell(nasty),),), nasty),), (nasty,)
    )
    assert "<script>" not in to_html(sheet)
    for line in to_markdown(sheet).splitlines():
        assert "<script>" not in line.replace(r"\<", "")
        assert not line.startswith("# f")
    assert r"\<script\>x\</script\> \| \*a\*" in markdown_escape(nasty)
