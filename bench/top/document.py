"""Samples as a document for the terminal, and as JSON."""

import msgspec

from bench.report import prose
from bench.report.document import (
    Cell,
    Column,
    Depth,
    Document,
    Group,
    Section,
    Sentence,
    Table,
    Text,
)
from bench.report.document import Row as Line
from bench.report.numbers import MISSING, number, rate, share
from bench.top.sampling import Row, Samples

TEXTS = prose.texts("top")
PROSE = 2
"""Number of columns that hold words."""
SHOWN = 20
"""Rows on a terminal; JSON has all of them."""


def top_document(samples: Samples, servers: int | None) -> Document:
    """Return the document; ``servers`` is the number of API servers, if it is known."""
    rows = samples.rows()
    titles = prose.paragraphs("top_columns")
    columns = tuple(Column(title, prose=index < PROSE) for index, title in enumerate(titles))
    table = Table(
        "",
        columns,
        (Group(tuple(_line(row) for row in rows[:SHOWN])),),
        corner=TEXTS["client"],
        depth=Depth.TERMINAL,
    )
    notes = [
        TEXTS["unseen"].format(unseen=number(samples.unseen), samples=f"{samples.taken:,}"),
        TEXTS["blind"],
        TEXTS["cost"].format(cost=number(samples.quickest_s * 1000)),
    ]
    if servers is not None and servers > 1:
        notes.insert(0, TEXTS["one_of"].format(servers=servers))
    return Document(
        title=TEXTS["title"],
        headline=_headline(rows),
        sections=(Section("top", TEXTS["title"], (table,) if rows else ()),),
        notes=tuple(Text(note, depth=Depth.TERMINAL) for note in notes),
    )


def _headline(rows: list[Row]) -> Sentence:
    if not rows or not rows[0].share:
        return Sentence(TEXTS["idle"])
    first = rows[0]
    return Sentence(
        TEXTS["first"].format(user=first.asked.user, what=_request(first), share=share(first.share))
    )


def _request(row: Row) -> str:
    scope = TEXTS[row.asked.scope] if row.asked.scope else ""
    return f"{row.asked.verb} {row.asked.resource}{f' ({scope})' if scope else ''}"


def _line(row: Row) -> Line:
    cells = (
        Cell(_request(row)),
        Cell(row.asked.level),
        Cell(f"{number(row.executing)} \N{PLUS-MINUS SIGN} {number(row.error)}"),
        Cell(f"{share(row.share)}%"),
        Cell(number(row.seats)),
        Cell(number(row.waiting)),
        Cell(MISSING if row.rate_per_s is None else rate(row.rate_per_s)),
    )
    return Line(row.asked.user, cells, depth=Depth.TERMINAL)


def to_json(samples: Samples, servers: int | None) -> bytes:
    """Return one line of JSON: the number of samples, their bounds, and every row."""
    record = {
        "samples": samples.taken,
        "unseen_below": samples.unseen,
        "quickest_answer_ms": samples.quickest_s * 1000,
        "api_servers": servers,
        "rows": samples.rows(),
    }
    return msgspec.json.encode(record) + b"\n"
