"""The documents tell the truth of the sources: generated pages, links, and the files they name."""

import re
from pathlib import Path

import pytest

from bench.cli import VERBS, main
from bench.cli.docs import PAGES
from bench.metrics import METRICS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "*/README.md", "informer/*.md", "informer/docs/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_in_the_repository_is_what_the_command_prints(
    page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["docs", page])
    assert (DOCS / page).read_text() == capsys.readouterr().out


def test_every_metric_and_every_verb_has_its_place() -> None:
    metrics, verbs = (DOCS / "metrics.md").read_text(), (DOCS / "verbs.md").read_text()
    assert [] == [one.key for one in METRICS if f"| `{one.key}` | {one.title} |" not in metrics]
    assert [] == [verb for verb in VERBS if f"\n## `{verb}`: " not in verbs]


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_of_verbs_has_every_option_that_help_has(
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
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    dead = [
        f"{target}#{anchor}"
        for target, anchor in LINK.findall(page.read_text())
        if "://" not in target
        and not (
            (found := (page.parent / target if target else page)).exists()
            and (not anchor or anchor in anchors(found))
        )
    ]
    assert [] == dead


NAMED = re.compile(r"`((?:bench|servers|tests|informer|results|docs|deploy)/[\w./-]*)`")


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md"])
def test_a_file_that_is_named_is_there(page: str) -> None:
    named = NAMED.findall((ROOT / page).read_text())
    assert named
    assert [] == [name for name in named if not (ROOT / name).exists()]
