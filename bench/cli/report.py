"""``bench report``: render a run's report from its files alone; other verbs use it too."""

import argparse
from collections.abc import Collection
from pathlib import Path

from bench.cli.arguments import add_folders, add_language
from bench.cli.exits import OK
from bench.store import Store
from bench.store.files import replaced_folder
from bench.supervision.progress import Progress

FORMATS = ("html", "markdown", "json", "csv", "png")
"""Values of ``--format``; all by default."""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("run", nargs="?", default="latest", help="name, folder, or latest")
    parser.add_argument(
        "--format",
        action="append",
        choices=FORMATS,
        help="a format to write (repeatable): html (the page), markdown (report.md), json "
        "(summary.json), csv (data/ and the rows of charts/), png (charts/); left out: all",
    )
    add_folders(parser)
    add_language(parser)
    parser.set_defaults(command=_report)


def _report(options: argparse.Namespace, progress: Progress) -> int:
    formats = options.format or FORMATS
    store, language = Store(options.results), options.lang
    render_report(store, options.run, options.reports, progress, formats, language=language)
    return OK


def render_report(
    store: Store,
    run: str,
    reports: Path,
    progress: Progress,
    formats: Collection[str] = FORMATS,
    *,
    language: str,
) -> None:
    """Write the report of ``run`` in ``formats``; print its summary and its path.

    A report that cannot be written whole leaves an earlier one unchanged. Raises
    ``StoreError``.
    """
    # here, because matplotlib takes a second that other commands need not wait for
    from bench.analysis import analyse, read_run
    from bench.report.output import PAGE, write_index, write_report
    from bench.report.text import to_terminal

    progress.move("making the report", 0.0)
    data = read_run(store.open(run))
    folder = reports / data.record.run
    with replaced_folder(folder) as partial:
        document, paths = write_report(analyse(data), partial, data, formats, language)
    written = [folder / path.relative_to(partial) for path in paths]
    write_index(store, reports, language)
    progress.settle()
    progress.console.print(to_terminal(document))
    page = folder / PAGE
    if also := [str(path) for path in written if path != page]:
        progress.say(f"also: {', '.join(also)}")
    if page in written:
        progress.say(f"report: {page}")
