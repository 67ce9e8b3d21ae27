"""Versions of Kubernetes on the page, and in its forms."""

import csv
import io
import re

import pytest

from bench.analysis import analyse
from bench.forms.build import summarise_run
from bench.forms.json_file import read_summary, to_json
from bench.forms.overview import sheet_of
from bench.forms.sheet import to_markdown
from bench.forms.tables import csv_files
from bench.report.document import to_html
from bench.report.versions import FEATURES, version_sections
from bench.store import Store
from tests.unit.analysis.test_versions import MIDDLE, NEW, OLD, write_versions


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    return analyse(write_versions(Store(tmp_path_factory.mktemp("runs"))))


def test_the_page_says_what_was_switched_on_in_between_and_by_how_much_costs_changed(analysis):
    page = to_html(analysis)
    section = re.search(r'<section id="versions0">.*?</section>', page, re.DOTALL)[0]
    assert "Between Kubernetes 1.9.10 and 1.37.2" in section
    for feature in FEATURES:
        assert feature.name in section
    assert re.search(r"direct: .*control-plane CPU: 2(\.\d)? times less", section)
    assert 'id="versions0-chart-desc"' in section


def test_a_switch_is_told_of_each_of_three_versions(tmp_path):
    three = analyse(write_versions(Store(tmp_path), scenarios=(NEW, MIDDLE, OLD)))
    (section,) = version_sections(three.versions)
    switched = dict(section.features)
    assert switched["WatchList"].startswith(
        "on by default in 1.37.2, and not in 1.9.10 or 1.33.13: "
    )
    assert switched["Streaming encoding of lists"].startswith(
        "on by default in 1.33.13 and 1.37.2, and not in 1.9.10: "
    )
    assert section.versions == ("1.9.10", "1.33.13", "1.37.2")


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
def test_what_a_version_does_unless_told_otherwise(version, on):
    assert on == [feature.name for feature in FEATURES if feature.is_on(version)]


def test_json_csv_and_markdown_carry_every_version(analysis, tmp_path):
    summary = summarise_run(analysis)
    path = tmp_path / "summary.json"
    path.write_bytes(to_json(summary))
    assert summary.versions == read_summary(path).versions
    rows = list(csv.DictReader(io.StringIO(csv_files(summary)["versions.csv"])))
    cpu = [r for r in rows if (r["arm"], r["metric"]) == ("direct", "control_plane_cpu")]
    assert ["1.9.10", "1.37.2"] == [row["kubernetes"] for row in cpu]
    assert "" == cpu[0]["times"]
    assert 0.5 == pytest.approx(float(cpu[1]["times"]), rel=0.1)
    assert "Between Kubernetes 1.9.10 and 1.37.2" in to_markdown(sheet_of(summary))
