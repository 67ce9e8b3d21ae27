"""Write documents: to whole files, to the list of reports, and to the terminal."""

import html
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.analysis.summary_file import NAME, SCHEMA_NAME, schema_json, to_json
from bench.model import RunRecord
from bench.model.message import Message, listed, message, plural
from bench.report.charts import Chart
from bench.report.document import (
    Cell,
    Column,
    Depth,
    Document,
    Row,
    Section,
    Sentence,
    Text,
    table_of,
)
from bench.report.html import to_html, to_picture
from bench.report.language import ENGLISH, spoken, translation
from bench.report.text import show, to_markdown
from bench.store import Store, StoreError
from bench.store.files import write_file

if TYPE_CHECKING:
    from bench.analysis import RunAnalysis, RunData
    from bench.report.drawing import Drawing

PAGE = "index.html"
PROJECT = message(
    "informer-bench: what an informer saves the Kubernetes API server, and what it costs"
)
NO_FONT = message("No font of this machine has these characters: charts as PNG are in English.")
NO_REPORT = message("No report yet. Make one with make bench.")
MARKDOWN, PICTURE = "report.md", "picture.svg"
ANSWER, TREND = "answer.json", "trend.json"
DATA, CHARTS = "data", "charts"
HEAD_CHARACTERS = 4_000
"""Characters of a page within which its description ends."""
_DESCRIPTION = re.compile(r'<meta name="description" content="([^"]*)">')


def write_report(
    analysis: "RunAnalysis",
    folder: Path,
    data: "RunData | None",
    formats: Collection[str],
    language: str = ENGLISH,
) -> tuple[Document, list[Path]]:
    """Write a report in ``formats`` into ``folder``; return the document and the paths.

    Page, Markdown, answer and drawings are in ``language``; data files are in English, and so are
    pictures if no font has the characters.

    ``index.html``; ``report.md``; ``summary.json`` with its JSON Schema, ``answer.json`` and
    ``trend.json``; ``data/*.csv``, and ``charts/*.csv`` of the rows that charts are drawn from;
    ``charts/*.png``. ``data`` is of the same run: without it charts of single requests are left
    out. Each chart is drawn once, and none unless a form shows it. Raises ``OSError``.
    """
    # imported here: a verdict of the gate is published without them
    from bench.report.content import run_document
    from bench.report.data import csv_files, to_answer, to_trend
    from bench.report.drawing import can_draw, draw_all

    english = run_document(analysis, data)
    beside = tuple(_files(folder, formats, picture=bool(english.picture)))
    document, translate = spoken(replace(english, files=beside), language), translation(language)
    written = list[Path]()
    drawings: Mapping[str, Drawing] = {}
    drawable = can_draw(document.labels["gains"])
    if {"html", "png"} & set(formats):
        png = "png" in formats and drawable
        drawings = draw_all(document, translate, svg="html" in formats, png=png)
    folder.mkdir(parents=True, exist_ok=True)
    if "html" in formats:
        if document.picture:
            write_bytes(folder / PICTURE, to_picture(document))
        written.append(write_bytes(folder / PAGE, to_html(document, drawings).encode()))
    if "markdown" in formats:
        written.append(write_bytes(folder / MARKDOWN, to_markdown(document).encode()))
    if "json" in formats:
        written.append(write_bytes(folder / NAME, to_json(analysis)))
        write_bytes(folder / SCHEMA_NAME, schema_json())
        write_bytes(folder / ANSWER, to_answer(document))
        write_bytes(folder / TREND, to_trend(analysis))
    if "csv" in formats:
        written += [
            _write_all(folder / DATA, csv_files(analysis), "*.csv"),
            _write_all(folder / CHARTS, _chart_rows(document.charts()), "*.csv"),
        ]
    if "png" in formats:
        if not drawable:
            document = replace(
                document, notes=(*document.notes, Text(translate(NO_FONT), depth=Depth.TERMINAL))
            )
            drawings = draw_all(english, svg=False, png=True)
        pictures = {f"{name}.png": drawing.png for name, drawing in drawings.items()}
        written.append(_write_all(folder / CHARTS, pictures, "*.png"))
    return document, list(dict.fromkeys(written))


