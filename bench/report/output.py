"""Where a document leaves the program: files written whole, the list of reports, the terminal."""

import html
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.analysis.summary_file import NAME, SCHEMA_NAME, schema_json, to_json
from bench.model import RunRecord
from bench.report.charts import Chart
from bench.report.document import Cell, Column, Document, Group, Row, Section, Sentence, Table
from bench.report.html import to_html, to_picture
from bench.report.text import show, to_markdown
from bench.store import Store, StoreError
from bench.store.files import write_file

if TYPE_CHECKING:
    from bench.analysis import RunAnalysis, RunData
    from bench.report.drawing import Drawing

PAGE = "index.html"
PROJECT = "informer-bench: what an informer saves the Kubernetes API server, and what it costs"
NO_REPORT = "No report yet. Make one with make bench."
MARKDOWN, ANSWER, PICTURE = "report.md", "answer.json", "picture.svg"
DATA, CHARTS = "data", "charts"
HEAD_CHARACTERS = 4_000
"""How far into a page its description stands at the most."""
_DESCRIPTION = re.compile(r'<meta name="description" content="([^"]*)">')


def write_report(
    analysis: "RunAnalysis",
    folder: Path,
    data: "RunData | None",
    formats: Collection[str],
) -> tuple[Document, list[Path]]:
    """Write what ``formats`` asks for into ``folder``; return the document and the paths.

    ``index.html``; ``report.md``; ``summary.json`` with its JSON Schema; ``data/*.csv``, and
    ``charts/*.csv`` of the rows that charts are drawn from; ``charts/*.png``. ``data`` is of
    the same run: without it charts of single requests are left out. Each chart is drawn once,
    and none unless a form shows it. Raises ``OSError``.
    """
    # here, because a verdict of the gate is published without any of it
    from bench.report.content import run_document
    from bench.report.data import csv_files, to_answer
    from bench.report.drawing import draw_all

    document = run_document(analysis, data)
    charts, written = document.charts(), list[Path]()
    drawings: Mapping[str, Drawing] = {}
    if {"html", "png"} & set(formats):
        drawings = draw_all(charts, svg="html" in formats, png="png" in formats)
    folder.mkdir(parents=True, exist_ok=True)
    if "html" in formats:
        picture = to_picture(document)
        if picture:
            write_bytes(folder / PICTURE, picture)
        page = replace(document, files=tuple(_files(folder, formats, picture=bool(picture))))
        written.append(_write(folder / PAGE, to_html(page, drawings)))
    if "markdown" in formats:
        written.append(_write(folder / MARKDOWN, to_markdown(document)))
    if "json" in formats:
        written.append(write_bytes(folder / NAME, to_json(analysis)))
        write_bytes(folder / SCHEMA_NAME, schema_json())
        write_bytes(folder / ANSWER, to_answer(document))
    if "csv" in formats:
        written += [
            _write_all(folder / DATA, csv_files(analysis), "*.csv"),
            _write_all(folder / CHARTS, _chart_rows(charts), "*.csv"),
        ]
    if "png" in formats:
        pictures = {f"{name}.png": one.png for name, one in drawings.items()}
        written.append(_write_all(folder / CHARTS, pictures, "*.png"))
    return document, list(dict.fromkeys(written))


def _files(folder: Path, formats: Collection[str], *, picture: bool) -> Iterator[tuple[str, str]]:
    """Return what lies beside the page, as address and words: made with it, or there already."""
    made = {
        "markdown": [(MARKDOWN, MARKDOWN)],
        "json": [(NAME, NAME), (ANSWER, ANSWER)],
        "csv": [(f"{DATA}/", "CSV tables")],
        "png": [(f"{CHARTS}/", "Charts as PNG and CSV")],
    }
    yield from (link for kind, links in made.items() if kind in formats for link in links)
    if picture:
        yield PICTURE, "The picture"
    for kind, words in (("gate", "Verdict of the gate"), ("compare", "Comparison")):
        for path in sorted(folder.glob(f"{kind}-*.html")):
            yield quote(path.name), f"{words}: {path.stem.removeprefix(f'{kind}-')}"
    for address, words in ((f"../{PAGE}", "All reports"), ("../../README.md", "This project")):
        if (folder / address).exists():
            yield address, words


def _chart_rows(charts: Collection[Chart]) -> Mapping[str, str]:
    return {f"{one.name}.csv": one.data.csv() for one in charts if one.data.rows}


def _write_all(folder: Path, files: Mapping[str, str | bytes], pattern: str) -> Path:
    """Write ``files`` into ``folder``, without what an earlier report left there."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob(pattern):
        path.unlink()
    for name, content in files.items():
        write_bytes(folder / name, content if isinstance(content, bytes) else content.encode())
    return folder


def _write(path: Path, text: str) -> Path:
    return write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> Path:
    """Write ``content``; a reader never sees half of it. Raises ``OSError``."""
    partial = path.with_name(f".partial-{path.name}")
    partial.write_bytes(content)
    partial.replace(path)
    return path


def publish(document: Document, folder: Path, name: str) -> tuple[Path, Path]:
    """Write ``name``.md and ``name``.html into ``folder``, and print it. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = (
        _write(folder / f"{name}.md", to_markdown(document)),
        _write(folder / f"{name}.html", to_html(document)),
    )
    show(document)
    return paths


def write_index(store: Store, reports: Path) -> Path:
    """List the reports under ``reports`` whose runs ``store`` still has; return the page's path."""
    entries: list[tuple[str, Row]] = []
    for run in store.runs():
        page = reports / run / PAGE
        if not page.is_file():
            continue
        try:
            record = store.open(run).record
        except StoreError:  # its own page, made before, stays; this list is only a convenience
            record = None
        entries.append((record.started_at if record else "", _entry(run, record, page)))
    rows = tuple(row for _, row in sorted(entries, key=lambda entry: entry[0], reverse=True))
    columns = tuple(Column(title, prose=True) for title in ("started", "plan", "answer"))
    table = Table("", columns, (Group(rows),), corner="run", layout="stacked")
    sections = (Section("reports", "The newest first", (table,)),) if rows else ()
    headline = Sentence("Reports" if rows else NO_REPORT)
    reports.mkdir(parents=True, exist_ok=True)
    listed = Document(PROJECT, headline, sections=sections)
    write_file(reports / PAGE, to_html(listed).encode())
    return reports / PAGE


def _entry(run: str, record: RunRecord | None, page: Path) -> Row:
    """Return one report: the run's name and record, and the answer that its page gives."""
    with page.open(encoding="utf-8", errors="replace") as file:
        found = _DESCRIPTION.search(file.read(HEAD_CHARACTERS))
    answer = Cell(html.unescape(found[1]) if found else "")
    if record is None:
        unread = Cell("", remark="its results can no longer be read", tone="bad")
        return Row(run, (Cell(""), unread, answer), link=f"{run}/{PAGE}")
    plan = record.plan
    state = "" if record.state == "complete" else str(record.state)
    about = f"{', '.join(plan.servers)}; {plan.rounds} rounds; Kubernetes " + (
        record.environment.kubernetes
    )
    cells = (Cell(record.started_at), Cell(plan.name, remark=f"{about} {state}".strip()), answer)
    return Row(run, cells, link=f"{run}/{PAGE}")
