"""What a document says, as plain lines: tests read it, and draw nothing."""

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
"""What stays as it is in every language: code, files, commands, and what these runs made up."""


def lines_of(document: Document) -> Iterator[str]:
    """Every text of a document, from top to bottom; a row of a table is one line."""
    yield from (document.title + document.kicker, document.headline.text, document.headline.detail)
    for alarm in document.alarms:
        yield from (alarm.title, *alarm.texts)
    said = [document.verdict] if document.verdict else []
    for one in (*said, *document.gains, *document.costs):
        yield f"{one.text} {one.detail}".strip()
    yield from (one.description for one in document.picture)
    yield from (one.line for one in document.trust)
    for section in document.sections:
        yield from _part(section)
    yield from (one.line for one in document.notes)


def on_terminal(document: Document, width: int = 200) -> str:
    """What a terminal of that width shows."""
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(to_terminal(document))
    return console.export_text()


def as_text(page: str) -> str:
    """What a person reads of a page: without styles and drawings, blanks made one."""
    page = re.sub(r"<(style|svg|script).*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def csv_rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV by the names of their columns."""
    return list(csv.DictReader(io.StringIO(text)))


def text_of(document: Document) -> str:
    """All of it as one text."""
    return "\n".join(lines_of(document))


def _part(part: Part | Section) -> Iterator[str]:
    if isinstance(part, Section):
        yield part.title
        for one in part.parts:
            yield from _part(one)
    elif isinstance(part, Table):
        yield from _table(part)
    elif isinstance(part, Text):
        yield part.line
    elif isinstance(part, Texts):
        yield from (one.line for one in part.items)
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
    """The section of that anchor, at whatever level."""
    found = _find(document.sections, anchor)
    assert found is not None, f"no section {anchor}"
    return found


def _find(parts: tuple[Part | Section, ...], anchor: str) -> Section | None:
    for part in parts:
        if isinstance(part, Section):
            if part.anchor == anchor:
                return part
            if (inner := _find(part.parts, anchor)) is not None:
                return inner
    return None


def row_of(part: Section, key: str) -> tuple[Table, Row]:
    """The row of a metric in a section, and the table that it stands in."""
    return next((table, row) for table in tables(part) for row in table.rows if row.key == key)


def tables(part: Section) -> list[Table]:
    """The tables of a section, and of those inside it."""
    return [one for _, one in part.leaves() if isinstance(one, Table)]


def english_in(document: Document) -> set[str]:
    """English of a document that is said in Chinese, but for where figures come from."""
    kept = tuple(one for one in document.sections if one.anchor != "sources")
    text = text_of(spoken(replace(document, sections=kept), "zh"))
    return set(WORDS.findall(KEPT.sub("", text)))
