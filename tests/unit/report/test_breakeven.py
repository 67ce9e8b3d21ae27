"""The section on break-even: of a sweep, of one cell, and of a run that cannot tell."""

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis.costrows import QUANTITIES
from bench.analysis.fieller import Ratio
from bench.analysis.run import RunAnalysis, analyse
from bench.model import Scenario
from bench.report.breakeven import BreakEven, break_even_section, script
from bench.report.document import template_environment, to_html
from bench.report.rates import break_even, rate
from bench.store import RunReader, Store
from tests.unit.analysis.sweeps import Truth, write_sweep
from tests.unit.analysis.synthetic import write_run


def _section(reader: RunReader) -> BreakEven:
    return break_even_section(analyse(reader))


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> RunAnalysis:
    return analyse(write_sweep(Store(tmp_path_factory.mktemp("results"))))


@pytest.fixture(scope="module")
def section(analysed: RunAnalysis) -> BreakEven:
    return break_even_section(analysed)


def test_a_sweep_gives_a_rate_for_every_number_of_pods_and_churn(section: BreakEven) -> None:
    assert section.missing == ""
    assert [(row.pods, row.churn) for row in section.rows] == [
        (pods, churn) for pods in ("100", "400", "1,000") for churn in ("0", "20", "40")
    ]
    assert len(section.columns) == 4
    assert all(len(row.cells) == 4 for row in section.rows)
    assert [unit.title for unit in section.tables] == [one.title for one in QUANTITIES]


def test_the_lead_states_the_rate_that_the_truth_has(tmp_path: Path) -> None:
    section = _section(write_sweep(Store(tmp_path), Truth(noise=0.0001)))
    # 40 writes x 0.4 ms by a read of 2 + 0.05 x 1,000 ms; 40 x 6 kB by 5 MB and the start's share.
    assert "by API-server CPU, 0.31/s (0.31)" in section.lead
    assert "by bytes, 0.048/s" in section.lead


def test_every_chart_has_a_drawing_with_words(section: BreakEven) -> None:
    assert len(section.charts) == 6
    for chart in section.charts:
        assert chart.svg is not None
        assert "<title" in chart.svg
        assert "<desc" in chart.svg
        assert "nan" not in chart.svg.lower()
        assert chart.data is not None
        assert chart.data.rows
        assert "nan" not in chart.data.csv().lower()
    assert len({chart.name for chart in section.charts}) == 6


def test_replicas_that_were_measured_extend_the_table_and_the_charts(tmp_path: Path) -> None:
    cells = [("p400", 400, 20.0, 10.0)]
    truth = Truth(noise=0.0001)
    section = _section(write_sweep(Store(tmp_path), truth, cells=cells, replicas=(1, 3, 6)))
    assert section.varies_replicas
    # 20 writes x 0.4 ms for each of them, by a read of 2 + 0.05 x 400 ms
    assert [("1", "0.36/s"), ("3", "1.1/s"), ("6", "2.2/s")] == [
        (row.replicas, row.cells[0][0]) for row in section.rows
    ]
    assert 2 == len([chart for chart in section.charts if "against replicas" in chart.title])
    assert any("1 to 6 were measured" in text for text in section.loses)
    (field,) = [field for field in section.fields if field.name == "replicas"]
    assert ("1", "measured: 1 to 6") == (field.value, field.range)
    assert section.constants is not None
    assert [1.0, 6.0] == section.constants["ranges"]["replicas"]


def test_a_run_of_one_replica_says_that_more_are_extrapolated(section: BreakEven) -> None:
    assert not section.varies_replicas
    assert any("1 measured: that their costs add up" in text for text in section.loses)


def test_a_sweep_is_answered_by_its_rates_first(analysed: RunAnalysis, section: BreakEven) -> None:
    quoted = replace(analysed, caveats=())
    assert f"<h1>{section.lead}</h1>" in html.unescape(to_html(quoted))


def test_a_poor_fit_is_said_beside_the_rates(tmp_path: Path) -> None:
    noisy = _section(write_sweep(Store(tmp_path / "noisy"), Truth(noise=0.6)))
    quiet = _section(write_sweep(Store(tmp_path / "quiet"), Truth(noise=0.005)))
    assert "Poor fit" in [title for title, _ in noisy.notes]
    assert {"Poor fit", "Cannot be told from nothing"}.isdisjoint(title for title, _ in quiet.notes)


