"""Render a recorded run: every form shows the figures of its analysis.

``test_recompute`` computes these figures a second time from the files of ``run/``.
"""

import json
import re
from pathlib import Path

import pytest

from bench.analysis import analyse, read_run
from bench.analysis.summary_file import to_json
from bench.metrics import BY_KEY
from bench.report.content import run_document
from bench.report.data import csv_files
from bench.report.document import Depth
from bench.report.html import to_html
from bench.report.numbers import MISSING, number, places_carried, times, times_at_least
from bench.report.text import to_markdown
from bench.store import Store
from tests.unit.report.said import (
    as_text,
    csv_rows,
    on_terminal,
    row_of,
    section,
    tables,
    text_of,
)

DIVISORS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}
RUN = Path(__file__).with_name("run")


@pytest.fixture(scope="module")
def run():
    return read_run(Store(RUN.parent).open(RUN))


@pytest.fixture(scope="module")
def analysis(run):
    return analyse(run)


@pytest.fixture(scope="module")
def document(run, analysis):
    return run_document(analysis, run)


@pytest.fixture(scope="module")
def text(document):
    return text_of(document)


def row_values(document, scenario, key):
    """Return the cells of a row of the scenario's table, as arm -> value."""
    anchor = {"capacity": "s0", "steady": "s1"}[scenario]
    table, row = row_of(section(document, anchor), key)
    return {c.title: cell.value for c, cell in zip(table.columns, row.cells, strict=True)}


def test_sentences_state_the_bound_and_the_factor_of_the_comparisons(analysis, text):
    capacity = analysis.scenario("capacity")
    requests = capacity.comparison("api_requests", "direct", per_1000=True)
    assert f"at least {times_at_least(requests.at_least)} times fewer" in text
    ratio = capacity.comparison("p50", "direct").ratio
    factor, low, high = (times(1 / value) for value in (ratio.value, ratio.high, ratio.low))
    assert f"{factor} times shorter [{low} to {high}]" in text


def test_a_percentile_without_the_samples_is_withheld(analysis, document):
    assert analysis.scenario("steady").arm("direct").reads < 1_000
    assert row_values(document, "steady", "p99")["direct"] == MISSING


def test_on_the_real_control_plane_the_three_ledgers_agree_in_every_trial(analysis, text):
    assert [True] * 20 == [trial.ledgers.agree for trial in analysis.trials]
    assert "equal in each of 20 trials" in text


def test_the_report_says_where_and_with_what_it_was_made(analysis, text):
    environment = analysis.environment
    for fact in (environment.kubernetes, environment.processor, environment.commit):
        assert fact in text
    for change in environment.changed_defaults:
        assert change in text


def test_the_same_files_give_the_same_page(run, document):
    assert to_html(document) == to_html(run_document(analyse(run), run))


# Five forms show the same figures: each is parsed back and compared.


def brief_rows(document):
    """Yield every row that all forms show, as (section's title, heading, values)."""
    for part in document.sections:
        for table in tables(part):
            for row in table.rows:
                if row.depth is Depth.TERMINAL and table.depth is Depth.TERMINAL:
                    yield part.title, row.heading, [cell.value for cell in row.cells]


def parsed_markdown(document):
    """Return the rows of every table of the Markdown, as heading -> lists of values."""
    rows = {}
    for line in to_markdown(document).splitlines():
        if line.startswith("| ") and not line.startswith("| :--"):
            cells = [re.sub(r"\\(.)", r"\1", cell).strip() for cell in line[1:-1].split(" | ")]
            values = [re.sub(r" [\[(].*", "", cell) for cell in cells[1:]]
            rows.setdefault(cells[0], []).append(values)
    return rows


def parsed_page(document):
    """Return the rows of every table of the page, as heading -> lists of values."""
    rows = {}
    for line in re.findall(r'<tr role="row".*?</tr>', to_html(document), re.DOTALL):
        heading = re.search(r'<th role="rowheader" scope="row">(.*?)</th>', line, re.DOTALL)
        if heading:
            cells = re.findall(r'<span class="value[^"]*">(.*?)</span>', line, re.DOTALL)
            values = [as_text(re.sub(r"<sup>.*?</sup>", "", cell)).strip() for cell in cells]
            title = as_text(re.sub(r"<sup>.*?</sup>", "", heading[1])).replace(" ,", ",").strip()
            rows.setdefault(title, []).append(values)
    return rows


