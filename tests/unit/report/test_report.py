"""Any run that can be read gives a page that says what is there and what is missing."""

import html
import re
from dataclasses import replace

import pytest

from bench.analysis import analyse
from bench.model import NO_SERVER, Outcome, RunState
from bench.report import render, terminal_summary
from bench.store import Store
from tests.unit.analysis.synthetic import ARMS, SCENARIO, write_run

EVIL = '<img src=x onerror="alert(1)">&$x^2$'
EVERYONE = [(server, round_) for server in ARMS for round_ in range(3)]
SERVERS = [server for server in ARMS if server != NO_SERVER]

RUNS = {
    "no trial at all": (
        {"skip": EVERYONE, "state": RunState.INCOMPLETE},
        "No trial of this scenario",
    ),
    "one trial only": ({"skip": EVERYONE[1:]}, "Only direct was measured"),
    "a single round": ({"rounds": 1}, "no interval can be given"),
    "a missing arm": ({"skip": [("informer", 0), ("informer", 1), ("informer", 2)]}, "informer"),
    "only the floor": ({"servers": (NO_SERVER,)}, "No server was measured"),
    "every trial failed": (
        {"outcome": Outcome.FAILED, "failure": "the server died"},
        "failed: the server died",
    ),
    "no read answered": (
        {"unanswered": {server: {"timeout": 400} for server in SERVERS}},
        "answered no read",
    ),
    "most reads timed out": ({"unanswered": {"direct": {"timeout": 300}}}, "at least 10 s"),
    "answers that differ": ({"equality": False}, "The servers did not answer alike"),
    "answers not compared": ({"equality": None}, "were not compared with each other"),
    "ledgers that disagree": (
        {"upstream": {"direct": 3.0}},
        "The ledgers of API requests disagree",
    ),
    "no counts": ({"tables": ("requests", "samples")}, "the audit log was not recorded"),
    "no tables": ({"tables": ()}, "answered no read"),
    "an interrupted run": ({"state": RunState.INCOMPLETE, "skip": EVERYONE[9:]}, "9 of 12 trials"),
    "an unknown arm": ({"servers": ("direct", "informer", "paged")}, "against paged"),
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Makes the page of a run with these flaws, once for all who ask for the same."""
    made = {}

    def make(**options):
        asked = repr(sorted(options.items()))
        if asked not in made:
            place = tmp_path_factory.mktemp("place")
            reader = write_run(Store(place / "results"), **options)
            made[asked] = render(reader, place / "report").read_text()
        return made[asked]

    return make


def as_text(page):
    page = re.sub(r"<(style|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize("name", RUNS)
def test_a_flawed_run_gives_a_page_that_says_what_is_wrong(page, name):
    options, said = RUNS[name]
    made = page(**options)
    assert said in as_text(made)
    assert [] == re.findall(r"\b(?:nan|NaN|None|inf)\b|Interval\(", as_text(made))


def test_what_voids_the_figures_stands_before_them(page):
    text = as_text(page(upstream={"direct": 3.0}))
    assert text.index("No figure of this run should be quoted") < text.index("per 1,000 reads")
    assert "At 50 reads/s, informer sent" not in text


def test_what_comes_from_a_cluster_is_escaped_everywhere(page):
    made = page(
        servers=("direct", "informer", "<b>x"),
        scenarios=(replace(SCENARIO, name="<i>list&$x^2$"),),
        failure=EVIL,
        outcome=Outcome.FAILED,
        rounds=1,
    )
    assert EVIL in as_text(made)
    assert "<img" not in made
    assert "<b>x" not in made


def test_names_are_escaped_in_drawings_too_and_are_no_mathematics(page):
    made = page(servers=("direct", "informer", "<b>$x^2$"), rounds=1)
    assert "<b>" not in made
    assert "&lt;b&gt;$x^2$" in "".join(re.findall(r"<svg.*?</svg>", made, re.DOTALL))


def test_the_page_asks_for_nothing_from_anywhere(page):
    made = page(rounds=1)
    assert "default-src 'none'" in made
    elsewhere = re.findall(r'(?:src|href)="(?!#|data:text/csv)[^"]*"|@import|url\((?!#)', made)
    assert [] == elsewhere
    # The calculator, which the policy names by its hash, and the constants it reads.
    assert ["<script>", '<script type="application/json" id="cost-model">'] == sorted(
        re.findall(r"<script[^>]*>", made), key=len
    )


def test_no_two_things_on_the_page_share_an_id(page):
    both = (SCENARIO, replace(SCENARIO, name="capacity", rate_rps=None))
    found = re.findall(r'\bid="([^"]+)"', page(rounds=1, scenarios=both))
    assert sorted(set(found)) == sorted(found)


def test_every_drawing_has_words_in_its_place_and_follows_the_pages_colours(page):
    drawings = re.findall(r"<svg.*?</svg>", page(rounds=2), re.DOTALL)
    assert drawings
    for drawing in drawings:
        assert re.search(r"<title[^>]*>\S", drawing)
        assert re.search(r"<desc[^>]*>\S", drawing)
        assert "<text" in drawing
        assert not re.search(r"#0[1-5]0[1-5]0\d", drawing)


def test_bars_begin_at_zero(page):
    made = page(rounds=2)
    drawings = re.findall(r"<svg.*?</svg>", made, re.DOTALL)
    bars = [svg for svg in drawings if "Server memory at the end" in svg]
    assert bars
    assert all(re.search(r"<text[^>]*>0</text>", svg) for svg in bars)


def test_a_chart_of_nothing_is_a_sentence(page):
    text = as_text(page(unanswered={server: {"failed": 400} for server in SERVERS}))
    assert "Nothing to draw: no request was answered." in text


def test_a_figure_points_at_the_caveats_that_concern_it(page):
    made = page(unanswered={"direct": {"failed": 1}})
    number = re.search(r'id="s0-n(\d+)"[^>]*><strong>Failed requests</strong> \(direct', made)[1]
    cells = re.search(r"p50, from the intended start.*?</tr>", made, re.DOTALL)[0].split("<td")[1:]
    assert [True, False, False, False] == [f'href="#s0-n{number}"' in cell for cell in cells]


def test_costs_at_full_speed_are_marked_as_not_like_for_like(page):
    closed = replace(SCENARIO, rate_rps=None)
    assert "Not like for like" in as_text(page(scenarios=(closed,), rounds=1))


def test_markup_in_a_name_is_plain_text_on_the_terminal(tmp_path):
    from io import StringIO

    from rich.console import Console

    reader = write_run(Store(tmp_path), servers=("direct", "[red]x"), rounds=1)
    console = Console(width=200, record=True, file=StringIO())
    console.print(terminal_summary(analyse(reader)))
    assert "[red]x" in console.export_text()
