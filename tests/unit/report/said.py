"""A document's text as plain lines, for tests that read it and draw nothing."""

import csv
import html
import io
import re
from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console

from bench.report.document import (
    Charts,
    Document,
    Facts,
    Part,
    Row,
    Section,
    Table,
    Text,
    Texts,
)
from bench.report.language import spoken
from bench.report.text import to_terminal

WORDS = re.compile(r"[A-Za-z][a-z'-]+ [a-z][a-z'-]+")
KEPT = re.compile(
    r"`[^`]*`|\S*[./_]\S*|make bench|built from pinned modules|etcd runs without fsync|a processor|"
    "Bell and McCaffrey|(?:list|get|watch) pods|one scenario|the server died|"
    "malformed messages came"
)
"""Text that is the same in every language: code, files, commands, and words of the made-up runs."""


def lines_of(document: Document) -> Iterator[str]:
    """Yield every text of a document, from top to bottom; a row of a table is one line."""
    yield from (document.title + document.kicker, document.headline.text, document.headline.detail)
    for alarm in document.alarms:
        yield from (alarm.title, *alarm.texts)
    verdict = [document.verdict] if document.verdict else []
    for sentence in (*verdict, *document.gains, *document.costs):
        yield f"{sentence.text} {sentence.detail}".strip()
    yield from (lane.description for lane in document.picture)
    yield from (text.line for text in document.trust)
    for section in document.sections:
        yield from _part(section)
    yield from (text.line for text in document.notes)


def on_terminal(document: Document, width: int = 200) -> str:
    """Return the output on a terminal of that width."""
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(to_terminal(document))
    return console.export_text()


def as_text(page: str) -> str:
    """Return a page's readable text: without styles and drawings, each run of blanks as one."""
    page = re.sub(r"<(style|svg|script).*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def csv_rows(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV by the names of their columns."""
    return list(csv.DictReader(io.StringIO(text)))


def text_of(document: Document) -> str:
    """Return all lines of a document as one text."""
    return "\n".join(lines_of(document))


def _part(part: Part | Section) -> Iterator[str]:
    if isinstance(part, Section):
        yield part.title
        for inner in part.parts:
            yield from _part(inner)
    elif isinstance(part, Table):
        yield from _table(part)
    elif isinstance(part, Text):
        yield part.line
    elif isinstance(part, Texts):
        yield from (text.line for text in part.items)
    elif isinstance(part, Facts):
        yield from (f"{term}: {'; '.join(known)}" for term, known in part.items)
    elif isinstance(part, Charts):
        for chart in part.charts:
            yield from (chart.head.title, chart.head.caption, chart.head.description)


def _table(table: Table) -> Iterator[str]:
    yield " | ".join([table.title, table.corner, *(column.title for column in table.columns)])
    for group in table.groups:
        yield from (group.title, group.remark)
        for row in group.rows:
            yield " | ".join([row.heading, *(cell.text for cell in row.cells)])
    yield table.caption


def section(document: Document, anchor: str) -> Section:
    """Return the section with that anchor, at any level."""
    match = _find(document.sections, anchor)
    assert match is not None, f"no section {anchor}"
    return match


def _find(parts: tuple[Part | Section, ...], anchor: str) -> Section | None:
    for part in parts:
        if isinstance(part, Section):
            if part.anchor == anchor:
                return part
            if (inner := _find(part.parts, anchor)) is not None:
                return inner
    return None


def row_of(part: Section, key: str) -> tuple[Table, Row]:
    """Return the table that has the row of a metric in a section, and the row."""
    return next((table, row) for table in tables(part) for row in table.rows if row.key == key)


def tables(part: Section) -> list[Table]:
    """Return the tables of a section and of its inner sections."""
    return [leaf for _, leaf in part.leaves() if isinstance(leaf, Table)]


def english_in(document: Document) -> set[str]:
    """Return the English left in a document's Chinese version, without its section on sources."""
    sections = tuple(part for part in document.sections if part.anchor != "sources")
    text = text_of(spoken(replace(document, sections=sections), "zh"))
    return set(WORDS.findall(KEPT.sub("", text)))