def test_one_cell_says_that_pods_take_a_sweep(tmp_path: Path) -> None:
    cells = [("steady", 1000, 20.0, 10.0)]
    section = _section(write_sweep(Store(tmp_path), cells=cells, rounds=4))
    assert section.missing == ""
    assert not section.is_answer
    assert "One number of pods" in [title for title, _ in section.notes]
    assert [field.name for field in section.fields if field.fixed] == ["pods"]
    assert not [chart.title for chart in section.charts if "Residuals" in chart.title]


def test_an_arm_that_failed_at_all_but_one_number_of_pods_is_named(analysed: RunAnalysis) -> None:
    kept = tuple(
        one
        for one in analysed.facts
        if one.record.trial.server != "direct" or "p400" in one.record.trial.scenario
    )
    section = break_even_section(replace(analysed, facts=kept))
    said = dict(section.notes)["One number of pods"]
    assert said.startswith("direct has good trials at one number of pods only")


def test_one_round_of_one_cell_has_rates_without_intervals(tmp_path: Path) -> None:
    cells = [("steady", 1000, 20.0, 10.0)]
    reader = write_sweep(Store(tmp_path), cells=cells, rounds=1)
    section = _section(reader)
    assert "No interval" in [title for title, _ in section.notes]
    assert all(cell[1] == "no interval" for row in section.rows for cell in row.cells)
    assert "NaN" not in to_html(analyse(reader))


def test_informers_that_cost_nothing_pay_from_the_first_read(tmp_path: Path) -> None:
    section = _section(write_sweep(Store(tmp_path), Truth(event=-2.0, noise=0.001)))
    assert "from the first read" in section.lead


def test_reads_that_cost_nothing_never_pay(tmp_path: Path) -> None:
    section = _section(write_sweep(Store(tmp_path), Truth(read=-0.2, read_pod=-0.002, noise=0.001)))
    assert "a read costs nothing that could be measured" in section.lead


def test_a_run_at_full_speed_says_that_it_takes_a_sweep(tmp_path: Path) -> None:
    scenario = Scenario(name="fast", route="list", users=8, pods=100, churn_per_s=2.0)
    page = to_html(analyse(write_run(Store(tmp_path), scenarios=(scenario,))))
    assert "every scenario runs at full speed" in page
    assert "make bench PLAN=sweep" in page
    assert "<script" not in page


def test_the_page_lets_the_calculator_run_and_no_other_script(analysed: RunAnalysis) -> None:
    page = to_html(analysed)
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    assert f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'\"" in html.unescape(page)
    assert f"<script>{script()}</script>" in page
    assert len(re.findall(r"<script", page)) == 2


def test_the_constants_cannot_leave_their_element(section: BreakEven) -> None:
    changed = replace(section, constants={"x": "</script><b>&"})
    text = template_environment().get_template("breakeven.html.j2").render(breakeven=changed)
    found = re.search(r'id="cost-model">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    assert "<" not in found[1]
    assert json.loads(found[1]) == {"x": "</script><b>&"}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Ratio(1.6, 1.2, 2.1), ("1.6/s", "1.2 to 2.1")),
        (Ratio(1.6, 0.0, 6.9), ("1.6/s", "at most 6.9/s")),
        (Ratio(1.6, 0.3, None), ("1.6/s", "not below 0.3/s; no upper end")),
        (Ratio(1.6, None, None), ("1.6/s", "no interval")),
        (Ratio(45.0, 30.0, 70.0), ("none up to 20/s; by the line 45/s", "30 to 70")),
        (
            Ratio(0.0, 0.0, 0.0),
            ("from the first read", "the informer costs nothing that could be measured"),
        ),
        (
            Ratio(0.0, 0.0, 6.9),
            ("at most 6.9/s", "the informer's cost cannot be told from nothing"),
        ),
        (Ratio(1 / 3600, 1 / 7200, 1 / 1800), ("one in 60 min", "one in 120 min to one in 30 min")),
    ],
)
def test_a_break_even_rate_in_words(found: Ratio, words: tuple[str, str]) -> None:
    assert words == break_even(found, 20.0)


def test_a_rate_that_cannot_be_told_is_no_figure() -> None:
    assert break_even(Ratio(1.0, 0.0, None), 20.0)[1] == "cannot tell: too noisy"
    assert break_even(Ratio(None, 0.0, None), 20.0)[0] == "none"


def test_ends_that_read_alike_are_said_once() -> None:
    assert break_even(Ratio(0.5, 0.4999, 0.5001), 20.0) == ("0.5/s", "0.5")


def test_a_slow_rate_is_told_as_a_time() -> None:
    assert ["2.4/s", "0.05/s", "one in 200 s", "one in 28 h"] == [
        rate(value) for value in (2.4, 0.05, 0.005, 1e-5)
    ]
