"""The README has the figures of the sample, the report of the committed reference run.

The README in Chinese has the same content: sections, commands, links and figures.
"""

import re
from functools import cache
from pathlib import Path

import pytest

from bench.analysis import analyse
from bench.report.content import run_document
from bench.report.text import to_markdown
from bench.store import Store

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "reports" / "sample"


def rows(text: str) -> list[list[str]]:
    """Return the rows of all tables of a Markdown text, without escapes."""
    return [
        [re.sub(r"\\(.)", r"\1", cell).strip() for cell in line[1:-1].split(" | ")]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith(("| :--", "|:--"))
    ]


@cache
def report_of(run: str) -> str:
    """Return the report of a committed run as Markdown."""
    return to_markdown(run_document(analyse(Store(ROOT / "results").open(run))))


def test_a_report_of_clients_that_nobody_asks_speaks_of_no_load():
    assert "At 10 writes/s, " in report_of("clients")
    assert "full speed" not in report_of("clients")


def test_clients_are_compared_by_requests_and_peak_memory_and_paths_are_folded():
    assert "needs at least 5.4 times fewer requests to the API server than" in report_of("clients")
    assert "- Peak memory: 29 MB instead of 97 MB" in report_of("clients")
    assert "get /apis" not in report_of("clients")
    assert "| list pods |" in report_of("clients")


@pytest.mark.parametrize("run", ["clients", "wire"])
def test_no_table_is_its_header_alone(run):
    lines = report_of(run).split("\n")
    heads = [index for index, line in enumerate(lines) if line.startswith("| :--")]
    assert heads
    assert all(lines[index + 1].startswith("| ") for index in heads)


@pytest.mark.parametrize(
    ("document", "heading", "run", "fewest"),
    [("README.md", "The answer", "wire", 11), ("docs/meter.md", "Six clients", "clients", 7)],
)
def test_every_row_of_figures_stands_in_the_report_of_a_committed_run(
    document, heading, run, fewest
):
    text = (ROOT / document).read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    shown = [row for row in rows(text) if row[0] and not row[0].startswith("**")]
    report_rows = [*rows((SAMPLE / "report.md").read_text()), *rows(report_of(run))]
    assert len(shown) >= fewest
    assert [] == [row for row in shown if row not in [line[: len(row)] for line in report_rows]]


def test_the_samples_page_is_small_enough_to_send():
    assert (SAMPLE / "index.html").stat().st_size < 1_200_000
    assert "<svg xmlns" in (SAMPLE / "picture.svg").read_text()


CODE = re.compile(r"^(?: {4}.*|```.*)$", re.MULTILINE)
SPOKEN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)]+)\)")


def sections(name: str) -> list[str]:
    """Return the sections of a document, without the link to the other language."""
    text = re.sub(r"^\[[^]]*\]\(README[^)]*\)\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    return text.split("\n## ")


def same(section: str) -> dict[str, object]:
    """Return the parts of a section that are the same in every language."""
    plain = re.sub(r"```.*?```", "", section, flags=re.DOTALL).replace(" 至 ", " to ")
    figures = [[cell for cell in row if re.match(r"[\d\u2212]", cell)] for row in rows(plain)]
    return {
        "commands": CODE.findall(section),
        "names": {" ".join(name.split()) for name in SPOKEN.findall(CODE.sub("", plain))},
        "links": sorted(LINK.findall(plain)),
        "points": len(re.findall(r"^- ", plain, re.MULTILINE)),
        "figures": [row for row in figures if row],
    }


@pytest.mark.parametrize("index", range(len(sections("README.md"))))
def test_the_readme_in_chinese_has_the_same_content(index):
    english, chinese = (sections(name) for name in ("README.md", "README.zh-CN.md"))
    assert len(english) == len(chinese)
    assert same(english[index]) == same(chinese[index])
