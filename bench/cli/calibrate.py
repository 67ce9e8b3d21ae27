"""``bench calibrate``: check that known faults are measured at their size."""

import argparse
import json
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from bench.cli.exits import FAILED, OK
from bench.cli.plans import vocabulary
from bench.selftest import NAMES
from bench.store import Store
from bench.supervision.progress import Progress


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.description = (
        "Measure servers with known faults and check that each is found at its true "
        "size. Exit code 0: all are; 1: one is not."
    )
    parser.add_argument(
        "checks",
        nargs="*",
        type=_name,
        metavar="CHECK",
        help=f"only these, of: {', '.join(NAMES)} (left out: all, about 25 minutes)",
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results/calibration"),
        help="folder of the runs and of the findings (%(default)s/)",
    )
    parser.set_defaults(command=_calibrate)


def _name(text: str) -> str:
    if text not in NAMES:
        raise argparse.ArgumentTypeError(
            f"there is no check {text!r}; there are {', '.join(NAMES)}"
        )
    return text


def _calibrate(options: argparse.Namespace, progress: Progress) -> int:
    # here, because pandas takes a second that other commands need not wait for
    from bench.selftest.calibrate import calibrate, predicted_minutes
    from bench.store.files import write_file

    names = [name for name in NAMES if name in options.checks or not options.checks]
    words = vocabulary()
    progress.say(f"Calibration: {', '.join(names)}; about {predicted_minutes(names, words)} min")
    result = calibrate(names, words, store=Store(options.results), progress=progress)
    stem = options.results / f"calibration-{result.runs[0].partition('-')[0]}"
    write_file(stem.with_suffix(".json"), json.dumps(result.as_json(), indent=2).encode() + b"\n")
    write_file(stem.with_suffix(".md"), result.as_markdown().encode())
    progress.settle()
    table = Table("check", "put in", "found", "tolerance", "verdict")
    for finding in result.findings:
        cells = (finding.check, finding.put_in, finding.found, finding.tolerance, finding.verdict)
        table.add_row(*map(escape, cells))
    progress.console.print(table)
    if result.remark:
        progress.say(result.remark)
    verdict = "everything was found" if result.passed else "NOT everything was found"
    progress.say(f"{verdict}: {stem.with_suffix('.md')}")
    return OK if result.passed else FAILED
