"""The README's figures are those of the sample, which is the committed reference run's report."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "reports" / "sample"


def rows(text: str) -> list[list[str]]:
    """The rows of all tables of a Markdown text, without escapes."""
    return [
        [re.sub(r"\\(.)", r"\1", cell).strip() for cell in line[1:-1].split(" | ")]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith(("| :--", "|:--"))
    ]


def test_every_row_of_the_answer_stands_in_the_samples_report():
    answer = (ROOT / "README.md").read_text().partition("## The answer")[2].partition("\n## ")[0]
    shown = [row for row in rows(answer) if row[0] and not row[0].startswith("**")]
    held = [row[:4] for row in rows((SAMPLE / "report.md").read_text())]
    assert len(shown) >= 6
    assert [] == [row for row in shown if row not in held]


def test_the_samples_page_is_small_enough_to_send():
    assert (SAMPLE / "index.html").stat().st_size < 1_200_000
    assert "<svg xmlns" in (SAMPLE / "picture.svg").read_text()
