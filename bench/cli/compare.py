"""``bench compare``: two runs side by side, with intervals."""

import argparse

from bench.cli.arguments import add_folders, add_language
from bench.cli.exits import OK, USAGE
from bench.store import Store, StoreError
from bench.supervision.progress import Progress

EPILOG = """\
Compares the second run with the first. Differences of their machines come first, then the
figures that differ (--all: the others too). What cannot be compared is listed (another question,
an arm or metric that one run lacks).
It makes no judgement: for a decision set rules beforehand, see python -m bench gate.

It writes compare-<first>.md and .html beside the second run's report.
"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("first", help="name, folder, latest, or a summary.json")
    parser.add_argument("second", help="likewise")
    parser.add_argument(
        "--all", action="store_true", help="also print the figures that show no difference"
    )
    add_folders(parser)
    add_language(parser)
    parser.set_defaults(command=_compare)


def _compare(options: argparse.Namespace, progress: Progress) -> int:
    # here, because pandas takes a moment that other commands need not wait for
    from bench.analysis.summary_file import SummaryError, load_summary
    from bench.gate.documents import comparison_document
    from bench.report.output import publish

    store = Store(options.results)
    try:
        first, second = (load_summary(store, run) for run in (options.first, options.second))
    except (StoreError, SummaryError) as error:
        progress.say(f"error: {error}")
        return USAGE
    document = comparison_document(first, second, every=options.all)
    folder = options.reports / second.run
    written = publish(document, folder, f"compare-{first.run}", options.lang)
    progress.say(f"comparison: {', '.join(str(path) for path in written)}")
    return OK
