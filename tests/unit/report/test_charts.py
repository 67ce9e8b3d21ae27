"""Drawings of charts: marks, colours of arms, and texts that stay on the paper."""

import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from bench.analysis import analyse, read_run
from bench.analysis.latency import Latencies
from bench.model import FaultRecord
from bench.report.charts import Chart, Data, Head, Mark
from bench.report.charts.distribution import curve
from bench.report.charts.lines import sampled
from bench.report.charts.palette import DARK, LIGHT
from bench.report.charts.rows import Difference, Entry, Panel, differences, rows
from bench.report.content import run_document
from bench.report.document import Charts, Document, Section, Sentence
from bench.report.drawing import Drawing, draw, draw_all, figure_of, style
from bench.report.numbers import MINUS, Scale
from bench.stats import Estimate
from bench.store import Store
from tests.unit.analysis.sweeps import write_sweep
from tests.unit.analysis.synthetic import SCENARIO

HEAD = Head("name", "Title <b>", "caption", "source", "description & more")
FAULTY = replace(SCENARIO, name="iced", fault="freeze", fault_at_s=2.0, fault_s=2.0)
CAPACITY = replace(SCENARIO, name="capacity", rate_rps=None)
USUAL = {
    "scenarios": (SCENARIO, CAPACITY),
    "servers": ("direct", "direct-rv0", "informer", "none"),
    "control": "direct",
    "rounds": 2,
}
COLOURS = replace(LIGHT, arms=USUAL["servers"])
SLACK_IN = 0.06
MB = Scale(1e6, "MB")


@pytest.fixture(scope="module")
def charts(document, tmp_path_factory) -> dict[str, Chart]:
    """Return every kind of chart that a page may have, by name."""
    usual = document(**USUAL)
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
    return {chart.name: chart for document in made for chart in document.charts()}


@pytest.fixture(scope="module")
def drawn(charts) -> dict[str, Drawing]:
    """Return each chart as the page draws it."""
    part = Section("charts", "charts", (Charts(tuple(charts.values())),))
    return draw_all(Document("t", Sentence("h"), sections=(part,), arms=USUAL["servers"]))


@pytest.fixture(scope="module")
def figures(charts) -> dict[str, tuple[Figure, list[Mark]]]:
    """Return each chart as matplotlib lays it out."""
    with mpl.rc_context(style(LIGHT)):
        made = {
            name: figure_of(chart, COLOURS)
            for name, chart in charts.items()
            if chart.draw is not None
        }
        for figure, _ in made.values():
            figure.canvas.draw()
    return made


def test_there_is_a_chart_of_every_kind(charts):
    kinds = {
        chart.draw.func.__module__.rpartition(".")[2] for chart in charts.values() if chart.draw
    }
    assert {"rows", "lines", "points", "timeline"} <= kinds


def test_every_drawing_has_words_and_rows_and_follows_the_pages_colours(charts, drawn):
    for chart in charts.values():
        if chart.draw is None:
            assert "Nothing to draw" in chart.head.caption
            continue
        drawing = drawn[chart.name].svg
        assert re.search(r"<title[^>]*>\S", drawing), chart.name
        assert re.search(r"<desc[^>]*>\S", drawing), chart.name
        assert "<text" in drawing
        assert [] == re.findall(r"(?:fill|stroke): #", drawing), chart.name
        assert "nan" not in chart.head.description.lower()
        assert not re.search(r"\bnan\b", chart.data.csv(), re.IGNORECASE)
        assert {len(chart.data.columns)} == {len(row) for row in chart.data.rows}, chart.name


def labels_beyond(figure: Figure) -> set[Text]:
    """Return the labels of ticks outside the view of the axes, which are not drawn."""
    return {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }


def shown(figure: Figure) -> list[tuple[str, Bbox]]:
    """Return every visible text with its bounding box."""
    beyond, renderer = labels_beyond(figure), figure.canvas.get_renderer()
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible() and text not in beyond
    ]


def test_no_text_leaves_the_paper(figures):
    for name, (figure, _) in figures.items():
        width, height = figure.get_size_inches() * figure.dpi
        slack = SLACK_IN * figure.dpi
        for text, box in shown(figure):
            inside = box.x0 >= -slack and box.x1 <= width + slack
            inside &= box.y0 >= -slack and box.y1 <= height + slack
            assert inside, (name, text)


def a_row(name, value=1.0, low=None, high=None, rounds=None):
    panel = Panel(
        "Memory, MB", MB, [Entry(name, name, Estimate(value, low, high), rounds or {0: 1.0}, "1")]
    )
    return rows(HEAD, [panel], Data())


def test_names_are_escaped_in_drawings_and_are_no_mathematics():
    name = "<b>$x^2$"
    drawing = draw(a_row(name)).svg
    assert "<b>" not in drawing
    assert "&lt;b&gt;$x^2$" in drawing


