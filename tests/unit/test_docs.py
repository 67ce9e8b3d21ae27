"""The documents agree with the sources: generated pages, links, and the files they name."""

import gzip
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.cli import VERBS, main
from bench.cli.docs import PAGES
from bench.metrics import METRICS
from docs.build import executed, picture

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "[!.]*/README.md", "informer/*.md", "informer/docs/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_in_the_repository_is_what_the_command_prints(
    page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["docs", page])
    assert (DOCS / page).read_text() == capsys.readouterr().out, "make docs updates it"


def test_the_picture_of_the_rooms_is_drawn_from_todays_layers() -> None:
    drawn = picture((ROOT / "pyproject.toml").read_text())
    assert (DOCS / "rooms.svg").read_text() == drawn, "make docs updates it"
    rooms = {path.parent.name for path in ROOT.glob("bench/*/__init__.py")}
    named = re.findall(r'<text class="name"[^>]*>([^<]*)<', drawn)
    assert set() == rooms - set(named)
    assert len(named) == len(set(named))


@pytest.fixture(scope="module")
def notebook() -> tuple[str, dict[str, Any]]:
    """The notebook as it runs now, and the variables of its cells."""
    return executed((DOCS / "results.ipynb").read_text())


def test_the_notebook_shows_its_current_outputs(notebook: tuple[str, dict[str, Any]]) -> None:
    recorded, current = (
        ["".join(lines) for cell in json.loads(text)["cells"] for lines in outputs_of(cell)]
        for text in ((DOCS / "results.ipynb").read_text(), notebook[0])
    )
    assert recorded == current, "make docs updates it"
    assert len(recorded) == 5


def outputs_of(cell: dict[str, Any]) -> list[list[str]]:
    return [output["data"]["text/plain"] for output in cell.get("outputs", ())]


def test_the_figures_of_the_notebook_are_those_of_the_report(
    notebook: tuple[str, dict[str, Any]],
) -> None:
    variables, report = notebook[1], reported()
    for server in ("direct", "direct-rv0", "informer"):
        for metric, column in (("p50", "p50 in ms"), ("throughput", "reads per second")):
            computed = variables["rounds"].loc[("capacity", server), column]
            assert report["capacity", server, metric, False] == approx(computed)
        above = variables["above"][server]
        assert report["steady", server, "control_plane_cpu", False] == approx(above)
        requests = report["steady", server, "api_requests", True]
        per_1000 = variables["per_1000"].loc[("steady", server)].sum()
        assert list(requests.values()) == pytest.approx([per_1000] * 7)


def reported() -> dict[tuple[str, str, str, bool], dict[int, float]]:
    """Return the values of each round that the analysis gave for results/reference."""
    pinned = ROOT / "tests" / "golden" / "before" / "reference.json.gz"
    summary = json.loads(gzip.decompress(pinned.read_bytes()))["summary"]
    return {
        (scenario["scenario"]["name"], arm["server"], figure["metric"], figure["per_1000"]): {
            int(number): value for number, value in figure["rounds"].items()
        }
        for scenario in summary["scenarios"]
        for arm in scenario["arms"]
        for figure in arm["figures"]
    }


def approx(by_round: pd.Series) -> Any:
    """Return the values of the series by round, to be compared approximately."""
    return pytest.approx(by_round.to_dict())


def test_every_metric_and_every_verb_is_documented() -> None:
    metrics, verbs = (DOCS / "metrics.md").read_text(), (DOCS / "verbs.md").read_text()
    assert [] == [m.key for m in METRICS if f"| `{m.key}` | {m.title} |" not in metrics]
    assert [] == [verb for verb in VERBS if f"\n## `{verb}`: " not in verbs]


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_of_verbs_has_every_option_of_help(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    named = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    section = (
        (DOCS / "verbs.md").read_text().partition(f"\n## `{verb}`: ")[2].partition("\n## `")[0]
    )
    assert named == set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_an_existing_file_and_heading(page: Path) -> None:
    dead = [
        f"{target}#{anchor}"
        for target, anchor in LINK.findall(page.read_text())
        if "://" not in target
        and not (
            (linked := (page.parent / target if target else page)).exists()
            and (not anchor or anchor in anchors(linked))
        )
    ]
    assert [] == dead


NAMED = re.compile(r"`((?:bench|servers|tests|informer|results|docs|deploy)/[\w./-]*)`")


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "docs/architecture.md"])
def test_every_file_that_a_page_names_exists(page: str) -> None:
    named = NAMED.findall((ROOT / page).read_text())
    assert named
    assert [] == [name for name in named if not (ROOT / name).exists()]


DISTRIBUTIONS = [(ROOT, ("bench", "servers")), (ROOT / "informer", ("src/kube_informer",))]


@pytest.mark.parametrize(("folder", "packages"), DISTRIBUTIONS)
def test_package_data_names_every_file_that_is_not_python(
    folder: Path, packages: tuple[str, ...]
) -> None:
    declared = tomllib.loads((folder / "pyproject.toml").read_text())
    data = declared["tool"]["setuptools"]["package-data"]
    for package in packages:
        source = folder / package
        files = {path for path in source.rglob("*") if path.is_file()}
        files = {path for path in files if path.suffix not in (".py", ".pyc")}
        named = {path for pattern in data[source.name] for path in source.glob(pattern)}
        assert files == {path for path in named if path.is_file()}
        assert source / "py.typed" in named
    assert "Typing :: Typed" in declared["project"]["classifiers"]
