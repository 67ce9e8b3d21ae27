"""Calculator on the page: its figures are the model's, and it marks extrapolation."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from bench.analysis import RunAnalysis, analyse
from bench.analysis.cost_model import Question
from bench.report.content import run_document
from bench.report.html import to_html
from bench.report.numbers import Scale
from bench.report.sentences import verdict
from bench.store import Store
from tests.unit.analysis.sweeps import write_sweep


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> RunAnalysis:
    # In a made-up run no answers are compared, which would void the run and its calculator.
    made = analyse(write_sweep(Store(tmp_path_factory.mktemp("results"))))
    return replace(made, void=())


@pytest.fixture(scope="module")
def address(analysis: RunAnalysis, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("report") / "index.html"
    file.write_text(to_html(run_document(analysis)), encoding="utf-8")
    return file.as_uri()


class Visit:
    """A page with its console messages and its requests."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def fill(self, **values: str) -> None:
        for name, value in values.items():
            self.page.fill(f"#calculator-{name}", value)

    def ask(self, question: Question) -> None:
        self.fill(
            reads=f"{question.reads_per_s:g}",
            pods=f"{question.pods:g}",
            churn=f"{question.churn_per_s:g}",
            replicas=f"{question.replicas:g}",
            lifetime=f"{question.lifetime_s / 3600:g}",
        )

    def costs(self) -> list[list[str]]:
        """Return the figures of each row, without intervals."""
        return self.page.eval_on_selector_all(
            "#calculator-rows tr",
            "rows => rows.map(row => [...row.children].map(cell => cell.firstChild.textContent))",
        )


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    visit = Visit(context.new_page())
    visit.page.goto(address)
    yield visit
    assert visit.messages == []
    assert visit.requests == [address]
    context.close()


@pytest.mark.parametrize(
    "question",
    [
        Question(5.0, 400, 20.0),
        Question(0.05, 100, 40.0),
        Question(3.0, 750, 0.0, replicas=4, lifetime_s=7200.0),
    ],
)
def test_it_shows_the_costs_of_the_model(
    visit: Visit, analysis: RunAnalysis, question: Question
) -> None:
    visit.ask(question)
    for row, model in zip(visit.costs(), analysis.cost_models, strict=True):
        divisor = {"kB/s": 1e3, "MB/s": 1e6}.get(row[0].rpartition(", ")[2], 1.0)
        arms = ("direct", "direct-rv0", "informer")
        scale = Scale(divisor, "")
        costs = [model.cost(arm, question) for arm in arms]
        assert [scale.show(cost.value, cost.low, cost.high) for cost in costs] == row[1:4]


def test_it_names_the_cheaper_arm_on_both_sides_of_the_break_even_rate(
    visit: Visit, analysis: RunAnalysis
) -> None:
    even = analysis.cost_models[0].break_even("direct", Question(0.0, 100, 40.0)).rate
    assert even is not None
    visit.fill(pods="100", churn="40", reads=f"{even / 5:g}")
    assert visit.costs()[0][4].startswith("direct")
    visit.fill(reads=f"{even * 5:g}")
    assert visit.costs()[0][4] == "informer"
    assert visit.page.inner_text("#verdict").endswith("an informer pays off.")


@pytest.mark.parametrize(
    "question",
    [
        Question(5.0, 400, 20.0),
        Question(0.001, 100, 40.0),
        Question(0.0, 100, 40.0),
        Question(6.0, 100, 5000.0),
        Question(0.3, 1000, 40.0),
        Question(3.0, 750, 0.0, replicas=4, lifetime_s=7200.0),
    ],
)
def test_its_verdict_and_line_are_those_of_the_report(
    visit: Visit, analysis: RunAnalysis, question: Question
) -> None:
    model = next(model for model in analysis.cost_models if model.quantity == "apiserver_cpu")
    expected = verdict(model, model.break_even("direct", question), question)
    visit.ask(question)
    assert expected.text == visit.page.inner_text("#verdict")
    # Its intervals take Student's t from the report's own situation, so their ends may differ.
    line = visit.page.inner_text("#verdict-line")
    assert expected.detail.partition(",")[0] == line.partition(",")[0]


