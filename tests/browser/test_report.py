"""Report in a browser: on a wide screen and a phone, light and dark, for every reader."""

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
# Passed rules need not be listed: listing them takes longer than checking.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "resultTypes": ["violations"],
}
CONTRAST = RULES | {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
BUT_CONTRAST = RULES | {"rules": {"color-contrast": {"enabled": False}}}
# One text is enough of those that look alike, since they and their parents are of one kind: some
# hundred of 6,000 remain. For a text in a drawing axe cannot find the background.
ONE_OF_EACH_LOOK = """
    const looks = new Set()
    const kind = (node) => node === null ? '' : kind(node.parentElement) + ' ' + node.tagName
        + node.getAttribute('class') + node.getAttribute('style')
    for (const element of document.body.querySelectorAll(':not(svg *)')) {
        const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
        const look = kind(element)
        if (text && !looks.has(look)) {
            looks.add(look)
            element.dataset.look = ''
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
    """The page of a report, opened once, with its requests and its console messages."""

    page: Page
    requests: list[str]
    messages: list[str]


@pytest.fixture(scope="module")
def opened(report: Path, browser: Browser) -> Iterator[Opened]:
    """A page in light colours; tests of colours use dark ones too."""
    context = browser.new_context(color_scheme="light", viewport={"width": WIDE, "height": 900})
    opened = Opened(context.new_page(), [], [])
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.on("console", lambda message: opened.messages.append(message.text))
    opened.page.on("pageerror", lambda error: opened.messages.append(str(error)))
    opened.page.on("dialog", lambda dialog: opened.messages.append(dialog.message))
    opened.page.goto(report.as_uri())
    opened.page.wait_for_load_state("networkidle")
    yield opened
    context.close()


@pytest.fixture
def page(opened: Opened) -> Page:
    """The page in the state in which it was opened."""
    page = opened.page
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.emulate_media(media="screen", color_scheme="light")
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = false })")
    page.evaluate("scrollTo(0, 0)")
    return page


def violations(page: Page, rules: dict[str, object] = RULES, within: str = "html") -> list[str]:
    broken = Axe().run(page, {"include": [within]}, rules).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in broken for node in rule["nodes"]]


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def test_the_page_fetches_nothing_and_has_no_errors(report: Path, opened: Opened) -> None:
    assert [report.as_uri()] == opened.requests
    assert [] == opened.messages
    assert 0 == opened.page.locator("details[open]").count()


def test_the_first_screen_holds_the_answer(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    below = page.evaluate(
        "[...document.querySelectorAll('h1, .picture, .case, .sides, .trust')]"
        ".filter(element => element.getBoundingClientRect().bottom > innerHeight + 60)"
        ".map(element => element.className)"
    )
    assert [] == below


def test_a_phone_shows_it_without_sideways_scroll(page: Page) -> None:
    page.set_viewport_size({"width": PHONE, "height": 740})
    assert 0 >= overflow(page)
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    assert 0 >= overflow(page)


def test_headings_descend_one_level_at_a_time(page: Page) -> None:
    levels = page.eval_on_selector_all("h1,h2,h3,h4,h5", "all => all.map(head => +head.tagName[1])")
    assert 1 == levels.count(1)
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_every_drawing_can_be_read_as_words_and_as_rows(page: Page) -> None:
    assert page.locator(".picture svg").count() == page.locator(".picture title + desc").count()
    drawings = page.locator("figure:has(svg)")
    assert 0 < drawings.count()
    assert drawings.count() == page.locator("figure svg[role=img] > title + desc").count()
    with_rows = page.locator("figure:has(svg):has(details.data a[download$='.csv'])")
    assert drawings.count() == with_rows.count()


def test_the_rows_of_a_chart_can_be_downloaded(page: Page) -> None:
    page.locator("#differences details.data summary").click()
    with page.expect_download() as download:
        page.locator("#differences details.data a[download]").click()
    assert download.value.suggested_filename.endswith(".csv")
    header, *rows = Path(download.value.path()).read_text().splitlines()
    assert "metric,scenario,subject,baseline,round,difference_of_baseline" == header
    assert rows


def test_print_has_a_white_background_and_hides_the_data_tables(page: Page) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.locator("details.data").first.is_hidden()


def test_a_mark_shows_its_value_under_the_pointer_and_by_the_arrow_keys(page: Page) -> None:
    drawing = page.locator("#differences .drawing")
    drawing.focus()
    page.keyboard.press("ArrowRight")
    shown = drawing.locator("output").inner_text()
    assert "rounds" in shown or "round" in shown
    page.keyboard.press("Escape")
    assert 0 == drawing.locator("output").count()
    x, y, text = page.evaluate(
        "JSON.parse(document.querySelector('#differences .drawing').dataset.marks)[0]"
    )
    box = drawing.bounding_box()
    assert box is not None
    drawing.hover(position={"x": box["width"] * x / 1000, "y": box["height"] * y / 1000})
    assert text == drawing.locator("output").inner_text()


def test_links_to_contents_and_glossary_open_their_targets(report: Path, page: Page) -> None:
    assert page.locator("#noise details").first.get_attribute("open") is None
    page.locator(".contents a[href='#noise']").click()
    page.wait_for_selector("#noise > details[open]")
    term = page.locator("a.term").first
    page.goto(f"{report.as_uri()}{term.get_attribute('href')}")
    page.wait_for_selector("#glossary > details[open]")


def test_the_page_breaks_no_accessibility_rule(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
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
