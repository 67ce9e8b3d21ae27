"""``bench report``: render a run's report again, from its files alone."""

import argparse

from bench.cli.arguments import add_folders, add_language
from bench.cli.exits import OK
from bench.cli.rendering import FORMATS, render_report
from bench.store import Store
from bench.supervision.progress import Progress


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("run", nargs="?", default="latest", help="name, folder, or latest")
    parser.add_argument(
        "--format",
        action="append",
        choices=FORMATS,
        help="a form to write, can be given again: html (the page), markdown (report.md), json "
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