def _files(folder: Path, formats: Collection[str], *, picture: bool) -> Iterator[tuple[str, str]]:
    """Yield address and title of the files beside the page, made with it or earlier."""
    by_format: Mapping[str, Sequence[tuple[str, str]]] = {
        "markdown": [(MARKDOWN, MARKDOWN)],
        "json": [(NAME, NAME), (ANSWER, ANSWER), (TREND, TREND)],
        "csv": [(f"{DATA}/", message("CSV tables"))],
        "png": [(f"{CHARTS}/", message("Charts as PNG and CSV"))],
    }
    yield from (link for kind, links in by_format.items() if kind in formats for link in links)
    if picture:
        yield PICTURE, message("The picture")
    beside = (
        ("gate", message("Verdict of the gate: {name}")),
        ("compare", message("Comparison: {name}")),
    )
    for kind, title in beside:
        for path in sorted(folder.glob(f"{kind}-*.html")):
            yield quote(path.name), title.format(name=path.stem.removeprefix(f"{kind}-"))
    above = ((f"../{PAGE}", message("All reports")), ("../../README.md", message("This project")))
    yield from ((address, title) for address, title in above if (folder / address).exists())


def _chart_rows(charts: Collection[Chart]) -> Mapping[str, str]:
    return {f"{chart.name}.csv": chart.data.csv() for chart in charts if chart.data.rows}


def _write_all(folder: Path, files: Mapping[str, str | bytes], pattern: str) -> Path:
    """Write ``files`` into ``folder``; remove the earlier files of ``pattern`` there."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob(pattern):
        path.unlink()
    for name, content in files.items():
        write_bytes(folder / name, content if isinstance(content, bytes) else content.encode())
    return folder


def write_bytes(path: Path, content: bytes) -> Path:
    """Write ``content`` such that a reader sees all of it or none. Raises ``OSError``."""
    partial = path.with_name(f".partial-{path.name}")
    partial.write_bytes(content)
    partial.replace(path)
    return path


def publish(document: Document, folder: Path, name: str, language: str) -> tuple[Path, Path]:
    """Write ``name``.md and ``name``.html into ``folder``, and print it. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    document = spoken(document, language)
    paths = (
        write_bytes(folder / f"{name}.md", to_markdown(document).encode()),
        write_bytes(folder / f"{name}.html", to_html(document).encode()),
    )
    show(document)
    return paths


def write_index(store: Store, reports: Path, language: str = ENGLISH) -> Path:
    """List the reports under ``reports`` whose runs ``store`` still has; return the page's path."""
    entries: list[tuple[str, Row]] = []
    for run in store.runs():
        page = reports / run / PAGE
        if not page.is_file():
            continue
        try:
            record = store.open(run).record
        except StoreError:  # its page stays; this list is only a convenience
            record = None
        entries.append((record.started_at if record else "", _entry(run, record, page)))
    rows = (row for _, row in sorted(entries, key=lambda entry: entry[0], reverse=True))
    titles = message("started"), message("plan"), message("answer")
    columns = (Column(title, prose=True) for title in titles)
    table = table_of(columns, rows, message("run"), layout="stacked")
    sections = (Section("reports", message("The newest first"), (table,)),) if entries else ()
    headline = Sentence(message("Reports") if entries else NO_REPORT)
    reports.mkdir(parents=True, exist_ok=True)
    document = spoken(Document(PROJECT, headline, sections=sections), language)
    write_file(reports / PAGE, to_html(document).encode())
    return reports / PAGE


def _entry(run: str, record: RunRecord | None, page: Path) -> Row:
    """Return the row of a report: the run's name and record, and its page's answer."""
    with page.open(encoding="utf-8", errors="replace") as file:
        description = _DESCRIPTION.search(file.read(HEAD_CHARACTERS))
    answer = Cell(html.unescape(description[1]) if description else "")
    if record is None:
        unread = Cell("", remark=message("its results can no longer be read"), tone="bad")
        return Row(run, (Cell(""), unread, answer), link=f"{run}/{PAGE}")
    plan = record.plan
    about = [
        ", ".join(plan.servers),
        plural(plan.rounds, "round", "rounds"),
        f"Kubernetes {record.environment.kubernetes}",
        *([] if record.state == "complete" else [Message(str(record.state))]),
    ]
    cells = (Cell(record.started_at), Cell(plan.name, remark=listed(about, "; ")), answer)
    return Row(run, cells, link=f"{run}/{PAGE}")
