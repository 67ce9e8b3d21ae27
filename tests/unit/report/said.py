"""What a document says, as plain lines: tests read it, and draw nothing."""

from collections.abc import Iterator

from bench.report.document import (
    Charts,
    Document,
    Facts,
    Fold,
    Part,
    Section,
    Table,
    Text,
    Texts,
)


def lines_of(document: Document) -> Iterator[str]:
    """Every text of a document, from top to bottom; a row of a table is one line."""
    yield from (document.title + document.kicker, document.headline.text, document.headline.detail)
    for alarm in document.alarms:
        yield from (alarm.title, *alarm.texts)
    for one in (*document.also, *((document.verdict,) if document.verdict else ())):
        yield f"{one.text} {one.detail}".strip()
    for balance in document.balances:
        yield balance.title
        for side in (balance.gains, balance.costs, balance.same, balance.unclear):
            yield from (f"{one.text} {one.detail}".strip() for one in side)
        yield from balance.unmeasured
    for tile in document.tiles:
        yield from (tile.title, tile.remark, *(" ".join(pair) for pair in tile.factors))
        yield from _table(tile.table)
    yield from (one.line for one in document.trust)
    for section in document.sections:
        yield from _part(section)
    yield from (one.line for one in document.notes)


def text_of(document: Document) -> str:
    """All of it as one text."""
    return "\n".join(lines_of(document))


def _part(part: Part | Section) -> Iterator[str]:
    if isinstance(part, Section | Fold):
        yield part.title if isinstance(part, Section) else part.summary
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


def tables(part: Section) -> list[Table]:
    """The tables of a section, and of those inside it."""
    found = []
    for one in part.parts:
        if isinstance(one, Table):
            found.append(one)
        elif isinstance(one, Section):
            found += tables(one)
        elif isinstance(one, Fold):
            found += [each for each in one.parts if isinstance(each, Table)]
    return found
