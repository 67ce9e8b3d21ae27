"""The report in a browser: on a wide screen and a phone, light and dark, for every reader."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from bench.analysis import analyse, read_run
from bench.model import FaultRecord, RunState
from bench.report.output import PAGE, write_index, write_report
from bench.store import Store
from tests.unit.analysis.synthetic import SCENARIO, write_run

WIDE, PHONE = 1280, 360
EVIL = "<img src=x onerror=alert(1)>"
# What is well need not be listed: it takes longer than to find out.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "resultTypes": ["violations"],
}
CONTRAST = RULES | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
BUT_CONTRAST = RULES | {"rules": {"color-contrast": {"enabled": False}}}
# Of texts that look alike, because they and all that they stand in are of one kind, one is enough:
# that leaves some hundred of 6,000. Of a text in a drawing axe cannot tell what is behind it.
ONE_OF_EACH_LOOK = """
    const looks = new Set()
    const kind = (one) => one === null ? '' : kind(one.parentElement) + ' ' + one.tagName
        + one.getAttribute('class') + one.getAttribute('style')
    for (const one of document.body.querySelectorAll(':not(svg *)')) {
        const text = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
        const look = kind(one)
        if (text && !looks.has(look)) {
            looks.add(look)
            one.dataset.look = ''
        }
    }
    return looks.size
