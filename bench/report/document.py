"""The document: the content of a report, decided once, before it has a form.

The renderers (``html``, ``text``) decide nothing. Every text counts as foreign, for names
and error bodies come from a cluster, and each renderer escapes it for its form.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar

from bench.model.message import Message
from bench.report.charts import Chart
from bench.report.prose import texts


class Depth(IntEnum):
    """The shortest form that shows a part; shorter forms leave it out."""

    TERMINAL = 0
    """Everywhere: terminal, Markdown and page."""
    MARKDOWN = 1
    """On the page and in ``report.md``."""
    PAGE = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its value, its interval, a remark beside it, and its footnotes.

    ``tone`` (good, bad or unsure) colours the value and never says more than the text.
    ``notes`` are (anchor of a section, number of its footnote).
    """

    value: str
    spread: str = ""
    remark: str = ""
    notes: tuple[tuple[str, int], ...] = ()
    tone: str = ""

    @property
    def text(self) -> str:
        """The cell on one line: ``76 [74 to 78]``, ``0 (none failed)``."""
        spread = f" [{self.spread}]" if self.spread else ""
        return f"{self.value}{spread}{f' ({self.remark})' if self.remark else ''}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column. ``prose`` is flush left; ``arm`` is the arm whose colour it has.

    ``short`` labels each value on a narrow screen, which has no header.
    """

    title: str
    prose: bool = False
    arm: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: ``unit`` is that of all its cells; a ``strong`` one answers the question.

    ``key`` is the key of its metric, if it has one.
    """

    title: str
    cells: tuple[Cell, ...]
    unit: str = ""
    strong: bool = False
    depth: Depth = Depth.MARKDOWN
    key: str = ""
    notes: tuple[tuple[str, int], ...] = ()
    code: bool = False
    link: str = ""

    @property
    def heading(self) -> str:
        """The title with its unit."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together, with or without a title."""

    rows: tuple[Row, ...]
    title: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. ``columns`` follow the first column, whose header is ``corner``.

    ``layout`` is that on a narrow screen: "arms" keeps the columns below the row's title,
    "stacked" sets a row's cells below each other, "wide" scrolls.
    """

    kind: ClassVar[str] = "table"
    title: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    caption: str = ""
    corner: str = ""
    layout: str = "wide"
    depth: Depth = Depth.MARKDOWN

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all groups."""
        return tuple(row for group in self.groups for row in group.rows)


def table_of(
    columns: Iterable[Column],
    rows: Iterable[Row],
    corner: str = "",
    caption: str = "",
    layout: str = "wide",
    depth: Depth = Depth.MARKDOWN,
) -> Table:
    """Return a table without a title, whose rows are one group."""
    groups = (Group(tuple(rows)),)
    return Table("", tuple(columns), groups, caption, corner, layout, depth)


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. ``role`` is lead, plain, remark, bad or good; ``term`` precedes it, bold.

    ``link`` is (address, words) and follows the text on the page. ``code`` is a command that
    follows it, ready to be copied.
    """

    kind: ClassVar[str] = "text"
    text: str
    role: str = "plain"
    term: str = ""
    link: tuple[str, str] = ("", "")
    code: str = ""
    depth: Depth = Depth.MARKDOWN

    @property
    def line(self) -> str:
        """The paragraph with its term, as one line."""
        return f"{self.term}: {self.text}" if self.term else self.text


@dataclass(frozen=True, slots=True)
class Texts:
    """A list. ``numbered``: footnotes, whose anchors are ``<anchor>-n<number>``."""

    kind: ClassVar[str] = "texts"
    items: tuple[Text, ...]
    numbered: str = ""
    depth: Depth = Depth.MARKDOWN


@dataclass(frozen=True, slots=True)
class Facts:
    """Terms, each with its facts."""

    kind: ClassVar[str] = "facts"
    items: tuple[tuple[str, tuple[str, ...]], ...]
    depth: Depth = Depth.PAGE


@dataclass(frozen=True, slots=True)
class Charts:
    """Charts that stand side by side where there is room."""

    kind: ClassVar[str] = "charts"
    charts: tuple[Chart, ...]
    depth: Depth = Depth.PAGE


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the calculator."""

    name: str
    label: str
    value: str
    least: str
    range: str
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Calculator:
    """The calculator: its inputs, the arms it prices, and the constants of its script."""

    title: str
    without_script: str
    caption: str
    inputs: tuple[Input, ...]
    arms: tuple[str, ...]
    constants: Mapping[str, Any]


Part = Table | Text | Texts | Facts | Charts


@dataclass(frozen=True, slots=True)
class Section:
    """A section; sections inside it have headings one level down.

    ``folded``: the page shows its title, and the rest on demand; ``short`` names it in the
    contents.
    """

    anchor: str
    title: str
    parts: tuple["Part | Section", ...]
    depth: Depth = Depth.MARKDOWN
    folded: bool = False
    short: str = ""
    kind: ClassVar[str] = "section"

    def leaves(self) -> "Iterator[tuple[Section, Part]]":
        """Yield every part that is not a section, on every level, with its section."""
        for part in self.parts:
            if isinstance(part, Section):
                yield from part.leaves()
            else:
                yield self, part


@dataclass(frozen=True, slots=True)
class Alarm:
    """Reasons of one kind that void the figures; they stand before them."""

    title: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A statement, and its basis in small type: the interval and the rounds."""

    text: str
    detail: str = ""
    tone: str = ""

    @property
    def line(self) -> str:
        """The statement and its basis, as one line."""
        if not self.detail:
            return self.text
        return Message("{text} ({detail})").format(text=self.text, detail=self.detail)


@dataclass(frozen=True, slots=True)
class Lane:
    """One arm in the picture: readers, its server, the API server and etcd, left to right.

    ``arrows`` are (figure, lines that describe it) between neighbours; ``notes`` stand below
    the readers, the server and the control plane. ``cached``: reads end at the server.
    """

    arm: str
    title: str
    arrows: tuple[tuple[str, tuple[str, ...]], ...]
    notes: tuple[tuple[str, ...], ...]
    description: str
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A report. The first screen, which every form shows, then sections by depth."""

    title: str
    headline: Sentence
    alarms: tuple[Alarm, ...] = ()
    quotable: bool = True
    """Whether figures may be quoted: no alarm but that of an incomplete run."""
    kicker: str = ""
    picture: tuple[Lane, ...] = ()
    verdict: Sentence | None = None
    """The answer for the reader's own case: whether an informer pays off there."""
    calculator: Calculator | None = None
    gains: tuple[Sentence, ...] = ()
    costs: tuple[Sentence, ...] = ()
    trust: tuple[Text, ...] = ()
    sections: tuple[Section, ...] = ()
    notes: tuple[Text, ...] = ()
    """The last lines of every form but the page, which has sections for them."""
    footer: str = ""
    files: tuple[tuple[str, str], ...] = ()
    """(address, title) of the files beside the page."""
    glossary: Mapping[str, str] = field(default_factory=dict)
    """Terms and their meanings; the page links the first use of each."""
    arms: tuple[str, ...] = ()
    """All arms, in the order that decides their colours."""
    labels: Mapping[str, str] = field(default_factory=lambda: texts("labels"))
    """Texts that the renderers add themselves."""
    language: str = "en"

    def charts(self) -> tuple[Chart, ...]:
        """Return every chart of the page, in its order."""
        parts = (part for section in self.sections for _, part in section.leaves())
        return tuple(chart for part in parts if isinstance(part, Charts) for chart in part.charts)
