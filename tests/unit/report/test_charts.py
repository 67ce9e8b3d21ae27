"""Charts as charts: what they draw, in whose colours, and that no word leaves the paper."""

import math
import re
from dataclasses import replace
from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from bench.analysis import analyse, read_run
from bench.analysis.latency import Latencies
from bench.model import FaultRecord
from bench.report.charts import Chart, Head
from bench.report.charts.axes import Box, place, spread_apart
from bench.report.charts.bars import Bar, bars
from bench.report.charts.distribution import curve
from bench.report.charts.lines import sampled
from bench.report.charts.palette import DARK, LIGHT
from bench.report.content import run_document
from bench.report.drawing import draw, figure_of, style
from bench.report.numbers import Scale
from bench.store import Store
from tests.unit.analysis.sweeps import write_sweep
from tests.unit.analysis.synthetic import SCENARIO

HEAD = Head("name", "Title <b>", "caption", "source", "description & more")
FAULTY = replace(SCENARIO, name="iced", fault="freeze", fault_at_s=2.0, fault_s=2.0)
CAPACITY = replace(SCENARIO, name="capacity", rate_rps=None)
SLACK_IN = 0.06


@pytest.fixture(scope="module")
def charts(document, tmp_path_factory) -> dict[str, Chart]:
    """Every kind of chart that a page may have, by name."""
    servers = ("direct", "direct-rv0", "informer", "none")
    usual = document(scenarios=(SCENARIO, CAPACITY), servers=servers, control="direct", rounds=2)
    failing = document(
        scenarios=(FAULTY,),
        servers=("direct", "informer"),
        rounds=1,
        fault=FaultRecord("freeze", "the API server was frozen", 2.0, 4.0),
        unanswered={"direct": {"failed": 30}},
    )
    store = Store(tmp_path_factory.mktemp("sweep"))
    run = read_run(write_sweep(store, replicas=(1, 3)))
    made = (usual, failing, run_document(analyse(run), run))
    return {one.name: one for document in made for one in document.charts()}


def test_there_is_a_chart_of_every_kind(charts):
    kinds = {
        chart.draw.func.__module__.rpartition(".")[2] for chart in charts.values() if chart.draw
    }
    assert {"bars", "differences", "distribution", "lines", "points", "timeline"} <= kinds


def test_every_drawing_has_words_and_rows_and_follows_the_pages_colours(charts):
    for chart in charts.values():
        if chart.draw is None:
            assert "Nothing to draw" in chart.head.caption
            continue
        drawing = draw(chart).svg
        assert re.search(r"<title[^>]*>\S", drawing), chart.name
        assert re.search(r"<desc[^>]*>\S", drawing), chart.name
        assert "<text" in drawing
        assert [] == re.findall(r"(?:fill|stroke): #", drawing), chart.name
        assert "nan" not in chart.head.description.lower()
        assert not re.search(r"\bnan\b", chart.data.csv(), re.IGNORECASE)
        assert {len(chart.data.columns)} == {len(row) for row in chart.data.rows}, chart.name


def labels_beyond(figure: Figure) -> set[Text]:
    """Return the labels of ticks outside the axes' view, which are not drawn."""
    return {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }


def test_no_text_leaves_the_paper(charts):
    with mpl.rc_context(style(LIGHT)):
        for chart in charts.values():
            if chart.draw is None:
                continue
            figure = figure_of(chart, LIGHT)
            renderer = figure.canvas.get_renderer()
            width, height = figure.get_size_inches() * figure.dpi
            slack = SLACK_IN * figure.dpi
            figure.canvas.draw()
            beyond = labels_beyond(figure)
            for text in figure.findobj(Text):
                if text.get_text().strip() and text.get_visible() and text not in beyond:
                    box = text.get_window_extent(renderer)
                    inside = box.x0 >= -slack and box.x1 <= width + slack
                    inside &= box.y0 >= -slack and box.y1 <= height + slack
                    assert inside, (chart.name, text.get_text())


def test_names_are_escaped_in_drawings_and_are_no_mathematics():
    name = "<b>$x^2$"
    shown = {name: Bar(1.0, None, None, {0: 1.0}, is_interval=False)}
    drawing = draw(bars(HEAD, shown, [name], Scale(1.0, "MB"), "B", "MB")).svg
    assert "<b>" not in drawing
    assert "&lt;b&gt;$x^2$" in drawing


def test_the_same_chart_is_drawn_the_same_twice(charts):
    assert draw(charts["s0-latency"]).svg == draw(charts["s0-latency"]).svg


def test_a_hex_colour_in_a_name_stays_a_name():
    bar = Bar(1.0, None, None, {0: 1.0}, is_interval=False)
    name = f"fill: {LIGHT.ink}"
    made = bars(HEAD, {name: bar}, ["direct", name], Scale(1.0, "MB"), "B", "MB")
    assert name in draw(made).svg.replace("var(--ink)", LIGHT.ink)


def test_bars_begin_at_zero():
    shown = {"direct": Bar(70e6, 60e6, 80e6, {0: 60e6, 1: 80e6}, is_interval=False)}
    made = bars(HEAD, shown, ["direct"], Scale(1e6, "MB"), "B", "MB")
    assert "direct 70 (MB)" == made.head.description
    with mpl.rc_context(style(LIGHT)):
        (axes,) = figure_of(made, LIGHT).axes
        assert 0.0 == axes.get_xlim()[0]


def test_an_arm_has_its_colour_whoever_stands_beside_it():
    for palette in (LIGHT, DARK):
        assert palette.series[2] == palette.of("informer", ["informer"])
        assert palette.series[2] == palette.of("informer", ["x", "informer", "direct"])
        assert palette.floor == palette.of("none", ["none"])
        colours = [palette.of(name, ["x", "y", "z"]) for name in ("x", "y", "z")]
        assert 3 == len(set(colours))
        assert len(set(palette.variables)) == 11


def test_a_curve_ends_where_samples_end_that_can_carry_it():
    times = np.sort(np.random.default_rng(1).exponential(10.0, 1000))
    found = curve(Latencies(times))
    assert found.shares[-1] == pytest.approx(0.9895)
    assert curve(Latencies(times[:19])) is None
    cut = curve(Latencies(times[:700], np.full(300, 10_000.0)))
    assert cut.shares[-1] == pytest.approx(0.6995)


def test_an_interval_without_an_upper_end_leaves_the_chart_and_its_field_is_empty():
    found = sampled(np.array([1.0, 2.0]), lambda at: (at, 0.5, None) if at > 1 else (None,) * 3)
    assert [(1.0, None, None, None), (2.0, 2.0, 0.5, None)] == found.rows


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


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_names_at_the_ends_of_curves_keep_their_distance_below_the_top(heights):
    spread = spread_apart(sorted(heights), gap=0.1, top=0.97)
    assert max(spread) <= 0.97
    assert all(later - earlier > 0.0999 for earlier, later in pairwise(spread))