"""

CAPACITY = replace(SCENARIO, name="capacity", rate_rps=None)
FROZEN = replace(SCENARIO, name="frozen", fault="freeze", fault_at_s=1.0, fault_s=1.0)
RUNS = {
    "good": {"scenarios": (SCENARIO, CAPACITY)},
    "failing": {
        "scenarios": (SCENARIO, FROZEN),
        "fault": FaultRecord("freeze", f"the API server was frozen {EVIL}", 1.0, 2.0),
        "servers": ("direct", "informer", "paged"),
        "unanswered": {"direct": {"failed": 90}},
    },
    "flawed": {
        "rounds": 1,
        "servers": ("direct", "informer", "paged"),
        "upstream": {"direct": 3.0},
        "unanswered": {"direct": {"timeout": 3, "dropped": 2}},
        "state": RunState.INCOMPLETE,
        "equality": False,
    },
}


@pytest.fixture(scope="module", params=RUNS)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    options = {"rounds": 2, "seconds": 4.0} | RUNS[request.param]
    store = Store(folder / "results")
    reader = write_run(store, **options)
    data, reports = read_run(reader), folder / "reports"
    write_report(analyse(data), reports / reader.record.run, data, ("html",))
    write_index(store, reports)
    return reports / reader.record.run / PAGE


@dataclass
class Opened:
    """The page of a report, opened once, with what it asked the network for and what it said."""

    page: Page
    asked: list[str]
    said: list[str]


@pytest.fixture(scope="module")
def opened(report: Path, browser: Browser) -> Iterator[Opened]:
    """A page in light colours; what colours may change is tried in the dark, too."""
    context = browser.new_context(color_scheme="light", viewport={"width": WIDE, "height": 900})
    one = Opened(context.new_page(), [], [])
    one.page.on("request", lambda request: one.asked.append(request.url))
    one.page.on("console", lambda message: one.said.append(message.text))
    one.page.on("pageerror", lambda error: one.said.append(str(error)))
    one.page.on("dialog", lambda dialog: one.said.append(dialog.message))
    one.page.goto(report.as_uri())
    one.page.wait_for_load_state("networkidle")
    yield one
    context.close()


@pytest.fixture
def page(opened: Opened) -> Page:
    """The page as it was when it was opened."""
    page = opened.page
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.emulate_media(media="screen", color_scheme="light")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = false })")
    page.evaluate("scrollTo(0, 0)")
    return page


def violations(page: Page, rules: dict[str, object] = RULES, within: str = "html") -> list[str]:
    found = Axe().run(page, {"include": [within]}, rules).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def test_nothing_is_fetched_and_nothing_goes_wrong(report: Path, opened: Opened) -> None:
    assert [report.as_uri()] == opened.asked
    assert [] == opened.said
    assert 0 == opened.page.locator("details[open]").count()


def test_the_first_screen_holds_the_answer(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    below = page.evaluate(
        "[...document.querySelectorAll('h1, .picture, .case, .sides, .trust')]"
        ".filter(one => one.getBoundingClientRect().bottom > innerHeight + 60)"
        ".map(one => one.className)"
    )
    assert [] == below


def test_a_phone_shows_it_without_sideways_scroll(page: Page) -> None:
    page.set_viewport_size({"width": PHONE, "height": 740})
    assert 0 >= overflow(page)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert 0 >= overflow(page)


def test_headings_descend_one_level_at_a_time(page: Page) -> None:
    levels = page.eval_on_selector_all("h1,h2,h3,h4,h5", "all => all.map(one => +one.tagName[1])")
    assert 1 == levels.count(1)
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_every_drawing_can_be_read_as_words_and_as_rows(page: Page) -> None:
    assert page.locator(".picture svg").count() == page.locator(".picture title + desc").count()
    drawings = page.locator("figure:has(svg)")
    assert 0 < drawings.count()
    assert drawings.count() == page.locator("figure svg[role=img] > title + desc").count()
    with_rows = page.locator("figure:has(svg):has(details.data a[download$='.csv'])")
    assert drawings.count() == with_rows.count()


def test_the_rows_of_a_chart_are_a_file_that_can_be_kept(page: Page) -> None:
    page.locator("#differences details.data summary").click()
    with page.expect_download() as download:
        page.locator("#differences details.data a[download]").click()
    assert download.value.suggested_filename.endswith(".csv")
    header, *rows = Path(download.value.path()).read_text().splitlines()
    assert "metric,scenario,subject,baseline,round,difference_of_baseline" == header
    assert rows


def test_on_paper_what_was_folded_is_there_and_charts_keep_their_size(page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.locator("details.data").first.is_hidden()


def test_a_mark_tells_its_value_under_the_pointer_and_by_the_arrow_keys(page: Page) -> None:
    drawing = page.locator("#differences .drawing")
    drawing.focus()
    page.keyboard.press("ArrowRight")
    told = drawing.locator("output").inner_text()
    assert "rounds" in told or "round" in told
    page.keyboard.press("Escape")
    assert 0 == drawing.locator("output").count()
    x, y, text = page.evaluate(
        "JSON.parse(document.querySelector('#differences .drawing').dataset.marks)[0]"
    )
    box = drawing.bounding_box()
    assert box is not None
    drawing.hover(position={"x": box["width"] * x / 1000, "y": box["height"] * y / 1000})
    assert text == drawing.locator("output").inner_text()


def test_the_contents_and_the_glossary_open_what_they_lead_to(report: Path, page: Page) -> None:
    assert page.locator("#noise details").first.get_attribute("open") is None
    page.locator(".contents a[href='#noise']").click()
    page.wait_for_selector("#noise > details[open]")
    term = page.locator("a.term").first
    page.goto(f"{report.as_uri()}{term.get_attribute('href')}")
    page.wait_for_selector("#glossary > details[open]")


def test_everyone_can_read_it(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert [] == violations(page, BUT_CONTRAST)
    assert 50 < page.evaluate(f"() => {{{ONE_OF_EACH_LOOK}}}")
    assert [] == violations(page, CONTRAST, "[data-look]")
    page.emulate_media(color_scheme="dark")
    assert [] == violations(page, CONTRAST, "[data-look]")


def test_the_list_of_reports_leads_to_the_report(report: Path, browser: Browser) -> None:
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.goto((report.parents[1] / "index.html").as_uri())
    assert [] == violations(page)
    page.emulate_media(color_scheme="dark")
    assert [] == violations(page)
    page.locator("main a").first.click()
    page.wait_for_url(report.as_uri())
    context.close()
