"""A document as Markdown, for a comment or a wiki, and for a terminal.

Both have the page's first sentences, then the tables. Names and error bodies come from a cluster:
markup in them is escaped, and control characters reach no terminal.
"""

import re
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text as Words

from bench.report.document import (
    Depth,
    Document,
    Part,
    Row,
    Section,
    Sentence,
    Table,
    Text,
    Texts,
)

TONES = {"good": "green", "bad": "bold red", "unsure": "yellow", "": ""}
"""Tone of a word -> terminal style; the page has a class of the same name."""
LOG_WIDTH = 160
"""Columns of a log, which has no width: nobody reads a table squeezed into 80."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def to_markdown(document: Document) -> str:
    """Return the document as GitHub-flavoured Markdown."""
    return "\n".join(_markdown_lines(document)) + "\n"


def _markdown_lines(document: Document) -> Iterator[str]:
    yield f"# {markdown_escape(document.title)}"
    for alarm in document.alarms:
        for text in alarm.texts:
            yield from ("", f"> **{markdown_escape(f'{alarm.title}: {text}')}**")
    yield from ("", _markdown_sentence(document.headline, strong=True))
    for name, sentences in _summary(document):
        yield from ("", *([f"{name}:", ""] if name else []))
        bullet = "- " if name else ""
        yield from (f"{bullet}{_markdown_sentence(sentence)}" for sentence in sentences)
    if document.trust:
        yield ""
    yield from (f"- {markdown_escape(item.line)}" for item in document.trust)
    for section in document.sections:
        if section.depth <= Depth.MARKDOWN:
            yield from _markdown_section(section, 2)
    if document.notes:
        yield ""
    for note in document.notes:
        yield f"- {markdown_escape(note.line)}"


def _summary(document: Document) -> Iterator[tuple[str, tuple[Sentence, ...]]]:
    """Yield the lists after the first sentence, each with its name."""
    if document.verdict:
        yield "", (document.verdict,)
    for key, sentences in (("gains", document.gains), ("costs", document.costs)):
        if sentences:
            yield document.labels[key], sentences


def _markdown_sentence(sentence: Sentence, *, strong: bool = False) -> str:
    text = markdown_escape(sentence.text)
    detail = f" ({markdown_escape(sentence.detail)})" if sentence.detail else ""
    return f"**{text}**{detail}" if strong else f"{text}{detail}"


def _markdown_section(section: Section, level: int) -> Iterator[str]:
    yield from ("", f"{'#' * level} {markdown_escape(section.title)}")
    for part in section.parts:
        if part.depth > Depth.MARKDOWN:
            continue
        if isinstance(part, Section):
            yield from _markdown_section(part, level + 1)
        else:
            yield from _markdown_part(part)


def _markdown_part(part: Part) -> Iterator[str]:
    if isinstance(part, Table):
        yield from ("", *_markdown_table(part))
    elif isinstance(part, Text):
        yield from ("", markdown_escape(part.line), *_code_block(part))
    elif isinstance(part, Texts):
        yield ""
        for item in part.items:
            yield f"- {markdown_escape(item.line)}"
            yield from (f"  {line}".rstrip() for line in _code_block(item))


def _code_block(text: Text) -> tuple[str, ...]:
    return ("", "```sh", _CONTROL.sub("?", text.code), "```") if text.code else ()


def _markdown_table(table: Table) -> Iterator[str]:
    if table.title:
        yield from (f"**{markdown_escape(table.title)}**", "")
    columns = table.columns
    yield _markdown_row([table.corner, *(column.title for column in columns)])
    yield f"| :-- |{'|'.join(' :-- ' if column.prose else ' --: ' for column in columns)}|"
    for group in table.groups:
        rows = _rows(group.rows, Depth.MARKDOWN)
        if rows and group.title:
            yield _markdown_row([group.title, *("" for _ in columns)])
        for row in rows:
            yield _markdown_row([row.heading, *(cell.text for cell in row.cells)])
    if table.caption:
        yield from ("", markdown_escape(table.caption))


def _rows(rows: Sequence[Row], depth: Depth) -> list[Row]:
    return [row for row in rows if row.depth <= depth]


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(markdown_escape(cell) for cell in cells)} |"


def markdown_escape(text: str) -> str:
    """Return ``text`` escaped to a literal line: no markup, no tag, no mention."""
    text = _CONTROL.sub("?", " ".join(text.split()))
    text = re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", text)
    # GitHub reads an at sign before a word as a person, and notifies that person.
    return re.sub(r"@(?=\w)", "@\N{ZERO WIDTH SPACE}", text)


def _line(text: str, style: str = "") -> Words:
    return Words(_CONTROL.sub("?", text), style)


def to_terminal(document: Document) -> RenderableType:
    """Return the document for a console of rich: tables first, the answer last, by the prompt."""
    parts: list[RenderableType] = [
        _line(f"{alarm.title}: {text}", style="bold red")
        for alarm in document.alarms
        for text in alarm.texts
    ]
    for section in document.sections:
        parts += _terminal_section(section)
    parts += [_line(note.line, style="dim") for note in document.notes if not note.depth]
    parts += [_line(f"{item.line}", style="dim") for item in document.trust]
    for name, sentences in reversed([*_summary(document)]):
        parts += [_line(name, style="bold")] if name else []
        indent = "  " if name else ""
        parts += [_line(indent + line.line, style=TONES[line.tone]) for line in sentences]
    style = f"bold {TONES[document.headline.tone]}".strip()
    parts.append(_line(document.headline.line, style=style))
    return Group(*parts)


def to_lines(document: Document) -> list[str]:
    """Return the tables and the answer as plain lines, for a log or a narrow screen."""
    lines = [f"{alarm.title}: {text}" for alarm in document.alarms for text in alarm.texts]
    for section in document.sections:
        lines.append(section.title)
        for table in (part for part in section.parts if isinstance(part, Table)):
            for row in _rows(table.rows, Depth.TERMINAL):
                pairs = zip(table.columns, row.cells, strict=True)
                figures = "; ".join(f"{column.title} {cell.text}" for column, cell in pairs)
                lines.append(f"  {row.heading}: {figures}")
    return [_CONTROL.sub("?", line) for line in (*lines, document.headline.line)]


def _terminal_section(section: Section) -> Iterator[RenderableType]:
    for parent, part in section.leaves():
        if part.depth > Depth.TERMINAL:
            continue
        if isinstance(part, Table):
            yield _terminal_table(part, parent.title)
        elif isinstance(part, Text):
            yield _line(f"{part.line} {part.code}".rstrip())
        elif isinstance(part, Texts):
            yield from (_line(f"- {item.line} {item.code}".rstrip()) for item in part.items)


def _terminal_table(table: Table, title: str) -> Grid:
    grid = Grid(title=escape(table.title or title), title_justify="left", box=None)
    grid.add_column(escape(table.corner))
    for column in table.columns:
        justify = "left" if column.prose else "right"
        grid.add_column(escape(column.title), justify=justify, overflow="fold")  # type: ignore[arg-type]  # one of rich's words
    for row in _rows(table.rows, Depth.TERMINAL):
        cells = (
            _line(cell.text if column.prose else cell.value, style=TONES[cell.tone])
            for column, cell in zip(table.columns, row.cells, strict=True)
        )
        grid.add_row(_line(row.heading), *cells)
    return grid


def show(document: Document) -> None:
    """Print the document to standard output."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = LOG_WIDTH
    console.print(to_terminal(document))
