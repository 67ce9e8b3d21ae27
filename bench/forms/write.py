"""All forms of a run's report but the page, into the page's folder."""

from collections.abc import Collection
from pathlib import Path

from bench.forms.files import write_bytes, write_text
from bench.forms.json_file import NAME, SCHEMA_NAME, schema_json, to_json
from bench.forms.overview import sheet_of
from bench.forms.sheet import to_markdown
from bench.forms.summary import RunSummary
from bench.forms.tables import csv_files
from bench.report.chart import KeptRows
from bench.report.svg import Kept

DATA, CHARTS = "data", "charts"


def write_forms(
    summary: RunSummary,
    figures: Kept,
    rows: KeptRows,
    folder: Path,
    formats: Collection[str],
) -> list[Path]:
    """Write what ``formats`` asks for and return the paths; raises ``OSError``.

    ``report.md``, ``summary.json`` with its JSON Schema, ``data/*.csv``, and
    ``charts/*.png`` of ``figures`` with ``charts/*.csv`` of the ``rows`` they were drawn from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    if "markdown" in formats:
        written.append(folder / "report.md")
        write_text(written[-1], to_markdown(sheet_of(summary)))
    if "json" in formats:
        written.append(folder / NAME)
        write_bytes(written[-1], to_json(summary))
        write_bytes(folder / SCHEMA_NAME, schema_json())
    if "csv" in formats:
        written.append(_emptied(folder / DATA, "*.csv"))
        for name, text in csv_files(summary).items():
            write_text(written[-1] / name, text)
        written.append(_emptied(folder / CHARTS, "*.csv"))
        for name, data in rows.items():
            write_text(written[-1] / f"{name}.csv", data.csv())
    if "png" in formats:
        # here, because the other forms need nothing of what it takes to draw
        from bench.forms.png import to_png

        written.append(_emptied(folder / CHARTS, "*.png"))
        for name, (figure, title) in figures.items():
            write_bytes(written[-1] / f"{name}.png", to_png(figure, title))
    return list(dict.fromkeys(written))


def _emptied(folder: Path, pattern: str) -> Path:
    """Return ``folder`` without what an earlier report left in it."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob(pattern):
        path.unlink()
    return folder
