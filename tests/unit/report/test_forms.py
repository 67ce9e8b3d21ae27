"""The forms of a document: all have the same sentences, and none runs foreign text."""

import base64
import csv
import hashlib
import html
import io
import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import main
from bench.model import Caveat, CaveatKind, Outcome
from bench.report.charts import Data
from bench.report.data import csv_files, to_answer
from bench.report.document import (
    Alarm,
    Calculator,
    Cell,
    Column,
    Depth,
    Document,
    Group,
    Row,
    Section,
    Sentence,
    Table,
    Text,
)
from bench.report.html import to_html
from bench.report.output import write_index, write_report
from bench.report.text import markdown_escape, to_markdown
from bench.store import Store
from tests.unit.analysis.synthetic import SCENARIO, write_run
from tests.unit.report.said import as_text, csv_rows, on_terminal

NASTY = "<script>x</script> | *a* _b_ `c` [d](e)\n# f @g"
EVIL = '<img src=x onerror="alert(1)">&$x^2$'
ALL = ("html", "markdown", "json", "csv", "png")


def a_document(text):
    table = Table(text, (Column(text),), (Group((Row(text, (Cell(text),)),)),), text, text)
    terminal = replace(table, depth=Depth.TERMINAL)
    sections = (Section("a", text, (terminal, Text(text, term=text))),)
    return Document(text, Sentence(text, text), (Alarm(text, (text,)),), sections=sections)


def test_foreign_text_is_text_on_the_page_and_in_markdown():
    page = to_html(a_document(NASTY))
    assert "<script>x" not in page
    assert "<script>x</script> | *a*" in as_text(page.replace("<code>c</code>", "`c`"))
    for line in to_markdown(a_document(NASTY)).splitlines():
        assert "<script>" not in line.replace(r"\<", "")
        assert not line.startswith("# f")
    assert r"\<script\>x\</script\> \| \*a\*" in markdown_escape(NASTY)
    assert "@g" not in markdown_escape(NASTY)


def test_markup_in_a_name_is_plain_text_on_the_terminal():
    assert on_terminal(a_document("[red]x")).count("[red]x") >= 6


def test_a_narrow_terminal_loses_no_figure(document):
    wide, narrow = (re.sub(r"\s", "", on_terminal(document(), width)) for width in (200, 60))
    for tile in ("1,000", "Requeststothe"):
        assert tile in wide
        assert tile in narrow


def test_page_markdown_and_terminal_say_the_same_sentences(document):
    made = document()
    page, markdown = as_text(to_html(made)), to_markdown(made)
    terminal, held = on_terminal(made, 4000), to_answer(made).decode()
    for sentence in (made.headline, made.verdict, *made.gains, *made.costs):
        for text in (sentence.text, sentence.detail):
            assert text in page
            assert markdown_escape(text) in markdown
            assert text in terminal
            assert text in held


def test_what_comes_from_a_cluster_is_escaped_everywhere(document):
    made = to_html(document(failure=EVIL, outcome=Outcome.FAILED, rounds=1))
    assert EVIL in as_text(made)
    assert "<img" not in made


