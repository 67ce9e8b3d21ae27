"""A sheet: headline, warnings, tables and notes as text, in three forms from one value.

What a table says is decided once; terminal, Markdown and HTML only set it. Every
text is taken to be foreign (names and error bodies come from a cluster) and is
escaped for the form that it goes into.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bench.report.jinja import strict_environment

TONES = {"good": "green", "bad": "bold red", "unsure": "yellow", "": ""}
"""Tone of a word -> terminal style; the page has a class of the same name."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text; ``tone`` (one of ``TONES``) colours it, and never says more than the text."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the first column names the row; ``prose`` columns are set flush left."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    remark: str = ""
    prose: frozenset[int] = frozenset({0})


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is said."""

    title: str
    lead: Cell
    alarms: tuple[str, ...] = ()
    """What voids the figures: it stands before them."""
    grids: tuple[Grid, ...] = ()
    notes: tuple[str, ...] = ()


def to_terminal(sheet: Sheet) -> RenderableType:
    """Return the sheet for a console of rich."""
    parts: list[RenderableType] = [Text(alarm, style="bold red") for alarm in sheet.alarms]
    parts += [_terminal_table(grid) for grid in sheet.grids]
    parts += [Text(note, style="dim") for note in sheet.notes]
    parts.append(Text(sheet.lead.text, style=f"bold {TONES[sheet.lead.tone]}".strip()))
    return Group(*parts)


def _terminal_table(grid: Grid) -> Table:
    table = Table(
        title=escape(grid.title), title_justify="left", caption=escape(grid.remark), box=None
    )
    table.caption_justify = "left"
    for index, heading in enumerate(grid.headings):
        table.add_column(
            escape(heading),
            justify="left" if index in grid.prose else "right",
            overflow="fold",
        )
    for row in grid.rows:
        table.add_row(*(Text(cell.text, style=TONES[cell.tone]) for cell in row))
    return table


def to_markdown(sheet: Sheet) -> str:
    """Return the sheet as GitHub-flavoured Markdown, for a comment, a wiki or a job summary."""
    return "\n".join(_markdown_lines(sheet)) + "\n"


def _markdown_lines(sheet: Sheet) -> Iterator[str]:
    yield f"# {markdown_escape(sheet.title)}"
    yield ""
    yield f"**{markdown_escape(sheet.lead.text)}**"
    for alarm in sheet.alarms:
        yield ""
        yield f"> **{markdown_escape(alarm)}**"
    for grid in sheet.grids:
        yield ""
        if grid.title:
            yield f"## {markdown_escape(grid.title)}"
            yield ""
        yield _markdown_row(grid.headings)
        yield _markdown_row(
            tuple(":--" if i in grid.prose else "--:" for i in range(len(grid.headings))), raw=True
        )
        for row in grid.rows:
            yield _markdown_row(tuple(cell.text for cell in row))
        if grid.remark:
            yield ""
            yield markdown_escape(grid.remark)
    if sheet.notes:
        yield ""
    for note in sheet.notes:
        yield f"- {markdown_escape(note)}"


def _markdown_row(cells: tuple[str, ...], *, raw: bool = False) -> str:
    return f"| {' | '.join(cell if raw else markdown_escape(cell) for cell in cells)} |"


def markdown_escape(text: str) -> str:
    """Return ``text`` such that it reads as itself: no markup, no tag, no mention, one line."""
    text = " ".join(text.split())
    text = re.sub(r"([\\`*_{}\[\]<>|#~])", r"\\\1", text)
    # GitHub takes an at sign before a word for a person, who would then be told.
    return re.sub(r"@(?=\w)", "@\N{ZERO WIDTH SPACE}", text)


def to_html(sheet: Sheet) -> str:
    """Return the sheet as one self-contained page."""
    environment = strict_environment("bench.forms")
    return environment.get_template("sheet.html.j2").render(sheet=sheet)
