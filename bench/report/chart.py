"""A chart as the page takes it: a drawing, its words, and the rows it was drawn from."""

import base64
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

Value = str | int | float | None
"""What a row holds; ``None`` is an empty field, never a zero."""


@dataclass(frozen=True, slots=True)
class Data:
    """The rows behind a chart, in the units that its columns name."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def csv(self) -> str:
        """Return the rows as CSV with a header, full precision, lines ended by a line feed.

        A text that a spreadsheet would take for a formula is quoted by an apostrophe:
        names come from a plan, or from a cluster.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([[_harmless(value) for value in row] for row in self.rows])
        return text.getvalue()

    def link(self) -> str:
        """Return the CSV as a ``data:`` address, so that the page needs no second file."""
        return "data:text/csv;base64," + base64.b64encode(self.csv().encode()).decode("ascii")


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: its svg, a caption, where its data come from; or, without svg, what is missing.

    ``name`` is unique on the page and fit for a file name.
    """

    title: str
    caption: str
    source: str
    svg: str | None
    name: str = ""
    data: Data | None = None

    def __post_init__(self) -> None:
        """Let whoever keeps the rows meanwhile have these."""
        kept = _KEPT.get()
        if kept is not None and self.name and self.data is not None:
            kept[self.name] = self.data

    @property
    def shown(self) -> Sequence[Sequence[Value]]:
        """The rows as a table can show them: a distribution is thinned, its CSV is not."""
        return self.data.rows[:: self.step] if self.data else ()

    @property
    def step(self) -> int:
        """Of how many rows the page's table shows one."""
        return max(1, -(-len(self.data.rows) // MOST_SHOWN)) if self.data else 1


MOST_SHOWN = 60
"""Rows of a chart's table on the page: a distribution has hundreds, and its CSV has them all."""


def _harmless(value: Value) -> Value:
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value


KeptRows = dict[str, Data]
"""The rows of charts, by the charts' names."""

_KEPT: ContextVar[KeptRows | None] = ContextVar("kept_rows", default=None)


@contextmanager
def keeping_rows() -> Iterator[KeptRows]:
    """Also keep the rows of every chart that is made meanwhile, for files beside the page."""
    kept: KeptRows = {}
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)