@pytest.mark.parametrize(
    ("changes", "noise"),
    [({0: -0.3, 1: 0.0}, 1e6), ({0: -0.3, 1: 0.0}, 1.0), ({4: -0.001}, 1.0), ({4: 0.01}, 1.0)],
    ids=["a read that may cost something", "no read", "no event", "an event"],
)
def test_its_bounds_are_those_of_the_report(
    browser: Browser,
    analysis: RunAnalysis,
    tmp_path: Path,
    changes: dict[int, float],
    noise: float,
) -> None:
    models = {model.quantity: model for model in analysis.cost_models}
    fit = models["apiserver_cpu"].fit
    assert fit.covariance is not None
    costs = tuple(changes.get(index, cost) for index, cost in enumerate(fit.coefficients))
    covariance = tuple(tuple(noise * value for value in row) for row in fit.covariance)
    changed = replace(fit, coefficients=costs, covariance=covariance)
    model = replace(models["apiserver_cpu"], fit=changed)
    models["apiserver_cpu"] = model
    file = tmp_path / "index.html"
    document = run_document(replace(analysis, cost_models=tuple(models.values())))
    file.write_text(to_html(document), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    expected = verdict(model, model.break_even("direct", model.reference), model.reference)
    shown = page.inner_text("#verdict"), page.inner_text("#verdict-line")
    assert (expected.text, expected.detail) == shown
    page.close()


def test_values_outside_the_measured_range_are_marked(visit: Visit) -> None:
    warning = visit.page.locator("#calculator-beyond")
    visit.fill(reads="5", pods="400", churn="20", replicas="1")
    assert not warning.is_visible()
    for name, value, message in (
        ("reads", "500", "reads/s (up to 20 measured)"),
        ("pods", "50000", "pods (100 to 1,000 measured)"),
        ("churn", "300", "writes/s (up to 40 measured)"),
        ("replicas", "3", "replicas (1 measured)"),
    ):
        visit.fill(reads="5", pods="400", churn="20", replicas="1")
        visit.fill(**{name: value})
        assert warning.is_visible()
        assert message in warning.inner_text()


def test_an_unusable_value_is_named_and_gives_no_figure(visit: Visit) -> None:
    visit.fill(pods="-5")
    assert "Invalid value for Pods" in visit.page.inner_text("#verdict")
    assert visit.costs() == []
    visit.fill(pods="")
    assert visit.costs() == []
    visit.fill(pods="400")
    assert len(visit.costs()) == 3


def test_the_keyboard_alone_operates_it(visit: Visit) -> None:
    page = visit.page
    page.focus("#calculator-reads")
    page.keyboard.press("Control+A")
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    assert page.input_value("#calculator-reads") == "7"
    for name in ("pods", "churn", "replicas", "lifetime"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name") == name


def test_every_input_has_a_label_and_the_page_does_not_scroll_sideways(visit: Visit) -> None:
    page = visit.page
    labelled = page.eval_on_selector_all(
        "#calculator input", "inputs => inputs.map(input => input.labels.length)"
    )
    assert [1] * 5 == labelled
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_script_the_tables_remain_and_the_form_is_hidden(
    browser: Browser, address: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert not page.locator("#calculator").is_visible()
    assert "needs JavaScript" in page.inner_text(".case")
    page.locator("#diagnostics > details > summary").click()
    assert re.search(r"a write to a pod\s+0\.\d+ ms", page.inner_text("#diagnostics"))
    context.close()


def test_one_number_of_pods_cannot_be_changed(browser: Browser, tmp_path: Path) -> None:
    cells = [("steady", 1000, 20.0, 10.0)]
    file = tmp_path / "index.html"
    analysed = analyse(write_sweep(Store(tmp_path / "results"), cells=cells, rounds=4))
    file.write_text(to_html(run_document(replace(analysed, void=()))), encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.get_attribute("#calculator-pods", "readonly") is not None
    assert page.locator("#calculator-rows tr").count() == 3
    context.close()


def test_the_sample_opens_with_the_offered_rate_which_is_not_marked_as_unmeasured(
    browser: Browser,
) -> None:
    """Six reads per second are measured as 5.9999."""
    page = browser.new_page()
    sample = Path(__file__).parents[2] / "reports" / "sample" / "index.html"
    page.goto(sample.as_uri())
    assert not page.locator("#calculator-beyond").is_visible()
    page.fill("#calculator-reads", "60")
    assert page.locator("#calculator-beyond").is_visible()
    page.close()