def parsed_terminal(document):
    """Return the rows of every table on the terminal, as heading -> lists of values."""
    rows = {}
    for line in on_terminal(document, 4000).splitlines():
        cells = [cell.strip() for cell in re.split(r" {2,}", line.strip())]
        if len(cells) > 1:
            rows.setdefault(cells[0], []).append(cells[1:])
    return rows


def test_page_markdown_and_terminal_show_the_same_figures(document):
    rows = list(brief_rows(document))
    assert len(rows) > 15
    for parse in (parsed_page, parsed_markdown, parsed_terminal):
        parsed = parse(document)
        for _, heading, values in rows:
            assert values in parsed[heading], (parse.__name__, heading)


def test_csv_and_json_hold_the_figures_that_the_tables_show(document, analysis):
    figures = csv_rows(csv_files(analysis)["figures.csv"])
    percentiles = csv_rows(csv_files(analysis)["percentiles.csv"])
    summary = json.loads(to_json(analysis))
    compared = 0
    for index, scenario in enumerate(summary["scenarios"]):
        name = scenario["scenario"]["name"]
        arm_tables = [t for t in tables(section(document, f"s{index}")) if t.columns[0].arm]
        for table, line in [(t, line) for t in arm_tables for line in t.rows]:
            key, _, per_1000 = line.key.partition("/")
            for column, cell in zip(table.columns, line.cells, strict=True):
                arm = next(a for a in scenario["arms"] if a["server"] == column.title)
                if cell.value == MISSING:
                    continue
                if BY_KEY[key].q is not None and key in ("p50", "p90", "p99"):
                    q = BY_KEY[key].q
                    value = next(p["value_ms"] for p in arm["latency"] if p["q"] == q)
                    rounds = next(f for f in arm["figures"] if f["metric"] == key)["rounds"]
                    whole = 1 < len(rounds) == len(arm["rounds"])
                    ends = (min(rounds.values()), max(rounds.values())) if whole else (None, None)
                    written = next(
                        row["ms"]
                        for row in percentiles
                        if (row["scenario"], row["arm"], row["percentile"], row["from"])
                        == (name, column.title, key, "intended start")
                    )
                elif key.startswith("service_"):
                    continue
                else:
                    pair = (key, bool(per_1000))
                    figure = next(f for f in arm["figures"] if (f["metric"], f["per_1000"]) == pair)
                    value, ends = figure["value"], (figure["low"], figure["high"])
                    if BY_KEY[key].floor is None and None not in ends and value >= 0:
                        ends = max(ends[0], 0.0), ends[1]
                    written = next(
                        row["mean"]
                        for row in figures
                        if (row["scenario"], row["arm"], row["metric"]) == (name, column.title, key)
                        and row["per_1000_reads"] == str(bool(per_1000)).lower()
                    )
                divisor = DIVISORS.get(line.unit.split("/")[0], 1.0)
                if line.unit == "s" and BY_KEY[key].unit.startswith("ms"):
                    divisor = 1000.0
                ends = (None if end is None else end / divisor for end in ends)
                expected = number(value / divisor, 2, places_carried(*ends))
                assert cell.value == expected, (name, key, column.title)
                assert float(written) == value
                compared += 1
    assert compared > 100


def test_break_even_is_the_same_in_json_csv_and_the_tables(document, analysis):
    rows = csv_rows(csv_files(analysis)["break-even.csv"])
    models = json.loads(to_json(analysis))["cost_models"]
    rates = [break_even["rate"] for model in models for break_even in model["break_evens"]]
    assert rates == [float(row["reads_per_s"]) for row in rows]
    table = next(t for t in tables(section(document, "breakeven")) if t.corner == "pods")
    shown = [cell.value for row in table.rows for cell in row.cells if "/s" in cell.value]
    assert shown
    assert set(shown) <= {f"{number(rate)}/s" for rate in rates}


def test_the_first_sentence_is_the_same_in_every_form(document):
    sentence = document.headline.text
    assert sentence in as_text(to_html(document))
    assert sentence in to_markdown(document)
    assert sentence in on_terminal(document, 4000)
