"""Render a run's report, for the verbs that end with one."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from bench.store import Store
from bench.store.files import replaced_folder
from bench.supervision.progress import Progress

if TYPE_CHECKING:
    from bench.analysis.run import RunAnalysis

FORMATS = ("html", "markdown", "json", "csv", "png")
"""What ``--format`` takes; all by default."""


def render_report(
    store: Store,
    run: str,
    reports: Path,
    progress: Progress,
    formats: Collection[str] = FORMATS,
    analysis: "RunAnalysis | None" = None,
) -> None:
    """Write the report of ``run`` in ``formats``, print its summary, and say where it is.

    ``analysis`` is that of the run as it is now, for whoever has it already. A report that
    cannot be written whole is not written: one that was there stays. Raises ``StoreError``.
    """
    # here, because matplotlib takes a second that other commands need not wait for
    from bench.analysis.run import analyse
    from bench.forms.build import summarise_run
    from bench.forms.write import write_forms
    from bench.report import render, terminal_summary, write_index
    from bench.report.chart import KeptRows, keeping_rows
    from bench.report.svg import Kept, keeping

    progress.move("making the report", 0.0)
    reader = store.open(run)
    for path in reader.lost_tables():
        progress.say(f"warning: {path} is missing: figures that rest on it are left out")
    analysis = analysis or analyse(reader)
    folder = reports / reader.record.run
    page = None
    figures: Kept = {}
    rows: KeptRows = {}
    with replaced_folder(folder) as partial:
        if {"html", "csv", "png"} & set(formats):
            with keeping() as figures, keeping_rows() as rows:
                page = render(reader, partial, analysis)
        progress.move("writing its other forms", 0.7)
        written = write_forms(summarise_run(analysis), figures, rows, partial, formats)
    write_index(store, reports)
    progress.settle()
    progress.console.print(terminal_summary(analysis))
    if written:
        named = ", ".join(str(folder / path.relative_to(partial)) for path in written)
        progress.say(f"also: {named}")
    if page is not None:
        progress.say(f"report: {folder / page.relative_to(partial)}")