def test_the_page_asks_for_nothing_and_runs_no_script_but_its_own(document):
    page = to_html(document())
    assert "default-src 'none'" in page
    elsewhere = r'(?:src|href)="(?!#|data:text/csv|data:,)[^"]*"|@import|url\((?!#)'
    assert [] == re.findall(elsewhere, page)
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert [' type="application/json" id="cost-model"', ""] == [kind for kind, _ in scripts]
    digest = base64.b64encode(hashlib.sha256(scripts[1][1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.unescape(page)
    assert "<script" not in to_html(a_document("x"))


def test_the_constants_cannot_leave_their_element():
    constants = {"x": "</script><b>&"}
    calculator = Calculator("t", "w", "c", (), ("direct",), constants)
    verdict = Sentence("v", "w")
    page = to_html(Document("t", Sentence("h"), verdict=verdict, calculator=calculator))
    (script,) = re.findall(r'id="cost-model">(.*?)</script>', page, re.DOTALL)
    assert "<" not in script


def test_no_two_things_on_the_page_share_an_id(document):
    both = (SCENARIO, replace(SCENARIO, name="capacity", rate_rps=None))
    ids = re.findall(r'\bid="([^"]+)"', to_html(document(rounds=1, scenarios=both)))
    assert sorted(set(ids)) == sorted(ids)


def test_markdown_says_what_voids_a_run_before_any_figure(document):
    text = to_markdown(document(upstream={"direct": 3.0}))
    assert text.index("> **The ledgers of API requests disagree") < text.index("| Requests")


# Files.


def report(place, *options, reports="reports"):
    """Make the report of the latest run of a place; return its folder."""
    folders = ("--results", str(place / "results"), "--reports", str(place / reports))
    assert 0 == main(["report", "latest", *folders, *options])
    return next(path for path in (place / reports).iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("place")
    write_run(Store(place / "results"), rounds=2)
    return place


@pytest.fixture(scope="module")
def written(place):
    return report(place)


def test_a_report_writes_every_form_and_every_chart_as_svg_png_and_rows(written):
    for name in ("index.html", "report.md", "summary.json", "summary.schema.json"):
        assert (written / name).stat().st_size > 0
    names = re.findall(r'<desc id="([\w-]+)-desc"', (written / "index.html").read_text())
    drawn = {name for name in names if not name.startswith("lane-")}
    assert drawn
    assert 2 == len(names) - len(drawn)
    assert "<svg xmlns" in (written / "picture.svg").read_text()
    assert drawn == {path.stem for path in (written / "charts").glob("*.png")}
    assert drawn == {path.stem for path in (written / "charts").glob("*.csv")}
    for path in (written / "charts").glob("*.png"):
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">I", content[16:20])[0] > 300


def test_only_the_formats_asked_for_are_written_and_nothing_is_drawn_for_them(place):
    folder = report(place, "--format", "json", "--format", "markdown", reports="only")
    json_files = {"summary.json", "summary.schema.json", "answer.json", "trend.json"}
    assert {*json_files, "report.md"} == {path.name for path in folder.iterdir()}


def test_an_earlier_reports_files_do_not_stay(analysed, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "old.csv").write_text("old")
    data, analysis = analysed(rounds=1)
    write_report(analysis, tmp_path, data, ("csv",))
    assert not (tmp_path / "data" / "old.csv").exists()
    assert (tmp_path / "data" / "rounds.csv").exists()


@pytest.mark.parametrize("kind", ["single round", "failed"])
def test_a_poor_run_gives_every_form_and_no_traceback(tmp_path, kind):
    answered = {"informer": {"failed": 400}, "direct": {"failed": 400}}
    changes = {"rounds": 1} if kind == "single round" else {"rounds": 2, "unanswered": answered}
    write_run(Store(tmp_path / "results"), servers=("direct", "informer", "none"), **changes)
    assert "nan" not in (report(tmp_path) / "report.md").read_text().lower()


def test_the_list_of_reports_gives_each_runs_answer_and_survives_lost_results(tmp_path):
    store = Store(tmp_path / "results")
    reader = write_run(store, servers=("direct", "informer", "none"), rounds=2)
    name = reader.record.run
    report(tmp_path, "--format", "html")
    listed = (tmp_path / "reports" / "index.html").read_text()
    assert f'href="{name}/index.html"' in listed
    assert "a server with an informer takes" in as_text(listed)
    (store.root / name / "run.json").write_text("{")
    listed = write_index(store, tmp_path / "reports").read_text()
    assert "its results can no longer be read" in listed


# CSV.


def test_csv_has_a_row_for_every_round_of_every_figure(analysed):
    _, analysis = analysed()
    rows = csv_rows(csv_files(analysis)["rounds.csv"])
    figures = [f for s in analysis.scenarios for arm in s.arms for f in arm.figures]
    assert sum(len(figure.rounds) for figure in figures) == len(rows)
    values = [
        float(row["value"])
        for row in rows
        if (row["arm"], row["metric"], row["per_1000_reads"]) == ("direct", "p50", "false")
    ]
    assert list(analysis.scenarios[0].arm("direct").figure("p50").rounds.values()) == values


def test_every_csv_has_as_many_fields_in_each_row_as_in_its_header(analysed):
    for name, text in csv_files(analysed()[1]).items():
        lengths = {len(row) for row in csv.reader(io.StringIO(text))}
        assert 1 == len(lengths), name
        assert {"nan", "None", "inf"}.isdisjoint(v for row in csv_rows(text) for v in row.values())


def test_a_missing_bound_is_an_empty_field(analysed):
    rows = csv_rows(csv_files(analysed(rounds=1)[1])["figures.csv"])
    row = next(row for row in rows if (row["arm"], row["metric"]) == ("direct", "server_cpu"))
    assert row["mean"]
    assert ("", "") == (row["low_95"], row["high_95"])


def test_no_name_is_run_as_a_formula_by_a_spreadsheet(analysed):
    caveat = Caveat(CaveatKind.FAILED_REQUESTS, "=HYPERLINK(1)")
    rows = csv_rows(csv_files(replace(analysed()[1], caveats=(caveat,)))["caveats.csv"])
    assert "'=HYPERLINK(1)" == rows[0]["text"]
    assert "a\n'@x,1.5,\n" == Data(("a",), (("@x", 1.5, None),)).csv()


def test_replicas_and_workers_are_among_the_columns_of_scenarios(analysed):
    several = replace(SCENARIO, replicas=3, workers=2)
    (row,) = csv_rows(csv_files(analysed(scenarios=(several,))[1])["scenarios.csv"])
    assert ("3", "2", "list") == (row["replicas"], row["workers"], row["route"])


def test_each_replica_is_a_row_of_its_own(analysed):
    agents = tuple(f"informer-bench-server/{number}" for number in (1, 2))
    data, analysis = analysed(servers=("direct",), agents=agents, replicas=2, watches_before={})
    rows = csv_rows(csv_files(analysis)["replica-requests.csv"])
    assert [(str(n), r) for n in range(3) for r in "12"] == [
        (row["round"], row["replica"]) for row in rows
    ]
    for trial in data.data:
        trial_rows = [row for row in rows if row["round"] == str(trial.trial.round)]
        assert trial.ledgers.audit_user.total() == sum(int(row["audit_log"]) for row in trial_rows)
    assert "replica-requests.csv" not in csv_files(analysed()[1])


def test_pages_styles_have_every_colour_that_drawings_name():
    from bench.report.charts.palette import DARK, LIGHT

    assert len(LIGHT.variables) == len(DARK.variables) == 11
    page = to_html(a_document("x"))
    for palette in (LIGHT, DARK):
        for colour, name in palette.variables.items():
            assert f"--{name}: {colour};" in page
    style = Path(to_html.__code__.co_filename).parent / "templates" / "style.css"
    named = set(re.findall(r"var\(--([\w-]+)\)", style.read_text())) - {"arms"}
    assert named <= set(re.findall(r"--([\w-]+): ", page))
