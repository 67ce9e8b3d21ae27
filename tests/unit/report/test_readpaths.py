"""The table and the chart of the read paths, and their forms beside the page."""

import csv
import io
import math
import re
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis import analyse
from bench.analysis.intervals import Interval
from bench.forms.build import summarise_run
from bench.forms.json_file import read_summary, to_json
from bench.forms.overview import sheet_of
from bench.forms.sheet import to_markdown
from bench.forms.tables import csv_files
from bench.report.charts.labels import Box, place
from bench.report.document import to_html
from bench.report.readpaths import factor_of
from bench.store import Store
from tests.unit.analysis.synthetic import write_run
from tests.unit.analysis.test_readpaths import ARMS, FULL, SERVERS, STEADY

CONTRACTS = {"direct": "bytes", "informer": "bytes", "ttl": "content"}


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("runs"))
    reader = write_run(store, servers=SERVERS, scenarios=(FULL, STEADY), arms=ARMS)
    reader.record = replace(reader.record, contracts=CONTRACTS)
    return analyse(reader)


@pytest.fixture(scope="module")
def page(analysis):
    return to_html(analysis)


def test_the_page_has_one_table_with_a_row_a_read_path(page):
    (table,) = re.findall(r'<table class="paths".*?</table>', page, re.DOTALL)
    assert ["direct", "informer", "ttl"] == re.findall(
        r'<th role="rowheader" scope="row">([\w-]+)', table
    )
    assert "the same content, nulls left out" in table
    assert "0.2\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}" in table


def test_the_chart_names_every_read_path(page):
    drawn = re.search(r'<svg[^>]*aria-labelledby="paths0-tradeoffs-title.*?</svg>', page, re.DOTALL)
    for server in ("direct", "informer", "ttl"):
        assert 2 == len(re.findall(rf">{server}</text>", drawn[0]))


def test_a_run_of_the_usual_three_has_no_such_section(tmp_path):
    assert 'class="paths"' not in to_html(analyse(write_run(Store(tmp_path), rounds=1)))


def test_markdown_json_and_csv_carry_the_same_factors(analysis, tmp_path):
    summary = summarise_run(analysis)
    path = tmp_path / "summary.json"
    path.write_bytes(to_json(summary))
    (again,) = read_summary(path).read_paths
    assert summary.read_paths == (again,)
    rows = list(csv.DictReader(io.StringIO(csv_files(summary)["read-paths.csv"])))
    row = next(r for r in rows if (r["read_path"], r["metric"]) == ("ttl", "control_plane_cpu"))
    cost = next(f for f in again.paths[2].figures if f.metric == "control_plane_cpu")
    assert cost.times == tuple(
        float(row[name]) for name in ("times", "times_low_95", "times_high_95")
    )
    assert "### 3 read paths side by side" in to_markdown(sheet_of(summary)).replace(
        "## 3", "### 3"
    )


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Interval(0.02, 0.018, 0.024, 3), ("0.02 x", "[0.018 to 0.024]")),
        (Interval(2.0, 2.0, 2.0, 3), ("2 x", "")),
        (Interval(2.0, None, None, 1), ("2 x", "")),
        (Interval(-0.01, -0.03, 0.01, 3), ("-0.01 x", "[-0.03 to 0.01]")),
    ],
)
def test_a_factor_is_said_with_its_interval(one, said):
    plain = str.maketrans(
        {"\N{NO-BREAK SPACE}": " ", "\N{MULTIPLICATION SIGN}": "x", "\N{MINUS SIGN}": "-"}
    )
    assert said == tuple(text.translate(plain) for text in factor_of(one))


AREA = Box(0, 0, 300, 180)
SPOTS = st.lists(st.tuples(st.floats(0, 300), st.floats(0, 180)), min_size=1, max_size=6)


@given(SPOTS)
def test_names_stay_inside_the_axes(points):
    for one in place(points, [(60, 10)] * len(points), AREA):
        assert math.isclose(one.box.width * one.box.height, one.box.shared(AREA), rel_tol=1e-6)


def test_names_of_points_that_lie_together_cover_neither_each_other_nor_a_point():
    points = [(20.0, 90.0), (21.0, 91.0), (23.0, 90.0), (280.0, 20.0), (281.0, 21.0)]
    placed = place(points, [(70, 10)] * 5, AREA)
    for one, other in combinations(placed, 2):
        assert 0 == one.box.shared(other.box)
    for one in placed:
        for x, y in points:
            assert 0 == one.box.shared(Box(x - 3, y - 3, 6, 6))
