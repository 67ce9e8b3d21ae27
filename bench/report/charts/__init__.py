"""Charts as data: words, rows, and how to draw them; one file a kind.

A chart knows nothing of pages or files. ``draw(figure, palette)`` puts it on a figure of
matplotlib, in the colours that it is given; ``drawing`` turns that into SVG and PNG. This
file needs no matplotlib, so that a document without drawings does not either. A chart
without measurements is a sentence that names what is missing.
"""

import base64
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bench.report.charts.palette import Palette

Value = str | int | float | bool | None
"""A field of a CSV; ``None`` is an empty field, never a zero."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Prefixes that a spreadsheet reads as the beginning of a formula."""
MOST_SHOWN = 60
"""Most rows of a chart's table on the page; its CSV has all, of a distribution hundreds."""


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """Return CSV with a header: full precision, lines ended by a line feed.

    An apostrophe quotes a text that a spreadsheet would read as a formula: names come from a
    plan, or from a cluster.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_field(value) for value in row] for row in rows])
    return text.getvalue()


def _field(value: Value) -> Value:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


@dataclass(frozen=True, slots=True)
class Data:
    """The rows behind a chart, in the units that its columns name."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()

    def csv(self) -> str:
        """Return the rows as the content of a CSV file."""
        return csv_text(self.columns, self.rows)

    def link(self) -> str:
        """Return the CSV as a ``data:`` address, so that the page needs no second file."""
        return "data:text/csv;base64," + base64.b64encode(self.csv().encode()).decode("ascii")

    @property
    def step(self) -> int:
        """The page's table shows every ``step``-th row."""
        return max(1, -(-len(self.rows) // MOST_SHOWN))

    @property
    def shown(self) -> tuple[tuple[Value, ...], ...]:
        """The rows of the page's table."""
        return self.rows[:: self.step]


@dataclass(frozen=True, slots=True)
class Head:
    """The words of a chart. ``name`` is unique in the document and fit for a file name.

    ``description`` is the text alternative of the drawing.
    """

    name: str
    title: str
    caption: str
    source: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A position on a drawing, in data coordinates of ``axes``, and its text."""

    axes: "Axes"
    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart; without ``draw`` its caption says why there is nothing to draw.

    ``draw`` returns the marks, whose texts the page shows under the pointer and by the keyboard.
    """

    head: Head
    data: Data = Data()
    size_in: tuple[float, float] = (3.7, 2.6)
    draw: "Callable[[Figure, Palette], Sequence[Mark]] | None" = None

    @property
    def name(self) -> str:
        """Unique in the document, and fit for a file name."""
        return self.head.name