def test_every_mark_has_words_and_lies_on_the_drawing(drawn):
    for name, drawing in drawn.items():
        assert drawing.marks, name
        for x, y, text in drawing.marks:
            assert 0 <= x <= 1000
            assert 0 <= y <= 1000
            assert re.search(r"\d", text), (name, text)
            assert "nan" not in text


def test_no_word_stands_over_a_mark(figures):
    for name, (figure, marks) in figures.items():
        texts = shown(figure)
        for mark in marks:
            x, y = mark.axes.transData.transform((mark.x, mark.y))
            assert [] == [text for text, box in texts if box.contains(x, y)], (name, mark.text)


def test_the_same_chart_is_drawn_the_same_twice(charts, drawn):
    assert drawn["s0-latency"].svg == draw(charts["s0-latency"], COLOURS).svg


def test_a_hex_colour_in_a_name_stays_a_name():
    name = f"fill: {LIGHT.ink}"
    assert name in draw(a_row(name)).svg.replace("var(--ink)", LIGHT.ink)


def test_rows_begin_at_zero_and_end_beyond_the_last_mark():
    made = a_row("direct", 70e6, 60e6, 80e6, {0: 60e6, 1: 80e6})
    with mpl.rc_context(style(LIGHT)):
        (axes,) = figure_of(made, LIGHT)[0].axes
        low, high = axes.get_xlim()
        assert low <= 0
        assert high > 80e6


def test_no_tick_of_a_share_is_a_negative_zero(drawn):
    made = {name: drawing.svg for name, drawing in drawn.items() if "residuals" in name}
    assert made
    for name, drawing in made.items():
        assert not re.search(rf"[-{MINUS}]0%", drawing), name


def test_rounds_beyond_the_edge_are_counted_in_words(document):
    chart = next(chart for chart in document(**USUAL).charts() if chart.name == "differences")
    (counts,) = re.findall(r"(\d+) of (\d+) rounds lie beyond the right edge", chart.head.caption)
    shown = [row[-1] for row in chart.data.rows]
    assert (str(sum(value > 1.03 for value in shown)), str(len(shown))) == counts


def test_an_arm_has_its_colour_whoever_stands_beside_it():
    for palette in (LIGHT, replace(DARK, arms=("x", "informer", "y", "z"))):
        assert palette.series[2] == palette.of("informer")
        assert palette.floor == palette.of("none")
        assert len(set(palette.variables)) == 11
    assert palette.series[3:] == tuple(palette.of(name) for name in ("x", "y", "z"))


def test_arms_that_share_a_colour_have_marks_and_strokes_of_their_own():
    names = ("a", "b", "c", "d", "e", "f")
    palette = replace(LIGHT, arms=names)
    assert palette.of("a") == palette.of("d")
    assert 6 == len({palette.mark(name) for name in names})
    assert 6 == len({(palette.of(name), palette.dash(name)) for name in names})


@pytest.mark.parametrize(
    ("names", "in_rows"), [(("a", "b"), []), (("a", "b", "c", "d"), [*"abcd"])]
)
def test_rows_are_named_where_a_legend_would_be_long(names, in_rows):
    entries = [
        Difference("Memory", "list", "informer", name, {0: 0.2}, Estimate(0.2), "20% more")
        for name in names
    ]
    with mpl.rc_context(style(COLOURS)):
        figure, _ = figure_of(differences(HEAD, {"Memory": entries}, "axis"), COLOURS)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert in_rows == [text for text in texts if text in names]
    assert bool(in_rows) == (figure.axes[0].get_legend() is None)


def test_a_difference_has_the_colour_that_its_arm_has_on_the_rest_of_the_page():
    palette = replace(LIGHT, arms=("x", "informer", "y", "z"))
    difference = Difference("Memory", "list", "informer", "z", {0: 0.2}, Estimate(0.2), "20% more")
    with mpl.rc_context(style(palette)):
        figure, _ = figure_of(differences(HEAD, {"Memory": [difference]}, "axis"), palette)
    (line,) = [line for line in figure.axes[0].lines if line.get_label() == "z"]
    assert (palette.of("z"), palette.mark("z")) == (line.get_color(), line.get_marker())


def test_a_curve_ends_where_samples_end_that_can_carry_it():
    times = np.sort(np.random.default_rng(1).exponential(10.0, 1000))
    line = curve(Latencies(times))
    assert 1 - 10 ** -line.x[-1] == pytest.approx(0.9895)
    assert curve(Latencies(times[:19])) is None
    cut = curve(Latencies(times[:700], np.full(300, 10_000.0)))
    assert 1 - 10 ** -cut.x[-1] == pytest.approx(0.6995)


def test_an_interval_without_an_upper_end_leaves_the_chart_and_its_field_is_empty():
    line = sampled(np.array([1.0, 2.0]), lambda x: (x, 0.5, None) if x > 1 else (None,) * 3)
    assert [(1.0, None, None, None), (2.0, 2.0, 0.5, None)] == line.rows
